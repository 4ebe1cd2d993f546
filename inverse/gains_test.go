package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

const (
	alpha = 0.7
	sigma = 0.6
)

// blind hides all but the denoiser.
type blind struct{ t density.Target }

func (b blind) Dim() int                               { return b.t.Dim() }
func (b blind) Denoise(dst, x []float64, a, s float64) { b.t.Denoise(dst, x, a, s) }

// testMixture has three full components of dimension d, closer than the noise.
func testMixture(t testing.TB, d int) *density.Mixture {
	var covs []float64
	for k := range uint64(3) {
		covs = append(covs, flat(covariance(d, 70+k))...)
	}
	m, err := density.NewMixture([]float64{1, 2, 1}, randoms(3*d, 71), covs, d)
	require.NoError(t, err)
	return m
}

func testGaussian(t testing.TB, d int) *density.Mixture {
	g, err := density.Gaussian(randoms(d, 72), flat(covariance(d, 73)))
	require.NoError(t, err)
	return g
}

// dense form of what a gain sees at x: A, R, C, x̂0 and the residual.
type seen struct {
	a, c     *mat.Dense
	r        []float64
	mean     []float64
	residual *mat.VecDense
}

func look(p *Problem, prior *density.Mixture, x []float64) seen {
	m, d := p.Dims()
	s := seen{a: mat.NewDense(m, d, nil), c: mat.NewDense(d, d, nil), r: make([]float64, m), mean: make([]float64, d)}
	e, col := make([]float64, d), make([]float64, max(m, d))
	prior.Denoise(s.mean, x, alpha, sigma)
	for j := range d {
		clear(e)
		e[j] = 1
		p.A().Apply(col[:m], e)
		s.a.SetCol(j, col[:m])
		prior.JVP(col[:d], x, e, alpha, sigma)
		floats.Scale(sigma*sigma/alpha, col[:d])
		s.c.SetCol(j, col[:d])
	}
	p.A().Apply(col[:m], s.mean)
	for i := range m {
		s.r[i] = p.Variance(i)
		col[i] = p.Y()[i] - col[i]
	}
	s.residual = mat.NewVecDense(m, col[:m])
	return s
}

// kalman returns x̂0 + C Aᵀ(A B Aᵀ + R)⁻¹ r by dense solves.
func (s seen) kalman(c, b mat.Matrix) []float64 {
	var ba, aba, u, atu, out mat.Dense
	ba.Mul(b, s.a.T())
	aba.Mul(s.a, &ba)
	for i, v := range s.r {
		aba.Set(i, i, aba.At(i, i)+v)
	}
	if err := u.Solve(&aba, s.residual); err != nil {
		panic(err)
	}
	atu.Mul(s.a.T(), &u)
	out.Mul(c, &atu)
	return floats.AddTo(make([]float64, len(s.mean)), s.mean, mat.Col(nil, 0, &out))
}

func identity(d int, v float64) *mat.Dense {
	m := mat.NewDense(d, d, nil)
	for i := range d {
		m.Set(i, i, v)
	}
	return m
}

