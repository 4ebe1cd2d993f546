//go:build race

package prior

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
