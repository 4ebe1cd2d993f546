package prior

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/density"
)

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 1, stream.Test, 0, index)
	return x
}

// TestGaussianIsDense holds the prior to a dense Gaussian whose covariance is the sum of
// cosines over its spectrum. 1e-10 relative is what is left of 1e-16 by a condition
// number of 1e3 to 1e5.
func TestGaussianIsDense(t *testing.T) {
	for _, b := range []Boundary{Periodic, Mirror} {
		rows, cols := 4, 5
		n := rows * cols
		s := Matern(0.4, 0.2, 1.5, 1)
		s.MeanVar = 0.01
		g := NewGaussian(rows, cols, s, b)
		cov, mean := make([]float64, n*n), make([]float64, n)
		for i := range n {
			mean[i] = 0.4
			for j := range n {
				for k, v := range g.Power() {
					var e float64
					if b == Periodic {
						e = math.Cos(2*math.Pi*(float64(k/cols*(i/cols-j/cols))/float64(rows)+float64(k%cols*(i%cols-j%cols))/float64(cols))) / float64(n)
					} else {
						f := func(k, i, n int) float64 {
							c := math.Sqrt(2/float64(n)) * math.Cos(math.Pi*float64(k)*(float64(i)+0.5)/float64(n))
							if k == 0 {
								c /= math.Sqrt2
							}
							return c
						}
						e = f(k/cols, i/cols, rows) * f(k/cols, j/cols, rows) * f(k%cols, i%cols, cols) * f(k%cols, j%cols, cols)
					}
					cov[i*n+j] += v * e
				}
			}
		}
		for i := range n { // rounding of the sums
			for j := range i {
				cov[i*n+j] = cov[j*n+i]
			}
		}
		dense, err := density.Gaussian(mean, cov)
		require.NoError(t, err)
		x, v := normals(2*n, 1), normals(2*n, 2)
		for _, a := range [][2]float64{{1, 0.05}, {0.5, 1}, {0.2, 30}, {0, 1}} {
			same := func(what string, m int, f, want func(dst []float64)) {
				p, q := make([]float64, m), make([]float64, m)
				f(p)
				want(q)
				for i := range p {
					assert.InDelta(t, q[i], p[i], 1e-10*(1+math.Abs(q[i])), "%s at %v, boundary %d", what, a, b)
				}
			}
			same("D", 2*n, func(d []float64) { g.Denoise(d, x, a[0], a[1]) }, func(d []float64) { dense.Denoise(d, x, a[0], a[1]) })
			same("score", 2*n, func(d []float64) { g.Score(d, x, a[0], a[1]) }, func(d []float64) { dense.Score(d, x, a[0], a[1]) })
			same("J v", 2*n, func(d []float64) { g.JVP(d, x, v, a[0], a[1]) }, func(d []float64) { dense.JVP(d, x, v, a[0], a[1]) })
			same("log p", 2, func(d []float64) { g.LogProb(d, x, a[0], a[1]) }, func(d []float64) { dense.LogProb(d, x, a[0], a[1]) })
			same("tr J", 2, func(d []float64) { g.Divergence(d, x, a[0], a[1]) }, func(d []float64) { dense.Divergence(d, x, a[0], a[1]) })
		}
		// Second moments of Rand: with 20000 draws 5 standard errors of a variance
		// v are 5·√(2/20000)·v = 0.05 v; false alarms below 1e-4 for 20 pixels.
		const draws = 20000
		square, p := make([]float64, n), make([]float64, n)
		for i := range draws {
			g.Rand(p, stream.New().At(1, stream.Test, uint64(i), 3))
			for j, v := range p {
				square[j] += (v - 0.4) * (v - 0.4) / draws
			}
		}
		for j, v := range square {
			assert.InEpsilon(t, cov[j*n+j], v, 0.05)
		}
	}
}

// TestMatern holds the spectrum to the covariance it stands for, at distances where the
// Bessel function is elementary: ν = ½ is the exponential, std² exp(-r/length). Summed
// over 256² modes, what is missing is the power beyond frequency ½ and the periodic
// images: 2% with a length of 8 pixels.
func TestMatern(t *testing.T) {
	g := NewGaussian(256, 256, Matern(0, 0.3, 8, 0.5), Periodic)
	for _, r := range []int{4, 8, 16} {
		sum := 0.0
		for k, v := range g.Power() {
			sum += v * math.Cos(2*math.Pi*float64(k%256*r)/256) / (256 * 256)
		}
		assert.InDelta(t, 0.09*math.Exp(-float64(r)/8), sum, 0.02*0.09, "distance %d", r)
	}
}

// TestFitSpectrum finds the spectrum of drawn pictures again, whatever their size. A ring
// of 24 pictures holds 1000 modes and more from f = 0.1 on, a third of them independent
// under the window: 4 standard errors are below 0.2. Below, where S bends within the
// window's two modes of 1/48, the fit is not judged.
func TestFitSpectrum(t *testing.T) {
	truth := Matern(0.5, 0.15, 6, 1)
	for _, n := range [][2]int{{64, 64}, {48, 90}} {
		g := NewGaussian(n[0], n[1], truth, Periodic)
		var images []Image
		for i := range 24 {
			x := make([]float64, n[0]*n[1])
			g.Rand(x, stream.New().At(1, stream.Test, uint64(i), 4))
			images = append(images, Image{Pix: x, Rows: n[0], Cols: n[1]})
		}
		mean, meanVar, power, err := FitSpectrum(images)
		require.NoError(t, err)
		// The mean's variance is S(0)/N; 4 standard errors of 24 draws.
		sd := math.Sqrt(truth.Power(0) / float64(n[0]*n[1]))
		assert.InDelta(t, 0.5, mean, 4*sd/math.Sqrt(24))
		assert.InEpsilon(t, sd*sd, meanVar, 4*math.Sqrt(2/23.))
		for _, f := range []float64{0.1, 0.2, 0.3} {
			assert.InEpsilon(t, truth.Power(f), power.Power(f), 0.2, "f = %g of %v", f, n)
		}
	}
	_, _, _, err := FitSpectrum([]Image{{Name: "a.png", Pix: make([]float64, 64), Rows: 8, Cols: 8}})
	assert.ErrorContains(t, err, "a.png has 8×8 pixels")
}

func TestEmpirical(t *testing.T) {
	_, err := NewEmpirical([]Image{{Name: "a", Pix: make([]float64, 6), Rows: 2, Cols: 3}, {Name: "b", Pix: make([]float64, 6), Rows: 3, Cols: 2}})
	assert.EqualError(t, err, "prior: a has 2×3 pixels and b 3×2: an empirical prior needs pictures of one size")
	p, err := NewEmpirical([]Image{{Pix: []float64{0, 1}, Rows: 1, Cols: 2}, {Pix: []float64{1, 0}, Rows: 1, Cols: 2}})
	require.NoError(t, err)
	d := make([]float64, 2)
	p.Denoise(d, []float64{0.1, 0.9}, 1, 1e-2)
	assert.InDeltaSlice(t, []float64{0, 1}, d, 1e-100) // the other is e^-8000 as likely, and the kernels' powers end at 2^-500
	_, err = ReadImages(t.TempDir())
	assert.ErrorContains(t, err, "holds no .png or .jpeg picture")
}