func TestGainsMatchDenseAlgebra(t *testing.T) {
	const d = 6
	prior := testMixture(t, d)
	for name, p := range problems(t, d) {
		t.Run(name, func(t *testing.T) {
			x := randoms(2*d, 80)
			m, _ := p.Dims()
			mmps, wide := conditional(t, p, prior, MMPS(0)), conditional(t, p, prior, MMPS(2*m))
			for lo := 0; lo < len(x); lo += d {
				s := look(p, prior, x[lo:lo+d])
				is := func(g Gain, want []float64, tol float64) {
					t.Helper()
					got := make([]float64, d)
					conditional(t, p, prior, g).Denoise(got, x[lo:lo+d], alpha, sigma)
					assert.InDeltaSlice(t, want, got, tol)
				}
				// Systems with conditions up to 1e3, residual 1e-10.
				is(MMPS(0), s.kalman(s.c, s.c), 1e-8)
				r2 := sigma * sigma * 2 / (sigma*sigma + alpha*alpha*2)
				is(PiGDM(2), s.kalman(s.c, identity(d, r2)), 1e-8)
				is(Fixed(Isotropic{Data: 2}, Krylov{}), s.kalman(identity(d, r2), identity(d, r2)), 1e-8)
				v := []float64{1, 2, 0.5, 0.1, 0, 3}
				fixed := mat.NewDense(d, d, nil)
				for i := range d {
					fixed.Set(i, i, v[i]*sigma*sigma/(sigma*sigma+alpha*alpha*v[i]))
				}
				is(Fixed(Diagonal{Var: v}, Krylov{}), s.kalman(fixed, fixed), 1e-8)
				basis := newSpectrum(randomMatrix(d, d, 81))
				var half, full mat.Dense
				half.Mul(basis.v, fixed)
				full.Mul(&half, basis.v.T())
				is(Fixed(Diagonal{Basis: basis, Var: v}, Krylov{}), s.kalman(&full, &full), 1e-8)

				// TMPD: the row sums as published, with the guard.
				var ac, aca mat.Dense
				var row mat.VecDense
				ones, c := mat.NewVecDense(m, nil), mat.NewDiagDense(m, nil)
				for i := range m {
					ones.SetVec(i, 1)
				}
				ac.Mul(s.a, s.c)
				aca.Mul(&ac, s.a.T())
				row.MulVec(&aca, ones)
				for i := range m {
					c.SetDiag(i, s.r[i]+math.Abs(row.AtVec(i)))
				}
				is(TMPD{}, s.through(c), 1e-11)
				for i := range m {
					c.SetDiag(i, s.r[i]+aca.At(i, i))
				}
				is(TMPD{Probes: 40000}, s.through(c), 0.02) // 1/√40000 of a gain of order one

				// DiffPIR is the minimiser, by its normal equations.
				var n, rhs, wa mat.Dense
				wa.Apply(func(i, _ int, v float64) float64 { return v / s.r[i] }, s.a)
				n.Mul(s.a.T(), &wa)
				rho := 3 * alpha * alpha / (sigma * sigma)
				for i := range d {
					n.Set(i, i, n.At(i, i)+rho)
				}
				rhs.Mul(wa.T(), s.residual)
				var delta mat.Dense
				require.NoError(t, delta.Solve(&n, &rhs))
				is(DiffPIR(3), floats.AddTo(make([]float64, d), s.mean, mat.Col(nil, 0, &delta)), 1e-8)

				// DDS: proximal by its system, noiseless by the pseudoinverse.
				n.Reset()
				n.Mul(s.a.T(), s.a)
				n.Scale(4, &n)
				for i := range d {
					n.Set(i, i, n.At(i, i)+1)
				}
				rhs.Reset()
				rhs.Mul(s.a.T(), s.residual)
				rhs.Scale(4, &rhs)
				require.NoError(t, delta.Solve(&n, &rhs))
				is(DDS{Gamma: 4}, floats.AddTo(make([]float64, d), s.mean, mat.Col(nil, 0, &delta)), 1e-8)
				project := s.pinv()
				is(DDS{}, project, 1e-6) // condition squared
				is(DDNM{}, project, 1e-6)
			}
			// A limit beyond the need changes nothing.
			got, want := make([]float64, len(x)), make([]float64, len(x))
			mmps.Denoise(want, x, alpha, sigma)
			wide.Denoise(got, x, alpha, sigma)
			assert.InDeltaSlice(t, want, got, 1e-8)
			assert.Zero(t, mmps.Counts().Unfinished)
		})
	}
}

