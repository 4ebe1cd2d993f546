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

// Combine2 sets dst = a x + b y, as Combine does.
func Combine2(dst []float64, a float64, x []float64, b float64, y []float64) {
	c, k := [1]float64{b}, [1][]float64{y}
	Combine(dst, a, x, c[:], k[:])
}

// Combine2Each sets dst = a x + b y for each point, of which a and b have a value each, with
// the bits of Combine2.
func Combine2Each(dst, a, x, b, y []float64) {
	d := len(dst) / len(a)
	b, x, y = b[:len(a)], x[:len(dst)], y[:len(dst)]
	for i, u := range a {
		v := b[i]
		for j := i * d; j < (i+1)*d; j++ {
			if level == Generic {
				dst[j] = float64(v*y[j]) + u*x[j] // as addScaled, also where the compiler fuses
			} else {
				dst[j] = math.FMA(u, x[j], v*y[j])
			}
		}
	}
}

// Combine3 sets dst = a x + b y + c z, as Combine does.
func Combine3(dst []float64, a float64, x []float64, b float64, y []float64, c float64, z []float64) {
	w, k := [2]float64{b, c}, [2][]float64{y, z}
	Combine(dst, a, x, w[:], k[:])
}
