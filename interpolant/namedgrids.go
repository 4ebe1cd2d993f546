package interpolant

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// The published grids follow the rules of the grids in grid.go: k times, the first and
// the last exact. Where the source has K steps and a last one to σ = 0, k = K and the last
// step is the final denoising from t1.

// ExponentialGrid is LogSNRGrid under the name of k-diffusion: σ/α falls in a geometric
// sequence.
func ExponentialGrid(p Path, t0, t1 float64, k int) []float64 { return LogSNRGrid(p, t0, t1, k) }

// AngleGrid returns k times at which the angle θ = atan(σ/α) falls in equal steps, so that
// σ/α = tan θ: the steps that the cosine schedule makes of uniform times (Nichol and
// Dhariwal 2021, arXiv 2102.09672), on any path. It needs no bound on the noise at the
// start: α = 0 is θ = π/2.
func AngleGrid(p Path, t0, t1 float64, k int) []float64 {
	a, b := angle(p, t0), angle(p, t1)
	return grid(k, t0, t1, func(u float64) float64 {
		s, c := math.Sincos(a + u*(b-a))
		return p.Time(math.Log(c) - math.Log(s))
	})
}

func angle(p Path, t float64) float64 {
	c := p.At(t)
	return math.Atan2(c.Sigma, c.Alpha)
}

// BetaGrid returns k times whose τ = 1 - t are quantiles of the Beta(a, b) distribution at
// equally spaced levels, stretched to [t0, t1]:
//
//	t = t0 + (t1 - t0)(1 - Q(1 - u)),   u = 0 … 1 in equal steps.
//
// a = b = 0.6 (Lee et al. 2024, arXiv 2407.12173, and ComfyUI's "beta") puts short steps at
// both ends. There is no rounding to training steps and so no repeated time. It panics
// unless a and b are positive.
func BetaGrid(a, b, t0, t1 float64, k int) []float64 {
	if !(a > 0 && b > 0) {
		panic("interpolant: the parameters of a beta distribution are positive")
	}
	q := distuv.Beta{Alpha: a, Beta: b}
	return grid(k, t0, t1, func(u float64) float64 { return t0 + (t1-t0)*(1-q.Quantile(1-u)) })
}

// ShiftGrid returns k times whose τ = 1 - t are the equal steps of UniformGrid, shifted by
// s > 0 towards more noise (Esser et al. 2024, arXiv 2403.03206, equation 23, with s = √(m/n)
// for m pixels instead of n):
//
//	τ' = sτ/(1 + (s-1)τ)
//
// On Cond-OT, where τ = σ, this multiplies every σ/α by s and is λ' = λ - log s. The equal
// steps run between the times that the shift takes to t0 and t1. It panics unless s > 0.
func ShiftGrid(s, t0, t1 float64, k int) []float64 {
	if !(s > 0) {
		panic("interpolant: a shift is positive")
	}
	shift := func(s, tau float64) float64 { return s * tau / (1 + (s-1)*tau) }
	a, b := shift(1/s, 1-t0), shift(1/s, 1-t1)
	return grid(k, t0, t1, func(u float64) float64 { return 1 - shift(s, a+u*(b-a)) })
}

// LinearQuadraticGrid returns k times of which the first half of the steps, rounded down, is
// equal and covers the given fraction of [t0, t1], and the rest grows quadratically with
// no break in the step (Polyak et al. 2024, Movie Gen, arXiv 2410.13720; in the form of
// Genmo's Mochi, fraction = 0.025). With K = k-1 steps, L = ⌊K/2⌋, Q = K - L and f the
// fraction, step i ends at the fraction
//
//	f i/L                                     i ≤ L
//	f i/L + (1 - fK/L) ((i-L)/Q)²             i > L.
//
// It panics unless 0 < f ≤ L/K, beyond which the steps would have to shrink again. Fewer
// than two steps are as in UniformGrid.
func LinearQuadraticGrid(fraction, t0, t1 float64, k int) []float64 {
	n := k - 1
	if n < 2 {
		return UniformGrid(t0, t1, k)
	}
	half := n / 2
	slope := fraction / float64(half)
	rest := 1 - slope*float64(n)
	if !(fraction > 0 && rest >= 0) {
		panic("interpolant: the linear fraction of a grid is above 0 and at most its share of the steps")
	}
	return grid(k, t0, t1, func(u float64) float64 {
		i := u * float64(n)
		v := slope * i
		if q := i - float64(half); q > 0 {
			q /= float64(n - half)
			v += rest * q * q
		}
		return t0 + (t1-t0)*v
	})
}

