//go:build !race

package interpolant_test

const raceEnabled = false
