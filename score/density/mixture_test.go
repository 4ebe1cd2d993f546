package density

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
)

// TestMixtureAgainstMatrices computes log p, D, the score and the Jacobian from the
// formulas with gonum's matrices, for a full covariance and its rivals.
func TestMixtureAgainstMatrices(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, r := range targets {
		m, ok := r.target.(*Mixture)
		if !ok || m.d > 6 {
			continue
		}
		d := m.d
		weights, means, covs := m.Components()
		for _, c := range [][2]float64{{1, 0.05}, {0.7, 0.7}, {0.1, 5}} {
			alpha, sigma := c[0], c[1]
			x := noised(m, 1, alpha, sigma, rng)
			v := noised(m, 1, 0, 1, rng)
			got := methods(m, x, v, alpha, sigma)

			logs := make([]float64, len(weights))
			post, score, gain := make([][]float64, len(weights)), make([][]float64, len(weights)), make([]*mat.Dense, len(weights))
			for k := range weights {
				C := mat.NewSymDense(d, covs[k*d*d:(k+1)*d*d])
				S := mat.NewSymDense(d, nil)
				S.ScaleSym(alpha*alpha, C)
				mu := mat.NewVecDense(d, nil)
				mu.ScaleVec(alpha, mat.NewVecDense(d, means[k*d:(k+1)*d]))
				for i := range d {
					S.SetSym(i, i, S.At(i, i)+sigma*sigma)
				}
				n, ok := distmv.NewNormal(mu.RawVector().Data, S, nil)
				require.True(t, ok)
				logs[k] = math.Log(weights[k]) + n.LogProb(x)
				var inv, g mat.Dense
				require.NoError(t, inv.Inverse(S))
				g.Mul(C, &inv)
				g.Scale(alpha, &g)
				gain[k] = &g
				var diff, s, p mat.VecDense
				diff.SubVec(mat.NewVecDense(d, x), mu)
				s.MulVec(&inv, &diff)
				s.ScaleVec(-1, &s)
				p.MulVec(&g, &diff)
				p.AddVec(&p, mat.NewVecDense(d, means[k*d:(k+1)*d]))
				score[k], post[k] = s.RawVector().Data, p.RawVector().Data
			}
			logP := floats.LogSumExp(logs)
			D, s, J := make([]float64, d), make([]float64, d), mat.NewDense(d, d, nil)
			for k := range weights {
				floats.AddScaled(D, math.Exp(logs[k]-logP), post[k])
				floats.AddScaled(s, math.Exp(logs[k]-logP), score[k])
			}
			for k := range weights {
				r := math.Exp(logs[k] - logP)
				var part mat.Dense
				part.Scale(r, gain[k])
				J.Add(J, &part)
				floats.Sub(post[k], D)
				u := mat.NewVecDense(d, post[k])
				part.Outer(r*alpha/(sigma*sigma), u, u)
				J.Add(J, &part)
			}
			var Jv mat.VecDense
			Jv.MulVec(J, mat.NewVecDense(d, v))
			// Rounding, through the inverse of S: eps times its condition, at most 1e4.
			const tol = 1e-11
			want := [5][]float64{D, s, Jv.RawVector().Data, {logP}, {mat.Trace(J)}}
			for i := range want {
				assert.InDeltaSlice(t, want[i], got[i], tol*(1+floats.Norm(want[i], 2)), "%s method %d α=%g σ=%g", r.name, i, alpha, sigma)
			}
		}
	}
}

