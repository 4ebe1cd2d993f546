package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// stacks are problems that determine a stack of 3 slices of 4 values.
func stacks(t testing.TB) map[string]*Problem {
	const slices, size = 3, 4
	radon, err := linop.NewRadon(linop.Scan{Rows: 2, Cols: 2, Slices: slices, Detectors: 4, Angles: linop.ViewAngles(5, 0.1, math.Pi)})
	require.NoError(t, err)
	out := map[string]*Problem{}
	for name, a := range map[string]linop.Operator{"dense": dense{randomMatrix(slices*size+3, slices*size, 180)}, "Radon": radon} {
		m, _ := a.Dims()
		p, err := New(a, randoms(m, 181), 0.1)
		require.NoError(t, err)
		out[name] = p
	}
	return out
}

// differences is D as a matrix.
func differencesOf(slices, size int) *mat.Dense {
	d := mat.NewDense(slices*size, slices*size, nil)
	for i := range slices * size {
		d.Set(i, i, d.At(i, i)-1)
		j := (i + size) % (slices * size)
		d.Set(i, j, d.At(i, j)+1)
	}
	return d
}

// TestDDSTVIsTheAuthorsAlgorithm writes trajectories out with dense solves.
func TestDDSTVIsTheAuthorsAlgorithm(t *testing.T) {
	const slices, size, rows, eta, lambda, rho = 3, 4, 2, 0.85, 0.3, 2.
	const d = slices * size
	prior := Slices{testMixture(t, size), slices}
	diff := differencesOf(slices, size)
	vp, ve := interpolant.VP{}, interpolant.VE{SigmaMax: 5}
	for name, p := range stacks(t) {
		a := linop.Dense(p.A())
		var n, dtd mat.Dense
		n.Mul(a.T(), a)
		dtd.Mul(diff.T(), diff)
		dtd.Scale(rho, &dtd)
		n.Add(&n, &dtd)
		for _, split := range []Split{Mixed, MixedVE} {
			var path interpolant.Path = vp
			if split == MixedVE {
				path = ve
			}
			for _, iterations := range []int{1, 3} {
				grid := []float64{0.1, 0.4, 0.7, 0.9}
				s := &score.Sampler{Path: path, Grid: grid, Model: conditional(t, p, prior, nil)}
				m := DDSTV{Slices: slices, Lambda: lambda, Rho: rho, Iterations: iterations, Step: Recursion{Eta: eta, Split: split}}
				st := m.NewStepper(s, sde.Independent{Seed: 4}, rows)
				noise := sde.Independent{Seed: 4}.NewNoise(d, rows)
				got, w := randoms(rows*d, 182), make([]float64, rows*d)
				st.Begin(0, rows)
				st.Step(randoms(rows*d, 183), 0.1, 0.4) // another group before, to be forgotten
				st.Begin(7, rows)
				noise.Begin(7, rows)
				x := randoms(rows*d, 182)
				z, u := make([]*mat.VecDense, rows), make([]*mat.VecDense, rows)
				for r := range rows {
					z[r], u[r] = mat.NewVecDense(d, nil), mat.NewVecDense(d, nil)
				}
				for k, to := range toEnd(s)[1:] {
					st.Step(got, grid[k], to)

					c, e := path.At(grid[k]), interpolant.Coeffs{Alpha: 1}
					if to <= 1 {
						e = path.At(to)
					}
					noise.Increment(w, grid[k], to)
					mean := make([]float64, rows*d)
					prior.Denoise(mean, x, c.Alpha, c.Sigma)
					b := 1.
					if split == MixedVE {
						b = 1 - e.Sigma*e.Sigma/(c.Sigma*c.Sigma)
					}
					for r := range rows {
						var rhs, back, gap, sol, dx mat.VecDense
						for range iterations {
							rhs.MulVec(a.T(), mat.NewVecDense(len(p.Y()), p.Y()))
							gap.SubVec(z[r], u[r])
							back.MulVec(diff.T(), &gap)
							rhs.AddScaledVec(&rhs, rho, &back)
							require.NoError(t, sol.SolveVec(&n, &rhs))
							dx.MulVec(diff, &sol)
							for i := range d {
								v := dx.AtVec(i) + u[r].AtVec(i)
								shrunk := v
								switch {
								case v > lambda/rho:
									shrunk -= lambda / rho
								case v < -lambda/rho:
									shrunk += lambda / rho
								default:
									shrunk = 0
								}
								z[r].SetVec(i, shrunk)
								u[r].SetVec(i, v-shrunk)
							}
						}
						for i := range d {
							j := r*d + i
							eps := (x[j] - c.Alpha*mean[j]) / c.Sigma
							x[j] = e.Alpha*sol.AtVec(i) + e.Sigma*(math.Sqrt(1-eta*eta*b*b)*eps+eta*b*w[j]/math.Sqrt(to-grid[k]))
						}
					}
					assert.InDeltaSlice(t, x, got, 1e-6, "%s, split %d, step %d", name, split, k) // residual 1e-10, condition 1e3
				}
				assert.Equal(t, len(grid)-1, st.NFE(), "the sampler counts the last")
			}
		}
	}
}

