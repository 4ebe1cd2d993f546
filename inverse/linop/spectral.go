package linop

import "gonum.org/v1/gonum/floats"

// PseudoInverse writes A⁺ y = V diag(1/sᵢ) Uᵀ y, the least-squares solution of least
// norm. Singular values up to max(rows, cols) 2⁻⁵² of the largest count as zero. A nil
// work allocates.
func PseudoInverse(op Spectral, dst, y []float64, work *Work) {
	rows, cols := op.Dims()
	mustVectors(dst, cols, y, rows)
	u, v := spectralWork(work, rows, cols)
	op.UT(u, y)
	s := op.Singular()
	cut := rankCut(op)
	clear(v)
	for i, si := range s {
		if si > cut {
			v[i] = u[i] / si
		}
	}
	op.V(dst, v)
}

// SolveNormal writes (a AᵀA + b I)⁻¹ x = V diag(1/(a sᵢ² + b)) Vᵀ x for a, b ≥ 0; the
// system in the range, (a AAᵀ + b I)⁻¹ y, is that of Transpose(op). With b = 0 it is the
// pseudo-inverse, with singular values cut as in PseudoInverse. It panics if a or b is
// negative, or NaN, or if both are 0. A nil work allocates.
func SolveNormal(op Spectral, dst, x []float64, a, b float64, work *Work) {
	rows, cols := op.Dims()
	mustVectors(dst, cols, x, cols)
	if !(a >= 0 && b >= 0 && a+b > 0) {
		panic("linop: SolveNormal needs a and b that are not negative and not both 0")
	}
	_, v := spectralWork(work, rows, cols)
	op.VT(v, x)
	s := op.Singular()
	cut := rankCut(op)
	for i, si := range s {
		switch {
		case b > 0:
			v[i] /= a*si*si + b
		case si > cut:
			v[i] /= a * si * si
		default:
			v[i] = 0
		}
	}
	if rest := v[len(s):]; b > 0 {
		floats.Scale(1/b, rest)
	} else {
		clear(rest)
	}
	op.V(dst, v)
}

func spectralWork(work *Work, rows, cols int) (u, v []float64) {
	if work == nil {
		work = new(Work)
	}
	work.reset(rows + cols)
	return work.take(rows), work.take(cols)
}

// rankCut returns the size up to which a singular value counts as zero.
func rankCut(op Spectral) float64 {
	rows, cols := op.Dims()
	return float64(max(rows, cols)) * 2 * unitRoundoff * floats.Max(op.Singular())
}
