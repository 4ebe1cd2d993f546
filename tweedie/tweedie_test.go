package tweedie

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

const (
	alpha = 0.8
	sigma = 0.7
)

// plain hides all that a target knows but its denoiser.
type plain struct{ t density.Target }

func (p plain) Dim() int                               { return p.t.Dim() }
func (p plain) Denoise(dst, x []float64, a, s float64) { p.t.Denoise(dst, x, a, s) }

// jvpOnly hides the divergence.
type jvpOnly struct {
	plain
}

func (p jvpOnly) JVP(dst, x, v []float64, a, s float64) { p.t.JVP(dst, x, v, a, s) }

// problem returns a mixture of K correlated Gaussians in dimension d and n noisy points.
func problem(t testing.TB, d, k, n int) (*density.Mixture, []float64) {
	rng := stream.New().At(1, stream.Test, uint64(d), uint64(k))
	means, covs := make([]float64, k*d), make([]float64, k*d*d)
	for i := range means {
		means[i] = 1.2 * rng.NormFloat64()
	}
	for c := range k {
		b := mat.NewDense(d, d, nil)
		for i := range d {
			for j := range d {
				b.Set(i, j, 0.4*rng.NormFloat64())
			}
			b.Set(i, i, b.At(i, i)+0.6)
		}
		mat.NewDense(d, d, covs[c*d*d:(c+1)*d*d]).Mul(b, b.T())
	}
	m, err := density.NewMixture(nil, means, covs, d)
	require.NoError(t, err)
	x := make([]float64, n*d)
	for i := 0; i < len(x); i += d {
		m.Rand(x[i:i+d], rng)
		for j := i; j < i+d; j++ {
			x[j] = alpha*x[j] + sigma*rng.NormFloat64()
		}
	}
	return m, x
}

// truth returns Cov[x₁|x] of a mixture by Bayes' rule, component by component, with
// matrices that share nothing with the code under test.
func truth(m *density.Mixture, x []float64, a, s float64) *mat.Dense {
	w, means, covs := m.Components()
	d := m.Dim()
	var logr []float64
	var centres []*mat.VecDense
	var locals []*mat.Dense
	for k := range w {
		c := mat.NewDense(d, d, covs[k*d*d:(k+1)*d*d])
		mu := mat.NewVecDense(d, means[k*d:(k+1)*d])
		var sx, gain, inv mat.Dense
		sx.Scale(a*a, c)
		for i := range d {
			sx.Set(i, i, sx.At(i, i)+s*s)
		}
		if err := inv.Inverse(&sx); err != nil {
			panic(err)
		}
		r := mat.NewVecDense(d, nil)
		r.AddScaledVec(mat.NewVecDense(d, append([]float64(nil), x...)), -a, mu)
		ld, _ := mat.LogDet(&sx)
		logr = append(logr, math.Log(w[k])-(mat.Inner(r, &inv, r)+ld)/2)
		gain.Mul(c, &inv)
		gain.Scale(a, &gain)
		centre := mat.NewVecDense(d, nil)
		centre.MulVec(&gain, r)
		centre.AddVec(centre, mu)
		local := new(mat.Dense)
		local.Mul(&gain, c)
		local.Scale(-a, local)
		local.Add(local, c)
		centres, locals = append(centres, centre), append(locals, local)
	}
	norm := floats.LogSumExp(logr)
	cov, mean := mat.NewDense(d, d, nil), mat.NewVecDense(d, nil)
	for k := range w {
		r := math.Exp(logr[k] - norm)
		mean.AddScaledVec(mean, r, centres[k])
		locals[k].Scale(r, locals[k])
		cov.Add(cov, locals[k])
		cov.RankOne(cov, r, centres[k], centres[k])
	}
	cov.RankOne(cov, -1, mean, mean)
	return cov
}

func TestMomentsOfMixturesMatchBayesRule(t *testing.T) {
	m, x := problem(t, 4, 3, 6)
	p := Of(m)
	d := m.Dim()
	diag, tr, exact := make([]float64, len(x)), make([]float64, 6), make([]float64, 6)
	p.Diagonal(diag, x, alpha, sigma)
	p.Trace(tr, x, alpha, sigma)
	Of(jvpOnly{plain{m}}).Trace(exact, x, alpha, sigma)
	for r := range 6 {
		xr := x[r*d : (r+1)*d]
		c := truth(m, xr, alpha, sigma)
		v, got, h, up, down := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
		for j := range d {
			clear(v)
			v[j] = 1
			p.CovMul(got, xr, v, alpha, sigma)
			// Sums of a few terms of order one: rounding.
			assert.InDeltaSlice(t, mat.Col(nil, j, c), got, 1e-12)
			assert.InDelta(t, c.At(j, j), diag[r*d+j], 1e-12)

			// The Hessian of log p is the derivative of the score; a central difference over
			// ±1e-5 is good to 1e-10 relative and 1e-11/1e-5·eps.
			p.HessMul(h, xr, v, alpha, sigma)
			y := append([]float64(nil), xr...)
			y[j] = xr[j] + 1e-5
			m.Score(up, y, alpha, sigma)
			y[j] = xr[j] - 1e-5
			m.Score(down, y, alpha, sigma)
			for i := range d {
				assert.InDelta(t, (up[i]-down[i])/2e-5, h[i], 1e-8)
			}
		}
		assert.InDelta(t, mat.Trace(c), tr[r], 1e-12)
		assert.InDelta(t, mat.Trace(c), exact[r], 1e-12)
	}
}

