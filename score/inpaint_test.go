package score

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/sde"
)

// An inpaintProblem is a Gaussian with C_ij = ρ^|i-j| √(v_i v_j), of which the even
// coordinates are known.
type inpaintProblem struct {
	d     int
	mean  []float64
	cov   []float64
	prior *density.Mixture
	known []bool
	y     []float64
	free  []int
}

func newInpaintProblem(t testing.TB, d int, rho float64) *inpaintProblem {
	q := &inpaintProblem{d: d, mean: make([]float64, d), cov: make([]float64, d*d), known: make([]bool, d), y: make([]float64, d)}
	for i := range d {
		q.mean[i] = 0.3 * float64(i%3)
		for j := range d {
			q.cov[i*d+j] = math.Pow(rho, math.Abs(float64(i-j))) * math.Sqrt((1+0.2*float64(i%2))*(1+0.2*float64(j%2)))
		}
		q.known[i], q.y[i] = i%2 == 0, 1.5-0.7*float64(i)/float64(d)
		if i%2 == 1 {
			q.free = append(q.free, i)
		}
	}
	var err error
	q.prior, err = density.Gaussian(q.mean, q.cov)
	require.NoError(t, err)
	return q
}

// A law is the mean and covariance of the unknown coordinates.
type law struct {
	mean *mat.VecDense
	cov  *mat.Dense
}

// apply carries the law through x_u' = a x_u + b D_u(x) + N(0, v) with the known
// coordinates x_k ~ N(αy, σ²) independent of x_u, as replacement has them:
//
//	D = μ + αC(α²C + σ²I)⁻¹(x - αμ).
func (q *inpaintProblem) apply(l law, alpha, sigma, a, b, v float64) law {
	s := mat.NewSymDense(q.d, nil)
	for i := range q.d {
		for j := i; j < q.d; j++ {
			s.SetSym(i, j, alpha*alpha*q.cov[i*q.d+j])
		}
		s.SetSym(i, i, s.At(i, i)+sigma*sigma)
	}
	var inv, gain mat.Dense
	if err := inv.Inverse(s); err != nil {
		panic(err)
	}
	gain.Mul(mat.NewDense(q.d, q.d, q.cov), &inv)
	gain.Scale(alpha, &gain)
	u := len(q.free)
	out := law{mat.NewVecDense(u, nil), mat.NewDense(u, u, nil)}
	m := mat.NewDense(u, u, nil) // x_u' = m x_u + …
	for i, fi := range q.free {
		e := a*l.mean.AtVec(i) + b*q.mean[fi]
		for j, fj := range q.free {
			g := b * gain.At(fi, fj)
			m.Set(i, j, g)
			e += g * (l.mean.AtVec(j) - alpha*q.mean[fj])
		}
		m.Set(i, i, m.At(i, i)+a)
		for k, known := range q.known {
			if known {
				e += b * gain.At(fi, k) * alpha * (q.y[k] - q.mean[k])
			}
		}
		out.mean.SetVec(i, e)
	}
	out.cov.Mul(m, l.cov)
	var mt mat.Dense
	mt.Mul(out.cov, m.T())
	for i, fi := range q.free {
		for j, fj := range q.free {
			c := mt.At(i, j)
			for k, known := range q.known {
				if known {
					c += sq(b*sigma) * gain.At(fi, k) * gain.At(fj, k)
				}
			}
			if i == j {
				c += v
			}
			out.cov.Set(i, j, c)
		}
	}
	return out
}