// tvAlongSlices minimises ½|Ax - y|² + λ|Dx|₁ by another method, the primal-dual one of
// Chambolle and Pock (2011, algorithm 1), long enough for its residual to vanish.
func tvAlongSlices(t *testing.T, p *Problem, diff *mat.Dense, lambda float64) []float64 {
	_, d := p.Dims()
	a := linop.Dense(p.A())
	const tau = 0.45 // τ² |D|² < 1, as |D| ≤ 2
	var n, inv mat.Dense
	n.Mul(a.T(), a)
	n.Scale(tau, &n)
	for i := range d {
		n.Set(i, i, 1+n.At(i, i))
	}
	require.NoError(t, inv.Inverse(&n))
	x, bar, dual := mat.NewVecDense(d, nil), mat.NewVecDense(d, nil), mat.NewVecDense(d, nil)
	var aty, v, next mat.VecDense
	aty.MulVec(a.T(), mat.NewVecDense(len(p.Y()), p.Y()))
	for range 20000 {
		v.MulVec(diff, bar)
		dual.AddScaledVec(dual, tau, &v)
		for i := range d {
			dual.SetVec(i, max(-lambda, min(lambda, dual.AtVec(i))))
		}
		v.MulVec(diff.T(), dual)
		v.ScaleVec(-tau, &v)
		v.AddVec(&v, x)
		v.AddScaledVec(&v, tau, &aty)
		next.MulVec(&inv, &v)
		bar.ScaleVec(2, &next)
		bar.SubVec(bar, x)
		x.CopyVec(&next)
	}
	return x.RawVector().Data
}

func TestDDSTVGoesToTheMinimiser(t *testing.T) {
	// With CG to the end every step is one of ADMM, whatever the prior says; as z and u
	// stay, the steps of a trajectory add up to the minimiser, and so do more iterations
	// in one step.
	const slices, size = 3, 4
	prior := Slices{testMixture(t, size), slices}
	for name, p := range stacks(t) {
		want := tvAlongSlices(t, p, differencesOf(slices, size), 0.3)
		flatten := 0
		for i := range want {
			if math.Abs(want[i]-want[(i+size)%len(want)]) < 1e-9 {
				flatten++
			}
		}
		assert.Positive(t, flatten, "the penalty makes some differences vanish")
		assert.Less(t, flatten, slices*size, "and not all")
		s := annealed(conditional(t, p, prior, nil), 5, 0.1, 600)
		m := DDSTV{Slices: slices, Lambda: 0.3, Rho: 1, Step: Recursion{Eta: .85}}
		got, _, err := m.Sampler(*s).Draw(context.Background(), 2, nil)
		require.NoError(t, err)
		// Linear convergence, far below this after 600 steps.
		assert.InDeltaSlice(t, want, got[:slices*size], 1e-6, name)
		assert.InDeltaSlice(t, want, got[slices*size:], 1e-6, name)
		s.Grid, m.Iterations = s.Grid[:1], 600
		got, _, err = m.Sampler(*s).Draw(context.Background(), 1, nil)
		require.NoError(t, err)
		assert.InDeltaSlice(t, want, got, 1e-6, name)
	}
}

func TestWithoutPenaltyDDSTVIsDDS(t *testing.T) {
	// λ = 0: ADMM ends at the least squares solution, which is DDS with CG to the end. And
	// as ρ → 0 with one iteration, its k steps of CG are DDS's own.
	const slices, size = 3, 4
	prior := Slices{testMixture(t, size), slices}
	for name, p := range stacks(t) {
		s := annealed(conditional(t, p, prior, DDS{}), 5, 0.1, 4)
		want := propagateSample(t, s, Recursion{Eta: .85}.NewStepper)
		got := propagateSample(t, s, DDSTV{Slices: slices, Rho: 0.1, Iterations: 400, Step: Recursion{Eta: .85}}.NewStepper)
		assert.InDeltaSlice(t, want, got, 1e-6, name)

		s.Model = conditional(t, p, prior, DDS{Krylov: Krylov{Iterations: 2}})
		want = propagateSample(t, s, Recursion{Eta: .85}.NewStepper)
		got = propagateSample(t, s, DDSTV{Slices: slices, Lambda: 1, Rho: 1e-12, Krylov: Krylov{Iterations: 2}, Step: Recursion{Eta: .85}}.NewStepper)
		assert.InDeltaSlice(t, want, got, 1e-9, name)
	}
}

// propagateSample returns one trajectory.
func propagateSample(t *testing.T, s *score.Sampler, steps score.Steps) []float64 {
	st := steps(s, sde.Independent{Seed: 2}, 1)
	st.Begin(0, 1)
	x := randoms(s.Model.Dim(), 185)
	for k := 1; k < len(s.Grid); k++ {
		st.Step(x, s.Grid[k-1], s.Grid[k])
	}
	require.Equal(t, -1, ode.FirstNonFinite(x))
	return x
}

// failing is a model with an error.
type failing struct{ blind }

func (failing) Err() error { return assert.AnError }

func TestSlicesAreDenoisedOneByOne(t *testing.T) {
	const size, count, stacks = 3, 4, 2
	model := testMixture(t, size)
	s := Slices{model, count}
	assert.Equal(t, size*count, s.Dim())
	x, v := randoms(stacks*count*size, 190), randoms(stacks*count*size, 191)
	got, want := make([]float64, len(x)), make([]float64, len(x))
	s.Denoise(got, x, alpha, sigma)
	for lo := 0; lo < len(x); lo += size {
		model.Denoise(want[lo:lo+size], x[lo:lo+size], alpha, sigma)
	}
	assert.Equal(t, want, got)
	s.JVP(got, x, v, alpha, sigma)
	for lo := 0; lo < len(x); lo += size {
		model.JVP(want[lo:lo+size], x[lo:lo+size], v[lo:lo+size], alpha, sigma)
	}
	assert.Equal(t, want, got)
	Slices{blind{model}, count}.JVP(got, x, v, alpha, sigma)
	assert.Less(t, floats.Distance(want, got, math.Inf(1)), 1e-6) // differences
	assert.NoError(t, s.Err())
	assert.Equal(t, assert.AnError, Slices{failing{blind{density.Normal(size, 1)}}, count}.Err())
}
