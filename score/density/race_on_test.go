//go:build race

package density

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
