package inverse

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// TestFlowChefIsTheAuthorsIteration writes it out with velocities on Cond-OT.
func TestFlowChefIsTheAuthorsIteration(t *testing.T) {
	const d, rate = 4, 0.7
	prior := testMixture(t, d)
	inner := func(t float64) int { return 3 - int(4*t) }
	for name, p := range problems(t, d) {
		a := linop.Dense(p.A())
		var svd mat.SVD
		require.True(t, svd.Factorize(a, mat.SVDNone))
		step := rate / math.Pow(svd.Values(nil)[0], 2)
		times := []float64{0, 0.2, 0.45, 0.6, 0.8, 1}
		x := randoms(d, 170)
		v, mean := make([]float64, d), make([]float64, d)
		for k := 1; k < len(times); k++ {
			tm := times[k-1]
			prior.Denoise(mean, x, tm, 1-tm)
			for i := range v {
				v[i] = (mean[i] - x[i]) / (1 - tm)
			}
			for range inner(tm) {
				hat, res, g := make([]float64, d), make([]float64, len(p.Y())), make([]float64, d)
				floats.AddScaledTo(hat, x, 1-tm, v)
				dense{a}.Apply(res, hat)
				floats.Sub(res, p.Y())
				dense{a}.Adjoint(g, res)
				floats.AddScaled(x, -step, g)
			}
			floats.AddScaled(x, times[k]-tm, v)
		}
		// The same on a path whose points are scaled and whose clock differs.
		for _, path := range []interpolant.Path{interpolant.CondOT{}, interpolant.Trig{}} {
			s := &score.Sampler{Path: path, Model: conditional(t, p, prior, nil)}
			for _, tm := range times[:5] {
				s.Grid = append(s.Grid, path.Time(math.Log(tm/(1-tm))))
			}
			c := path.At(s.Grid[0])
			got := randoms(d, 170)
			floats.Scale(c.Alpha+c.Sigma, got)
			st := FlowChef{Rate: rate, Inner: inner}.NewStepper(s, nil, 1)
			st.Begin(0, 1)
			for k, to := range toEnd(s)[1:] {
				st.Step(got, s.Grid[k], to)
			}
			assert.InDeltaSlice(t, x, got, 1e-7, "%s, %T", name, path) // the norm of A
		}
	}
}

func TestFlowChefEndsAtTheData(t *testing.T) {
	const d = 5
	q := newSpectrum(randomMatrix(d, d, 171))
	a := mat.NewDense(2, d, nil)
	a.Scale(3, q.v.Slice(0, 2, 0, d)) // orthogonal rows of the length 3
	p, err := New(dense{a}, randoms(2, 172), 0.1)
	require.NoError(t, err)
	s := annealed(conditional(t, p, testMixture(t, d), nil), 5, 0.1, 4)
	x, _, err := FlowChef{}.Sampler(*s).Draw(context.Background(), 1, nil)
	require.NoError(t, err)
	got := make([]float64, 2)
	p.A().Apply(got, x)
	assert.InDeltaSlice(t, p.Y(), got, 1e-7) // the norm of A
}

// TestPnPFlowHasTheLawOfItsIteration compares the law on a Gaussian prior with the
// recursion of mean and covariance: with D(x) = b + K x,
//
//	x' = b + αK(I - γAᵀA)x + αγK Aᵀy + noise of the covariance σ²KKᵀ/Draws.
func TestPnPFlowHasTheLawOfItsIteration(t *testing.T) {
	const d, power, draws = 4, 0.4, 3
	prior := testGaussian(t, d)
	for _, path := range []interpolant.Path{interpolant.CondOT{}, interpolant.VP{}} {
		for name, p := range problems(t, d) {
			a := linop.Dense(p.A())
			var svd mat.SVD
			require.True(t, svd.Factorize(a, mat.SVDNone))
			norm := math.Pow(svd.Values(nil)[0], 2)
			s := &score.Sampler{Path: path, Grid: []float64{0.1, 0.4, 0.8}, Model: conditional(t, p, prior, nil)}
			got := propagateQueries(t, s, PnPFlow{Power: power, Draws: draws}.NewStepper, toEnd(s), isotropicLaw(d, 5))

			aty := make([]float64, d)
			dense{a}.Adjoint(aty, p.Y())
			want := isotropicLaw(d, 0)
			for i, v := range aty {
				want.mean.SetVec(i, v/norm)
			}
			for _, tm := range s.Grid {
				c := path.At(tm)
				gamma := math.Pow(c.Sigma/(c.Alpha+c.Sigma), power) / norm
				k, b := mat.NewDense(d, d, nil), make([]float64, d)
				e, col := make([]float64, d), make([]float64, d)
				prior.Denoise(b, e, c.Alpha, c.Sigma)
				for j := range d {
					e[j] = 1
					prior.Denoise(col, e, c.Alpha, c.Sigma)
					e[j] = 0
					floats.Sub(col, b)
					k.SetCol(j, col)
				}
				var m, kk mat.Dense
				m.Mul(a.T(), a)
				m.Scale(-gamma, &m)
				for i := range d {
					m.Set(i, i, 1+m.At(i, i))
				}
				var w, mean mat.VecDense
				w.MulVec(&m, want.mean)
				w.AddScaledVec(&w, gamma, mat.NewVecDense(d, aty))
				mean.MulVec(k, &w)
				mean.ScaleVec(c.Alpha, &mean)
				mean.AddVec(&mean, mat.NewVecDense(d, b))
				want.mean.CopyVec(&mean)
				m.Mul(k, &m)
				m.Scale(c.Alpha, &m)
				var cov mat.Dense
				cov.Mul(&m, want.cov)
				cov.Mul(&cov, m.T())
				kk.Mul(k, k.T())
				kk.Scale(c.Sigma*c.Sigma/draws, &kk)
				cov.Add(&cov, &kk)
				want.cov.Copy(&cov)
			}
			sameLaw(t, want, got, 1e-7, fmt.Sprintf("%s, %T", name, path)) // the norm of A
		}
	}
}

