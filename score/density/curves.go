package density

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/integrate/quad"
)

// A Curve is a density in the plane along curves c_a(t), each blurred by a Gaussian,
//
//	x₁ = c_a(t) + n,   t ~ w(t) on [t₀, t₁],   n ~ N(0, C_a(t)),   C ≥ std² I,
//
// with all curves of equal weight. Rand draws from it as it stands. Everything else is
// a mixture of Gaussians at the nodes of a composite Gauss-Legendre rule in t, close
// enough to each other that the mixture is the density itself: against a rule with
// four times the nodes, log p differs by less than 1e-9 and D by less than 1e-9·std
// for points of the law at any noise and out to 6·std beyond it. The number of nodes,
// and with it the cost of a point, grows as length/std; far nodes are passed over
// where the noise is small.
type Curve struct {
	*gaussians
	draw func(dst []float64, rng *rand.Rand)
}

// Rand fills dst with an exact draw.
func (c *Curve) Rand(dst []float64, rng *rand.Rand) {
	if len(dst) != 2 {
		panic("density: dst is not one point")
	}
	c.draw(dst, rng)
}

// CleanLogProb writes log p₁(x), one value a point.
func (c *Curve) CleanLogProb(dst, x []float64) { c.LogProb(dst, x, 1, 0) }

// minStd bounds the number of nodes: a thinner curve of length 25 would take 50,000.
const minStd = 1e-3

// Moons returns two interleaved half circles with Gaussian thickness std (0.1 is
// usual): the upper (cos t, sin t), the lower (1 - cos t, 1/2 - sin t), t uniform on
// [0, π], centred and scaled by two, as drawn by scikit-learn's make_moons. They fill
// about [-3, 3]×[-1.5, 1.5]. It panics if std is below 1e-3.
func Moons(std float64) *Curve {
	at := func(arm int, t float64) (x, y float64) {
		s, c := math.Sincos(t)
		if arm == 1 {
			s, c = 0.5-s, 1-c
		}
		return 2 * (c - 0.5), 2 * (s - 0.25)
	}
	return line(2, 0, math.Pi, std, at,
		func(float64) float64 { return 2 },
		func(float64) float64 { return 1 },
		func(u float64) float64 { return math.Pi * u })
}

// SwissRoll returns the planar section of the Swiss roll, (t cos t, t sin t)·4/(4.5π)
// with t uniform on [1.5π, 4.5π], with Gaussian thickness std (0.1 is usual). It fills
// about [-4, 4]². It panics if std is below 1e-3.
func SwissRoll(std float64) *Curve {
	const scale, t0, t1 = 4 / (4.5 * math.Pi), 1.5 * math.Pi, 4.5 * math.Pi
	at := func(_ int, t float64) (x, y float64) {
		s, c := math.Sincos(t)
		return scale * t * c, scale * t * s
	}
	return line(1, t0, t1, std, at,
		func(t float64) float64 { return scale * math.Sqrt(1+t*t) },
		func(float64) float64 { return 1 },
		func(u float64) float64 { return t0 + (t1-t0)*u })
}

// Spirals returns arms that wind by 3π from the origin to the radius 4 (two are
// usual), each a turn of the first,
//
//	(-t cos t, t sin t)·4/(3π),   t = 3π√u,   u uniform on [0, 1],
//
// which is close to uniform along the arm, with Gaussian thickness std (0.1 is usual).
// It panics if arms is below 1 or std below 1e-3.
func Spirals(arms int, std float64) *Curve {
	const end = 3 * math.Pi
	at := func(arm int, t float64) (x, y float64) {
		s, c := math.Sincos(t)
		return turn(-4/end*t*c, 4/end*t*s, 2*math.Pi*float64(arm)/float64(arms))
	}
	return line(arms, 0, end, std, at,
		func(t float64) float64 { return 4 / end * math.Sqrt(1+t*t) },
		func(t float64) float64 { return t },
		func(u float64) float64 { return end * math.Sqrt(u) })
}

// A Blade holds the parameters of Pinwheel's arms, before the scaling by two.
type Blade struct {
	Radial     float64 // standard deviation along an arm, 0.3
	Tangential float64 // standard deviation across an arm, 0.1
	Rate       float64 // winding, 0.25
}

