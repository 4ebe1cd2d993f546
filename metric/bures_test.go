package metric

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// spd returns A Aᵀ for a random d×d matrix A.
func spd(i uint64, d int) []float64 {
	a, c := normals(i, d*d), make([]float64, d*d)
	for r := range d {
		for s := range d {
			for k := range d {
				c[r*d+s] += a[r*d+k] * a[s*d+k]
			}
		}
	}
	return c
}

// In the plane tr (AB)^½ = √(tr AB + 2 √det AB), for any two covariances.
func TestBuresPlane(t *testing.T) {
	for rep := range uint64(50) {
		a, b := spd(3*rep, 2), spd(3*rep+1, 2)
		if rep%5 == 0 {
			b = []float64{4, 2, 2, 1} // singular
		}
		m := normals(3*rep+2, 4)
		det := func(c []float64) float64 { return c[0]*c[3] - c[1]*c[2] }
		trAB := a[0]*b[0] + a[1]*b[2] + a[2]*b[1] + a[3]*b[3]
		want := a[0] + a[3] + b[0] + b[3] - 2*math.Sqrt(trAB+2*math.Sqrt(max(0, det(a)*det(b))))
		want += math.Pow(m[0]-m[2], 2) + math.Pow(m[1]-m[3], 2)
		got, err := BuresW2(m[:2], a, m[2:], b)
		require.NoError(t, err)
		assert.InEpsilon(t, math.Sqrt(want), got, 1e-10) // the plane's formula cancels, mine does not
		back, err := BuresW2(m[2:], b, m[:2], a)
		require.NoError(t, err)
		assert.InEpsilon(t, got, back, 1e-12) // rounding
	}
}

// For covariances that commute W2² = Σ(σ - τ)²; the distance to oneself is 0 to
// rounding and not to its root, and small distances keep their digits.
func TestBuresAccuracy(t *testing.T) {
	for _, d := range []int{1, 3, 20} {
		a, zero := spd(7, d), make([]float64, d)
		for _, e := range []float64{0, 1e-9, 1e-3, 1} {
			b := slices.Clone(a)
			var trace float64
			for i := range d {
				trace += a[i*d+i]
			}
			for i := range b {
				b[i] *= (1 + e) * (1 + e) // deviations longer by e
			}
			got, err := BuresW2(zero, a, zero, b)
			require.NoError(t, err)
			// b is known to rounding, and so its deviations in the directions of large variance.
			assert.InDelta(t, e*math.Sqrt(trace), got, 1e-12*math.Sqrt(trace), "d = %d, e = %v", d, e)
		}
	}
}

func TestBuresErrors(t *testing.T) {
	m, ok := []float64{0, 0}, []float64{1, 0, 0, 1}
	for _, c := range []struct {
		cov  []float64
		want string
	}{
		{[]float64{1, 0.5, 0, 1}, "the covariance of the second Gaussian is not symmetric at 0, 1"},
		{[]float64{1, 2, 2, 1}, "the covariance of the second Gaussian has the negative eigenvalue"},
		{[]float64{1, math.NaN(), 0, 1}, "the moments of the second Gaussian are not finite"},
	} {
		_, err := BuresW2(m, ok, m, c.cov)
		assert.ErrorContains(t, err, c.want)
	}
	assert.Panics(t, func() { _, _ = BuresW2(m, ok[:3], m, ok) })
	assert.Panics(t, func() { _, _ = BuresW2(nil, nil, nil, nil) })
	assert.Panics(t, func() { _, _, _ = MixtureW2(Gaussians{}, Gaussians{}, 2) })
	_, err := Frechet([]float64{1e200, 0, 0, 0}, ok, 2, Options{})
	assert.ErrorContains(t, err, "overflow")
}