// through returns x̂0 + C Aᵀ c⁻¹ r.
func (s seen) through(c *mat.DiagDense) []float64 {
	u := mat.NewVecDense(len(s.r), nil)
	for i := range s.r {
		u.SetVec(i, s.residual.AtVec(i)/c.At(i, i))
	}
	var atu, out mat.VecDense
	atu.MulVec(s.a.T(), u)
	out.MulVec(s.c, &atu)
	return floats.AddTo(make([]float64, len(s.mean)), s.mean, out.RawVector().Data)
}

// pinv returns x̂0 + A†r.
func (s seen) pinv() []float64 {
	var svd mat.SVD
	svd.Factorize(s.a, mat.SVDThin)
	var out mat.Dense
	svd.SolveTo(&out, s.residual, svd.Rank(1e-12))
	return floats.AddTo(make([]float64, len(s.mean)), s.mean, mat.Col(nil, 0, &out))
}

func TestDDNMPlusTrustsDataAsFarAsNoiseAllows(t *testing.T) {
	const d = 5
	prior := testGaussian(t, d)
	a := newSpectrum(randomMatrix(3, d, 90))
	p, err := New(a, randoms(3, 91), 0.5)
	require.NoError(t, err)
	c := conditional(t, p, prior, DDNMPlus{})
	x, out, mean := randoms(d, 92), make([]float64, d), make([]float64, d)
	for _, sg := range []float64{0.05, 0.6, 40} {
		c.Denoise(out, x, alpha, sg)
		prior.Denoise(mean, x, alpha, sg)
		got, before, y := make([]float64, d), make([]float64, d), make([]float64, 3)
		a.VT(got, out)
		a.VT(before, mean)
		a.UT(y, p.Y())
		for i := range d {
			want := before[i]
			if i < 3 {
				l := min(1, sg/alpha*a.s[i]/0.5)
				want += l * (y[i]/a.s[i] - before[i])
			}
			assert.InDelta(t, want, got[i], 1e-12)
		}
	}
	p, err = NewVar(a, p.Y(), []float64{1, 1, 1})
	require.NoError(t, err)
	_, err = NewConditional(p, prior, DDNMPlus{})
	assert.ErrorContains(t, err, "DDNM+ needs an operator with a known singular value decomposition")
}

func TestGaussianPriorMakesTheConditionalExact(t *testing.T) {
	const d = 6
	prior := testGaussian(t, d)
	for name, p := range problems(t, d) {
		post, err := MixturePosterior(p, prior)
		require.NoError(t, err)
		x, want, got := randoms(3*d, 93), make([]float64, 3*d), make([]float64, 3*d)
		for _, sg := range []float64{0.01, 0.6, 50} {
			post.Denoise(want, x, alpha, sg)
			conditional(t, p, prior, MMPS(0)).Denoise(got, x, alpha, sg)
			assert.InDeltaSlice(t, want, got, 1e-7, name) // residual 1e-10, condition 1e3
			// By differences of D: their stated error at |x| of 50 and less.
			conditional(t, p, blind{prior}, MMPS(0)).Denoise(got, x, alpha, sg)
			assert.InDeltaSlice(t, want, got, 1e-5, name)
		}
	}
}

func TestKrylovCountsAreTrue(t *testing.T) {
	const d, n, k = 6, 5, 2
	p := problems(t, d)["wide, variances"]
	x, out := randoms(n*d, 94), make([]float64, n*d)
	for name, g := range map[string]struct {
		gain Gain
		want Counts
	}{
		"MMPS":  {MMPS(k), Counts{JVP: k, Apply: k + 1, Adjoint: k, Solves: 1}},
		"PiGDM": {Kalman{Cov: Tweedie{}, Inner: Isotropic{}, Krylov: Krylov{Iterations: k}}, Counts{JVP: 1, Apply: k + 1, Adjoint: k + 1, Solves: 1}},
		"TMPD":  {TMPD{}, Counts{JVP: 2, Apply: 2, Adjoint: 2}},
		"DDS":   {DDS{Gamma: 1, Krylov: Krylov{Iterations: k}}, Counts{Apply: k + 1, Adjoint: k + 1, Solves: 1}},
		"short": {Fixed(Proximal{}, Krylov{Iterations: 1, RTol: 1e-10}), Counts{Apply: 2, Adjoint: 1, Solves: 1, Unfinished: 1}},
	} {
		c := conditional(t, p, testMixture(t, d), g.gain)
		c.Denoise(out, x, alpha, sigma)
		want := Counts{n * g.want.JVP, n * g.want.Apply, n * g.want.Adjoint, n * g.want.Solves, n * g.want.Unfinished}
		assert.Equal(t, want, c.Counts(), name)
	}
}

