//go:build race

package pfgm_test

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
