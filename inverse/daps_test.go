package inverse

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// queries is a noise whose query k of a step is a unit normal j in the row first + k d + j,
// all of them in the last row, and nothing elsewhere.
type queries struct{ d, first, k int }

func (q *queries) NewNoise(dim, _ int) sde.Noise {
	if dim != q.d {
		panic("a query has the size of a point")
	}
	return q
}
func (q *queries) Begin(_, _ int) {}
func (q *queries) Increment(dw []float64, t0, t1 float64) {
	clear(dw)
	rows, root := len(dw)/q.d, math.Sqrt(math.Abs(t1-t0))
	for j := range q.d {
		if r := q.first + q.k*q.d + j; r < rows-1 {
			dw[r*q.d+j] = root
		}
		dw[(rows-1)*q.d+j] = root
	}
	q.k++
}
func (q *queries) IncrementArea(_, _ []float64, _, _ float64) { panic("not used") }

// propagateQueries is propagate for steps that draw more than once, d numbers a query.
func propagateQueries(t *testing.T, s *score.Sampler, steps score.Steps, grid []float64, l law) law {
	d := s.Model.Dim()
	q := &queries{d: d, first: 1 + d}
	most, x := 0, make([]float64, d)
	st := steps(s, q, 1)
	st.Begin(0, 1)
	for k := 1; k < len(grid); k++ {
		q.k = 0
		st.Step(x, grid[k-1], grid[k])
		most = max(most, q.k)
	}
	rows := 2 + d + d*most
	st = steps(s, q, rows)
	st.Begin(0, rows)
	for k := 1; k < len(grid); k++ {
		q.k = 0
		l = l.through(t, rows, func(x []float64) { st.Step(x, grid[k-1], grid[k]) })
	}
	return l
}

// annealed has n levels of σ from hi to lo, even in σ^(1/7), on EDM's path.
func annealed(m score.Denoiser, hi, lo float64, n int) *score.Sampler {
	path := interpolant.EDM{SigmaMax: hi}
	return &score.Sampler{Path: path, Grid: descend(make([]float64, n), path, 0, hi, lo), Model: m, Seed: 3}
}

func toEnd(s *score.Sampler) []float64 {
	return append(s.Grid[:len(s.Grid):len(s.Grid)], s.Grid[len(s.Grid)-1]+2)
}

func TestDescendIsEDMsGrid(t *testing.T) {
	s := annealed(nil, 100, 0.1, 200)
	for i, tm := range s.Grid {
		want := math.Pow(math.Pow(100, 1./7)+float64(i)/199*(math.Pow(.1, 1./7)-math.Pow(100, 1./7)), 7)
		assert.InEpsilon(t, want, s.Path.At(tm).Sigma, 1e-9) // 1 - t at t near 1
	}
	assert.Equal(t, []float64{0.3}, descend(make([]float64, 5), s.Path, 0.3, 0.01, 0.02), "no noise to go through")
	ve := interpolant.VE{} // ends at σ = 0.002
	assert.Equal(t, 1.0, last(descend(make([]float64, 9), ve, 0, 80, 1e-5)))
	assert.Less(t, len(descend(make([]float64, 9), ve, 0, 80, 1e-5)), 9)
}

func last(x []float64) float64 { return x[len(x)-1] }

// TestDAPSTable is the law of DAPS with 200 levels on the prior N(0, S) and y = x + σ_y n
// over the posterior's, which an independent program found by the recursion of mean and
// variance: with the exact flow, and with the authors' five steps.
func TestDAPSTable(t *testing.T) {
	type pair [2]float64
	for i, q := range []struct {
		data, noise                 float64
		exact, shipped, five, five0 pair
	}{
		{.25, .1, pair{1.020, 1.014}, pair{1.040, .010}, pair{1.0152, 1.0069}, pair{1.0397, .0104}},
		{.25, .5, pair{1.369, 1.335}, pair{2.000, .001}, pair{1.2565, 1.2218}, pair{1.9995, .0008}},
		{1, .5, pair{1.114, 1.107}, pair{1.250, .000}, pair{1.0792, 1.0721}, pair{1.2499, .0005}},
	} {
		prior := density.Normal(1, math.Sqrt(q.data))
		for _, a := range []interface {
			Dims() (int, int)
			Apply(dst, x []float64)
			Adjoint(dst, y []float64)
		}{newSpectrum(mat.NewDense(1, 1, []float64{1})), dense{mat.NewDense(1, 1, []float64{1})}} {
			p, err := New(a, []float64{1}, q.noise)
			require.NoError(t, err)
			s := annealed(conditional(t, p, prior, nil), 100, 0.1, 200)
			is := func(m DAPS, want pair, tol float64, name string) {
				gain, spread := ratios(propagateQueries(t, s, m.NewStepper, toEnd(s), baseLaw(s)), q.data, q.noise)
				assert.InDelta(t, want[0], gain, tol, "%s %d: gain", name, i)
				assert.InDelta(t, want[1], spread, tol, "%s %d: variance", name, i)
			}
			// Heun over 100 levels to σ = 1e-4 errs below 1e-4; half a digit of the table.
			fine := DAPS{Flow: ode.Heun, Levels: 100, End: 1e-4}
			is(fine, q.exact, 6e-4, "exact flow")
			fine.Noise = .01
			is(fine, q.shipped, 6e-4, "exact flow, τ = .01")
			is(DAPS{}, q.five, 6e-5, "five levels") // half a digit
			is(DAPS{Noise: .01}, q.five0, 6e-5, "five levels, τ = .01")
		}
	}
}