// predict returns the law of RePaint's samples with steps of Euler (eta = 0) or
// Euler-Maruyama, exactly: everything is affine and Gaussian.
func (q *inpaintProblem) predict(p interpolant.Path, grid []float64, eta float64, jump, times int) law {
	u := len(q.free)
	l := law{mat.NewVecDense(u, nil), mat.NewDense(u, u, nil)}
	for i := range u {
		l.cov.Set(i, i, sq(p.At(grid[0]).Sigma))
	}
	step := func(j int) {
		c, h := p.At(grid[j]), grid[j+1]-grid[j]
		kappa := 0.0
		if eta != 0 {
			kappa = sq(eta) * logSNRRate(c)
		}
		r := c.DSigma / c.Sigma
		l = q.apply(l, c.Alpha, c.Sigma, 1+h*(r-kappa), h*(c.DAlpha-c.Alpha*r+kappa*c.Alpha), 2*kappa*sq(c.Sigma)*h)
	}
	last := len(grid) - 1
	for k := 1; k <= last; k++ {
		step(k - 1)
		if k < jump || (last-k)%jump != 0 {
			continue
		}
		for range times - 1 {
			c, b := p.At(grid[k]), p.At(grid[k-jump])
			f := b.Alpha / c.Alpha
			l.mean.ScaleVec(f, l.mean)
			l.cov.Scale(f*f, l.cov)
			for i := range u {
				l.cov.Set(i, i, l.cov.At(i, i)+sq(b.Sigma)-sq(f*c.Sigma))
			}
			for j := k - jump; j < k; j++ {
				step(j)
			}
		}
	}
	c := p.At(grid[last])
	return q.apply(l, c.Alpha, c.Sigma, 0, 1, 0) // the last denoising
}

// truth returns the law of the unknown coordinates given y.
func (q *inpaintProblem) truth(t testing.TB) law {
	o, err := NewObserved(q.prior, q.known, q.y)
	require.NoError(t, err)
	u := len(q.free)
	l := law{mat.NewVecDense(u, nil), mat.NewDense(u, u, nil)}
	_, mean, cov := o.rest.Components()
	copy(l.mean.RawVector().Data, mean)
	copy(l.cov.RawMatrix().Data, cov)
	return l
}

// bias returns the largest error of a mean in conditional standard deviations, and the
// least and largest ratio of a variance to the true one.
func bias(got, want law) (mean, lo, hi float64) {
	lo = math.Inf(1)
	for i := range got.mean.Len() {
		v := want.cov.At(i, i)
		mean = max(mean, math.Abs(got.mean.AtVec(i)-want.mean.AtVec(i))/math.Sqrt(v))
		lo, hi = min(lo, got.cov.At(i, i)/v), max(hi, got.cov.At(i, i)/v)
	}
	return mean, lo, hi
}

// assertLaw compares samples with a law: means and covariances within 4.5 standard errors,
// which chance exceeds in 7e-6 of the comparisons, of which there are at most some hundreds.
func (q *inpaintProblem) assertLaw(t *testing.T, want law, x []float64, slack float64, msg string) {
	t.Helper()
	n := len(x) / q.d
	u := len(q.free)
	part := make([]float64, n*u)
	for i := range n {
		for k, j := range q.free {
			part[i*u+k] = x[i*q.d+j]
		}
		for j, known := range q.known {
			if known {
				require.Equal(t, q.y[j], x[i*q.d+j], "%s: known coordinates are exact", msg)
			}
		}
	}
	m, err := metric.MomentsOf(part, u, metric.Options{})
	require.NoError(t, err)
	for i := range u {
		assert.InDelta(t, want.mean.AtVec(i), m.Mean[i], 4.5*m.MeanErr[i]+slack, "%s: mean %d", msg, i)
		for j := range u {
			assert.InDelta(t, want.cov.At(i, j), m.Cov[i*u+j], 4.5*m.CovErr[i*u+j]+slack, "%s: covariance %d, %d", msg, i, j)
		}
	}
}