func TestDifferencesReachTheStatedError(t *testing.T) {
	m, x := problem(t, 4, 3, 6)
	v, want, got := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
	stream.New().Normals(v, 1, stream.Test, 9, 0)
	clear(v[:4]) // no direction at the first point
	m.JVP(want, x, v, alpha, sigma)
	ModelOf(plain{m}).JVP(got, x, v, alpha, sigma)
	assert.InDeltaSlice(t, want, got, 1e-9) // between the 1e-8 and 1e-10 of the doc
	assert.Equal(t, make([]float64, 4), got[:4])
	assert.Same(t, m, ModelOf(m))

	// Step² is the law of the error where rounding plays no part.
	var gap [2]float64
	for i, step := range []float64{0.02, 0.04} {
		(&Differences{Denoiser: m, Step: step}).JVP(got, x, v, alpha, sigma)
		gap[i] = floats.Distance(got, want, 2)
	}
	assert.InDelta(t, 4, gap[1]/gap[0], 0.02) // the next term is Step² = 2e-3 of it
}

func TestHutchinsonVarianceAndStandardError(t *testing.T) {
	m, x := problem(t, 5, 3, 1)
	const n, probes = 4000, 8
	rows := make([]float64, 0, n*5)
	for range n {
		rows = append(rows, x...)
	}
	p := Of(m)
	got, se := make([]float64, n), make([]float64, n)
	p.Hutchinson(got, se, rows, alpha, sigma, Probes{N: probes, Seed: 1})
	c := truth(m, x, alpha, sigma)
	off := 0.0
	for i := range 5 {
		for j := range 5 {
			if i != j {
				off += 2 * c.At(i, j) * c.At(i, j)
			}
		}
	}
	checkEstimates(t, got, se, mat.Trace(c), off/probes)

	// Points are addressed: a batch cut in two gives the same bits.
	half, halfSE := make([]float64, n-9), make([]float64, n-9)
	p.Hutchinson(half, halfSE, rows[9*5:], alpha, sigma, Probes{N: probes, Seed: 1, First: 9})
	assert.Equal(t, got[9:], half)
	assert.Equal(t, se[9:], halfSE)
	p.Hutchinson(got[:1], se[:1], x, alpha, sigma, Probes{N: 1})
	assert.True(t, math.IsNaN(se[0]), "one probe has no standard error")

	// The diagonal: the variance of one term is the sum of squares of the row's others.
	diag, dse := make([]float64, len(rows)), make([]float64, len(rows))
	p.DiagonalEstimate(diag, dse, rows, alpha, sigma, Probes{N: probes, Seed: 2})
	for i := range 5 {
		v := 0.0
		for j := range 5 {
			if j != i {
				v += c.At(i, j) * c.At(i, j)
			}
		}
		one, oneSE := make([]float64, n), make([]float64, n)
		for r := range n {
			one[r], oneSE[r] = diag[r*5+i], dse[r*5+i]
		}
		checkEstimates(t, one, oneSE, c.At(i, i), v/probes)
	}
}

// checkEstimates holds independent estimates to their mean and variance, and their
// squared standard errors, which are unbiased, to the variance.
func checkEstimates(t *testing.T, got, se []float64, mean, variance float64) {
	t.Helper()
	n := float64(len(got))
	m, v, s := 0.0, 0.0, 0.0
	for r, g := range got {
		m += g / n
		v += (g - mean) * (g - mean) / n
		s += se[r] * se[r] / n
	}
	assert.InDelta(t, mean, m, 5*math.Sqrt(variance/n)) // 5 standard errors: 6e-7 false alarms
	// A mean of n squares with at most thrice the variance of a normal's: 5·√(6/n) = 0.19.
	assert.InDelta(t, variance, v, 0.2*variance)
	assert.InDelta(t, variance, s, 0.2*variance)
}

