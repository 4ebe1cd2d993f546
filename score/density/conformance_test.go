package density

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A row is one target of the conformance table. A file adds its own with
//
//	func init() { register(row{name: "ring8", target: Ring(8, 4, 0.3), scale: 4}) }
type row struct {
	name   string
	target Target
	// scale is the spread of the data about the origin: lengths beyond it are far.
	scale float64
	// tol is the relative error of the target's own quadrature; 0 for closed forms.
	tol float64
	// fd loosens the tolerance of finite differences by this factor where the
	// target states less than full precision; 0 means 1.
	fd float64
	// draws is the number of Rand draws for the moments; 0 means 200k/d.
	draws int
}

var targets []row

func register(rows ...row) { targets = append(targets, rows...) }

// eachTarget runs f as a subtest for every row.
func eachTarget(t *testing.T, f func(t *testing.T, r row)) {
	for _, r := range targets {
		t.Run(r.name, func(t *testing.T) { f(t, r) })
	}
}

// source returns the generator of a test, at an address of its own.
func source(test uint64) *rand.Rand { return stream.New().At(1, stream.Test, test, 0) }

// noised draws n points of x = α·x₁ + σ·z.
func noised(tg Target, n int, alpha, sigma float64, rng *rand.Rand) []float64 {
	d := tg.Dim()
	x := make([]float64, n*d)
	for i := range n {
		p := x[i*d : (i+1)*d]
		tg.Rand(p, rng)
		for j := range p {
			p[j] = alpha*p[j] + sigma*rng.NormFloat64()
		}
	}
	return x
}

func norm(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

// unit fills v with a random direction.
func unit(v []float64, rng *rand.Rand) {
	for j := range v {
		v[j] = rng.NormFloat64()
	}
	n := norm(v)
	for j := range v {
		v[j] /= n
	}
}

func allFinite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// central writes the central difference of order 4 in h of f along v at x,
//
//	f' = (8(f(h) - f(-h)) - (f(2h) - f(-2h)))/(12h) + O(h⁴).
func central(dst, x, v []float64, h float64, f func(dst, x []float64)) {
	y := make([]float64, len(x))
	g := make([]float64, len(dst))
	clear(dst)
	for _, s := range []struct{ at, w float64 }{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}} {
		for j := range y {
			y[j] = x[j] + s.at*h*v[j]
		}
		f(g, y)
		for j := range dst {
			dst[j] += s.w * g[j] / (12 * h)
		}
	}
}

var (
	ratios = []float64{1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3}
	alphas = []float64{1, 0.5, 1e-2}
)

// eachPoint calls f at 20 points drawn from every noised law of the tables above
// (5 points if testing.Short).
func eachPoint(r row, test uint64, f func(x []float64, alpha, sigma float64)) {
	n := 20
	if testing.Short() {
		n = 5
	}
	rng := source(test)
	d := r.target.Dim()
	for _, alpha := range alphas {
		for _, ratio := range ratios {
			x := noised(r.target, n, alpha, alpha*ratio, rng)
			for i := range n {
				f(x[i*d:(i+1)*d], alpha, alpha*ratio)
			}
		}
	}
}

// The step of the finite differences is 3e-3σ: log p varies over lengths of σ or more,
// shorter only by the factor of a few between neighbours a few σ apart, so the
// truncation (h/ℓ)⁴/30 stays under 1e-7 at ℓ = σ/6 and the rounding is
// 1e-16·|log p|/(3e-3σ) ~ 1e-12/σ.
const fdStep = 3e-3

func TestTweedie(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		d := r.target.Dim()
		D, s := make([]float64, d), make([]float64, d)
		eachPoint(r, 1, func(x []float64, alpha, sigma float64) {
			r.target.Denoise(D, x, alpha, sigma)
			r.target.Score(s, x, alpha, sigma)
			for j := range x {
				// αD - x carries the rounding of its terms (x and, through the responsibilities,
				// ≈ scale·α·(x/σ)·eps) and the quadrature's error.
				size := math.Abs(x[j]) + alpha*(math.Abs(D[j])+r.scale)
				tol := 1e-12*size*(1+alpha*r.scale/sigma) + r.tol*math.Min(size, sigma)
				require.InDelta(t, alpha*D[j]-x[j], sigma*sigma*s[j], tol, "α=%g σ=%g x=%v", alpha, sigma, x)
			}
		})
	})
}

