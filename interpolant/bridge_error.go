package interpolant

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// What follows bounds the harm of wrong fields. A model with b̂ and ŝ in place of b and s
// run with constant noise ε from the true ρ(0) ends in ρ̂ with
//
//	KL(ρ(1)‖ρ̂) ≤ 1/(4ε) ∫ E|δb + εδs|² dt ≤ gap_b/(2ε) + ε gap_s/2,   gap_f = ∫ E|δf|² dt
//
// (Albergo et al. 2023, theorem 2.23 and lemma 2.22; the expectations are over x_t). The
// flow, ε = 0, has no such bound. It is the shape of the curve of KL against ε that the bound
// tells: where the denoiser is wrong by the same amount at all times (δs = -δη/γ) the best ε
// was within a quarter of the bound's, measured on mixtures, but where δs is of one size at
// all times KL stays bounded as ε grows and the best ε is larger than the bound's. The gaps here are those of |δf|², twice the gaps of the
// losses with ½|f|².

// KLBound returns gap_b/(2ε) + ε gap_s/2.
func KLBound(eps, gapB, gapS float64) float64 { return gapB/(2*eps) + eps*gapS/2 }

// OptimalEps returns the constant ε at which KLBound is least, √(gap_b/gap_s).
func OptimalEps(gapB, gapS float64) float64 { return math.Sqrt(gapB / gapS) }

// KLBoundMean returns the bound for a model of v and s, whose b̂ is v̂ - γγ̇ŝ:
//
//	KL ≤ gap_v/(2ε) + sup_t(γγ̇ - ε)²/(2ε) gap_s,
//
// where |γγ̇| reaches top, with both signs: sup (γγ̇ - ε)² = (top + ε)². It is a/2 for
// γ = √(at(1-t)).
func KLBoundMean(eps, gapV, gapS, top float64) float64 {
	return (gapV + (top+eps)*(top+eps)*gapS) / (2 * eps)
}

// OptimalEpsMean returns the ε at which KLBoundMean is least, √(gap_v/gap_s + top²).
func OptimalEpsMean(gapV, gapS, top float64) float64 { return math.Sqrt(gapV/gapS + top*top) }

// A Perturbed is a model made wrong on purpose: b + DB and s + DS, each nil for no error.
type Perturbed struct {
	Bridge
	DB, DS func(dst, x []float64, t float64) // safe for concurrent use
}

// Combine writes p·v̂ + q·ŝ = p v + q s + p δb + (pγγ̇ + q) δs.
func (m *Perturbed) Combine(dst, x []float64, t, p, q float64) {
	m.Bridge.Combine(dst, x, t, p, q)
	buf := estimates.Get().(*[]float64)
	*buf = resize(*buf, len(x))
	if m.DB != nil && p != 0 {
		m.DB(*buf, x, t)
		floats.AddScaled(dst, p, *buf)
	}
	if f := p*m.At(t).GDG + q; m.DS != nil && f != 0 {
		m.DS(*buf, x, t)
		floats.AddScaled(dst, f, *buf)
	}
	estimates.Put(buf)
}

// Err returns the model's first error if it keeps one.
func (m *Perturbed) Err() error { return bridgeErr(m.Bridge) }

// FieldGaps returns the means over the points x of |δb|² and |δs|² between two models at a
// time: given draws of x_t, the integrands of gap_b and gap_s.
func FieldGaps(m, exact Bridge, x []float64, t float64) (gapB, gapS float64) {
	u, w := make([]float64, len(x)), make([]float64, len(x))
	gap := func(field func(m Bridge, dst, x []float64, t float64)) float64 {
		field(m, u, x, t)
		field(exact, w, x, t)
		r := floats.Distance(u, w, 2)
		return r * r * float64(m.Dim()) / float64(len(x))
	}
	return gap(Velocity), gap(Score)
}
