//go:build race

package score

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
