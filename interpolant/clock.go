package interpolant

import "math"

// LogSNRClock is a path on the clock of its log-SNR: s in [0, 1] is the time t of the path
// at which λ = log(α/σ) has gone the share s of the way from From to To,
//
//	λ(s) = From + s (To - From),   dα/ds = (dα/dt) (To - From)/λ̇,   likewise σ.
//
// On it the natural diffusion is g² = 2σ² (To - From), and even steps suit methods that
// know nothing of the log-SNR.
type LogSNRClock struct {
	Path     Path
	From, To float64
}

// A LogSNRer is a Path that is known in closed form as a curve over λ = log(α/σ):
// AtLogSNR returns α, σ and their derivatives in λ.
type LogSNRer interface {
	AtLogSNR(logSNR float64) Coeffs
}

// At returns α, σ and their derivatives in s.
func (c LogSNRClock) At(s float64) Coeffs {
	var k Coeffs
	r := c.To - c.From
	if p, ok := c.Path.(LogSNRer); ok { // exact where the time carries a rounding of eps/σ in λ
		k = p.AtLogSNR(c.From + s*r)
	} else {
		k = c.Path.At(c.Inner(s))
		r /= k.DAlpha/k.Alpha - k.DSigma/k.Sigma
	}
	k.DAlpha *= r
	k.DSigma *= r
	return k
}

// Inner returns the path's own time at s.
func (c LogSNRClock) Inner(s float64) float64 { return c.Path.Time(c.From + s*(c.To-c.From)) }

// Time returns the s at which log(α/σ) = logSNR, clipped to [0, 1].
func (c LogSNRClock) Time(logSNR float64) float64 {
	return clip01((logSNR - c.From) / (c.To - c.From))
}

// Span returns 0 and 1.
func (LogSNRClock) Span() (t0, t1 float64) { return 0, 1 }

// exploding returns the curve α = 1.
func exploding(logSNR float64) Coeffs {
	s := math.Exp(-logSNR)
	return Coeffs{Alpha: 1, Sigma: s, DSigma: -s}
}

// preserving returns the curve α² + σ² = 1, on which dα/dλ = ασ² and dσ/dλ = -σα².
func preserving(logSNR float64) Coeffs {
	e := math.Exp(-math.Abs(logSNR))
	a := 1 / math.Sqrt(1+e*e)
	s := e * a
	if logSNR < 0 {
		a, s = s, a
	}
	return Coeffs{Alpha: a, Sigma: s, DAlpha: a * s * s, DSigma: -s * a * a}
}

// straight returns the curve α + σ = 1, on which dα/dλ = -dσ/dλ = ασ.
func straight(logSNR float64) Coeffs {
	e := math.Exp(-math.Abs(logSNR))
	a := 1 / (1 + e)
	s := e * a
	if logSNR < 0 {
		a, s = s, a
	}
	return Coeffs{Alpha: a, Sigma: s, DAlpha: a * s, DSigma: -a * s}
}