// TestInpaintedLaws draws by every way of inpainting and compares with the exact law of
// what each does: the affine recursion for replacement and RePaint, biased as they are, and
// the conditional law for the exact denoiser.
func TestInpaintedLaws(t *testing.T) {
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	// 25 steps, which jumps of 2 and 3 meet from the end only; and a start amid the path,
	// where the known coordinates must be replaced before the first step.
	grid, late := interpolant.LogSNRGrid(p, 0, t1, 26), interpolant.UniformGrid(0.4, 0.95, 4)
	n := 20_000
	if testing.Short() {
		n = 4_000
	}
	for _, d := range []int{2, 8} {
		q := newInpaintProblem(t, d, 0.8)
		in := &Inpaint{Model: q.prior, Known: q.known, Y: q.y}
		draw := func(m Denoiser, s Solver, grid []float64) []float64 {
			x, _, err := (&Sampler{Path: p, Model: m, Solver: s, Grid: grid, Seed: 9}).Draw(context.Background(), n, nil)
			require.NoError(t, err)
			return x
		}
		truth := q.truth(t)
		for _, tt := range []struct {
			name        string
			steps       Steps
			grid        []float64
			eta         float64
			jump, times int
		}{
			{"replace", ODESteps(ode.Euler), grid, 0, 1, 1},
			{"replace, late", ODESteps(ode.Euler), late, 0, 1, 1},
			{"replace, em", SDESteps(sde.EulerMaruyama{}, 0.7), grid, 0.7, 1, 1},
			{"repaint", ODESteps(ode.Euler), grid, 0, 3, 4},
			{"repaint, em", SDESteps(sde.EulerMaruyama{}, 0.7), grid, 0.7, 2, 3},
		} {
			want := q.predict(p, tt.grid, tt.eta, tt.jump, tt.times)
			x := draw(in, RePaint(tt.steps, tt.jump, tt.times), tt.grid)
			// The recursion is exact to rounding.
			q.assertLaw(t, want, x, 0, tt.name)
		}
		m, lo, hi := bias(q.predict(p, grid, 0, 1, 1), truth)
		t.Logf("d = %d, replacement, 25 steps: mean off by %.2f standard deviations, variance ratio %.2f to %.2f", d, m, lo, hi)
		// Replacement is biased: at n = 20,000 a standard error is 0.007 standard deviations.
		assert.Greater(t, m, 0.1, "replacement should be biased")

		// The exact denoiser, along flow and reverse process. RK4 on 60 steps leaves 1e-4; the
		// base at σ/α = 1000 and the last noise 0.002 leave 2e-3.
		o, err := NewObserved(q.prior, q.known, q.y)
		require.NoError(t, err)
		fine := interpolant.LogSNRGrid(p, 0, t1, 60)
		q.assertLaw(t, truth, draw(o, ODE(ode.RK4), fine), 2e-3, "observed, rk4")
		q.assertLaw(t, truth, draw(o, SDE(sde.SRA1, 0.5, false), fine), 6e-3, "observed, sra1") // strong error h^1.5, h = 0.22
	}
}

// TestRePaintApproachesTheConditionalLaw holds the figures of the documentation by the
// exact recursion, which TestInpaintedLaws holds to the samples: the bias of replacement
// does not go with the steps, that of RePaint falls like 1/times.
func TestRePaintApproachesTheConditionalLaw(t *testing.T) {
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	for _, d := range []int{2, 8} {
		q := newInpaintProblem(t, d, 0.8)
		truth := q.truth(t)
		at := func(k, jump, times int, eta float64) (mean, spread float64) {
			mean, lo, hi := bias(q.predict(p, interpolant.LogSNRGrid(p, 0, t1, k), eta, jump, times), truth)
			t.Logf("d = %d, %3d steps, jump %2d, times %3d, eta %g: mean off by %.3f, variance ratio %.3f to %.3f", d, k, jump, times, eta, mean, lo, hi)
			return mean, math.Max(math.Abs(lo-1), math.Abs(hi-1))
		}
		for _, eta := range []float64{0, 1} {
			for _, k := range []int{50, 200} {
				mean, spread := at(k, 1, 1, eta)
				assert.Greater(t, mean, 0.55) // 0.58 to 1.23
				assert.Greater(t, spread, 0.4)
			}
			m10, _ := at(200, 1, 10, eta)
			m50, spread := at(200, 1, 50, eta)
			assert.InDelta(t, 5, m10/m50, 0.5, "the mean's bias is of order 1/times") // 5.1 to 5.4
			assert.Less(t, m50, 0.04)                                                 // 0.009 to 0.037
			assert.Less(t, spread, 0.025)                                             // 0.009 to 0.020
			long, _ := at(200, 10, 10, eta)
			assert.Greater(t, long, m10)
			at(200, 1, 2, eta)
			at(200, 1, 5, eta)
			at(50, 10, 10, eta)
		}
	}
}

