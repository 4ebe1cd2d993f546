// Package special holds the special functions that the exact densities need and
// that neither package math nor gonum has: modified Bessel functions of real order
// without overflow, and moments of the truncated normal distribution without
// cancellation.
package special

//go:generate go run gen_bessel.go
