package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// ouProcess is dX = (-X + spin·JX) dt + g dW: the covariance of a round Gaussian is
// (g²/2) + (v₀ - g²/2)e^{-2t}, its mean e^{-t}m turned by spin·t.
type ouProcess struct {
	d       int
	g, spin float64
	pull    float64
}

func (p ouProcess) Dim() int                  { return p.d }
func (p ouProcess) Diffusion(float64) float64 { return p.g }
func (p ouProcess) Drift(dst, x []float64, _ float64) {
	for i, v := range x {
		dst[i] = -p.pull * v
	}
	if p.d == 2 {
		for i := 0; i < len(x); i += 2 {
			dst[i] -= p.spin * x[i+1]
			dst[i+1] += p.spin * x[i]
		}
	}
}

var _ sde.Process = ouProcess{}

// means returns the means over the cells of a round Gaussian, by the error function.
func means(g *Grid, m []float64, v float64) []float64 {
	d, x := len(g.N), g.Centres()
	p := make([]float64, g.Cells())
	for i := range p {
		p[i] = 1
		for j := range d {
			w := g.width(j)
			lo, hi := x[i*d+j]-m[j]-w/2, x[i*d+j]-m[j]+w/2
			s := math.Sqrt(2 * v)
			p[i] *= (math.Erf(hi/s) - math.Erf(lo/s)) / 2 / w
		}
	}
	return p
}

func l1(g *Grid, p, q []float64) float64 {
	s := 0.0
	for i := range p {
		s += math.Abs(p[i]-q[i]) * g.Volume()
	}
	return s
}

// TestSolveDensityIsOfSecondOrder measures the order against Ornstein-Uhlenbeck processes in
// closed form, with drift and noise frozen over steps in proportion to the cells; mass is kept
// to rounding and nothing turns negative.
func TestSolveDensityIsOfSecondOrder(t *testing.T) {
	const end, v0 = 0.3, 0.25
	for name, c := range map[string]struct {
		p ouProcess
		n []int
	}{
		"line":     {ouProcess{1, 1, 0, 1}, []int{40, 80, 160, 320}},
		"plane":    {ouProcess{2, 0.8, 1, 1}, []int{48, 96, 192}},
		"no noise": {ouProcess{2, 0, 1, 0.5}, []int{48, 96, 192}},
	} {
		var errs []float64
		for _, n := range c.n {
			g := &Grid{}
			m, m1 := []float64{0.8, 0}, []float64{0, 0}
			for range c.p.d {
				g.Lo, g.Hi, g.N = append(g.Lo, -4), append(g.Hi, 4), append(g.N, n)
			}
			p := means(g, m, v0)
			before := mass(g, p)
			times := make([]float64, n/8+1)
			for i := range times {
				times[i] = end * float64(i) / float64(len(times)-1)
			}
			_, err := SolveDensity(ctx, p, g, c.p, times, 2)
			require.NoError(t, err)
			shrink := math.Exp(-c.p.pull * end)
			m1[0], m1[1] = shrink*0.8*math.Cos(c.p.spin*end), shrink*0.8*math.Sin(c.p.spin*end)
			v := v0 * shrink * shrink
			if c.p.pull > 0 {
				v += c.p.g * c.p.g / (2 * c.p.pull) * (1 - shrink*shrink)
			}
			if c.p.d == 1 {
				m1[0] = shrink * 0.8
			}
			errs = append(errs, l1(g, p, means(g, m1, v)))
			assert.InDelta(t, before, mass(g, p), 1e-13*float64(n)) // rounding of sums over cells and steps
			for _, q := range p {
				require.GreaterOrEqual(t, q, 0.0)
			}
		}
		last := len(errs) - 1
		order := math.Log2(errs[last-1] / errs[last])
		t.Logf("%s: errors %.3g, order %.2f", name, errs, order)
		// 2 in the limit; the limiter at the maximum takes 0.3 at most on these grids
		assert.Greater(t, order, 1.7, name)
	}
}

func mass(g *Grid, p []float64) float64 {
	s := 0.0
	for _, v := range p {
		s += v * g.Volume()
	}
	return s
}

// TestSolveDensityRunsBack returns a flow without noise to its start.
func TestSolveDensityRunsBack(t *testing.T) {
	g := &Grid{Lo: []float64{-4, -4}, Hi: []float64{4, 4}, N: []int{96, 96}}
	p := means(g, []float64{0.5, 0.5}, 0.4)
	was := append([]float64(nil), p...)
	flow := ouProcess{2, 0, 1, 0.2}
	_, err := SolveDensity(ctx, p, g, flow, []float64{0, 0.25, 0.5}, 0)
	require.NoError(t, err)
	moved := l1(g, p, was)
	_, err = SolveDensity(ctx, p, g, flow, []float64{0.5, 0.25, 0}, 0)
	require.NoError(t, err)
	assert.Less(t, l1(g, p, was), 0.03*moved) // twice the error at this width, 1% of a move of 0.5
	_, err = SolveDensity(ctx, p, g, ouProcess{2, 1, 0, 1}, []float64{1, 0}, 0)
	assert.Error(t, err)
}

// TestFlowAndProcessReachTheTarget carries the density of an exact model from noise to the
// target by its flow and its process, without a sample; and of a model with a known error, as
// LinearGap predicts.
func TestFlowAndProcessReachTheTarget(t *testing.T) {
	mix, err := density.NewIsotropicMixture([]float64{1, 2}, []float64{-1, 0.8}, []float64{0.4, 0.3}, 1)
	require.NoError(t, err)
	path := OU{Horizon: 2}
	t1 := 0.97 // some noise is left, so that the truth is smooth
	g := &Grid{Lo: []float64{-4}, Hi: []float64{4}, N: []int{400}}
	at := func(p *density.Mixture, t float64) []float64 {
		c, out := path.At(t), make([]float64, 400)
		p.LogProb(out, g.Centres(), c.Alpha, c.Sigma)
		for i, v := range out {
			out[i] = math.Exp(v)
		}
		return out
	}
	times := interpolant.UniformGrid(0, t1, 200)
	for _, pr := range []sde.Process{
		&score.Reverse{Path: path, Model: mix, Eta: 1},
		&score.Reverse{Path: path, Model: mix},
	} {
		p := at(mix, 0)
		_, err := SolveDensity(ctx, p, g, pr, times, 0)
		require.NoError(t, err)
		// cells of a twentieth of the narrowest mode, second order: 1/400, times a few
		assert.Less(t, l1(g, p, at(mix, t1)), 0.01)
	}
	normal := density.Normal(1, 0.8)
	e := func(float64) float64 { return -0.15 }
	gap, err := LinearGap(path, []float64{0.64}, []float64{1}, e, 0, t1, 400)
	require.NoError(t, err)
	model := &Misled{Exact: normal, Error: func(dst, x []float64, _, _ float64) {
		for i, v := range x {
			dst[i] = e(0) * v
		}
	}}
	for eta, want := range map[float64]float64{0: gap.Flow.At(0, 0), 1: gap.Process.At(0, 0)} {
		p := at(normal, 0)
		_, err := SolveDensity(ctx, p, g, &score.Reverse{Path: path, Model: model, Eta: eta}, times, 0)
		require.NoError(t, err)
		v := 0.0
		for i, x := range g.Centres() {
			v += p[i] * x * x * g.Volume()
		}
		assert.InDelta(t, want, v, 2e-3*want) // second order as above
	}
}
