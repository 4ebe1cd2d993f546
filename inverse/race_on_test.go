//go:build race

package inverse

// raceEnabled: the race detector allocates, so allocation counts mean nothing.
const raceEnabled = true
