package simd

//go:generate go run -C gen ./gemm -out ../gemm_amd64.s -stubs ../gemm_amd64.go -pkg simd

// Float is float32 or float64.
type Float interface{ float32 | float64 }

// TileShape returns the greatest number of rows and columns of GemmTile. The number of
// columns divides by that of a vector of 256 bits.
func TileShape[T Float]() (rows, cols int) {
	half := 1
	if _, ok := any(T(0)).(float64); ok {
		half = 2
	}
	if level == AVX512 {
		return 14, 32 / half
	}
	return 6, 16 / half
}

// GemmTile computes a tile of a matrix product,
//
//	c[i·ldc + j] = α Σ_{l<k} a[i·ars + l·acs] b[l·ldb + j] + β c[i·ldc + j]
//
// for i < rows and j < cols. With β = 0 it does not read c. Of b it reads whole rows of
// TileShape's columns, of half as many if cols is at most that, whatever lies beyond cols. Each
// element is summed in the order of l alone, with one rounding a term in assembly and two in
// Go: it does not depend on rows, cols or the other elements. In assembly subnormal numbers
// count as zero, which networks are full of: one costs as much as a hundred others.
func GemmTile[T Float](c []T, ldc int, a []T, ars, acs int, b []T, ldb, k, rows, cols int, alpha, beta T) {
	maxRows, maxCols := TileShape[T]()
	width := maxCols
	if cols <= maxCols/2 {
		width /= 2
	}
	if rows < 1 || rows > maxRows || cols < 1 || cols > maxCols || min(ldc, ars, acs, ldb, k) < 0 ||
		(rows-1)*ldc+cols > len(c) || k > 0 && ((rows-1)*ars+(k-1)*acs >= len(a) || (k-1)*ldb+width > len(b)) {
		panic("simd: a tile beyond its matrices")
	}
	if level == Generic || k == 0 {
		gemmTile(c, ldc, a, ars, acs, b, ldb, k, rows, cols, alpha, beta)
		return
	}
	switch c := any(c).(type) {
	case []float32:
		a, b := any(a).([]float32), any(b).([]float32)
		if level == AVX512 {
			gemm32AVX512(&c[0], ldc, &a[0], ars, acs, &b[0], ldb, k, rows, cols, float32(alpha), float32(beta))
		} else {
			gemm32AVX2(&c[0], ldc, &a[0], ars, acs, &b[0], ldb, k, rows, cols, float32(alpha), float32(beta))
		}
	case []float64:
		a, b := any(a).([]float64), any(b).([]float64)
		if level == AVX512 {
			gemm64AVX512(&c[0], ldc, &a[0], ars, acs, &b[0], ldb, k, rows, cols, float64(alpha), float64(beta))
		} else {
			gemm64AVX2(&c[0], ldc, &a[0], ars, acs, &b[0], ldb, k, rows, cols, float64(alpha), float64(beta))
		}
	}
}

// gemmTile sums a row of C at a time, which stays on the stack, four terms a pass.
func gemmTile[T Float](c []T, ldc int, a []T, ars, acs int, b []T, ldb, k, rows, cols int, alpha, beta T) {
	var space [32]T
	sum := space[:cols]
	for i := range rows {
		clear(sum)
		l := 0
		for ; l+4 <= k; l += 4 {
			x := a[i*ars+l*acs:]
			x0, x1, x2, x3 := x[0], x[acs], x[2*acs], x[3*acs]
			y0, y1 := b[l*ldb:][:len(sum)], b[(l+1)*ldb:][:len(sum)]
			y2, y3 := b[(l+2)*ldb:][:len(sum)], b[(l+3)*ldb:][:len(sum)]
			for j, s := range sum {
				s += x0 * y0[j]
				s += x1 * y1[j]
				s += x2 * y2[j]
				sum[j] = s + x3*y3[j]
			}
		}
		for ; l < k; l++ {
			x := a[i*ars+l*acs]
			for j, y := range b[l*ldb:][:len(sum)] {
				sum[j] += x * y
			}
		}
		out := c[i*ldc:][:len(sum)]
		if beta == 0 {
			for j, s := range sum {
				out[j] = alpha * s
			}
		} else {
			for j, s := range sum {
				out[j] = alpha*s + beta*out[j]
			}
		}
	}
}

// Transpose writes dst[l·ldd + i] = src[i·lds + l] for i < rows, l < cols.
func Transpose[T Float](dst []T, ldd int, src []T, lds, rows, cols int) {
	if rows < 1 || cols < 1 {
		return
	}
	if min(ldd, lds) < 0 || (cols-1)*ldd+rows > len(dst) || (rows-1)*lds+cols > len(src) {
		panic("simd: a transpose beyond its matrices")
	}
	r, c := 0, 0 // the part in whole squares
	if level != Generic {
		switch dst := any(dst).(type) {
		case []float32:
			if r, c = rows&^7, cols&^7; r > 0 && c > 0 {
				transpose32(&dst[0], ldd, &any(src).([]float32)[0], lds, r, c)
			}
		case []float64:
			if r, c = rows&^3, cols&^3; r > 0 && c > 0 {
				transpose64(&dst[0], ldd, &any(src).([]float64)[0], lds, r, c)
			}
		}
	}
	for i := range rows {
		lo := c
		if i >= r {
			lo = 0
		}
		for l, v := range src[i*lds : i*lds+cols][lo:] {
			dst[(lo+l)*ldd+i] = v
		}
	}
}
