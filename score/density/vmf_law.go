package density

import (
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/special"
	"gonum.org/v1/gonum/floats"
)

// Rand fills dst, one point, with an exact draw. The component along μ has the density
// e^{κw} (1-w²)^{(d-3)/2} and is drawn by rejection (Wood 1994, Communications in
// Statistics - Simulation and Computation 23(1), algorithm VM*); the rest is uniform.
func (t *VMF) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, t.d)
	k := search(t.cum, rng.Float64())
	mu := t.mu[k*t.d : (k+1)*t.d]
	w, side := 1.0, 0.0 // w = ±1 in one dimension
	if t.d == 1 {
		if rng.Float64()*(1+math.Exp(-2*t.kappa[k])) > 1 {
			w = -1
		}
	} else {
		for ok := false; !ok; {
			w, side, ok = woodTrial(t.d, t.kappa[k], rng)
		}
	}
	// A normal vector without its component along μ, twice for the rounding.
	size := 0.0
	for size == 0 && side > 0 {
		for j := range dst {
			dst[j] = rng.NormFloat64()
		}
		for range 2 {
			floats.AddScaled(dst, -floats.Dot(dst, mu), mu)
		}
		size = length(dst)
	}
	for j, m := range mu {
		if side > 0 {
			dst[j] *= side / size
		} else {
			dst[j] = 0
		}
		dst[j] = t.radius * (dst[j] + w*m)
	}
}

// woodTrial draws a proposal w and √(1-w²) for d ≥ 2, and whether it is accepted. The
// proposal is w = (1 - (1+b)β)/(1 - (1-b)β), β ~ Beta((d-1)/2, (d-1)/2); with
// δ = 1 - x₀ = 2b/(1+b) and ω = 1 - w, which keep their digits for large κ, the log of
// the ratio of densities is
//
//	κ(w - x₀) + (d-1) log((1 - x₀w)/(1 - x₀²)),   1 - x₀w = δ + x₀ω.
//
// The beta variable is (1 + c)/2 with c one coordinate of a uniform point on the sphere
// of R^d, drawn without rejection at any d (Ulrich 1984, Applied Statistics 33(2)):
// c = √(1 - U^{2/(d-2)}) cos 2πV, and cos 2πV for d = 2.
func woodTrial(d int, kappa float64, rng *rand.Rand) (w, side float64, ok bool) {
	n := float64(d - 1)
	c := math.Cos(2 * math.Pi * rng.Float64())
	if d > 2 {
		c *= math.Sqrt(-math.Expm1(-2 / (n - 1) * rng.ExpFloat64()))
	}
	beta, rest := (1+c)/2, (1-c)/2
	q := 2 * kappa / n
	b := 1 / (q + math.Hypot(q, 1))
	y := rest + b*beta // 1 - (1-b)β
	omega := 2 * b * beta / y
	delta := 2 * b / (1 + b)
	l := kappa*(delta-omega) + n*math.Log((delta+(1-delta)*omega)/(delta*(2-delta)))
	return 1 - omega, 2 * math.Sqrt(b*beta*rest) / y, -rng.ExpFloat64() <= l
}

// law returns the mean ρ of μ·u and the variances of u along and across μ of component k.
func (t *VMF) law(k int) (rho, along, across float64) {
	rho, along = special.RatioI(float64(t.d)/2-1, t.kappa[k])
	if t.kappa[k] < 1e-150 {
		return rho, along, along
	}
	return rho, along, rho / t.kappa[k]
}

// Mean fills mean, d values: R Σ w_k ρ(κ_k) μ_k.
func (t *VMF) Mean(mean []float64) {
	checkPoint(mean, t.d)
	clear(mean)
	for k, l := range t.logW {
		rho, _, _ := t.law(k)
		floats.AddScaled(mean, t.radius*math.Exp(l)*rho, t.mu[k*t.d:(k+1)*t.d])
	}
}

// Cov fills cov, d×d values.
func (t *VMF) Cov(cov []float64) {
	if len(cov) != t.d*t.d {
		panic("density: cov is not d×d")
	}
	clear(cov)
	mean := make([]float64, t.d)
	t.Mean(mean)
	off := make([]float64, t.d)
	for k, l := range t.logW {
		rho, along, across := t.law(k)
		mu := t.mu[k*t.d : (k+1)*t.d]
		for j, m := range mu {
			off[j] = t.radius*rho*m - mean[j]
		}
		w, r2 := math.Exp(l), t.radius*t.radius
		for i := range t.d {
			for j := range t.d {
				cov[i*t.d+j] += w * (r2*(along-across)*(mu[i]*mu[j]) + off[i]*off[j])
			}
			cov[i*t.d+i] += w * r2 * across
		}
	}
}

// Modes returns the weights and the modes Rμ_k of the components. The squared distance
// to a mode is 2R²(1 - μ·u): the radius is the largest over the components of its root
// mean square plus three standard deviations of the distance, to first order, at most
// the diameter; about one draw in a hundred of a component lies outside at most.
func (t *VMF) Modes() (weights, centres []float64, radius float64) {
	weights, centres, _ = t.Components()
	for j := range centres {
		centres[j] *= t.radius
	}
	for k := range weights {
		rho, along, across := t.law(k)
		// 1 - ρ = (1 - ρ²)/(1 + ρ), without cancellation.
		gap := (along + float64(t.d-1)*across) / (1 + rho)
		if gap > 0 { // two points at κ beyond float64 have no spread
			radius = max(radius, math.Sqrt(2*gap)+3*math.Sqrt(along/2/gap))
		}
	}
	return weights, centres, t.radius * min(radius, 2)
}