// TestReplacedCoordinatesAreRenoised: at each grid time the known coordinates are new
// draws of N(αy, σ²).
func TestReplacedCoordinatesAreRenoised(t *testing.T) {
	q := newInpaintProblem(t, 2, 0.8)
	p := interpolant.CondOT{}
	grid := []float64{0.01, 0.3, 0.6, 0.9}
	const n = 20_000
	for _, times := range []int{1, 2} {
		s := &Sampler{Path: p, Model: &Inpaint{Model: q.prior, Known: q.known, Y: q.y}, Grid: grid, Seed: 4}
		x := s.Start(n, 0, 0)
		tr := &ode.Trace{Rows: n}
		_, err := RePaint(ODESteps(ode.Heun), 1, times)(context.Background(), s, x, &ode.Settings{Trace: tr})
		require.NoError(t, err)
		z := make([]float64, 0, n*3)
		for i := range n {
			for k := 1; k < 4; k++ {
				c := p.At(grid[k])
				z = append(z, (tr.X[(i*4+k)*2]-c.Alpha*q.y[0])/c.Sigma)
			}
		}
		m, err := metric.MomentsOf(z, 3, metric.Options{})
		require.NoError(t, err)
		zm, zc := m.MaxZ(make([]float64, 3), []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
		// nine moments, 4.5 standard errors: false alarm 6e-5
		assert.Less(t, zm, 4.5)
		assert.Less(t, zc, 4.5)
	}
}

func TestInpaintingDependsOnSeedAndIndexOnly(t *testing.T) {
	q := newInpaintProblem(t, 4, 0.8)
	p := interpolant.CondOT{}
	_, t1 := p.Span()
	grid := interpolant.LogSNRGrid(p, 0, t1, 12)
	for name, steps := range map[string]Steps{
		"heun": ODESteps(ode.Heun), "ab3": ODESteps(ode.AdamsBashforth(3)), "sra1": SDESteps(sde.SRA1, 1),
	} {
		s := &Sampler{Path: p, Model: &Inpaint{Model: q.prior, Known: q.known, Y: q.y}, Solver: RePaint(steps, 3, 2), Grid: grid, Seed: 4}
		want, _, err := s.Draw(context.Background(), 100, &ode.Settings{Workers: 1})
		require.NoError(t, err)
		for _, set := range []*ode.Settings{nil, {Workers: 3, Rows: 1}, {Rows: 37}} {
			got, _, err := s.Draw(context.Background(), 100, set)
			require.NoError(t, err)
			assert.Equal(t, want, got, name)
		}
		got, _, err := s.Draw(context.Background(), 30, &ode.Settings{First: 70})
		require.NoError(t, err)
		assert.Equal(t, want[4*70:], got, name)
	}
}

func TestRePaintCountsItsEvaluations(t *testing.T) {
	q := newInpaintProblem(t, 2, 0.5)
	for _, tt := range []struct{ jump, times, steps int }{
		// 9 steps; jumps from 9, 6 and 3 for jump = 3, from 9 and 5 for jump = 4.
		{1, 1, 9}, {1, 3, 27}, {3, 4, 9 + 3*3*3}, {4, 2, 9 + 2*4}, {9, 2, 18},
	} {
		calls := &counter{Denoiser: q.prior}
		s := &Sampler{Path: interpolant.CondOT{}, Model: &Inpaint{Model: calls, Known: q.known, Y: q.y},
			Solver: RePaint(ODESteps(ode.Heun), tt.jump, tt.times), Grid: interpolant.UniformGrid(0.01, 0.95, 10)}
		_, res, err := s.Draw(context.Background(), 3, &ode.Settings{Workers: 1})
		require.NoError(t, err)
		assert.Equal(t, 2*tt.steps+1, calls.n, "jump %d, times %d", tt.jump, tt.times)
		assert.Equal(t, float64(calls.n), res.NFE())
	}
}

// TestRePaintJumpsFromTheEnd: the steps that are taken again are those before the end of
// the grid, whatever the jump; 9 steps with jumps of 4 leave the first one alone.
func TestRePaintJumpsFromTheEnd(t *testing.T) {
	q := newInpaintProblem(t, 2, 0.5)
	grid := interpolant.UniformGrid(0.01, 0.95, 10)
	calls := tally{Denoiser: q.prior, at: map[float64]int{}}
	s := &Sampler{Path: interpolant.CondOT{}, Model: &Inpaint{Model: calls, Known: q.known, Y: q.y},
		Solver: RePaint(ODESteps(ode.Euler), 4, 3), Grid: grid}
	_, _, err := s.Draw(context.Background(), 2, &ode.Settings{Workers: 1})
	require.NoError(t, err)
	for k, tm := range grid {
		want := 3
		if k == 0 || k == 9 { // the first step, and the last denoising
			want = 1
		}
		assert.Equal(t, want, calls.at[tm], "evaluations at time %d", k)
	}
}

// tally counts evaluations by α, which is the time on Cond-OT.
type tally struct {
	Denoiser
	at map[float64]int
}

func (c tally) Denoise(dst, x []float64, alpha, sigma float64) {
	c.at[alpha]++
	c.Denoiser.Denoise(dst, x, alpha, sigma)
}

func TestRePaintStepsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties sync.Pool at random")
	}
	q := newInpaintProblem(t, 2, 0.5)
	s := &Sampler{Path: interpolant.CondOT{}, Model: &Inpaint{Model: q.prior, Known: q.known, Y: q.y}, Grid: interpolant.UniformGrid(0.01, 0.95, 10)}
	for name, steps := range map[string]Steps{"heun": ODESteps(ode.Heun), "em": SDESteps(sde.EulerMaruyama{}, 1)} {
		st := newRepaint(s, s.Model.(*Inpaint), steps, 2, 3, 8)
		x := s.Start(8, 0, 0)
		run := func() {
			st.Begin(0, 8)
			for k := 1; k < len(s.Grid); k++ {
				st.Step(x, s.Grid[k-1], s.Grid[k])
			}
		}
		run()
		// scratch space of the mixture lives in a sync.Pool, which a collection may empty
		assert.Less(t, testing.AllocsPerRun(50, run), 1.0, name)
	}
}