func TestScoreIsGradient(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		d := r.target.Dim()
		s, v, g := make([]float64, d), make([]float64, d), make([]float64, 1)
		fd := max(r.fd, 1)
		rng := source(31)
		eachPoint(r, 2, func(x []float64, alpha, sigma float64) {
			r.target.Score(s, x, alpha, sigma)
			// Relative to the score or to its typical size over the law.
			tol := 1e-6 * fd * (norm(s) + 1/math.Hypot(sigma, alpha*r.scale))
			for range 3 {
				unit(v, rng)
				central(g, x, v, fdStep*sigma, func(dst, x []float64) { r.target.LogProb(dst, x, alpha, sigma) })
				slope := 0.0
				for j := range v {
					slope += s[j] * v[j]
				}
				require.InDelta(t, g[0], slope, tol, "α=%g σ=%g x=%v", alpha, sigma, x)
			}
		})
	})
}

func TestJacobian(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		d := r.target.Dim()
		buf := func() []float64 { return make([]float64, d) }
		u, v, Ju, Jv, g, e, Je := buf(), buf(), buf(), buf(), buf(), buf(), buf()
		div := make([]float64, 1)
		fd := max(r.fd, 1)
		rng := source(30)
		eachPoint(r, 3, func(x []float64, alpha, sigma float64) {
			unit(u, rng)
			unit(v, rng)
			r.target.JVP(Ju, x, u, alpha, sigma)
			r.target.JVP(Jv, x, v, alpha, sigma)
			central(g, x, v, fdStep*sigma, func(dst, x []float64) { r.target.Denoise(dst, x, alpha, sigma) })
			// Relative to the Jacobian of a Gaussian of that spread.
			scale := norm(Jv) + alpha*r.scale*r.scale/(sigma*sigma+alpha*alpha*r.scale*r.scale)
			trace, uJv, vJu := 0.0, 0.0, 0.0
			for j := range d {
				require.InDelta(t, g[j], Jv[j], 1e-6*fd*scale, "α=%g σ=%g x=%v", alpha, sigma, x)
				uJv += u[j] * Jv[j]
				vJu += v[j] * Ju[j]
				e[j] = 1
				r.target.JVP(Je, x, e, alpha, sigma)
				e[j] = 0
				trace += Je[j]
			}
			// The Jacobian is α/σ² times a covariance: symmetric, its trace the divergence.
			// The only errors are rounding, α/σ² times eps·scale², and the quadrature's.
			tol := (1e-10 + r.tol) * float64(d) * fd * (scale + norm(Ju))
			require.InDelta(t, uJv, vJu, tol, "α=%g σ=%g x=%v", alpha, sigma, x)
			r.target.Divergence(div, x, alpha, sigma)
			require.InDelta(t, trace, div[0], tol, "α=%g σ=%g x=%v", alpha, sigma, x)
		})
	})
}

// TestExtremes asks for finite values beyond the accurate range: σ/α of 1e-6 and 1e6,
// α = 0 (where D is the prior mean), and points a thousand scales away.
func TestExtremes(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		const n = 8
		d := r.target.Dim()
		rng := source(4)
		D, s, lp, Jv, div := make([]float64, n*d), make([]float64, n*d), make([]float64, n), make([]float64, n*d), make([]float64, n)
		v := make([]float64, n*d)
		for j := range v {
			v[j] = rng.NormFloat64()
		}
		for _, c := range [][2]float64{{1, 1e-6}, {1, 1e-3}, {1, 0.1}, {1, 1}, {1, 1e3}, {1e-3, 1e3}, {0, 1e-3}, {0, 1}} {
			alpha, sigma := c[0], c[1]
			x := noised(r.target, n, alpha, sigma, rng)
			for _, factor := range []float64{0, 1, 1e3} {
				// factor 1e3 is far away: it draws from the law stretched a thousandfold.
				for j := range x {
					x[j] *= factor
				}
				r.target.Denoise(D, x, alpha, sigma)
				r.target.Score(s, x, alpha, sigma)
				r.target.LogProb(lp, x, alpha, sigma)
				r.target.JVP(Jv, x, v, alpha, sigma)
				r.target.Divergence(div, x, alpha, sigma)
				for name, y := range map[string][]float64{"Denoise": D, "Score": s, "LogProb": lp, "JVP": Jv, "Divergence": div} {
					require.True(t, allFinite(y), "%s at α=%g σ=%g x=%v: %v", name, alpha, sigma, x, y)
				}
				for _, v := range div {
					require.GreaterOrEqual(t, v, -1e-9, "a covariance has no negative trace")
				}
				m, ok := r.target.(Momenter)
				if alpha == 0 && ok {
					mean := make([]float64, d)
					m.Mean(mean)
					for i := range D {
						assert.InDelta(t, mean[i%d], D[i], 1e-9*r.scale+r.tol, "D is the prior mean at α = 0")
						assert.Zero(t, Jv[i])
					}
				}
				if factor == 0 {
					x = noised(r.target, n, alpha, sigma, rng)
				}
			}
		}
	})
}
