package interpolant

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

// At returns α, σ and their derivatives in s.
func (c LogSNRClock) At(s float64) Coeffs {
	k := c.Path.At(c.Inner(s))
	r := (c.To - c.From) / (k.DAlpha/k.Alpha - k.DSigma/k.Sigma)
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
