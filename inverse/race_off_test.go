//go:build !race

package inverse

const raceEnabled = false
