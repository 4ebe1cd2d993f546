// Package fft holds discrete Fourier transforms of any length, in one and two
// dimensions, of complex and of real data, and circular filters made of them.
//
//	X[k] = Σ_j x[j] e^(-2πi jk/n)          Forward, unnormalised
//	x[j] = 1/n Σ_k X[k] e^(2πi jk/n)       Inverse
//
// The spectrum of real data is its half k = 0..n/2 along the last axis; the rest is
// X[n-k] = conj X[k]. Images are stored row by row.
//
// Plans come from a cache, hold only tables and may be used by many goroutines at once;
// work space is pooled, so that a warm transform allocates nothing. Two-dimensional
// transforms run in parallel; each row and each column is transformed by the same
// operations whichever worker has it, so the bits do not depend on their number.
//
// The passes (simd.FFTPass) are Stockham's autosorting form of the mixed-radix algorithm
// (Cochran et al., What is the fast Fourier transform?, Proc. IEEE 55, 1967) with radices 8,
// 4, 2, 3, 5 and small primes, on eight sequences side by side: columns as they lie, rows
// through 8×8 transposes, and two real sequences as the parts of a complex one. Lengths
// with larger prime factors go through Bluestein's chirp convolution (Bluestein, IEEE Trans.
// Audio Electroacoust. 18, 1970).
package fft
