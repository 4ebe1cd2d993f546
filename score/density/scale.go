package density

import (
	"math"
	"math/rand/v2"
)

// StudentT is the multivariate Student t distribution with ν degrees of freedom and
// scale s,
//
//	p₁(x) = Γ((ν+d)/2)/(Γ(ν/2) (νπs²)^{d/2}) (1 + |x|²/(νs²))^{-(ν+d)/2},
//
// the law of √V g with g ~ N(0, I) and V = νs²/χ²_ν. Under noise it is a mixture over V
// (scaleLaw).
type StudentT struct {
	radial
	dof, scale float64
}

// NewStudentT returns the Student t distribution in R^dim. It panics unless dim ≥ 1,
// dof > 0 and scale > 0.
func NewStudentT(dim int, dof, scale float64) *StudentT {
	if dim < 1 || !(dof > 0) || !(scale > 0) {
		panic("density: NewStudentT needs a dimension of at least 1 and degrees of freedom and a scale above 0")
	}
	t := &StudentT{dof: dof, scale: scale}
	t.radial = radial{dim, newScaleLaw(dim, t)}
	return t
}

// Rand fills dst, one point, with an exact draw.
func (t *StudentT) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, t.d)
	s := t.scale * math.Sqrt(t.dof/2/gammaVariate(t.dof/2, rng))
	for j := range dst {
		dst[j] = s * rng.NormFloat64()
	}
}

// gammaVariate draws from the gamma distribution of shape a and scale 1 (Marsaglia &
// Tsang 2000), without the allocations of gonum's.
func gammaVariate(a float64, rng *rand.Rand) float64 {
	boost := 1.0
	if a < 1 {
		boost = math.Pow(1-rng.Float64(), 1/a)
		a++
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		z := rng.NormFloat64()
		v := 1 + c*z
		v *= v * v
		if v > 0 && math.Log(1-rng.Float64()) < z*z/2+d-d*v+d*math.Log(v) {
			return boost * d * v
		}
	}
}

// Mean fills mean, d values: 0, or NaN if ν ≤ 1, where there is none.
func (t *StudentT) Mean(mean []float64) {
	for j := range mean {
		mean[j] = 0
		if t.dof <= 1 {
			mean[j] = math.NaN()
		}
	}
}

// Cov fills cov, d×d values: s²ν/(ν-2) on the diagonal, +Inf if ν ≤ 2.
func (t *StudentT) Cov(cov []float64) {
	v := math.Inf(1)
	if t.dof > 2 {
		v = t.scale * t.scale * t.dof / (t.dof - 2)
	}
	t.scalarCov(cov, v)
}

// CleanLogProb writes log p₁(x), one value a point.
func (t *StudentT) CleanLogProb(dst, x []float64) {
	checkBatch(t.d, 1, dst, x)
	n := float64(t.d)
	a, _ := math.Lgamma((t.dof + n) / 2)
	b, _ := math.Lgamma(t.dof / 2)
	c := a - b - n/2*math.Log(t.dof*math.Pi) - n*math.Log(t.scale)
	for i := range dst {
		r := length(x[i*t.d:(i+1)*t.d]) / t.scale
		dst[i] = c - (t.dof+n)/2*math.Log1p(r*r/t.dof)
	}
}

func (t *StudentT) logPrior(tau float64) float64 {
	w := t.dof * t.scale * t.scale * math.Exp(-tau) / 2 // χ²/2
	lg, _ := math.Lgamma(t.dof / 2)
	return t.dof/2*math.Log(w) - w - lg
}

func (t *StudentT) shape(_, _, _ float64) float64 { return (t.dof + float64(t.d)) / 2 }

func (t *StudentT) window(r, alpha, sigma float64) (lo, hi float64) {
	a := t.shape(r, alpha, sigma)
	v := t.dof * t.scale * t.scale
	// Below, χ²/2 = v/(2V) takes e^{-χ²/2} χ^{2a}, the most there is, down enough.
	lo = math.Log(v / (2 * gammaReach(a)))
	// Above, V falls like V^{-a} when it exceeds all scales, and like V^{-ν/2} against at
	// most e^{r²/2σ²} in any case.
	hi = math.Log(max(v, (sigma*sigma+r*r)/(alpha*alpha))) + 8 + margin/a
	return lo, min(hi, math.Log(v)+8+(2*margin+r/sigma*(r/sigma))/t.dof)
}