// Pinwheel returns bent blades around the origin, five with the zero Blade's defaults
// being usual: for the arm at the angle θ₀,
//
//	x₁ = 2 R(θ₀ + rate·e^r) (r, q) + n,   r ~ N(1, radial²), |r - 1| ≤ 4·radial,
//	q ~ N(0, tangential²),   n ~ N(0, std² I)
//
// (Johnson et al. 2016, as in the code of FFJORD). The truncation of r, which takes off
// 6e-5 of the mass, bounds the arms; the thickness std (0.1 is usual) keeps the density
// smooth. It fills about [-4, 4]². It panics if arms is below 1, std below 1e-3, or a
// parameter of the blade is negative.
func Pinwheel(arms int, blade Blade, std float64) *Curve {
	if blade == (Blade{}) {
		blade = Blade{Radial: 0.3, Tangential: 0.1, Rate: 0.25}
	}
	if arms < 1 || !(std >= minStd) || !(blade.Radial > 0 && blade.Radial <= 1) || !(blade.Tangential >= 0 && blade.Tangential <= 10) || !(blade.Rate >= 0 && blade.Rate <= 1) {
		panic("density: Pinwheel needs an arm, a radial spread above 0 and up to 1, a rate up to 1, and a thickness of at least 1e-3")
	}
	const scale, cut = 2.0, 4.0
	angle := func(arm int, r float64) float64 {
		return 2*math.Pi*float64(arm)/float64(arms) + blade.Rate*math.Exp(r)
	}
	across := math.Hypot(std, scale*blade.Tangential)
	weight := func(r float64) float64 {
		z := (r - 1) / blade.Radial
		return math.Exp(-z * z / 2)
	}
	// How fast a node's Gaussian changes with r, in units of its widths: along the arm,
	// across it, and by its turning seen from a point 6 widths aside.
	speed := func(r float64) float64 {
		w := blade.Rate * math.Exp(r)
		along := math.Hypot(scale, 6*across*w) / std
		return max(math.Hypot(along, scale*r*w/across), 1/blade.Radial)
	}
	var weights, means, covs []float64
	for arm := range arms {
		nodes(1-cut*blade.Radial, 1+cut*blade.Radial, speed, func(r, w float64) {
			s, cs := math.Sincos(angle(arm, r))
			weights = append(weights, w*weight(r))
			means = append(means, scale*r*cs, scale*r*s)
			a, b := std*std, across*across
			covs = append(covs, a*cs*cs+b*s*s, (a-b)*s*cs, (a-b)*s*cs, a*s*s+b*cs*cs)
		})
	}
	m := must(NewMixture(weights, means, covs, 2))
	return &Curve{m.gaussians, func(dst []float64, rng *rand.Rand) {
		arm := rng.IntN(arms)
		z := rng.NormFloat64()
		for math.Abs(z) > cut {
			z = rng.NormFloat64()
		}
		r := 1 + blade.Radial*z
		x, y := turn(scale*r, scale*blade.Tangential*rng.NormFloat64(), angle(arm, r))
		dst[0], dst[1] = x+std*rng.NormFloat64(), y+std*rng.NormFloat64()
	}}
}

// line returns a Curve of constant thickness: arms curves at(arm, t) of the given
// speed |ċ|, t of the density ∝ weight on [t0, t1] being quantile(u) of a uniform u.
func line(arms int, t0, t1, std float64, at func(arm int, t float64) (x, y float64), speed, weight, quantile func(float64) float64) *Curve {
	if arms < 1 || !(std >= minStd) || math.IsInf(std, 1) {
		panic("density: a curve needs an arm and a thickness of at least 1e-3")
	}
	var weights, means []float64
	for arm := range arms {
		nodes(t0, t1, func(t float64) float64 { return max(speed(t)/std, 1/(t1-t0)) }, func(t, w float64) {
			x, y := at(arm, t)
			weights = append(weights, w*weight(t))
			means = append(means, x, y)
		})
	}
	m := must(NewIsotropicMixture(weights, means, []float64{std}, 2))
	return &Curve{m.gaussians, func(dst []float64, rng *rand.Rand) {
		x, y := at(rng.IntN(arms), quantile(rng.Float64()))
		dst[0], dst[1] = x+std*rng.NormFloat64(), y+std*rng.NormFloat64()
	}}
}

// nodeGap is the mean distance of the nodes in units of the Gaussians' widths, and
// panelNodes the number of nodes of a panel. Tests make the gap smaller.
var nodeGap = 0.45

const panelNodes = 32

// nodes calls f with the nodes and weights of a composite Gauss-Legendre rule on
// [t0, t1]. A panel is as long as it can be with |panel|·speed ≤ panelNodes·nodeGap at
// both of its ends.
func nodes(t0, t1 float64, speed func(t float64) float64, f func(t, w float64)) {
	var x, w [panelNodes]float64
	for lo := t0; lo < t1; {
		fits := func(h float64) bool {
			return h*max(speed(lo), speed(lo+h)) <= panelNodes*nodeGap
		}
		rest := t1 - lo
		h := rest
		if !fits(rest) {
			var a, b float64 = 0, rest
			for range 30 {
				if h = (a + b) / 2; fits(h) {
					a = h
				} else {
					b = h
				}
			}
			h = min(a, rest/2) // the last two share what is left
		}
		hi := lo + h
		if h == rest {
			hi = t1
		}
		quad.Legendre{}.FixedLocations(x[:], w[:], lo, hi)
		for i := range x {
			f(x[i], w[i])
		}
		lo = hi
	}
}

// turn rotates (x, y) by an angle.
func turn(x, y, angle float64) (float64, float64) {
	s, c := math.Sincos(angle)
	return c*x - s*y, s*x + c*y
}
