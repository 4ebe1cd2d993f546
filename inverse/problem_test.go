package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
)

// skewed is an operator whose adjoint is wrong.
type skewed struct{ dense }

func (s skewed) Adjoint(dst, y []float64) {
	s.dense.Adjoint(dst, y)
	dst[0] += 1e-3 * y[0]
}

func TestProblemsThatMakeNoSenseAreRefused(t *testing.T) {
	a := dense{randomMatrix(2, 3, 100)}
	y := []float64{1, 2}
	for want, f := range map[string]func() error{
		"the standard deviation -1":               func() error { _, err := New(a, y, -1); return err },
		"the standard deviation NaN":              func() error { _, err := New(a, y, math.NaN()); return err },
		"maps 3 values to 2, but there are 4 mea": func() error { _, err := New(a, make([]float64, 4), 1); return err },
		"measurement 1 is NaN":                    func() error { _, err := New(a, []float64{1, math.NaN()}, 1); return err },
		"maps everything to zero":                 func() error { _, err := New(dense{mat.NewDense(2, 3, nil)}, y, 1); return err },
		"values that are not finite": func() error {
			_, err := New(dense{mat.NewDense(2, 1, []float64{math.NaN(), 1})}, y, 1)
			return err
		},
		"Adjoint is not the transpose of its Apply":  func() error { _, err := New(skewed{a}, y, 1); return err },
		"1 noise variances for 2 measurements":       func() error { _, err := NewVar(a, y, []float64{1}); return err },
		"measurement 1 has the noise variance -3":    func() error { _, err := NewVar(a, y, []float64{1, -3}); return err },
		"the noise covariance is 3×3 for 2 measurem": func() error { _, err := NewWhitened(a, y, covariance(3, 1)); return err },
		"covariance is not positive definite":        func() error { _, err := NewWhitened(a, y, mat.NewSymDense(2, []float64{1, 2, 2, 1})); return err },
		"maps 3 values to 2, but there are 3 mea":    func() error { _, err := NewWhitened(a, make([]float64, 3), covariance(3, 1)); return err },
		"count 0 is -1":                      func() error { _, err := NewPoisson(a, []float64{-1, 2}, 1); return err },
		"the least variance of a count is 0": func() error { _, err := NewPoisson(a, y, 0); return err },
	} {
		assert.ErrorContains(t, f(), want)
	}
}

func TestNoiseOfAProblem(t *testing.T) {
	a := dense{randomMatrix(2, 3, 100)}
	p, err := New(a, []float64{1, 2}, 0.5)
	require.NoError(t, err)
	std, shared := p.Sigma()
	assert.Equal(t, 0.5, std)
	assert.True(t, shared)
	assert.Equal(t, 0.25, p.Variance(1))
	p, err = NewPoisson(a, []float64{0, 9}, 1)
	require.NoError(t, err)
	_, shared = p.Sigma()
	assert.False(t, shared)
	assert.Equal(t, []float64{1, 9}, []float64{p.Variance(0), p.Variance(1)})
}

func TestWhiteningKeepsThePosterior(t *testing.T) {
	// With the noise n ~ N(0, R) made a part of the unknowns, x₁ and n are Gaussian
	// together, and the posterior of x₁ follows from the formula of the dense R.
	const d, m = 4, 3
	a, r, prior, y := randomMatrix(m, d, 101), covariance(m, 102), testGaussian(t, d), randoms(m, 103)
	p, err := NewWhitened(dense{a}, y, r)
	require.NoError(t, err)
	post, err := MixturePosterior(p, prior)
	require.NoError(t, err)
	_, mean, cov := prior.Components()
	c := mat.NewDense(d, d, cov)
	var ca, s, gain, want mat.Dense
	ca.Mul(c, a.T())
	s.Mul(a, &ca)
	s.Add(&s, r)
	require.NoError(t, gain.Solve(s.T(), ca.T()))
	var ax mat.VecDense
	ax.MulVec(a, mat.NewVecDense(d, mean))
	ax.SubVec(mat.NewVecDense(m, y), &ax)
	want.Mul(gain.T(), &ax)
	got := make([]float64, d)
	post.Mean(got)
	for i := range d {
		assert.InDelta(t, mean[i]+want.At(i, 0), got[i], 1e-12) // rounding
	}
	var drop mat.Dense
	drop.Mul(&ca, &gain)
	c.Sub(c, &drop)
	gotCov := make([]float64, d*d)
	post.Cov(gotCov)
	assert.InDeltaSlice(t, flat(c), gotCov, 1e-12)
}
