package simd

//go:generate go run -C gen ./norms -out ../norms_amd64.s -stubs ../norms_amd64.go -pkg simd

// WeightedNorms writes q_r = Σ_j p_j z_rj² for the rows of z, which are as long as p and follow
// each other. The bits of a row do not depend on the other rows.
func WeightedNorms(q, z, p []float64) {
	d := len(p)
	if len(z) != len(q)*d {
		panic("simd: WeightedNorms of slices that do not fit")
	}
	switch {
	case len(z) == 0:
		clear(q)
	case level == AVX512:
		weightedNormsAVX512(&q[0], &z[0], &p[0], len(q), d)
	case level == AVX2:
		weightedNormsAVX2(&q[0], &z[0], &p[0], len(q), d)
	default:
		for r := range q {
			sum := 0.0
			for j, v := range z[r*d : (r+1)*d] {
				sum += p[j] * v * v
			}
			q[r] = sum
		}
	}
}

// ScaleRows writes y_rj = f_r p_j z_rj for the rows of y and z, which are as long as p and
// follow each other; y may be z.
func ScaleRows(y, f, z, p []float64) {
	d := len(p)
	if len(y) != len(f)*d || len(z) != len(y) {
		panic("simd: ScaleRows of slices that do not fit")
	}
	switch {
	case len(z) == 0:
	case level == AVX512:
		scaleRowsAVX512(&y[0], &f[0], &z[0], &p[0], len(f), d)
	case level == AVX2:
		scaleRowsAVX2(&y[0], &f[0], &z[0], &p[0], len(f), d)
	default:
		for r, u := range f {
			out := y[r*d : (r+1)*d]
			for j, v := range z[r*d : (r+1)*d] {
				out[j] = u * (p[j] * v)
			}
		}
	}
}
