//go:build !race

package pfgm_test

// raceEnabled: see race_on_test.go.
const raceEnabled = false
