package simd

import "math"

//go:generate go run -C gen ./combine -out ../combine_amd64.s -stubs ../combine_amd64.go -pkg simd

// Combine sets dst = Σ c_j k_j + a x in one pass over memory: the terms of the sum, which are
// small beside x in a solver's step, come first. Each k_j is at least as long as dst, which may
// be any of the inputs. Levels but Generic fuse each product with its addition.
func Combine(dst []float64, a float64, x []float64, c []float64, k [][]float64) {
	n := len(dst)
	x = x[:n]
	if len(c) > len(k) {
		panic("simd: more coefficients than terms")
	}
	for _, v := range k[:len(c)] {
		_ = v[:n]
	}
	done := 0
	if block := 4 * vectorWidth(); block > 0 && n >= block && len(c) > 0 {
		done = n / block * block
		if level == AVX512 {
			combineAVX512(&dst[0], &x[0], a, &c[0], &k[0], len(c), n/block)
		} else {
			combineAVX2(&dst[0], &x[0], a, &c[0], &k[0], len(c), n/block)
		}
	}
	var buf [32]float64
	for lo := done; lo < n; lo += len(buf) {
		sum := buf[:min(len(buf), n-lo)]
		clear(sum)
		c, k := c, k
		for ; level == Generic && len(c) > 3; c, k = c[4:], k[4:] {
			addScaled4(sum, c, k, lo)
		}
		for j, w := range c {
			addScaled(sum, w, k[j][lo:][:len(sum)])
		}
		addScaled(sum, a, x[lo:][:len(sum)])
		copy(dst[lo:], sum)
	}
}

// addScaled adds w v to sum, rounding as the kernels of the level do.
func addScaled(sum []float64, w float64, v []float64) {
	v = v[:len(sum)]
	if level == Generic {
		for i, s := range sum {
			sum[i] = s + w*v[i]
		}
		return
	}
	for i, s := range sum {
		sum[i] = math.FMA(w, v[i], s)
	}
}

// addScaled4 adds four terms in one pass over the sum.
func addScaled4(sum, c []float64, k [][]float64, lo int) {
	n := len(sum)
	w0, w1, w2, w3 := c[0], c[1], c[2], c[3]
	v0, v1, v2, v3 := k[0][lo:][:n], k[1][lo:][:n], k[2][lo:][:n], k[3][lo:][:n]
	for i, s := range sum {
		s += w0 * v0[i]
		s += w1 * v1[i]
		s += w2 * v2[i]
		sum[i] = s + w3*v3[i]
	}
}

// Combine2 sets dst = a x + b y, as Combine does.
func Combine2(dst []float64, a float64, x []float64, b float64, y []float64) {
	c, k := [1]float64{b}, [1][]float64{y}
	Combine(dst, a, x, c[:], k[:])
}

// Combine2Each sets dst = a x + b y for each point, of which a and b have a value each, with
// the bits of Combine2. dst may be x or y.
func Combine2Each(dst, a, x, b, y []float64) {
	n, d := perPoint(dst, a)
	b, x, y = b[:n], x[:len(dst)], y[:len(dst)]
	done := 0
	switch width := vectorWidth(); {
	case width == 0 || n < width:
	case d <= 2:
		groups := n / width
		done = groups * width
		combineEachKernels[level][d-1](&dst[0], &a[0], &x[0], &b[0], &y[0], groups)
	case d >= 4*width:
		for i, u := range a {
			Combine2(dst[i*d:(i+1)*d], u, x[i*d:(i+1)*d], b[i], y[i*d:(i+1)*d])
		}
		return
	}
	for i := done; i < n; i++ {
		u, v := a[i], b[i]
		for j := i * d; j < (i+1)*d; j++ {
			// As addScaled from 0, also where the compiler fuses.
			if level == Generic {
				dst[j] = (0 + v*y[j]) + u*x[j]
			} else {
				dst[j] = math.FMA(u, x[j], 0+v*y[j])
			}
		}
	}
}

// ScaleEach sets dst = a x for each point, of which a has a value each. dst may be x.
func ScaleEach(dst, a, x []float64) {
	n, d := perPoint(dst, a)
	x = x[:len(dst)]
	done := 0
	if width := vectorWidth(); width > 0 && n >= width && d <= 2 {
		groups := n / width
		done = groups * width
		scaleEachKernels[level][d-1](&dst[0], &a[0], &x[0], groups)
	}
	for i := done; i < n; i++ {
		u := a[i]
		for j := i * d; j < (i+1)*d; j++ {
			dst[j] = u * x[j]
		}
	}
}

// perPoint returns the number of points, of which a has a value each, and their dimension.
func perPoint(x, a []float64) (n, d int) {
	n = len(a)
	switch {
	case n == 0 && len(x) == 0:
		return 0, 1
	case n == 0 || len(x)%n != 0:
		panic("simd: points and their values do not fit")
	}
	return n, len(x) / n
}

// Combine3 sets dst = a x + b y + c z, as Combine does.
func Combine3(dst []float64, a float64, x []float64, b float64, y []float64, c float64, z []float64) {
	w, k := [2]float64{b, c}, [2][]float64{y, z}
	Combine(dst, a, x, w[:], k[:])
}
