package density

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

func init() {
	// The tolerance is the error of the quadrature that the doc states.
	register(
		row{name: "moons", target: Moons(0.1), scale: 3, tol: 1e-9},
		row{name: "swissroll", target: SwissRoll(0.1), scale: 4, tol: 1e-9},
		row{name: "spirals", target: Spirals(2, 0.1), scale: 4, tol: 1e-9},
		row{name: "pinwheel", target: Pinwheel(5, Blade{}, 0.1), scale: 4, tol: 1e-9},
	)
}

// TestCurveQuadrature measures the error of the nodes against four times as many, at
// points of the law and at points pushed beyond it by up to 6 thicknesses.
func TestCurveQuadrature(t *testing.T) {
	stds := []float64{0.1, 0.05, 0.3}
	if testing.Short() {
		stds = stds[:1]
	}
	for _, std := range stds {
		for name, build := range map[string]func() *Curve{
			"moons":     func() *Curve { return Moons(std) },
			"swissroll": func() *Curve { return SwissRoll(std) },
			"spirals":   func() *Curve { return Spirals(3, std) },
			"pinwheel":  func() *Curve { return Pinwheel(5, Blade{}, std) },
		} {
			c := build()
			nodeGap /= 4
			fine := build()
			nodeGap *= 4
			const n = 40
			rng := source(20)
			var worstP, worstD float64
			for _, sigma := range []float64{1e-4, 0.1, 1, 30} {
				for _, push := range []float64{0, 3, 6} {
					x := noised(c, n, 1, sigma, rng)
					for i := range n {
						s, co := math.Sincos(2 * math.Pi * rng.Float64())
						x[2*i] += push * std * co
						x[2*i+1] += push * std * s
					}
					p, q := make([]float64, n), make([]float64, n)
					c.LogProb(p, x, 1, sigma)
					fine.LogProb(q, x, 1, sigma)
					worstP = max(worstP, floats.Distance(p, q, math.Inf(1)))
					p, q = make([]float64, 2*n), make([]float64, 2*n)
					c.Denoise(p, x, 1, sigma)
					fine.Denoise(q, x, 1, sigma)
					worstD = max(worstD, floats.Distance(p, q, math.Inf(1))/std)
				}
			}
			t.Logf("%s std=%g: %d nodes, log p %.1g, D %.1g", name, std, c.k, worstP, worstD)
			assert.Less(t, worstP, 1e-9, "%s std=%g", name, std)
			assert.Less(t, worstD, 1e-9, "%s std=%g", name, std)
		}
	}
}

// TestCurveRand holds draws along the curves against draws from the mixture that stands
// for them: the mean of log p, which sees the thickness, and of |x|², within 5 standard
// errors of the difference over 50,000 draws each (false alarm 6e-7).
func TestCurveRand(t *testing.T) {
	const n = 50_000
	for name, c := range map[string]*Curve{
		"moons":     Moons(0.1),
		"swissroll": SwissRoll(0.2),
		"spirals":   Spirals(3, 0.1),
		"pinwheel":  Pinwheel(5, Blade{}, 0.05),
		"blade":     Pinwheel(3, Blade{Radial: 0.2, Tangential: 0, Rate: 0.5}, 0.1),
	} {
		rng := source(21)
		var mean, variance [2][2]float64
		for i, tg := range []Target{c, &Mixture{c.gaussians}} {
			x, lp, sq := noised(tg, n, 1, 0, rng), make([]float64, n), make([]float64, n)
			c.CleanLogProb(lp, x)
			for j := range sq {
				sq[j] = x[2*j]*x[2*j] + x[2*j+1]*x[2*j+1]
			}
			mean[i][0], variance[i][0] = stat.MeanVariance(lp, nil)
			mean[i][1], variance[i][1] = stat.MeanVariance(sq, nil)
		}
		for s := range 2 {
			assert.InDelta(t, mean[1][s], mean[0][s], 5*math.Sqrt((variance[0][s]+variance[1][s])/n), "%s, statistic %d", name, s)
		}
	}
}
