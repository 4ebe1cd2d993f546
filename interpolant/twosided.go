package interpolant

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Coefficient returns a coefficient c of an interpolant at time t, its derivative ċ, and
// the product cċ, which is asked for by itself: at an end of [0, 1], c may be 0 and ċ
// infinite where cċ is finite.
type Coefficient func(t float64) (c, dc, cdc float64)

// Plain makes a Coefficient of a function and its derivative, both finite everywhere: a
// spline, for example.
func Plain(f func(t float64) (c, dc float64)) Coefficient {
	return func(t float64) (float64, float64, float64) {
		c, dc := f(t)
		return c, dc, c * dc
	}
}

// A TwoSided is a linear stochastic interpolant between two densities,
//
//	x_t = α(t) x₀ + β(t) x₁ + γ(t) z,   z ~ N(0, I) independent of (x₀, x₁),   t from 0 to 1
//
// (Albergo, Boffi and Vanden-Eijnden 2023, arXiv 2303.08797, definition 2.1 and section 4).
// α(0) = β(1) = 1 and α(1) = β(0) = γ(0) = γ(1) = 0, except that the mirror interpolant has
// α = 0 and β = 1. The coefficients may be any functions.
type TwoSided struct {
	Alpha, Beta, Gamma Coefficient
}

// TwoCoeffs are the coefficients of a two-sided interpolant at one time, their derivatives
// (infinite at an end where a coefficient vanishes like a square root) and the products of
// the two, which are finite.
type TwoCoeffs struct {
	Alpha, Beta, Gamma    float64
	DAlpha, DBeta, DGamma float64
	ADA, BDB, GDG         float64 // αα̇, ββ̇, γγ̇
}

// At returns the coefficients at t in [0, 1].
func (p TwoSided) At(t float64) (c TwoCoeffs) {
	c.Alpha, c.DAlpha, c.ADA = p.Alpha(t)
	c.Beta, c.DBeta, c.BDB = p.Beta(t)
	c.Gamma, c.DGamma, c.GDG = p.Gamma(t)
	return c
}

// Span returns the times between which α̇ and β̇ are finite: [0, 1], or with 1e-4 cut off an
// end where one is infinite, [0, 1-1e-4] for sbdm. (γ̇ enters by γγ̇ only.)
func (p TwoSided) Span() (t0, t1 float64) { return p.span(false, false) }

// span is Span for the velocity of a model: a coefficient that vanishes at an end where its
// derivative is infinite does no harm if what it multiplies is independent of the other end
// and has mean zero, for then its conditional mean vanishes as the coefficient does.
func (p TwoSided) span(zero0, zero1 bool) (t0, t1 float64) {
	finite := func(t float64) bool {
		c := p.At(t)
		return (!math.IsInf(c.DAlpha, 0) || zero0 && c.Alpha == 0) && (!math.IsInf(c.DBeta, 0) || zero1 && c.Beta == 0)
	}
	const cut = 1e-4
	t1 = 1
	if !finite(0) {
		t0 = cut
	}
	if !finite(1) {
		t1 = 1 - cut
	}
	return t0, t1
}

// inside returns t and the coefficients there, or those 1e-12 further in where α̇ or β̇ is
// infinite at an end. A coefficient c with a finite cċ is then about 1e-6 and ċ 1e6: finite
// limits come out to 1e-6 times the third moments that the expansion in c leaves, and what
// cancels to rounding leaves as much.
func inside(at func(t float64) TwoCoeffs, t float64) (float64, TwoCoeffs) {
	c := at(t)
	if math.IsInf(c.DAlpha, 0) || math.IsInf(c.DBeta, 0) {
		t = min(max(t, 1e-12), 1-1e-12)
		c = at(t)
	}
	return t, c
}

// Reverse returns the interpolant with its ends exchanged, x_{1-t} with x₀ and x₁ swapped.
func (p TwoSided) Reverse() TwoSided {
	flip := func(f Coefficient) Coefficient {
		return func(t float64) (float64, float64, float64) {
			c, dc, cdc := f(1 - t)
			return c, -dc, -cdc
		}
	}
	return TwoSided{Alpha: flip(p.Beta), Beta: flip(p.Alpha), Gamma: flip(p.Gamma)}
}

var kinds = []string{"linear", "trig", "vp-trig", "enc-dec", "mirror", "one-sided", "one-sided-trig", "sbdm", "diffusive"}

var gammas = []string{"sqrt", "bump", "sin2", "sigmoid", "none"}

// TwoSidedKinds and GammaKinds return the names that NewTwoSided knows.
func TwoSidedKinds() []string { return slices.Clone(kinds) }

// GammaKinds returns the names of the noises that NewTwoSided knows.
func GammaKinds() []string { return slices.Clone(gammas) }

