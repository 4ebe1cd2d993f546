//go:build race

package tweedie

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
