package density

// The loops in which a mixture of wide components spends its time.

// dots writes q_k = x·μ_k for the rows μ_k of mu.
func dots(q, x, mu []float64) {
	d := len(x)
	k := 0
	for ; k+4 <= len(q); k += 4 {
		m0, m1, m2, m3 := mu[k*d:][:d], mu[(k+1)*d:][:d], mu[(k+2)*d:][:d], mu[(k+3)*d:][:d]
		var s0, s1, s2, s3 float64
		for i, v := range x {
			s0 += v * m0[i]
			s1 += v * m1[i]
			s2 += v * m2[i]
			s3 += v * m3[i]
		}
		q[k], q[k+1], q[k+2], q[k+3] = s0, s1, s2, s3
	}
	for ; k < len(q); k++ {
		s := 0.0
		m := mu[k*d:][:d]
		for i, v := range x {
			s += v * m[i]
		}
		q[k] = s
	}
}

// combine adds Σ e_k μ_k to acc, passing over components of weight zero.
func combine(acc, e, mu []float64) {
	switch d := len(acc); d {
	case 1:
		s := acc[0]
		mu = mu[:len(e)]
		for k, v := range e {
			s += v * mu[k]
		}
		acc[0] = s
	case 2:
		s, t := acc[0], acc[1]
		for k, v := range e {
			m := mu[2*k:][:2]
			s += v * m[0]
			t += v * m[1]
		}
		acc[0], acc[1] = s, t
	case 3:
		s, t, u := acc[0], acc[1], acc[2]
		for k, v := range e {
			m := mu[3*k:][:3]
			s += v * m[0]
			t += v * m[1]
			u += v * m[2]
		}
		acc[0], acc[1], acc[2] = s, t, u
	default:
		k := 0
		for ; k+4 <= len(e); k += 4 {
			e0, e1, e2, e3 := e[k], e[k+1], e[k+2], e[k+3]
			if e0 == 0 && e1 == 0 && e2 == 0 && e3 == 0 {
				continue
			}
			m0, m1, m2, m3 := mu[k*d:][:d], mu[(k+1)*d:][:d], mu[(k+2)*d:][:d], mu[(k+3)*d:][:d]
			for i := range acc {
				acc[i] += (e0*m0[i] + e1*m1[i]) + (e2*m2[i] + e3*m3[i])
			}
		}
		for ; k < len(e); k++ {
			v, m := e[k], mu[k*d:][:d]
			for i := range acc {
				acc[i] += v * m[i]
			}
		}
	}
}

// cutoff is the logarithm of the relative weight below which a component is nothing:
// a million of them together stay below e⁻⁴⁶ ~ 1e-20, well under the rounding.
const cutoff = -60
