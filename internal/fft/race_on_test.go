//go:build race

package fft

// raceEnabled: the race detector empties pools and allocates, so allocation counts mean nothing.
const raceEnabled = true
