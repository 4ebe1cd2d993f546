package simd

import "math"

//go:generate go run -C gen ./radon -out ../radon_amd64.s -stubs ../radon_amd64.go -pkg simd

// Fixed-point positions have FixedBits binary places and are not negative. Both forms of the
// functions below round alike, so that a ray does not depend on those beside it.
const (
	FixedBits = 40
	fixedUnit = 1.0 / (1 << FixedBits)
	fixedMask = 1<<FixedBits - 1
	// fixedSpan is how far apart 8 positions may be for AVX-512 to read them from 17 numbers,
	// with two permutations in place of two gathers. Those of AVX2 are no faster than Go.
	fixedSpan = 14 << FixedBits
	// FixedPad is the number of readable ones beyond the last position.
	FixedPad = 18
)

// FixedRow adds x, interpolated linearly, at pos + m next:
//
//	dst[m] += (1-f) x[i] + f x[i+1],   i + f = (pos + m next)/2⁴⁰
//
// x must have FixedPad numbers from the last i on.
func FixedRow(dst, x []float64, pos, next int64) {
	n := len(dst)
	if n == 0 {
		return
	}
	last := pos + int64(n-1)*next
	_ = x[max(pos, last)>>FixedBits+FixedPad-1]
	_ = x[min(pos, last)>>FixedBits]
	if level == AVX512 && max(next, -next) <= fixedSpan/7 && (next >= 0 || n%8 == 0 || min(pos, last) > -8*next) {
		fixedRowAVX512(&dst[0], &x[0], pos, next, n)
		return
	}
	for m := range dst {
		i := pos >> FixedBits
		a, b := x[i], x[i+1]
		dst[m] += math.FMA(float64(pos&fixedMask)*fixedUnit, b-a, a)
		pos += next
	}
}

// FixedSums sums x, interpolated likewise, along rays that move from line to line of an
// image:
//
//	dst[j] = Σ_l x(centre_j + d half_j + l (2 half_j + stride 2⁴⁰)),   l < lines
//
// FixedPad numbers of x must follow each position. Whether neighbours are close says
// FixedClose.
func FixedSums(dst, x []float64, centre, half []int64, d, stride int64, lines int, close bool) {
	n := len(dst)
	centre, half = centre[:n], half[:n]
	if n == 0 || lines == 0 {
		clear(dst)
		return
	}
	if level == AVX512 && close {
		for _, j := range [2]int{0, n - 1} {
			pos := centre[j] + d*half[j]
			end := pos + int64(lines-1)*(2*half[j]+stride<<FixedBits)
			_ = x[max(pos, end)>>FixedBits+FixedPad-1]
			_ = x[min(pos, end)>>FixedBits]
		}
		fixedSumsAVX512(&dst[0], &x[0], &centre[0], &half[0], d, stride, lines, n)
		return
	}
	for j := range dst {
		pos := uint64(centre[j] + d*half[j])
		next := uint64(2*half[j] + stride<<FixedBits)
		var s0, s1 float64
		for range lines {
			i := pos >> FixedBits
			a, b := x[i], x[i+1]
			s0 += a
			s1 = math.FMA(float64(int64(pos&fixedMask)), b-a, s1)
			pos += next
		}
		dst[j] = math.FMA(fixedUnit, s1, s0)
	}
}

// FixedClose says whether rays lie in order and any 8 neighbours so close that the fast form
// of FixedSums serves, for d from -far to far.
func FixedClose(centre, half []int64, far int64) bool {
	for j := range centre {
		for _, d := range [2]int64{-far, far} {
			at := func(j int) int64 { return centre[j] + d*half[j] }
			if j > 0 && at(j) < at(j-1) || at(j)-at(max(j-7, 0)) > fixedSpan {
				return false
			}
		}
	}
	return true
}