func TestDAPSOfMeanAndSpreadIsExact(t *testing.T) {
	// On N(0, S I) with x̂0 = E[x₁|x] and r² its variance the draw is of p(x₁|x, y), and
	// the law exact at any number of levels, on any path.
	const d, data = 4, 0.7
	prior := density.Normal(d, math.Sqrt(data))
	m := DAPS{Levels: 1, Spread: func(r float64) float64 { return r * math.Sqrt(data/(data+r*r)) }}
	for _, path := range []interpolant.Path{interpolant.VP{}, interpolant.CondOT{}, interpolant.VE{}} {
		for _, n := range []int{1, 4} {
			for name, p := range problems(t, d) {
				exact, err := IsotropicPosterior(p, nil, make([]float64, d), []float64{math.Sqrt(data)})
				require.NoError(t, err)
				s := &score.Sampler{Path: path, Grid: []float64{0.2, 0.4, 0.5, 0.8}[:n], Model: conditional(t, p, prior, nil)}
				c := path.At(s.Grid[0])
				want := lawOf(exact, d)
				got := propagateQueries(t, s, m.NewStepper, toEnd(s), want.noised(c.Alpha, c.Sigma))
				sameLaw(t, want, got, 1e-7, fmt.Sprintf("%s, %T, %d levels", name, path, n)) // residual 1e-10, condition up to 1e3
			}
		}
	}
}

// TestLangevinIsTheUnadjustedIteration compares one level with the closed form of
// x ← x - η(Hx - b) + √(2η) z: mean (I - M^J)μ + M^J x̂0, covariance 2η Σ M^2j, M = I - ηH.
func TestLangevinIsTheUnadjustedIteration(t *testing.T) {
	const d, eta, steps = 3, 0.004, 60
	prior := testGaussian(t, d)
	for name, p := range problems(t, d) {
		s := annealed(conditional(t, p, prior, nil), 0.5, 0.2, 2)
		for level, rate := range []float64{eta, 0.2 * eta} {
			// The level's own start, from a known x.
			x := randoms(d, 150)
			m := DAPS{Levels: 1, Langevin: &Langevin{Steps: steps, Rate: eta, Decay: 0.2}}
			q := &queries{d: d, first: 1 + d}
			rows := 2 + d + d*(steps+1)
			st := m.NewStepper(s, q, rows)
			st.Begin(0, rows)
			got := isotropicLaw(d, 0)
			for k := range level + 1 {
				q.k = 0
				got = isotropicLaw(d, 0).through(t, rows, func(z []float64) {
					for i := range z {
						z[i] += x[i%d]
					}
					st.Step(z, s.Grid[k], s.Grid[k]+2)
				})
			}
			sigma := s.Path.At(s.Grid[level]).Sigma
			start := mat.NewVecDense(d, nil)
			prior.Denoise(start.RawVector().Data, x, 1, sigma)
			h, b := mat.NewDense(d, d, nil), mat.NewVecDense(d, nil)
			rowsA, _ := p.Dims()
			for i := range rowsA {
				e, col := make([]float64, rowsA), make([]float64, d)
				e[i] = 1
				p.A().Adjoint(col, e)
				v := mat.NewVecDense(d, col)
				h.RankOne(h, 1/p.Variance(i), v, v)
				b.AddScaledVec(b, p.Y()[i]/p.Variance(i), v)
			}
			for i := range d {
				h.Set(i, i, h.At(i, i)+1/(sigma*sigma))
			}
			b.AddScaledVec(b, 1/(sigma*sigma), start)
			want := law{mat.VecDenseCopyOf(start), mat.NewDense(d, d, nil)}
			var step mat.Dense
			step.Scale(-rate, h)
			for i := range d {
				step.Set(i, i, 1+step.At(i, i))
			}
			for range steps {
				var mean mat.VecDense
				mean.MulVec(&step, want.mean)
				want.mean.AddScaledVec(&mean, rate, b)
				var c mat.Dense
				c.Mul(&step, want.cov)
				c.Mul(&c, step.T())
				for i := range d {
					c.Set(i, i, c.At(i, i)+2*rate)
				}
				want.cov.Copy(&c)
			}
			sameLaw(t, want, got, 1e-10, name) // rounding of 60 contractions
		}
	}
}
