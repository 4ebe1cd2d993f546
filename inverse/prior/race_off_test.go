//go:build !race

package prior

const raceEnabled = false
