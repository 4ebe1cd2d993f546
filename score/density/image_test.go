package density

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testImage is a smooth blob with stripes, sharp edges, a black hole in the middle and
// a black margin on one side.
func testImage(rows, cols int) []float64 {
	grey := make([]float64, rows*cols)
	for i := range rows {
		for j := range cols {
			u, v := float64(j)/float64(cols)-0.45, float64(i)/float64(rows)-0.5
			r := math.Hypot(u, v)
			if r > 0.1 && u < 0.4 {
				grey[i*cols+j] = math.Exp(-4*r*r) * (1.2 + math.Sin(40*u+9*v))
			}
			if (i/7)%5 == 2 && u > 0 && u < 0.4 {
				grey[i*cols+j] = 3
			}
		}
	}
	return grey
}

func newTestImage(rows, cols int) *Image {
	im, err := NewImage(testImage(rows, cols), rows, cols)
	if err != nil {
		panic(err)
	}
	return im
}

func init() {
	register(
		// Without its clean density: a draw in 20 lies closer to an edge than the small
		// noise of TestClean.
		row{name: "image", target: struct {
			Target
			Momenter
		}{newTestImage(96, 64), newTestImage(96, 64)}, scale: 3},
		row{name: "checkerboard", target: NewCheckerboard(4, 2), scale: 3},
	)
}

// TestImageLevels holds windows and levels against the sum over all pixels, at draws
// from the noised law: 1e-10 is the error that Image states.
func TestImageLevels(t *testing.T) {
	im := newTestImage(200, 256)
	worst := 0.0
	rng := source(41)
	for _, ratio := range []float64{1e-3, 0.01, 0.03, 0.1, 0.2, 0.25, 0.3, 0.4, 0.6, 0.9, 1.4, 2, 3, 5, 9, 15, 40, 100, 1000} {
		const alpha = 0.7
		sigma := alpha * ratio
		x := noised(im, 6, alpha, sigma, rng)
		at := 0.0
		im.each(2, x, x, alpha, sigma, true, func(i int, w *imageWork) {
			want := newImageWork(len(w.axis[0].t))
			for a := range want.axis {
				// The same reference makes the moments comparable.
				want.axis[a].ref, want.axis[a].t0 = w.axis[a].ref, w.axis[a].t0
			}
			want.sumAll(im, x[2*i:2*i+2], alpha, sigma, true)
			at = max(at, math.Abs(math.Log(w.z/want.z)+w.logScale-want.logScale))
			for a := range 2 {
				at = max(at, math.Abs(w.mean[a]-want.mean[a])/4)
			}
			for k := range w.cov {
				at = max(at, math.Abs(w.cov[k]-want.cov[k])/(want.cov[0]+want.cov[2]))
			}
		})
		t.Logf("σ/α = %-5g error %.1e", ratio, at)
		worst = max(worst, at)
	}
	assert.Less(t, worst, 1e-10)
}

// In the dark between two pixels the covariance is that of a thin layer at one of them,
// or of the way from one to the other, and neither is near x: the reference of the
// moments must move. The same law as Boxes.
func TestImageInTheDark(t *testing.T) {
	im, err := NewImage([]float64{
		1, 0, 0, 0,
		0, 0, 0, 0,
		0, 0, 0, 0,
		0, 0, 0, 2,
	}, 4, 4)
	require.NoError(t, err)
	b, err := NewBoxes([]float64{1, 2}, []float64{-4, 2, 2, -4}, []float64{-2, 4, 4, -2}, 2)
	require.NoError(t, err)
	for _, x := range [][]float64{{-1, 1.5}, {1, -1.2}, {0, 0}, {0.01, 0.02}, {3, 3}} {
		for _, sigma := range []float64{3e-3, 0.03, 0.3, 1} {
			got, want := methods(im, x, []float64{1, 0.5}, 1, sigma), methods(b, x, []float64{1, 0.5}, 1, sigma)
			for k := range got {
				for i, v := range want[k] {
					// Exponents of up to |x|²/σ² = 1e6 carry 1e-10.
					require.InDelta(t, v, got[k][i], 3e-9*norm(want[k]), "method %d at x=%v σ=%g", k, x, sigma)
				}
			}
		}
	}
}

// The clean density of an image integrates to 1 over its box, is found with y up, and
// is the limit of the noised one inside a pixel.
func TestImageClean(t *testing.T) {
	im, err := NewImage([]float64{
		0, 0, 0, 0,
		0, 1, 2, 0,
		0, 0, 4, 3,
	}, 3, 4)
	require.NoError(t, err)
	x := []float64{-1, 1 - 1e-9, 0.5, 0, 0.5, -2, 3, -2.5, -1, -2, 9, 0}
	clean, noised := make([]float64, 6), make([]float64, 6)
	im.CleanLogProb(clean, x)
	for i, w := range []float64{1, 2, 4, 3, 0, 0} {
		if i > 0 { // the first lies on an edge
			assert.InDelta(t, w/10/4, math.Exp(clean[i]), 1e-15) // pixels of side 2
		}
	}
	im.LogProb(noised, x, 1, 1e-3)
	for i := 1; i < 4; i++ {
		assert.InDelta(t, clean[i], noised[i], 1e-14) // 500 σ from any edge
	}
}