// TestForms: the isotropic, diagonal and full forms of one law agree, up to rounding.
func TestForms(t *testing.T) {
	const k, d = 5, 4
	rng := rand.New(rand.NewPCG(6, 6))
	means, std, stds, covs := make([]float64, k*d), make([]float64, k), make([]float64, k*d), make([]float64, k*d*d)
	for c := range k {
		std[c] = 0.2 + rng.Float64()
		for i := range d {
			means[c*d+i] = rng.NormFloat64()
			stds[c*d+i] = std[c]
			covs[(c*d+i)*d+i] = std[c] * std[c]
		}
	}
	iso, err := NewIsotropicMixture(nil, means, std, d)
	require.NoError(t, err)
	diag, err := NewDiagonalMixture(nil, means, stds, d)
	require.NoError(t, err)
	// A turn of the plane of the first two coordinates, and one that leaves nothing.
	full, err := NewMixture(nil, means, covs, d)
	require.NoError(t, err)
	assert.Nil(t, full.eig, "multiples of the identity take the isotropic form")
	vec := make([]float64, k*d*d)
	for c := range k {
		s, co := math.Sincos(float64(c))
		q := vec[c*d*d:]
		q[0], q[1], q[4], q[5], q[10], q[15] = co, s, -s, co, 1, 1
	}
	full = &Mixture{newWide(d, diag.logW, diag.mu, diag.eig, vec)}
	x, v := noised(iso, 20, 0.9, 0.3, rng), noised(iso, 20, 0, 1, rng)
	want := methods(iso, x, v, 0.9, 0.3)
	for name, m := range map[string]*Mixture{"diagonal": diag, "full": full} {
		got := methods(m, x, v, 0.9, 0.3)
		for i := range want {
			assert.InDeltaSlice(t, want[i], got[i], 1e-12, "%s, method %d", name, i)
		}
	}
	stds[0] *= 2
	covs[0] *= 4
	diag, err = NewDiagonalMixture(nil, means, stds, d)
	require.NoError(t, err)
	full, err = NewMixture(nil, means, covs, d)
	require.NoError(t, err)
	assert.Nil(t, full.vec, "diagonal covariances take the diagonal form")
	assert.Equal(t, methods(diag, x, v, 1, 1), methods(full, x, v, 1, 1))
}

// TestExpansion: in many dimensions the logits come from the expanded square; the
// difference form, forced by a bound that nothing meets, gives the same up to 1e-10.
func TestExpansion(t *testing.T) {
	m := cloud(20, 30, 0.5)
	rng := rand.New(rand.NewPCG(7, 7))
	x, v := noised(m, 10, 1, 0.1, rng), noised(m, 10, 0, 1, rng)
	want := methods(m, x, v, 1, 0.1)
	w := m.begin(x, x, m.d, 1, 0.1)
	m.measure(w, x)
	assert.True(t, w.expand[0])
	m.pool.Put(w)
	m.most2 = math.Inf(1)
	got := methods(m, x, v, 1, 0.1)
	for i := range want {
		// The bound that lets the expansion in is 1e-10 in a logit.
		assert.InDeltaSlice(t, want[i], got[i], 1e-9, "method %d", i)
	}
	assert.NotEqual(t, want[3], got[3], "the forms differ in rounding")

	// At small noise the expansion would be off by eps·|x|²/σ² ~ 1e-7.
	p, err := NewPoints(m.mu, m.d)
	require.NoError(t, err)
	y, lp, sq := make([]float64, m.d), make([]float64, 1), 0.0
	for i := range y {
		n := rng.NormFloat64()
		y[i] = p.mu[i] + 1e-4*n
		sq += n * n
	}
	p.LogProb(lp, y, 1, 1e-4)
	// The rounding of y, eps·|y|/σ ~ 1e-12, times |n|.
	assert.InDelta(t, -math.Log(30)-10*math.Log(2*math.Pi*1e-8)-sq/2, lp[0], 1e-10)
}

func TestModes(t *testing.T) {
	weights, centres, radius := Ring(8, 4, 0.3).Modes()
	assert.InDelta(t, 1, floats.Sum(weights), 1e-15)
	assert.Len(t, centres, 16)
	assert.InDelta(t, (math.Sqrt2+3)*0.3, radius, 1e-15)

	weights, centres, _ = Grid(5, 2, 0.1).Modes()
	assert.Len(t, weights, 25)
	assert.Equal(t, []float64{-4, -4, -2, -4}, centres[:4])
	assert.Equal(t, []float64{4, 4}, centres[48:])

	m, err := NewIsotropicMixture([]float64{1, 0, 3}, []float64{1, 2, 3}, []float64{1, 5, 2}, 1)
	require.NoError(t, err)
	weights, means, covs := m.Components()
	assert.InDeltaSlice(t, []float64{0.25, 0.75}, weights, 1e-15)
	assert.Equal(t, []float64{1, 3}, means)
	assert.Equal(t, []float64{1, 4}, covs)

	cov := []float64{2, 0.5, 0.1, 0.5, 1, -0.3, 0.1, -0.3, 3}
	g, err := Gaussian([]float64{1, 2, 3}, cov)
	require.NoError(t, err)
	_, _, covs = g.Components()
	assert.InDeltaSlice(t, cov, covs, 1e-14) // Q is orthogonal up to rounding
}

func TestMixtureErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	two := []float64{0, 0, 1, 1}
	for _, c := range []struct {
		want string
		err  func() (*Mixture, error)
	}{
		{"3 values are not a positive number of points of dimension 2", func() (*Mixture, error) {
			return NewIsotropicMixture(nil, two[:3], []float64{1}, 2)
		}},
		{"not a positive number", func() (*Mixture, error) { return NewIsotropicMixture(nil, nil, []float64{1}, 2) }},
		{"not a positive number", func() (*Mixture, error) { return NewIsotropicMixture(nil, two, []float64{1}, 0) }},
		{"not finite", func() (*Mixture, error) { return NewIsotropicMixture(nil, []float64{1, nan}, []float64{1}, 2) }},
		{"1 weights for 2 components", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{1}, two, []float64{1}, 2)
		}},
		{"weight 1 is -1", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{2, -1}, two, []float64{1}, 2)
		}},
		{"weight 0 is NaN", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{nan, 1}, two, []float64{1}, 2)
		}},
		{"weight 0 is +Inf", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{inf, 1}, two, []float64{1}, 2)
		}},
		{"weights sum to 0", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{0, 0}, two, []float64{1}, 2)
		}},
		{"weights sum to +Inf", func() (*Mixture, error) {
			return NewIsotropicMixture([]float64{1e308, 1e308}, two, []float64{1}, 2)
		}},
		{"3 standard deviations for 2 components", func() (*Mixture, error) {
			return NewIsotropicMixture(nil, two, []float64{1, 2, 3}, 2)
		}},
		{"standard deviation 1 is 0", func() (*Mixture, error) {
			return NewIsotropicMixture(nil, two, []float64{1, 0}, 2)
		}},
		{"2 standard deviations for 2 components of dimension 2", func() (*Mixture, error) {
			return NewDiagonalMixture(nil, two, []float64{1, 1}, 2)
		}},
		{"standard deviation 3 is NaN", func() (*Mixture, error) {
			return NewDiagonalMixture(nil, two, []float64{1, 1, 1, nan}, 2)
		}},
		{"4 values, want 2×2×2", func() (*Mixture, error) { return NewMixture(nil, two, []float64{1, 0, 0, 1}, 2) }},
		{"covariance 1 is not symmetric", func() (*Mixture, error) {
			return NewMixture(nil, two, []float64{1, 0, 0, 1, 1, 0.5, 0.4, 1}, 2)
		}},
		{"covariance 0 is not positive definite", func() (*Mixture, error) {
			return Gaussian([]float64{0, 0}, []float64{1, 1, 1, 1})
		}},
		{"covariance 0 is not positive definite", func() (*Mixture, error) {
			return Gaussian([]float64{0, 0}, []float64{1, 2, 2, 1})
		}},
		{"covariance 0 is not finite", func() (*Mixture, error) {
			return Gaussian([]float64{0, 0}, []float64{1, nan, nan, 1})
		}},
		{"covariance 0 is not finite", func() (*Mixture, error) { return Gaussian([]float64{0}, []float64{inf}) }},
		{"covariance 0 is not positive definite", func() (*Mixture, error) {
			return Gaussian([]float64{0, 0}, []float64{-1, 0, 0, -1})
		}},
	} {
		m, err := c.err()
		assert.ErrorContains(t, err, c.want)
		assert.Nil(t, m)
	}
	assert.Panics(t, func() { Ring(0, 1, 1) })
	assert.Panics(t, func() { Ring(3, 1, 0) })
	assert.Panics(t, func() { Grid(0, 1, 1) })
	assert.Panics(t, func() { Normal(0, 1) })
	assert.Panics(t, func() { Moons(1e-4) })
	assert.Panics(t, func() { Spirals(0, 1) })
	assert.Panics(t, func() { Pinwheel(5, Blade{}, 0) })
	assert.Panics(t, func() { Smooth(Normal(1, 1), 0) })
}

