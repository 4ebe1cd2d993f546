package simd

//go:generate go run -C gen ./krylov -out ../krylov_amd64.s -stubs ../krylov_amd64.go -pkg simd

// The vector updates of conjugate gradients read each vector once. Sums are good to n ε of the
// sum of the absolute values, at every level in an order that the length alone decides;
// updates take one rounding in assembly and two in Go.

// KrylovDots returns pᵀq, pᵀp and qᵀq.
func KrylovDots(p, q []float64) (pq, pp, qq float64) {
	q = q[:len(p)]
	if level == Generic || len(p) == 0 {
		var pq1, pp1, qq1 float64 // of every other number: additions wait for each other
		for ; len(p) > 1 && len(q) > 1; p, q = p[2:], q[2:] {
			v, w, v1, w1 := p[0], q[0], p[1], q[1]
			pq += v * w
			pp += v * v
			qq += w * w
			pq1 += v1 * w1
			pp1 += v1 * v1
			qq1 += w1 * w1
		}
		for i, v := range p {
			w := q[i]
			pq += v * w
			pp += v * v
			qq += w * w
		}
		return pq + pq1, pp + pp1, qq + qq1
	}
	var sums [3]float64
	if level == AVX512 {
		krylovDotsAVX512(&sums[0], &p[0], &q[0], len(p))
	} else {
		krylovDotsAVX2(&sums[0], &p[0], &q[0], len(p))
	}
	return sums[0], sums[1], sums[2]
}

// KrylovStep takes alpha q from r and returns rᵀr.
func KrylovStep(r, q []float64, alpha float64) (rr float64) {
	q = q[:len(r)]
	if level == Generic || len(r) == 0 {
		var sums [4]float64 // of every fourth number: additions wait for each other
		for ; len(r) > 3 && len(q) > 3; r, q = r[4:], q[4:] {
			v0, v1, v2, v3 := r[0]-alpha*q[0], r[1]-alpha*q[1], r[2]-alpha*q[2], r[3]-alpha*q[3]
			r[0], r[1], r[2], r[3] = v0, v1, v2, v3
			sums[0] += v0 * v0
			sums[1] += v1 * v1
			sums[2] += v2 * v2
			sums[3] += v3 * v3
		}
		for i, w := range q {
			v := r[i] - alpha*w
			r[i] = v
			rr += v * v
		}
		return rr + (sums[0] + sums[1]) + (sums[2] + sums[3])
	}
	if level == AVX512 {
		krylovStepAVX512(&rr, &r[0], &q[0], alpha, len(r))
	} else {
		krylovStepAVX2(&rr, &r[0], &q[0], alpha, len(r))
	}
	return rr
}

// AddScaled adds alpha p to x.
func AddScaled(x, p []float64, alpha float64) {
	p = p[:len(x)]
	switch {
	case level == Generic || len(x) == 0:
		for i, v := range p {
			x[i] += alpha * v
		}
	case level == AVX512:
		addScaledAVX512(&x[0], &p[0], alpha, len(x))
	default:
		addScaledAVX2(&x[0], &p[0], alpha, len(x))
	}
}

// KrylovAdvance adds alpha p to x and replaces p by z + beta p.
func KrylovAdvance(x, p, z []float64, alpha, beta float64) {
	p, z = p[:len(x)], z[:len(x)]
	switch {
	case level == Generic || len(x) == 0:
		for i, v := range p {
			x[i] += alpha * v
			p[i] = z[i] + beta*v
		}
	case level == AVX512:
		krylovAdvanceAVX512(&x[0], &p[0], &z[0], alpha, beta, len(x))
	default:
		krylovAdvanceAVX2(&x[0], &p[0], &z[0], alpha, beta, len(x))
	}
}
