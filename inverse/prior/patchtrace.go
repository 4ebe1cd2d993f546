package prior

import "gonum.org/v1/gonum/floats"

// trace returns tr J of patch i, whose D is in out.
func (w *patchWork) trace(i int) float64 {
	s2 := w.l.s * w.l.s
	removed := w.removed(i)
	sum := float64(w.c.m) - floats.Dot(removed, removed)/s2
	for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
		g := w.of(w.g, w.slot[pair])
		sum += s2 * w.rho[pair] * (floats.Dot(g, g) - w.l.trace[w.comp[pair]])
	}
	return sum
}

// removed returns z - D = s² ḡ of patch i in the space of v.
func (w *patchWork) removed(i int) []float64 {
	return floats.SubTo(w.of(w.v, i), w.of(w.z, i), w.of(w.out, i))
}

// foldedTrace returns tr(Fᵀ J F) of patch i, F being the b²×pixels matrix that repeats the
// pixels which the mirror shows twice: place j shows the pixel that place to[j] shows first.
func (w *patchWork) foldedTrace(i int, to []int) float64 {
	n, ld, s2 := w.c.n, padded(w.c.n), w.l.s*w.l.s
	removed := w.removed(i)
	sum := float64(n) - w.folded(removed, to)/s2
	for j := range n {
		for l := range n {
			if to[j] == to[l] {
				sum -= 1 / float64(n)
			}
		}
	}
	for pair := w.starts[i]; pair < w.starts[i+1]; pair++ {
		p, part := w.l.precision(w.comp[pair]), w.folded(w.of(w.g, w.slot[pair]), to)
		for j := range n {
			for l, v := range p[j*ld:][:n] {
				if to[j] == to[l] {
					part -= v
				}
			}
		}
		sum += s2 * w.rho[pair] * part
	}
	return sum
}

// folded returns |Fᵀx|².
func (w *patchWork) folded(x []float64, to []int) float64 {
	sums := w.rows[:len(x)]
	clear(sums)
	for j, v := range x {
		sums[to[j]] += v
	}
	return floats.Dot(sums, sums)
}
