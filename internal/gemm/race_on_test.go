//go:build race

package gemm

// raceEnabled: the race detector empties pools and allocates, so allocation counts mean nothing.
const raceEnabled = true
