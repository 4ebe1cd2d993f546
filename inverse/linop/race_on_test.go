//go:build race

package linop

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