func TestHutchPPIsExactOnLowRankAndUnbiased(t *testing.T) {
	// The covariance given x of four points spans three directions.
	pts, err := density.NewPoints([]float64{
		1, 0, 0, 0.5, 0, 0.2, 0, 1,
		0, 1, 0.3, 0, 0, -0.5, 0, 0,
		-1, 0, 0, 0, 0.7, 0, 0, 0,
		0, 0, 1, 0, 0, 0.1, -0.4, 0}, 8)
	require.NoError(t, err)
	x := []float64{0.1, 0.2, 0.1, 0, 0.1, 0, -0.1, 0.2}
	want, got, se := make([]float64, 1), make([]float64, 1), make([]float64, 1)
	p := Of(pts)
	p.Trace(want, x, alpha, sigma)
	p.HutchPP(got, se, x, alpha, sigma, Probes{N: 3, Seed: 4})
	assert.InDelta(t, want[0], got[0], 1e-12) // rounding
	assert.Less(t, se[0], 1e-12)
	assert.Greater(t, want[0], 0.1)

	m, x1 := problem(t, 5, 3, 1)
	const n = 4000
	rows := make([]float64, 0, n*5)
	for range n {
		rows = append(rows, x1...)
	}
	got, se = make([]float64, n), make([]float64, n)
	p = Of(m)
	p.HutchPP(got, se, rows, alpha, sigma, Probes{N: 2, Seed: 3})
	c := truth(m, x1, alpha, sigma)
	mean, spread, claimed := 0.0, 0.0, 0.0
	for r := range got {
		mean += got[r] / n
		spread += (got[r] - mat.Trace(c)) * (got[r] - mat.Trace(c)) / n
		claimed += se[r] * se[r] / n
	}
	assert.InDelta(t, mat.Trace(c), mean, 5*math.Sqrt(spread/n)) // 5 standard errors
	assert.InDelta(t, spread, claimed, 0.25*spread)              // heavier tails than above: Q varies
	p.HutchPP(got, se, rows, alpha, sigma, Probes{N: 5, Seed: 3})
	assert.InDelta(t, mat.Trace(c), got[7], 1e-11) // Q spans everything
	assert.Zero(t, se[7])
}

func TestTraceGradMatchesDifferencesOfTheTrace(t *testing.T) {
	m, x := problem(t, 4, 3, 5)
	p := Of(m)
	d := 4
	got, second := make([]float64, len(x)), make([]float64, len(x))
	p.TraceGrad(got, x, alpha, sigma)
	Of(plain{m}).TraceGrad(second, x, alpha, sigma)
	up, down := make([]float64, 5), make([]float64, 5)
	want := make([]float64, len(x))
	for j := range d {
		y := append([]float64(nil), x...)
		const h = 1e-5
		for r := range 5 {
			y[r*d+j] += h
		}
		p.Trace(up, y, alpha, sigma)
		for r := range 5 {
			y[r*d+j] -= 2 * h
		}
		p.Trace(down, y, alpha, sigma)
		for r := range 5 {
			want[r*d+j] = (up[r] - down[r]) / (2 * h)
		}
	}
	require.Greater(t, floats.Norm(want, 2), 0.1)
	assert.InDeltaSlice(t, want, got, 1e-8)    // two central differences over 1e-5
	assert.InDeltaSlice(t, want, second, 1e-6) // eps/1e-8 times a few

	est, se := make([]float64, len(x)), make([]float64, len(x))
	p.TraceGradEstimate(est, se, x, alpha, sigma, Probes{N: 2000, Seed: 5})
	for i := range est {
		assert.InDelta(t, want[i], est[i], 5*se[i]+1e-8) // 20 values at 6e-7 each
		assert.Less(t, se[i], 0.1)
	}
}

func TestWarmPosteriorDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	m, x := problem(t, 4, 3, 6)
	out, se, tr, trSE := make([]float64, len(x)), make([]float64, len(x)), make([]float64, 6), make([]float64, 6)
	for _, model := range []score.Denoiser{m, plain{m}} {
		p := Of(model)
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			p.Diagonal(out, x, alpha, sigma)
			p.Trace(tr, x, alpha, sigma)
			p.Hutchinson(tr, trSE, x, alpha, sigma, Probes{N: 2})
			p.HutchPP(tr, trSE, x, alpha, sigma, Probes{N: 2})
			p.DiagonalEstimate(out, se, x, alpha, sigma, Probes{N: 2})
			p.TraceGradEstimate(out, se, x, alpha, sigma, Probes{N: 2})
		}))
	}
	p := Of(m)
	assert.PanicsWithValue(t, "tweedie: the covariance needs a signal, α > 0", func() { p.CovMul(out, x, x, 0, 1) })
	assert.PanicsWithValue(t, "tweedie: dst and x do not hold the same points", func() { p.CovMul(out[:4], x, x, 1, 1) })
	assert.PanicsWithValue(t, "tweedie: the number of probes is negative", func() { p.Hutchinson(tr, trSE, x, 1, 1, Probes{N: -1}) })
}
