package simd

import "math"

// AdamRates are what a step of Adam needs: the rates of forgetting β, the step over m's
// correction of the start, one over v's, ε, and the step times the decay.
type AdamRates[T Float] struct{ Beta1, Beta2, Rest1, Rest2, Step, Scale, Eps, Decay T }

// Adam takes a step from the gradient g,
//
//	m ← Beta1 m + Rest1 g   v ← Beta2 v + Rest2 g²   w ← w - (Step m/(√(Scale v) + Eps) + Decay w)
//
// with at most 8 roundings of each term. Subnormal numbers may count as zero.
func Adam[T Float](w, g, m, v []T, c AdamRates[T]) {
	n := len(w)
	g, m, v = g[:n], m[:n], v[:n]
	if level == Generic || n == 0 {
		adamTwin(w, g, m, v, c)
		return
	}
	all := [...]T{c.Beta1, c.Beta2, c.Rest1, c.Rest2, c.Step, c.Scale, c.Eps, c.Decay}
	switch w := any(&w[0]).(type) {
	case *float32:
		g, m, v, c := any(&g[0]).(*float32), any(&m[0]).(*float32), any(&v[0]).(*float32), any(&all[0]).(*float32)
		if level == AVX512 {
			adam32AVX512(w, g, m, v, c, n)
		} else {
			adam32AVX2(w, g, m, v, c, n)
		}
	case *float64:
		g, m, v, c := any(&g[0]).(*float64), any(&m[0]).(*float64), any(&v[0]).(*float64), any(&all[0]).(*float64)
		if level == AVX512 {
			adam64AVX512(w, g, m, v, c, n)
		} else {
			adam64AVX2(w, g, m, v, c, n)
		}
	}
}

func adamTwin[T Float](w, g, m, v []T, c AdamRates[T]) {
	for i, x := range g {
		m[i] = c.Beta1*m[i] + c.Rest1*x
		v[i] = c.Beta2*v[i] + c.Rest2*x*x
		w[i] -= c.Step*m[i]/(T(math.Sqrt(float64(c.Scale*v[i])))+c.Eps) + c.Decay*w[i]
	}
}
