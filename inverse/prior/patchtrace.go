package prior

import "gonum.org/v1/gonum/floats"

// trace returns tr J of patch i, whose D is in out.
func (w *patchWork) trace(i int) float64 {
	m := w.c.m
	z, d := w.z[i*m:(i+1)*m], w.out[i*m:(i+1)*m]
	sum, square := 0.0, -floats.Dot(d, d)
	for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
		k, row, rho := w.comp[pair], w.slot[pair], w.rho[pair]
		g := w.tail[k]
		sum += rho * float64(m) * g
		square += rho * g * g * floats.Dot(z, z)
		for j, c := range w.coef[row*m : row*m+w.rank[k]] {
			e := w.gain[k*m+j]
			sum += rho * e
			square += rho * e * (e + 2*g) * c * c
		}
	}
	return sum + square/(w.s*w.s)
}

// foldedTrace returns tr(Fᵀ J F) of patch i, F being the b²×pixels matrix that repeats
// the pixels which the mirror shows twice; a is (Qᵀ F)ᵀ, pixels×m, and t is scratch of
// its size.
func (w *patchWork) foldedTrace(i int, a, t []float64) float64 {
	m := w.c.m
	n := len(a) / m
	z, d := w.z[i*m:(i+1)*m], w.out[i*m:(i+1)*m]
	all := floats.Dot(a, a)
	sum, square := 0.0, 0.0
	for p := range n {
		v := floats.Dot(a[p*m:(p+1)*m], d)
		square -= v * v
	}
	for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
		k, row, rho := w.comp[pair], w.slot[pair], w.rho[pair]
		g, r := w.tail[k], w.rank[k]
		mul(t, a, w.c.u[k*m*m:], n, m, r, m, m, m, 0)
		sum += rho * g * all
		for p := range n {
			mk := g * floats.Dot(a[p*m:(p+1)*m], z)
			for j, v := range t[p*m : p*m+r] {
				e := w.gain[k*m+j]
				sum += rho * e * v * v
				mk += e * v * w.coef[row*m+j]
			}
			square += rho * mk * mk
		}
	}
	return sum + square/(w.s*w.s)
}
