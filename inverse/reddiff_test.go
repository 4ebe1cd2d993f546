package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// pinvOf returns A†y, by the projection of x̂0 = 0.
func pinvOf(p *Problem) []float64 {
	_, d := p.Dims()
	return look(p, density.Normal(d, 1), make([]float64, d)).pinv()
}

// TestREDDiffIsTheAuthorsIteration writes it out with ε̂ and Adam in their textbook form.
func TestREDDiffIsTheAuthorsIteration(t *testing.T) {
	const d, rows = 4, 2
	prior := testMixture(t, d)
	path, grid := interpolant.VP{}, []float64{0.1, 0.3, 0.5, 0.6, 0.9}
	for name, p := range problems(t, d) {
		for _, weight := range []func(float64) float64{nil, func(l float64) float64 { return math.Exp(-l / 3) }} {
			m := REDDiff{Weight: weight}
			s := &score.Sampler{Path: path, Grid: grid, Model: conditional(t, p, prior, nil)}
			st := m.NewStepper(s, sde.Independent{Seed: 7}, rows)
			noise := sde.Independent{Seed: 7}.NewNoise(d, rows)
			st.Begin(5, rows)
			noise.Begin(5, rows)
			got, z := randoms(rows*d, 160), make([]float64, rows*d)
			mu := append(pinvOf(p), pinvOf(p)...)
			first, second := make([]float64, rows*d), make([]float64, rows*d)
			a := linop.Dense(p.A())
			for k := 1; k < len(grid); k++ {
				st.Step(got, grid[k-1], grid[k])

				c := path.At(grid[k-1])
				noise.Increment(z, grid[k-1], grid[k])
				floats.Scale(1/math.Sqrt(grid[k]-grid[k-1]), z)
				x, mean := make([]float64, rows*d), make([]float64, rows*d)
				for i := range x {
					x[i] = c.Alpha*mu[i] + c.Sigma*z[i]
				}
				prior.Denoise(mean, x, c.Alpha, c.Sigma)
				w := c.Sigma / c.Alpha
				if weight != nil {
					w = weight(math.Log(c.Alpha / c.Sigma))
				}
				for r := range rows {
					res := make([]float64, len(p.Y()))
					dense{a}.Apply(res, mu[r*d:(r+1)*d])
					floats.Sub(res, p.Y())
					g := make([]float64, d)
					dense{a}.Adjoint(g, res)
					for i := range d {
						j := r*d + i
						eps := (x[j] - c.Alpha*mean[j]) / c.Sigma
						g[i] += 0.25 * w * (eps - z[j])
						first[j] = 0.9*first[j] + 0.1*g[i]
						second[j] = 0.99*second[j] + 0.01*g[i]*g[i]
						up, down := first[j]/(1-math.Pow(0.9, float64(k))), second[j]/(1-math.Pow(0.99, float64(k)))
						mu[j] -= 0.1 * up / (math.Sqrt(down) + 1e-8)
					}
				}
				// A†y to a residual of 1e-10; gradients near 0 make it larger.
				assert.InDeltaSlice(t, mu, got, 1e-6, "%s after %d", name, k)
			}
		}
	}
}

// still is no noise.
type still struct{}

func (still) NewNoise(_, _ int) sde.Noise                 { return still{} }
func (still) Begin(_, _ int)                              {}
func (still) Increment(dw []float64, _, _ float64)        { clear(dw) }
func (still) IncrementArea(dw, _ []float64, _, _ float64) { clear(dw) }

func TestREDDiffGoesToTikhonovsEstimate(t *testing.T) {
	const d, data, lambda = 4, 0.7, 0.25
	prior := density.Normal(d, math.Sqrt(data))
	path := interpolant.VP{}
	for _, tm := range []float64{0.3, 0.6} {
		for name, p := range problems(t, d) {
			c := path.At(tm)
			noise := math.Sqrt(lambda * data * c.Sigma * c.Sigma / (c.Alpha*c.Alpha*data + c.Sigma*c.Sigma))
			q, err := New(p.A(), p.Y(), noise)
			require.NoError(t, err)
			exact, err := IsotropicPosterior(q, nil, make([]float64, d), []float64{math.Sqrt(data)})
			require.NoError(t, err)
			s := &score.Sampler{Path: path, Grid: []float64{tm}, Model: conditional(t, p, prior, nil)}
			// Adam at a constant rate ends in a limit cycle a part of the rate wide.
			st := REDDiff{Rate: 0.001}.NewStepper(s, still{}, 1)
			st.Begin(0, 1)
			x := make([]float64, d)
			for range 8000 {
				st.Step(x, tm, 0.7)
			}
			assert.InDeltaSlice(t, lawOf(exact, d).mean.RawVector().Data, x, 3e-4, name)
		}
	}
}

func TestDecoupledCountsAreTrue(t *testing.T) {
	const d, n, k = 4, 3, 2
	p, spectral := problems(t, d)["wide, variances"], problems(t, d)["wide, spectral"]
	its := Krylov{Iterations: k}
	levels := int64(4)
	for name, g := range map[string]struct {
		p       *Problem
		sampler func(score.Sampler) *score.Sampler
		want    Counts // of one sample
	}{
		// A x₁ and the system, which has Aᵀu.
		"DAPS, CG":       {p, DAPS{Krylov: its}.Sampler, Counts{Apply: levels * (k + 1), Adjoint: levels * k, Solves: levels}},
		"DAPS, spectral": {spectral, DAPS{}.Sampler, Counts{Apply: levels * 2, Adjoint: levels * 2, Solves: levels}},
		"DAPS, Langevin": {p, DAPS{Langevin: &Langevin{Steps: 6, Rate: 1e-3}}.Sampler, Counts{Apply: levels * 6, Adjoint: levels * 6}},
		"split Gibbs":    {p, SplitGibbs{Sweeps: 5, First: 4, Krylov: its}.Sampler, Counts{Apply: 5 * (k + 1), Adjoint: 5 * k, Solves: 5}},
		"FlowChef":       {p, FlowChef{Inner: func(float64) int { return 3 }}.Sampler, Counts{Apply: levels * 3, Adjoint: levels * 3}},
		"PnP-Flow":       {p, PnPFlow{}.Sampler, Counts{Apply: levels, Adjoint: levels}},
		"DDS TV": {p, DDSTV{Slices: 2, Iterations: 3, Krylov: its}.Sampler,
			Counts{Apply: levels * 3 * (k + 1), Adjoint: levels * 3 * (k + 1), Solves: levels * 3}},
	} {
		c := conditional(t, g.p, testMixture(t, d), nil)
		_, _, err := g.sampler(*annealed(c, 5, 0.1, int(levels))).Draw(context.Background(), n, nil)
		require.NoError(t, err)
		g.want.Apply, g.want.Adjoint, g.want.Solves = n*g.want.Apply, n*g.want.Adjoint, n*g.want.Solves
		assert.Equal(t, g.want, c.Counts(), name)
	}
	// RED-diff solves for A†y once.
	c := conditional(t, p, testMixture(t, d), nil)
	st := REDDiff{Krylov: its}.NewStepper(&score.Sampler{Path: interpolant.VP{}, Grid: []float64{0.5}, Model: c}, sde.Independent{}, n)
	assert.Equal(t, Counts{Apply: k + 1, Adjoint: k + 1, Solves: 1}, c.Counts())
	st.Begin(0, n)
	st.Step(make([]float64, n*d), 0.5, 0.6)
	assert.Equal(t, Counts{Apply: k + 1 + n, Adjoint: k + 1 + n, Solves: 1}, c.Counts())
}