// The noise levels of Align Your Steps for 10 steps (Sabour, Fidler and Kreis 2024, arXiv
// 2404.14507; the numbers are those of the authors' page
// research.nvidia.com/labs/toronto-ai/AlignYourSteps/howto.html), σ/α from noise to data,
// for LevelGrid.
var (
	AlignYourStepsSD15 = []float64{14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092, 0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582}
	AlignYourStepsSDXL = []float64{14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141, 0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582}
	AlignYourStepsSVD  = []float64{700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002}
)

// LevelGrid returns k times on the curve through a published list of noise levels σ/α, which
// fall: log σ/α is interpolated linearly over the index, as the authors of Align Your
// Steps do for other numbers of steps, and stretched linearly so that the list runs from
// t0 to t1. Between the times of its own first and last level the list is met as it
// stands. If α(t0) = 0 the grid starts at σ/α = 1000, as LogSNRGrid does. It panics unless
// there are two levels at least, positive and falling.
func LevelGrid(p Path, levels []float64, t0, t1 float64, k int) []float64 {
	n := len(levels) - 1
	for i := range n {
		if !(levels[i] > levels[i+1] && levels[i+1] > 0) {
			panic("interpolant: noise levels are positive and fall")
		}
	}
	if n < 1 {
		panic("interpolant: a list of noise levels needs two")
	}
	t0 = startTime(p, t0, farNoise)
	a, b := p.At(t0).LogSNR(), p.At(t1).LogSNR()
	top, bottom := math.Log(levels[0]), math.Log(levels[n])
	return grid(k, t0, t1, func(u float64) float64 {
		at := u * float64(n)
		i := min(int(at), n-1)
		l0, l1 := math.Log(levels[i]), math.Log(levels[i+1])
		level := l0 + (at-float64(i))*(l1-l0)
		return p.Time(a + (b-a)*(top-level)/(top-bottom))
	})
}

// ZeroTerminalSNR returns the betas of a discrete schedule stretched so that the last step
// has next to no signal left (Lin et al. 2023, arXiv 2305.08891, algorithm 1):
//
//	√ᾱ' = r + (√ᾱ_0 - r)(√ᾱ - √ᾱ_N)/(√ᾱ_0 - √ᾱ_N),   r = √last,
//
// which keeps ᾱ_0 and takes ᾱ of the last step to last. The paper has last = 0, where
// the last beta is 1, which FromBetas refuses as no λ is finite there; 2⁻²⁴, as in
// diffusers, is σ/α = 4096. It panics unless there are two betas at least, all in (0, 1),
// and 0 ≤ last < ᾱ_0.
func ZeroTerminalSNR(betas []float64, last float64) []float64 {
	roots := make([]float64, len(betas))
	logBar := 0.0
	for i, b := range betas {
		if !(b > 0 && b < 1) {
			panic("interpolant: betas lie between 0 and 1")
		}
		logBar += math.Log1p(-b)
		roots[i] = math.Exp(logBar / 2)
	}
	n := len(roots) - 1
	if n < 1 || !(last >= 0 && last < roots[0]*roots[0]) {
		panic("interpolant: zero terminal SNR needs two betas and 0 ≤ last < ᾱ_0")
	}
	first, end, r := roots[0], roots[n], math.Sqrt(last)
	out := make([]float64, n+1)
	out[0] = betas[0]
	prev := first
	for i := 1; i <= n; i++ {
		root := r + (first-r)*(roots[i]-end)/(first-end)
		// 1 - ᾱ'_i/ᾱ'_{i-1} without its cancellation
		out[i] = (prev - root) * (prev + root) / (prev * prev)
		prev = root
	}
	return out
}
