package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"
)

// logs returns the log-densities of the law at the points.
func logs(law distuv.Normal, x []float64) []float64 {
	v := make([]float64, len(x))
	for i, u := range x {
		v[i] = law.LogProb(u)
	}
	return v
}

// For x ~ q = N(μ, s²) and p = N(0, 1),
//
//	NLL     = ½ log 2π + (μ² + s²)/2
//	KL(q‖p) = (μ² + s² - 1)/2 - log s.
func TestGaussianLikelihoods(t *testing.T) {
	const n, reps = 500, 400
	const mu, s = 0.2, 1.1
	p, q := distuv.UnitNormal, distuv.Normal{Mu: mu, Sigma: s}
	draw := func(rep uint64) []float64 { return gaussian(rep, n, []float64{mu}, []float64{s}) }
	kl := (mu*mu+s*s-1)/2 - math.Log(s)
	for name, c := range map[string]struct {
		truth    float64
		estimate func(rep uint64) (Value, error)
	}{
		"NLL":        {math.Log(2*math.Pi)/2 + (mu*mu+s*s)/2, func(r uint64) (Value, error) { return NLL(logs(p, draw(r))) }},
		"KL":         {kl, func(r uint64) (Value, error) { x := draw(r); return KL(logs(q, x), logs(p, x)) }},
		"KLPositive": {kl, func(r uint64) (Value, error) { x := draw(r); return KLPositive(logs(q, x), logs(p, x)) }},
	} {
		got := repeat(t, reps, c.truth, c.estimate)
		t.Logf("%s: %+v", name, got)
		assert.Less(t, math.Abs(got.bias), 4., name) // 4 standard errors: 6e-5
		// 4/√800, and 0.06 for skewness at this n.
		assert.InDelta(t, 1, got.zSD, 0.2, name)
		assert.InDelta(t, 1, got.seRatio, 0.2, name)
	}
	x := draw(0)
	plain, err := KL(logs(q, x), logs(p, x))
	require.NoError(t, err)
	positive, err := KLPositive(logs(q, x), logs(p, x))
	require.NoError(t, err)
	assert.Less(t, positive.StdErr, plain.StdErr/2)
	zero, err := KLPositive(logs(q, x), logs(q, x))
	require.NoError(t, err)
	assert.Equal(t, Value{NX: n}, zero)
}

func TestBitsPerDim(t *testing.T) {
	// A uniform law on 256 values a dimension is 8 bits, whether the model saw bytes
	// (density 1/256) or bytes scaled to [-1, 1] (density 127.5/256).
	const d = 3
	v := BitsPerDim(Value{Value: d * math.Log(256), StdErr: d * math.Ln2}, d, 0)
	assert.InDelta(t, 8, v.Value, 1e-14)
	assert.InDelta(t, 1, v.StdErr, 1e-15)
	v = BitsPerDim(Value{Value: d * math.Log(256/127.5)}, d, math.Log2(127.5))
	assert.InDelta(t, 8, v.Value, 1e-14)
}

func TestLikelihoodEdges(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	v, err := NLL([]float64{-1, -inf, -2})
	require.NoError(t, err)
	assert.Equal(t, Value{Value: inf, StdErr: inf, NX: 3}, v)
	for _, f := range []func(q, p []float64) (Value, error){KL, KLPositive} {
		v, err = f([]float64{-1, -1}, []float64{-1, -inf})
		require.NoError(t, err)
		assert.Equal(t, Value{Value: inf, StdErr: inf, NX: 2}, v)
		_, err = f([]float64{-1, -inf}, []float64{-1, -1})
		assert.EqualError(t, err, "metric: log-density of the model at its own point 1 is -Inf")
	}
	v, err = NLL([]float64{-3})
	require.NoError(t, err)
	assert.Equal(t, Value{Value: 3, StdErr: inf, NX: 1}, v)
	_, err = NLL([]float64{0, nan})
	assert.EqualError(t, err, "metric: log-density at point 1 is NaN")
	_, err = NLL(nil)
	assert.EqualError(t, err, "metric: log-density has no points")
	_, err = KL([]float64{0}, []float64{inf})
	assert.EqualError(t, err, "metric: log-density of the target at point 0 is +Inf")
	assert.Panics(t, func() { _, _ = KL([]float64{0}, nil) })
	assert.Panics(t, func() { BitsPerDim(Value{}, 0, 0) })
}
