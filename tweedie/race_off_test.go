//go:build !race

package tweedie

const raceEnabled = false