func TestAsManyIterationsAsMeasurementsAreExact(t *testing.T) {
	// The finite termination of conjugate gradients; one less is not enough.
	const d = 6
	prior, p := testMixture(t, d), problems(t, d)["wide, variances"]
	x, want, got := randoms(d, 95), make([]float64, d), make([]float64, d)
	conditional(t, p, prior, MMPS(0)).Denoise(want, x, alpha, sigma)
	conditional(t, p, prior, MMPS(3)).Denoise(got, x, alpha, sigma)
	assert.InDeltaSlice(t, want, got, 1e-10) // rounding, condition 1e2
	conditional(t, p, prior, MMPS(2)).Denoise(got, x, alpha, sigma)
	assert.Greater(t, floats.Distance(want, got, 2), 1e-4)
}

func TestConditionalErrors(t *testing.T) {
	p := problems(t, 6)["wide, variances"]
	prior := testGaussian(t, 6)
	for want, f := range map[string]func() error{
		"acts on 6 values, but the prior's points have 2": func() error { _, err := NewConditional(p, density.Normal(2, 1), MMPS(1)); return err },
		"a Kalman gain needs a covariance":                func() error { _, err := NewConditional(p, prior, Kalman{}); return err },
		"the limit -1 and the tolerance 0":                func() error { _, err := NewConditional(p, prior, MMPS(-1)); return err },
		"2 prior variances for points of dimension 6": func() error {
			_, err := NewConditional(p, prior, Fixed(Diagonal{Var: []float64{1, 2}}, Krylov{}))
			return err
		},
		"prior variance 0 is -1": func() error {
			_, err := NewConditional(p, prior, Fixed(Diagonal{Var: []float64{-1, 1, 1, 1, 1, 1}}, Krylov{}))
			return err
		},
		"TMPD has -1 probes":         func() error { _, err := NewConditional(p, prior, TMPD{Probes: -1}); return err },
		"the weight γ of DDS is NaN": func() error { _, err := NewConditional(p, prior, DDS{Gamma: math.NaN()}); return err },
	} {
		assert.ErrorContains(t, f(), want)
	}
}

func TestWarmGainsDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector empties pools")
	}
	const d = 6
	all := problems(t, d)
	x, out := randoms(3*d, 96), make([]float64, 3*d)
	v := []float64{1, 2, 0.5, 0.1, 1, 3}
	for _, p := range []*Problem{all["wide, variances"], all["wide, spectral"]} {
		for _, g := range []Gain{
			MMPS(0), PiGDM(1), Fixed(Diagonal{Var: v, Basis: newSpectrum(randomMatrix(d, d, 81))}, Krylov{}), DiffPIR(1),
			TMPD{}, TMPD{Probes: 3}, DDNM{}, DDS{Gamma: 1, Krylov: Krylov{Iterations: 5}}, DDNMPlus{},
		} {
			_, plus := g.(DDNMPlus)
			if _, ok := p.spectral(); plus && !ok {
				continue
			}
			c := conditional(t, p, testMixture(t, d), g)
			assert.Zero(t, testing.AllocsPerRun(20, func() { c.Denoise(out, x, alpha, sigma) }), "%T", g)
		}
	}
}

var _ score.Denoiser = (*Conditional)(nil)
