package simd

// NarrowCols is the greatest number of columns of GemmNarrow.
const NarrowCols = 4

// GemmNarrow computes rows of a matrix product of up to NarrowCols columns,
//
//	c[i·ldc + j] = α Σ_{l<k} a[i·ars + l·acs] b[l·brs + j·bcs] + β c[i·ldc + j]
//
// where either the rows of A lie side by side, ars = 1, or terms do, acs = brs = 1. With β = 0 it
// does not read c. Each element is summed in an order that depends on the case and k alone: with
// ars = 1 that of l, else a chain for each lane of a vector, the chains added at the end. Roundings
// and subnormal numbers are those of GemmTile.
func GemmNarrow[T Float](c []T, ldc int, a []T, ars, acs int, b []T, brs, bcs, k, rows, cols int, alpha, beta T) {
	if rows < 1 || cols < 1 || cols > NarrowCols || min(ldc, ars, acs, brs, bcs, k) < 0 || ars != 1 && (acs != 1 || brs != 1) ||
		(rows-1)*ldc+cols > len(c) || k > 0 && ((rows-1)*ars+(k-1)*acs >= len(a) || (k-1)*brs+(cols-1)*bcs >= len(b)) {
		panic("simd: a narrow product beyond its matrices")
	}
	switch {
	case level == Generic || k == 0:
		gemmNarrow(c, ldc, a, ars, acs, b, brs, bcs, k, rows, cols, alpha, beta)
	case ars == 1:
		narrowStrips(c, ldc, a, acs, b, brs, bcs, k, rows, cols, alpha, beta)
	default:
		narrowDots(c, ldc, a, ars, b, bcs, k, rows, cols, alpha, beta)
	}
}

// narrowSums is the room for the sums of a call in assembly: four columns of four vectors.
const narrowSums = 256

// narrowStrips takes as many rows at a time as registers hold.
func narrowStrips[T Float](c []T, ldc int, a []T, acs int, b []T, brs, bcs, k, rows, cols int, alpha, beta T) {
	var sums [narrowSums]T
	_, size := TileShape[T]() // two vectors
	if level == AVX512 {
		size *= 2
	}
	for lo := 0; lo < rows; lo += size {
		n := min(size, rows-lo)
		strip(&sums[0], &a[lo], acs, &b[0], brs, bcs, k, n, cols)
		for j := range cols {
			scaled(c[lo*ldc+j:], ldc, sums[j*size:][:n], alpha, beta)
		}
	}
}

// narrowDots takes four rows at a time, the last few one by one in a group of its copies.
func narrowDots[T Float](c []T, ldc int, a []T, ars int, b []T, bcs, k, rows, cols int, alpha, beta T) {
	var sums [narrowSums]T
	width := NarrowCols
	if level == AVX2 {
		width = 2 // what registers hold
	}
	for j0 := 0; j0 < cols; j0 += width {
		n := min(width, cols-j0)
		for lo := 0; lo < rows; {
			groups, step, each := min((rows-lo)/4, narrowSums/4/NarrowCols), ars, 4
			if groups == 0 {
				groups, step, each = 1, 0, 1
			}
			dots(&sums[0], &a[lo*ars], step, &b[j0*bcs], bcs, k, groups, n)
			for g := range groups {
				for j := range n {
					scaled(c[lo*ldc+j0+j:], ldc, sums[4*(g*n+j):][:each], alpha, beta)
				}
				lo += each
			}
		}
	}
}

// scaled writes a column of C.
func scaled[T Float](c []T, ldc int, sums []T, alpha, beta T) {
	if beta == 0 {
		for i, s := range sums {
			c[i*ldc] = alpha * s
		}
		return
	}
	for i, s := range sums {
		c[i*ldc] = alpha*s + beta*c[i*ldc]
	}
}

func dots[T Float](sums, a *T, ars int, b *T, ldb, k, groups, cols int) {
	switch sums := any(sums).(type) {
	case *float32:
		a, b := any(a).(*float32), any(b).(*float32)
		if level == AVX512 {
			dots32AVX512(sums, a, ars, b, ldb, k, groups, cols)
		} else {
			dots32AVX2(sums, a, ars, b, ldb, k, groups, cols)
		}
	case *float64:
		a, b := any(a).(*float64), any(b).(*float64)
		if level == AVX512 {
			dots64AVX512(sums, a, ars, b, ldb, k, groups, cols)
		} else {
			dots64AVX2(sums, a, ars, b, ldb, k, groups, cols)
		}
	}
}

func strip[T Float](sums, a *T, acs int, b *T, brs, bcs, k, rows, cols int) {
	switch sums := any(sums).(type) {
	case *float32:
		a, b := any(a).(*float32), any(b).(*float32)
		if level == AVX512 {
			strip32AVX512(sums, a, acs, b, brs, bcs, k, rows, cols)
		} else {
			strip32AVX2(sums, a, acs, b, brs, bcs, k, rows, cols)
		}
	case *float64:
		a, b := any(a).(*float64), any(b).(*float64)
		if level == AVX512 {
			strip64AVX512(sums, a, acs, b, brs, bcs, k, rows, cols)
		} else {
			strip64AVX2(sums, a, acs, b, brs, bcs, k, rows, cols)
		}
	}
}

// gemmNarrow has four chains of terms in turn.
func gemmNarrow[T Float](c []T, ldc int, a []T, ars, acs int, b []T, brs, bcs, k, rows, cols int, alpha, beta T) {
	for i := range rows {
		for j := range cols {
			var s0, s1, s2, s3 T
			p, q := i*ars, j*bcs
			l := 0
			for ; l+4 <= k; l += 4 {
				s0 += a[p] * b[q]
				s1 += a[p+acs] * b[q+brs]
				s2 += a[p+2*acs] * b[q+2*brs]
				s3 += a[p+3*acs] * b[q+3*brs]
				p, q = p+4*acs, q+4*brs
			}
			for ; l < k; l++ {
				s0 += a[p] * b[q]
				p, q = p+acs, q+brs
			}
			sum := [1]T{(s0 + s1) + (s2 + s3)}
			scaled(c[i*ldc+j:], ldc, sum[:], alpha, beta)
		}
	}
}