// gammaReach returns an argument beyond which x^a e^{-x} is below e^{-margin} of its
// maximum.
func gammaReach(a float64) float64 { return a + margin + 1.1*math.Sqrt(2*margin*a) }

// Laplace is the symmetric multivariate Laplace distribution of scale b, the law of
// √V g with g ~ N(0, I) and V exponential of mean 2b². For d = 1
//
//	p₁(x) = exp(-|x|/b)/(2b)
//
// and in general p₁ is a Bessel function K (Kotz, Kozubowski, Podgórski 2001, section
// 5.2.2). The coordinates are uncorrelated, of variance 2b², but not independent.
// Under noise it is a mixture over V (scaleLaw).
type Laplace struct {
	radial
	scale float64
}

// NewLaplace returns the Laplace distribution in R^dim. It panics unless dim ≥ 1 and
// scale > 0.
func NewLaplace(dim int, scale float64) *Laplace {
	if dim < 1 || !(scale > 0) {
		panic("density: NewLaplace needs a dimension of at least 1 and a scale above 0")
	}
	t := &Laplace{scale: scale}
	t.radial = radial{dim, newScaleLaw(dim, t)}
	return t
}

// Rand fills dst, one point, with an exact draw.
func (t *Laplace) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, t.d)
	s := t.scale * math.Sqrt(2*rng.ExpFloat64())
	for j := range dst {
		dst[j] = s * rng.NormFloat64()
	}
}

// Cov fills cov, d×d values.
func (t *Laplace) Cov(cov []float64) { t.scalarCov(cov, 2*t.scale*t.scale) }

// CleanLogProb writes log p₁(x), one value a point: in closed form for d = 1, else by
// the quadrature at σ = 0. It is +Inf at x = 0 for d > 1.
func (t *Laplace) CleanLogProb(dst, x []float64) {
	checkBatch(t.d, 1, dst, x)
	for i := range dst {
		r := length(x[i*t.d : (i+1)*t.d])
		switch {
		case t.d == 1:
			dst[i] = -r/t.scale - math.Log(2*t.scale)
		case r == 0:
			dst[i] = math.Inf(1)
		default:
			dst[i] = t.law.at(r, 1, 0).logp
		}
	}
}

func (t *Laplace) logPrior(tau float64) float64 {
	l := tau - math.Log(2*t.scale*t.scale)
	return l - math.Exp(l)
}

// gain bounds what the likelihood of V can gain on its value at V = 0, and what it
// costs e^{-V/2b²} to follow it: r/(αb) is the least of V/2b² + r²/(2α²V).
func (t *Laplace) gain(r, alpha, sigma float64) float64 {
	if r == 0 {
		return 0
	}
	return min(r/alpha/t.scale, r/sigma*(r/sigma)/2)
}

func (t *Laplace) shape(r, alpha, sigma float64) float64 {
	return 1 + float64(t.d)/2 + t.gain(r, alpha, sigma)
}

func (t *Laplace) window(r, alpha, sigma float64) (lo, hi float64) {
	m, gain := 2*t.scale*t.scale, t.gain(r, alpha, sigma)
	hi = math.Log(m) + math.Log(margin+15+gain)
	// Below σ²/(α²(1+d)) only the prior's V is left,
	floor := sigma / alpha * (sigma / alpha) / float64(1+t.d)
	lo = math.Log(min(m, floor)) - margin
	// and below r²/y the likelihood e^{-r²/2S} is too small.
	y := 2 * (gammaReach(float64(t.d)/2) + gain)
	if v := (r*r/y - sigma*sigma) / (alpha * alpha); v > 0 {
		lo = max(lo, math.Log(v))
	}
	return lo, hi
}
