//go:build !race

package linop

const raceEnabled = false