// The Fréchet distance of samples: bias below its order d²/n, standard errors right.
func TestFrechetGaussians(t *testing.T) {
	const n, m, reps = 400, 300, 400
	for _, c := range []struct{ mean, std []float64 }{
		{[]float64{1, 0}, []float64{1, 1}},
		{[]float64{0, 0}, []float64{2, 0.5}},
		{[]float64{0.5, 0, 0, 0}, []float64{0.7, 1.5, 1, 1}},
	} {
		d := len(c.mean)
		t.Run(fmt.Sprintf("%v %v", c.mean, c.std), func(t *testing.T) {
			var truth, widest float64
			for i, s := range c.std {
				truth += c.mean[i]*c.mean[i] + (s-1)*(s-1)
				widest = max(widest, 1, s*s)
			}
			var bias, spread float64
			got := repeat(t, reps, math.Sqrt(truth), func(rep uint64) (Value, error) {
				v, err := Frechet(normals(2*rep, n*d), gaussian(2*rep+1, m, c.mean, c.std), d, Options{})
				bias += (v.Value*v.Value - truth) / reps
				spread += math.Pow(v.Value*v.Value-truth, 2) / reps
				return v, err
			})
			t.Logf("%+v, bias of the square %.4f", got, bias)
			// tr A/n + tr B/m from the means and less than d² of these from the covariances; 4
			// standard errors.
			assert.Less(t, math.Abs(bias), float64(d*(d+1))*widest*(1./n+1./m)+4*math.Sqrt(spread/reps))
			// 4 standard errors of a deviation, and 1/30 for terms of order 1/n.
			assert.InDelta(t, 1, got.seRatio, 4/math.Sqrt(2*reps)+0.03)
		})
	}
}

func TestMixtureW2(t *testing.T) {
	const d, k = 3, 4
	a := Gaussians{Weights: []float64{0.1, 0.2, 0.3, 0.4}, Means: normals(0, k*d)}
	for i := range uint64(k) {
		a.Covs = append(a.Covs, spd(10+i, d)...)
	}
	// The same mixture in reverse order, moved by a vector of length 3: every mixture is
	// moved at exactly that cost, for translations are optimal.
	var b Gaussians
	for i := k - 1; i >= 0; i-- {
		b.Weights = append(b.Weights, a.Weights[i])
		for j, v := range a.Means[i*d : (i+1)*d] {
			b.Means = append(b.Means, v+[]float64{1, 2, 2}[j])
		}
		b.Covs = append(b.Covs, a.Covs[i*d*d:(i+1)*d*d]...)
	}
	w, p, err := MixtureW2(a, b, d)
	require.NoError(t, err)
	assert.InEpsilon(t, 3, w, 1e-12) // rounding
	for _, f := range p.Flows {
		assert.Equal(t, k-1, f.From+f.To)
	}
	one, _, err := MixtureW2(Gaussians{[]float64{1}, a.Means[:d], a.Covs[:d*d]}, Gaussians{[]float64{1}, a.Means[d : 2*d], a.Covs[d*d : 2*d*d]}, d)
	require.NoError(t, err)
	want, err := BuresW2(a.Means[:d], a.Covs[:d*d], a.Means[d:2*d], a.Covs[d*d:2*d*d])
	require.NoError(t, err)
	assert.InEpsilon(t, want, one, 1e-14) // the same sum
	bad := a
	bad.Weights = []float64{0.1, 0.2, 0.3, 0.5}
	_, _, err = MixtureW2(a, bad, d)
	assert.ErrorContains(t, err, "sum to 1 and those of the targets to 1.1")
	bad = a
	bad.Covs = slices.Clone(a.Covs)
	bad.Covs[9] = -50
	_, _, err = MixtureW2(a, bad, d)
	assert.ErrorContains(t, err, "second mixture's 1. Gaussian has the negative eigenvalue")
}

// MW2 is an upper bound on the W2 of two mixtures on the line, where W2 is known by
// sorting, and it is not a loose one for components far apart.
func TestMixtureBoundsW2(t *testing.T) {
	const n = 200_000
	a := Gaussians{[]float64{0.5, 0.5}, []float64{-4, 4}, []float64{1, 1}}
	b := Gaussians{[]float64{0.5, 0.5}, []float64{-5, 5}, []float64{0.25, 4}}
	draw := func(i uint64, g Gaussians) []float64 {
		x := normals(i, n)
		for k := range x {
			c := k % 2
			x[k] = g.Means[c] + math.Sqrt(g.Covs[c])*x[k]
		}
		return x
	}
	w, err := Wasserstein1D(draw(0, a), draw(1, b), 2)
	require.NoError(t, err)
	mw, _, err := MixtureW2(a, b, 1)
	require.NoError(t, err)
	t.Log(w.Value, mw)
	assert.InEpsilon(t, math.Sqrt(1+0.5*0.25+0.5), mw, 1e-12) // by hand
	assert.Less(t, w.Value, mw+0.01)                          // sampling error of W2, some 1/√n
	assert.Greater(t, w.Value, 0.95*mw)
}
