// Package interpolant holds the paths between noise and data.
//
// A Gaussian path, or one-sided stochastic interpolant, is
//
//	x_t = α(t)·x₁ + σ(t)·z,   z ~ N(0, I),   t from 0 (noise) to 1 (data).
//
// Time runs from noise to data for every path; the paths that the literature writes
// backwards (VP, VE, EDM: τ = 1 - t) are mapped here and nowhere else.
//
// The signal-to-noise ratio orders everything: λ(t) = log(α/σ) increases with t, and
// two paths at equal λ differ by a scaling of x only, x/α being a point of the
// variance-exploding path with noise σ/α.
package interpolant

import "math"

// Coeffs are the coefficients of a path at one time and their derivatives in t.
type Coeffs struct {
	Alpha, Sigma   float64
	DAlpha, DSigma float64
}

// LogSNR returns λ = log(α/σ).
func (c Coeffs) LogSNR() float64 { return math.Log(c.Alpha) - math.Log(c.Sigma) }

// A Path gives x_t = α(t)·x₁ + σ(t)·z for t in [0, 1].
type Path interface {
	// At returns α, σ and their time derivatives.
	At(t float64) Coeffs
	// Time returns the t at which log(α/σ) = logSNR, clipped to [0, 1].
	Time(logSNR float64) float64
	// Span returns the times between which samplers integrate by default: t0 is
	// where the base distribution stands for the law of x_t, and t1 is where the
	// noise is so small that one denoising step ends the path. σ(t1) > 0.
	Span() (t0, t1 float64)
}

// defaultEnd is the noise-to-signal ratio σ/α at which samplers stop and denoise
// when a path leaves it open: EDM's σ_min (Karras et al. 2022, table 1).
const defaultEnd = 0.002

// span returns the default Span of a path whose noise-to-signal ratio falls to end,
// or to defaultEnd if end is zero.
func span(p Path, end float64) (t0, t1 float64) {
	return 0, p.Time(-math.Log(orDefault(end, defaultEnd)))
}

// orDefault returns v, or def if v is zero: the zero value of a path is usable.
func orDefault(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}

// clip01 clips a time to [0, 1].
func clip01(t float64) float64 { return min(max(t, 0), 1) }