func TestInpaintingRefusesWhatItCannot(t *testing.T) {
	q := newInpaintProblem(t, 2, 0.5)
	draw := func(m Denoiser, s Solver) error {
		_, _, err := (&Sampler{Path: interpolant.CondOT{}, Model: m, Solver: s, Grid: []float64{0.1, 0.5, 0.9}}).Draw(context.Background(), 3, nil)
		return err
	}
	in := &Inpaint{Model: q.prior, Known: q.known, Y: q.y}
	assert.NoError(t, draw(in, RePaint(ODESteps(ode.Heun), 2, 3)))
	assert.ErrorContains(t, draw(q.prior, Replace(ODESteps(ode.Heun))), "*Inpaint")
	assert.ErrorContains(t, draw(in, RePaint(ODESteps(ode.Heun), 3, 2)), "jump")
	assert.ErrorIs(t, draw(&Inpaint{Model: failing{bare{q.prior}}, Known: q.known, Y: q.y}, Replace(ODESteps(ode.Heun))), assert.AnError)
	assert.Panics(t, func() { RePaint(ODESteps(ode.Heun), 0, 1) })
	assert.Panics(t, func() { RePaint(ODESteps(ode.Heun), 1, 0) })
	assert.Panics(t, func() { _ = draw(&Inpaint{Model: q.prior, Known: q.known, Y: q.y[:1]}, Replace(ODESteps(ode.Heun))) })
	for _, known := range [][]bool{{true, true}, {false, false}} {
		_, err := NewObserved(q.prior, known, q.y)
		assert.Error(t, err)
	}
	assert.Panics(t, func() { _, _ = NewObserved(q.prior, q.known, q.y[:1]) })
}