// TestOTODEIsTheAuthorsFlow writes Euler's method out with the corrected velocity
//
//	v' = v + (1-t)/t Jᵀ Aᵀ(r² A Aᵀ + σ_y² I)⁻¹(y - A x̂),   J = ∂x̂/∂x.
func TestOTODEIsTheAuthorsFlow(t *testing.T) {
	const d, n = 4, 25
	prior := testMixture(t, d)
	for name, p := range problems(t, d) {
		s, err := OTODE(p, prior, n)
		require.NoError(t, err)
		assert.Equal(t, 0.2, s.Grid[0])
		s.Seed = 9
		start := s.Start(1, 0, 1)
		got, res, err := s.Draw(context.Background(), 1, nil)
		require.NoError(t, err)
		assert.Equal(t, 20.0, res.NFE())

		x := append([]float64(nil), start...)
		for k := 5; k < n; k++ {
			tm := float64(k) / n
			r2 := (1 - tm) * (1 - tm) / ((1-tm)*(1-tm) + tm*tm)
			v := seeAt(p, prior, x, tm, 1-tm)
			hat := v.kalman(v.c, identity(d, r2)) // x̂ + (σ²/α) Jᵀ Aᵀ(…)⁻¹ r
			for i := range x {
				plain := (v.mean[i] - x[i]) / (1 - tm)
				g := (hat[i] - v.mean[i]) * tm / ((1 - tm) * (1 - tm))
				x[i] += (plain + (1-tm)/tm*g) / n
			}
		}
		assert.InDeltaSlice(t, x, got, 1e-7, name) // the solver's residual of 1e-10
	}
	_, err := OTODE(problems(t, d)["wide"], prior, 1)
	assert.ErrorContains(t, err, "1 steps from t = 0 to 1")
	_, err = OTODE(problems(t, d)["wide"], density.Normal(2, 1), 10)
	assert.ErrorContains(t, err, "points have 2")
}

// seeAt is look at another level.
func seeAt(p *Problem, prior *density.Mixture, x []float64, alpha, sigma float64) seen {
	m, d := p.Dims()
	s := seen{a: linop.Dense(p.A()), c: mat.NewDense(d, d, nil), r: make([]float64, m), mean: make([]float64, d)}
	prior.Denoise(s.mean, x, alpha, sigma)
	e, col := make([]float64, d), make([]float64, d)
	for j := range d {
		e[j] = 1
		prior.JVP(col, x, e, alpha, sigma)
		e[j] = 0
		floats.Scale(sigma*sigma/alpha, col)
		s.c.SetCol(j, col)
	}
	res := make([]float64, m)
	dense{s.a}.Apply(res, s.mean)
	floats.SubTo(res, p.Y(), res)
	for i := range m {
		s.r[i] = p.Variance(i)
	}
	s.residual = mat.NewVecDense(m, res)
	return s
}

func TestOTODEStartsAroundTheBackProjection(t *testing.T) {
	const d = 3
	p := problems(t, d)["wide"]
	s, err := OTODE(p, density.Normal(d, 1), 100)
	require.NoError(t, err)
	assert.Len(t, s.Grid, 80)
	aty := make([]float64, d)
	p.A().Adjoint(aty, p.Y())
	norm, _ := linop.Norm(p.A(), &linop.KrylovOptions{RTol: 1e-9})
	floats.Scale(0.2/(norm*norm), aty)
	// Its own density is that of the Gaussian: at the mean, and at one standard deviation.
	x := append(append([]float64(nil), aty...), aty...)
	x[d] += 0.8
	logp := make([]float64, 2)
	s.Base.LogProb(logp, x, d)
	top := -d * (math.Log(0.8) + math.Log(2*math.Pi)/2)
	assert.InDeltaSlice(t, []float64{top, top - 0.5}, logp, 1e-7) // the norm of A
	const n = 4000
	draws, mean := s.Start(n, 0, 0), make([]float64, d)
	spread := 0.0
	for i, v := range draws {
		mean[i%d] += v / n
		spread += (v - aty[i%d]) * (v - aty[i%d]) / (n * d)
	}
	// 5 standard errors.
	assert.InDeltaSlice(t, aty, mean, 5*0.8/math.Sqrt(n))
	assert.InDelta(t, 0.64, spread, 5*0.64*math.Sqrt(2./(n*d)))
}