// NewTwoSided returns an interpolant by name (Albergo et al. 2023, table 8 and section 4):
//
//	linear           α = 1-t, β = t
//	trig             α = cos(πt/2), β = sin(πt/2)
//	vp-trig          the same times √(1-γ²), so that α² + β² + γ² = 1; needs γ < 1
//	enc-dec          α = cos²(πt) for t < ½, β = cos²(πt) for t > ½, else 0; γ = sin²(πt) only
//	mirror           α = 0, β = 1: from a density to itself
//	one-sided        α = 1-t, β = t, γ = 0; x₀ is the noise
//	one-sided-trig   cos(πt/2), sin(πt/2), γ = 0
//	sbdm             α = √(1-t²), β = t, γ = 0: score-based diffusion with t = e^{-τ}
//	diffusive        α = 1-t, β = t, γ² = 2at(1-t): from a point to a density by the SDE
//	                 with ε = a, whose drift is finite at t = 0 (Föllmer)
//
// and gamma
//
//	sqrt     γ = √(at(1-t)), the only one whose b carries the scores of the ends, γγ̇ → ±a/2
//	bump     γ = t(1-t)
//	sin2     γ = sin²(πt)
//	sigmoid  γ = ς(f(t-½)+1) - ς(f(t-½)-1) - ς(-f/2+1) + ς(-f/2-1), ς(x) = 1/(1+e^{-x}), f = 10
//	none     γ = 0
//
// a > 0 scales sqrt and diffusive (their only parameter); 0 means 1. An empty gamma is the
// kind's own, sqrt where it has none.
func NewTwoSided(kind, gamma string, a float64) (TwoSided, error) {
	if a == 0 {
		a = 1
	}
	if !(a > 0) || math.IsInf(a, 1) {
		return TwoSided{}, fmt.Errorf("interpolant: the scale a of the noise is %g, want a finite number > 0", a)
	}
	own := map[string]string{"enc-dec": "sin2", "one-sided": "none", "one-sided-trig": "none", "sbdm": "none", "diffusive": "sqrt"}[kind]
	switch {
	case gamma == "" && own != "":
		gamma = own
	case gamma == "":
		gamma = "sqrt"
	case own != "" && gamma != own:
		return TwoSided{}, fmt.Errorf("interpolant: the %s interpolant goes with gamma=%s only, not gamma=%s", kind, own, gamma)
	}
	if kind == "diffusive" {
		a *= 2
	}
	g, ok := map[string]Coefficient{
		"sqrt": sqrtGamma(a), "bump": Plain(bump), "sin2": Plain(sin2), "sigmoid": Plain(sigmoidBump),
		"none": Plain(func(float64) (float64, float64) { return 0, 0 }),
	}[gamma]
	if !ok {
		return TwoSided{}, fmt.Errorf("interpolant: no noise gamma=%s; choose one of %s", gamma, strings.Join(gammas, ", "))
	}
	down, up := Plain(func(t float64) (float64, float64) { return 1 - t, -1 }), Plain(func(t float64) (float64, float64) { return t, 1 })
	switch kind {
	case "linear", "one-sided", "diffusive":
		return TwoSided{down, up, g}, nil
	case "trig", "one-sided-trig":
		return TwoSided{Plain(cosine), Plain(sine), g}, nil
	case "vp-trig":
		// The largest γ is at t = ½ for every noise of the menu.
		if top, _, _ := g(0.5); top >= 1 {
			return TwoSided{}, fmt.Errorf("interpolant: the vp-trig interpolant needs γ < 1, but gamma=%s reaches %g; choose sqrt with a < 4, bump or sigmoid", gamma, top)
		}
		return TwoSided{shrink(cosine, g), shrink(sine, g), g}, nil
	case "enc-dec":
		return TwoSided{Plain(func(t float64) (float64, float64) { return half(t, t < 0.5) }), Plain(func(t float64) (float64, float64) { return half(t, t > 0.5) }), g}, nil
	case "mirror":
		return TwoSided{Plain(func(float64) (float64, float64) { return 0, 0 }), Plain(func(float64) (float64, float64) { return 1, 0 }), g}, nil
	case "sbdm":
		return TwoSided{func(t float64) (float64, float64, float64) {
			c := math.Sqrt((1 - t) * (1 + t))
			return c, -t / c, -t
		}, up, g}, nil
	}
	return TwoSided{}, fmt.Errorf("interpolant: no interpolant %q; choose one of %s", kind, strings.Join(kinds, ", "))
}

func sqrtGamma(a float64) Coefficient {
	return func(t float64) (float64, float64, float64) {
		c, cdc := math.Sqrt(a*t*(1-t)), a/2*(1-2*t)
		return c, cdc / c, cdc
	}
}

func bump(t float64) (float64, float64) { return t * (1 - t), 1 - 2*t }

// sinPi and cosPi are exact at the ends and in the middle, where sin(math.Pi) is not.
func sinPi(t float64) float64 {
	if t > 0.5 {
		t = 1 - t
	}
	return math.Sin(math.Pi * t)
}

func cosPi(t float64) float64 { return math.Sin(math.Pi * (0.5 - t)) }

func sin2(t float64) (float64, float64) {
	s, c := sinPi(t), cosPi(t)
	return s * s, 2 * math.Pi * s * c
}

func half(t float64, on bool) (float64, float64) {
	if !on {
		return 0, 0
	}
	s, c := sinPi(t), cosPi(t)
	return c * c, -2 * math.Pi * s * c
}

func cosine(t float64) (float64, float64) {
	return math.Sin(math.Pi / 2 * (1 - t)), -math.Pi / 2 * math.Sin(math.Pi/2*t)
}

func sine(t float64) (float64, float64) {
	return math.Sin(math.Pi / 2 * t), math.Pi / 2 * math.Sin(math.Pi/2*(1-t))
}

func sigmoidBump(t float64) (float64, float64) {
	const f = 10
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	up, down := sig(f*(t-0.5)+1), sig(f*(t-0.5)-1)
	// Even in t - ½; the constant is the value at both ends.
	if t == 0 || t == 1 {
		return 0, f * (up*(1-up) - down*(1-down))
	}
	return up - down - sig(-f/2.+1) + sig(-f/2.-1), f * (up*(1-up) - down*(1-down))
}

// shrink returns c √(1-γ²).
func shrink(c func(float64) (float64, float64), gamma Coefficient) Coefficient {
	return Plain(func(t float64) (float64, float64) {
		v, dv := c(t)
		g, _, gdg := gamma(t)
		r := math.Sqrt(1 - g*g)
		return v * r, dv*r - v*gdg/r
	})
}
