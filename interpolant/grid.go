package interpolant

import "math"

// A grid is a list of times from noise to data, the single truth about the steps of a
// run: k points are k-1 steps of an integrator, to which the final denoising adds one.
// All grids below have their first and last time exactly; a grid of one point is the
// first time.

// farNoise is the noise-to-signal ratio at which a grid that is even in λ starts on
// paths that begin without any signal (α = 0, λ = -∞). The base distribution N(0, σ²I)
// then differs from the law of x_t by 1e-3 of the data's size relative to σ.
const farNoise = 1e3

// karrasMax is σ_max of EDM (Karras et al. 2022, table 1).
const karrasMax = 80

// UniformGrid returns k times in equal steps from t0 to t1.
func UniformGrid(t0, t1 float64, k int) []float64 {
	return grid(k, t0, t1, func(u float64) float64 { return t0 + u*(t1-t0) })
}

// QuadraticGrid returns k times for which √(1-t) falls in equal steps: short steps near
// the data, as DDIM's quadratic choice of timesteps (Song, Meng and Ermon 2021, arXiv
// 2010.02502, appendix D.2).
func QuadraticGrid(t0, t1 float64, k int) []float64 {
	a, b := math.Sqrt(1-t0), math.Sqrt(1-t1)
	return grid(k, t0, t1, func(u float64) float64 { s := a + u*(b-a); return 1 - s*s })
}

// LogSNRGrid returns k times at which λ = log(α/σ) rises in equal steps from t0 to t1.
// If λ(t0) = -∞ it starts where σ/α = 1000.
func LogSNRGrid(p Path, t0, t1 float64, k int) []float64 {
	t0 = startTime(p, t0, farNoise)
	a, b := p.At(t0).LogSNR(), p.At(t1).LogSNR()
	return grid(k, t0, t1, func(u float64) float64 { return p.Time(a + u*(b-a)) })
}

// KarrasGrid returns k times at which (σ/α)^(1/ρ) falls in equal steps, the grid of EDM
// (Karras et al. 2022, equation 5, ρ = 7). It starts at t0, or where σ/α = 80 if that is
// later: more noise than EDM's σ_max would waste its steps.
func KarrasGrid(p Path, rho, t0, t1 float64, k int) []float64 {
	t0 = startTime(p, t0, karrasMax)
	a := math.Exp(-p.At(t0).LogSNR() / rho)
	b := math.Exp(-p.At(t1).LogSNR() / rho)
	return grid(k, t0, t1, func(u float64) float64 { return p.Time(-rho * math.Log(a+u*(b-a))) })
}

// startTime returns t0, or the time where σ/α = noise if there is more noise at t0.
func startTime(p Path, t0, noise float64) float64 {
	// The comparison keeps t0 itself where the two agree but for rounding.
	if p.At(t0).LogSNR() < -math.Log(noise)-1e-9 {
		return p.Time(-math.Log(noise))
	}
	return t0
}

func grid(k int, t0, t1 float64, f func(u float64) float64) []float64 {
	g := make([]float64, k)
	for i := range g {
		g[i] = f(float64(i) / float64(max(1, k-1)))
	}
	if k > 0 {
		g[k-1] = t1
		g[0] = t0
	}
	return g
}
