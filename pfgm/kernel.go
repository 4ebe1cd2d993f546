package pfgm

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
)

var _ score.Base = Kernel{}

// Kernel is the law of the noise x - y = σT in R^N, a score.Base:
//
//	p(x) = Γ((N+D)/2)/(Γ(D/2) (πr²)^{N/2}) (1 + |x|²/r²)^{-(N+D)/2},   r = σ√D
type Kernel struct {
	Sigma float64 // σ, the scale: as D → ∞ the standard deviation
	D     float64 // extra dimensions, or degrees of freedom; any real number > 0
}

// Prior returns the base of a path that starts at t0: the kernel at σ(t0). As with Gaussian
// noise (score.BaseOf) it is the exact law of x only if α(t0) = 0. For D < ∞ it is not
// σ(t0) times a Gaussian.
func Prior(p interpolant.Path, t0, d float64) Kernel { return Kernel{Sigma: p.At(t0).Sigma, D: d} }

// Radius returns r = σ√D, which aligns the hyper-parameters of models of different D (Xu et
// al. 2023, section 4).
func (k Kernel) Radius() float64 { return k.Sigma * math.Sqrt(k.D) }

// Rand fills dst with a draw. The paper's recipe (appendix B) takes a uniform direction u
// and, with B ~ Beta(N/2, D/2),
//
//	x = R u,   R = r √(B/(1-B))
//
// B/(1-B) is the ratio of a gamma variate of shape N/2 to one of shape D/2. With g ~ N(0, I)
// |g|²/2 is the first of them, independent of u = g/|g|, so R u = r g/√χ²_D: no 1 - B is
// ever formed.
func (k Kernel) Rand(dst []float64, rng *rand.Rand) {
	checkD(k.D)
	chi2 := 0.0
	for chi2 == 0 { // a gamma variate of small shape may underflow
		chi2 = 2 * distuv.Gamma{Alpha: k.D / 2, Beta: 1, Src: rng}.Rand()
	}
	scale := k.Radius() / math.Sqrt(chi2)
	for i := range dst {
		dst[i] = scale * rng.NormFloat64()
	}
}

// LogProb writes log p of the points x of dimension dim, in nats.
func (k Kernel) LogProb(dst, x []float64, dim int) {
	checkD(k.D)
	checkBatch(dst, x, dim, 1)
	c := k.logNorm(dim)
	for i := range dst {
		dst[i] = c - (float64(dim)+k.D)/2*math.Log1p(sumSquares(x[i*dim:(i+1)*dim], k.Radius()))
	}
}

// logNorm returns the logarithm of the density at 0. With a = D/2, b = N/2 and Stirling's
// remainder s, the large terms of the gamma functions leave
//
//	(a + b - ½) log(1 + b/a) - b + s(a+b) - s(a) - b log(2πσ²)
func (k Kernel) logNorm(dim int) float64 {
	a, b := k.D/2, float64(dim)/2
	return (a+b-0.5)*math.Log1p(b/a) - b + stirling(a+b) - stirling(a) - b*(math.Log(2*math.Pi)+2*math.Log(k.Sigma))
}

// stirling returns log Γ(a) - [(a - ½) log a - a + ½ log 2π], Binet's function. The series
// (NIST DLMF 5.11.1) is good to 1e-15 from a = 10.
func stirling(a float64) float64 {
	if a < 10 {
		lg, _ := math.Lgamma(a)
		return lg - ((a-0.5)*math.Log(a) - a + math.Log(2*math.Pi)/2)
	}
	q := 1 / (a * a)
	return (1./12 - q*(1./360-q*(1./1260-q*(1./1680-q*(1./1188-q*691/360360))))) / a
}

// sumSquares returns |x/unit|².
func sumSquares(x []float64, unit float64) float64 {
	sum := 0.0
	for _, v := range x {
		v /= unit
		sum += v * v
	}
	return sum
}

// Training draws the noisy points of training with the weights of EDM (Karras et al. 2022,
// table 1), which Xu et al. keep:
//
//	ln σ ~ N(PMean, PStd²),   x = y + σT,   loss λ(σ) |D_θ(x; 1, σ) - y|²
//	λ = (σ² + SigmaData²)/(σ SigmaData)²
//
// The loss is an unbiased one: its minimiser is E[y | x] at every σ, of no batch of data.
type Training struct {
	D         float64
	PMean     float64 // zero with PStd zero means -1.2
	PStd      float64 // zero means 1.2
	SigmaData float64 // zero means 0.5
}

// Perturb fills x with the noisy points of the clean points y of dimension dim, and sigma and
// weight, one value a point. The draw of row i is that of sample first+i at the given
// training step: it depends on seed, sample and step only.
func (o Training) Perturb(x, sigma, weight, y []float64, dim int, seed uint64, first int, step uint64) {
	if len(x) != len(y) || len(sigma) != len(weight) {
		panic("pfgm: lengths of x and y, or of sigma and weight, differ")
	}
	checkBatch(sigma, y, dim, 1)
	if o.PStd == 0 {
		if o.PStd = 1.2; o.PMean == 0 {
			o.PMean = -1.2
		}
	}
	if o.SigmaData == 0 {
		o.SigmaData = 0.5
	}
	src := stream.New()
	for i := range sigma {
		rng := src.At(seed, stream.Step, uint64(first+i), step)
		s := math.Exp(o.PMean + o.PStd*rng.NormFloat64())
		row := x[i*dim : (i+1)*dim]
		Kernel{Sigma: s, D: o.D}.Rand(row, rng)
		for j := range row {
			row[j] += y[i*dim+j]
		}
		sigma[i], weight[i] = s, (s*s+o.SigmaData*o.SigmaData)/(s*s*o.SigmaData*o.SigmaData)
	}
}
