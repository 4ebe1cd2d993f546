package density

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/special"
)

// Spheres is a mixture of uniform distributions over spheres of R^d about the origin,
// rings for d = 2 and pairs of points for d = 1. It has no density without noise;
// Smooth gives the spheres a thickness. For a sphere of radius R, with
// ν = d/2 - 1, z = αR|x|/σ², ρ = I_{ν+1}(z)/I_ν(z) and e = x/|x|,
//
//	p(x)      = (2πσ²)^{-d/2} exp(-(|x|-αR)²/(2σ²)) · Γ(ν+1) (2/z)^ν e^{-z} I_ν(z)
//	E[x₁|x]   = Rρ e
//	Cov[x₁|x] = R² [ρ' e eᵀ + (ρ/z) (I - e eᵀ)],   ρ' = 1 - ρ² - (d-1)ρ/z
//
// with ρ' from special.RatioI, where it does not cancel. In the mixture the spread of
// the Rρ adds to the radial part.
type Spheres struct {
	radial
	radii, w, logW, cum []float64
}

// NewSpheres returns the mixture of spheres of the given radii ≥ 0 in R^dim. weights
// has as many values of any sum > 0, or is nil for equal weights. Spheres of weight
// zero are dropped.
func NewSpheres(weights, radii []float64, dim int) (*Spheres, error) {
	if dim < 1 {
		return nil, fmt.Errorf("density: spheres in dimension %d, want at least 1", dim)
	}
	keep, logW, err := components(weights, radii, 1)
	if err != nil {
		return nil, err
	}
	t := &Spheres{radii: pick(radii, keep, 1), logW: logW}
	sum := 0.0
	for j, r := range t.radii {
		if r < 0 {
			return nil, fmt.Errorf("density: radius %d is %g, want a number ≥ 0", keep[j], r)
		}
		w := math.Exp(logW[j])
		sum += w
		t.w, t.cum = append(t.w, w), append(t.cum, sum)
	}
	t.radial = radial{dim, t}
	return t, nil
}

// Rand fills dst, one point, with an exact draw.
func (t *Spheres) Rand(dst []float64, rng *rand.Rand) {
	checkPoint(dst, t.d)
	r := t.radii[search(t.cum, rng.Float64())]
	for {
		for j := range dst {
			dst[j] = rng.NormFloat64()
		}
		if n := length(dst); n > 0 {
			for j := range dst {
				dst[j] *= r / n
			}
			return
		}
	}
}

func (t *Spheres) at(r, alpha, sigma float64) radialPoint {
	// One pass with a running maximum. Each new one rescales the sums; mean and spread
	// of the Rρ are updated with weights (West 1979), which does not cancel.
	var (
		nu                              = float64(t.d)/2 - 1
		top                             = math.Inf(-1)
		sum, tangent, rad, mean, spread float64
	)
	for j, R := range t.radii {
		z := alpha * R / sigma * (r / sigma)
		e := (r - alpha*R) / sigma
		l := t.logW[j] - e*e/2 + special.LogSphere(nu, z)
		if l > top {
			c := math.Exp(top - l)
			sum, tangent, rad, spread = c*sum, c*tangent, c*rad, c*spread
			top = l
		}
		w := math.Exp(l - top)
		rho, slope := special.RatioI(nu, z)
		ratio := rho / z
		if z < 1e-150 {
			ratio = slope // both tend to 1/d
		}
		sum += w
		tangent += w * R * R * ratio
		rad += w * R * R * slope
		old := mean
		mean += (R*rho - old) * (w / sum)
		spread += w * (R*rho - old) * (R*rho - mean)
	}
	c := alpha / sigma / sigma / sum
	p := radialPoint{
		logp: top + math.Log(sum) - float64(t.d)*(math.Log(2*math.Pi)/2+math.Log(sigma)),
		gain: c * tangent,
	}
	p.score = (alpha*p.gain - 1) / sigma / sigma
	if r > 0 {
		p.outer = (c*(rad+spread) - p.gain) / r / r
	}
	return p
}

// Cov fills cov, d×d values: Σ w_j R_j²/d on the diagonal.
func (t *Spheres) Cov(cov []float64) {
	v := 0.0
	for j, r := range t.radii {
		v += t.w[j] * r * r / float64(t.d)
	}
	t.scalarCov(cov, v)
}
