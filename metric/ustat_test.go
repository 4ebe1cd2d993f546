package metric

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// foldedMean returns E|Z| for Z ~ N(δ, s²).
func foldedMean(delta, s float64) float64 {
	return s*math.Sqrt(2/math.Pi)*math.Exp(-delta*delta/(2*s*s)) + delta*(1-2*distuv.UnitNormal.CDF(-delta/s))
}

// gaussianMMD returns MMD² of N(0, I) and N(Δ, s²I) at bandwidth h: for the
// difference Z ~ N(Δ, vI), E exp(-|Z|²/2h²) = (h²/(h²+v))^{d/2} exp(-|Δ|²/(2(h²+v))).
func gaussianMMD(d int, delta2, s, h float64) float64 {
	k := func(v, delta2 float64) float64 {
		return math.Pow(h*h/(h*h+v), float64(d)/2) * math.Exp(-delta2/(2*(h*h+v)))
	}
	return k(2, 0) + k(2*s*s, 0) - 2*k(1+s*s, delta2)
}

// Energy distance and MMD² of N(0, I) and N(δe₁, s²I) in closed form: the estimates
// must be unbiased and the standard errors right, where the laws differ; where they
// agree, NullErr must be right, and StdErr may be too large but not too small.
func TestTwoSampleGaussians(t *testing.T) {
	energy1 := func(delta, s float64) float64 {
		return 2*foldedMean(delta, math.Hypot(1, s)) - foldedMean(0, math.Sqrt2) - foldedMean(0, s*math.Sqrt2)
	}
	// In the plane E|N(0, vI)| = √(πv/2).
	energy2 := func(s float64) float64 {
		return math.Sqrt(math.Pi/2) * (2*math.Hypot(1, s) - math.Sqrt2 - s*math.Sqrt2)
	}
	const n, m, h = 400, 300, 1.5
	for _, c := range []struct {
		name     string
		f        func(x, y []float64, dim int, o Options) (Value, error)
		d        int
		delta, s float64
		truth    float64
	}{
		{"energy", Energy, 1, 0, 1, 0},
		{"energy", Energy, 1, 1, 1, energy1(1, 1)},
		{"energy", Energy, 1, 0.3, 2, energy1(0.3, 2)},
		{"energy", Energy, 1, 0.3, 0.4, energy1(0.3, 0.4)},
		{"energy", Energy, 2, 0, 1, 0},
		{"energy", Energy, 2, 0, 2, energy2(2)},
		{"mmd", MMD, 1, 0, 1, 0},
		{"mmd", MMD, 2, 0, 2, gaussianMMD(2, 0, 2, h)},
		{"mmd", MMD, 5, 0, 1, 0},
		{"mmd", MMD, 5, 1, 1.2, gaussianMMD(5, 1, 1.2, h)},
	} {
		t.Run(fmt.Sprintf("%s/d=%d/delta=%v/s=%v", c.name, c.d, c.delta, c.s), func(t *testing.T) {
			mean, std := make([]float64, c.d), slices.Repeat([]float64{c.s}, c.d)
			mean[0] = c.delta
			reps := 400
			if c.d == 1 && c.name == "energy" {
				reps = 3000 // for they are cheap
			}
			null := c.delta == 0 && c.s == 1
			z0 := make([]float64, reps)
			s := repeat(t, reps, c.truth, func(rep uint64) (Value, error) {
				v, err := c.f(normals(2*rep, n*c.d), gaussian(2*rep+1, m, mean, std), c.d, Options{Bandwidth: h})
				z0[rep] = v.Value / v.NullErr
				return v, err
			})
			t.Logf("%+v", s)
			// 4 standard errors of a mean (false alarm 6e-5).
			assert.Less(t, math.Abs(s.bias), 4.)
			if null {
				_, sd := stat.MeanStdDev(z0, nil)
				count := func(z float64) (c float64) {
					for _, v := range z0 {
						if v > z {
							c++
						}
					}
					return c
				}
				t.Logf("Value/NullErr: sd %.3f, over 3: %v, over 5: %v of %d", sd, count(3), count(5), reps)
				// The kurtosis of χ²₁, 15, makes the sd uncertain by √(14/(4·reps)) at the
				// most; 4 of these.
				k := float64(reps)
				assert.InDelta(t, 1, sd, 4*math.Sqrt(3.5/k))
				// At most the stated rates, and 4 standard deviations of the count.
				assert.LessOrEqual(t, count(3), k*0.022+4*math.Sqrt(k*0.022))
				assert.LessOrEqual(t, count(5), k*0.0045+4*math.Sqrt(k*0.0045))
				// StdErr errs on the large side only.
				assert.Greater(t, s.seRatio, 0.9)
				assert.Less(t, s.seRatio, 1.6)
				return
			}
			// The sd of z-scores is known to 1/√(2·reps) if they are normal; 4 of these,
			// and 0.06 for skewness at this n.
			tol := 4/math.Sqrt(2*float64(reps)) + 0.06
			assert.InDelta(t, 1, s.zSD, tol)
			assert.InDelta(t, 1, s.seRatio, tol)
		})
	}
}