// TestPointsPruning: passing over far blocks changes nothing.
func TestPointsPruning(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	y := make([]float64, 2*5000)
	for i := range y {
		y[i] = rng.NormFloat64()
	}
	p, err := NewPoints(y, 2)
	require.NoError(t, err)
	plain, err := NewPoints(y, 2)
	require.NoError(t, err)
	plain.radii = nil // before the first workspace is made
	for _, sigma := range []float64{1e-3, 1e-2, 0.1, 1} {
		x, v := noised(p, 50, 1, sigma, rng), noised(p, 50, 0, 1, rng)
		x[0], x[1] = 100, 100
		want, got := methods(plain, x, v, 1, sigma), methods(p, x, v, 1, sigma)
		for i := range want {
			// What is passed over is 5000 e⁻⁶⁰, times α/σ² in the Jacobian.
			assert.InDeltaSlice(t, want[i], got[i], 1e-13*floats.Norm(want[i], math.Inf(1)), "method %d, σ=%g", i, sigma)
		}
	}
}

// TestTinyWeights: weights whose ratio to the sum underflows still count as positive.
func TestTinyWeights(t *testing.T) {
	m, err := NewIsotropicMixture([]float64{5e-324, 1e5}, []float64{-100, 100}, []float64{1}, 1)
	require.NoError(t, err)
	D := make([]float64, 1)
	m.Denoise(D, []float64{-100}, 1, 1)
	// log 5e-324 - log 1e5 = -756 against -(200)²/4.
	assert.InDelta(t, -100, D[0], 1e-12)
}

func TestWeightedPoints(t *testing.T) {
	p, err := NewWeightedPoints([]float64{1, 0, 3}, []float64{-1, 7, 1}, 1)
	require.NoError(t, err)
	// Two points ±1 of weights 1/4, 3/4: D = tanh(αx/σ² + ½ log 3).
	x, dst := []float64{0.3}, make([]float64, 1)
	p.Denoise(dst, x, 0.5, 0.4)
	assert.InDelta(t, math.Tanh(0.5*0.3/0.16+math.Log(3)/2), dst[0], 1e-15)

	// More than a block, in the order that the kernel likes, against the plain sum.
	rng := rand.New(rand.NewPCG(11, 11))
	y, weights := make([]float64, 500), make([]float64, 500)
	var sum, mean float64
	for i := range y {
		y[i], weights[i] = 3*rng.NormFloat64(), rng.Float64()
		r := weights[i] * math.Exp(-(1-y[i])*(1-y[i])/(2*0.04))
		sum += r
		mean += r * y[i]
	}
	p, err = NewWeightedPoints(weights, y, 1)
	require.NoError(t, err)
	p.Denoise(dst, []float64{1}, 1, 0.2)
	assert.InDelta(t, mean/sum, dst[0], 1e-13) // rounding

	_, err = NewPoints([]float64{1, 2, 3}, 2)
	assert.Error(t, err)
	_, err = NewPoints([]float64{1, math.Inf(1)}, 2)
	assert.Error(t, err)
}

// TestSmoothGaussian: N(0, 0.09) smoothed by τ = 0.4 is N(0, 0.25).
func TestSmoothGaussian(t *testing.T) {
	s, want := Smooth(Normal(2, 0.3), 0.4), Normal(2, 0.5)
	rng := rand.New(rand.NewPCG(10, 10))
	for _, sigma := range []float64{1e-4, 1, 100} {
		x, v := noised(want, 5, 0.8, sigma, rng), noised(want, 5, 0, 1, rng)
		a, b := methods(want, x, v, 0.8, sigma), methods(s, x, v, 0.8, sigma)
		for i := range a {
			assert.InDeltaSlice(t, a[i], b[i], 1e-13*(1+floats.Norm(a[i], math.Inf(1))), "method %d", i)
		}
	}
	cov := make([]float64, 4)
	s.(Momenter).Cov(cov)
	assert.InDeltaSlice(t, []float64{0.25, 0, 0, 0.25}, cov, 1e-16)
	_, ok := Smooth(noMoments{want}, 1).(Momenter)
	assert.False(t, ok)
}

type noMoments struct{ Target }