// One large run with all defaults: the estimate within 4.5 standard errors of the
// truth (false alarm 7e-6), and the cap reported.
func TestTwoSampleLarge(t *testing.T) {
	const n = 20_000
	x, y := normals(0, n), gaussian(1, n, []float64{0.5}, []float64{1})
	v, err := Energy(x, y, 1, Options{})
	require.NoError(t, err)
	truth := 2*foldedMean(0.5, math.Sqrt2) - 2*foldedMean(0, math.Sqrt2)
	t.Logf("energy %.5f ± %.5f, truth %.5f", v.Value, v.StdErr, truth)
	assert.InDelta(t, truth, v.Value, 4.5*v.StdErr)
	assert.Equal(t, n, v.NX) // no cap on the line

	h, err := MedianBandwidth(y, 1, 0)
	require.NoError(t, err)
	// The median of |N(0, 2)| is 0.954; from 1000 points it is known to some 2%.
	assert.InEpsilon(t, 0.9539, h, 0.1)
	v, err = MMD(x, y, 1, Options{})
	require.NoError(t, err)
	truth = gaussianMMD(1, 0.25, 1, h)
	t.Logf("mmd %.5f ± %.5f, truth %.5f", v.Value, v.StdErr, truth)
	assert.InDelta(t, truth, v.Value, 4.5*v.StdErr)
	assert.Equal(t, [2]int{5000, 5000}, [2]int{v.NX, v.NY})
}

// A line laid in the plane has the line's energy distance: two programs, one value.
func TestEnergyLineInPlane(t *testing.T) {
	x, y := normals(0, 300), gaussian(1, 200, []float64{1}, []float64{1})
	lay := func(v []float64) []float64 {
		w := make([]float64, 2*len(v))
		for i, u := range v {
			w[2*i], w[2*i+1] = 0.6*u, 0.8*u
		}
		return w
	}
	line, err := Energy(x, y, 1, Options{})
	require.NoError(t, err)
	plane, err := Energy(lay(x), lay(y), 2, Options{})
	require.NoError(t, err)
	assert.InEpsilon(t, line.Value, plane.Value, 1e-12) // rounding
	assert.InEpsilon(t, line.StdErr, plane.StdErr, 1e-10)
}

func TestMedianBandwidth(t *testing.T) {
	median := func(y []float64, dim int) float64 {
		h, err := MedianBandwidth(y, dim, 0)
		require.NoError(t, err)
		return h
	}
	assert.Equal(t, 2., median([]float64{0, 1, 3}, 1))          // of 1, 2, 3
	assert.Equal(t, 5., median([]float64{0, 0, 3, 4}, 2))       // the only one
	assert.Equal(t, 3.5, median([]float64{0, 1, 3, 7}, 1))      // of 1, 2, 3, 4, 6, 7
	assert.Equal(t, 3., median([]float64{0, 0, 0, 2, 3, 3}, 1)) // of 1, 1, 2, 2, 2, 3 × 6, not of the four 0
	assert.Equal(t, 1., median([]float64{4, 4, 4}, 1))
}
