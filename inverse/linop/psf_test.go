package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// moments returns the centre of mass and the second moments (rows, cols, mixed) about
// the centre pixel.
func (p PSF) moments() (mi, mj, ii, jj, ij float64) {
	for k, w := range p.W {
		i, j := float64(k/p.Cols-p.Rows/2), float64(k%p.Cols-p.Cols/2)
		mi, mj = mi+w*i, mj+w*j
		ii, jj, ij = ii+w*i*i, jj+w*j*j, ij+w*i*j
	}
	return mi, mj, ii, jj, ij
}

// Sums and moments are sums of at most 10³ numbers of size 10 to 100.
const momentTol = 1e-12

func TestPSFsAreNormalisedAndCentred(t *testing.T) {
	for name, p := range map[string]PSF{
		"gaussian":   must(GaussianPSF(2)),
		"narrow":     must(GaussianPSF(0.1)),
		"motion":     must(MotionPSF(15, 30)),
		"motion 115": must(MotionPSF(9.5, 115)),
		"still":      must(MotionPSF(0, 30)),
		"disc":       must(DiscPSF(3)),
		"small disc": must(DiscPSF(0.3)),
		"disc 7.5":   must(DiscPSF(7.5)),
	} {
		require.Len(t, p.W, p.Rows*p.Cols, name)
		assert.InDelta(t, 1, floats.Sum(p.W), momentTol, name)
		assert.GreaterOrEqual(t, floats.Min(p.W), -1e-16, name) // areas are differences
		mi, mj, _, _, _ := p.moments()
		assert.InDelta(t, 0, mi, momentTol, name)
		assert.InDelta(t, 0, mj, momentTol, name)
		for k, w := range p.W { // through the centre
			assert.InDelta(t, w, p.W[len(p.W)-1-k], 1e-15, name)
		}
	}
}

func TestGaussianPSFMoments(t *testing.T) {
	_, _, ii, jj, ij := must(GaussianPSF(2)).moments()
	// Sampling errs by e^(-2π²σ²), nothing here; the cut at 4σ takes 4² times 6e-5 of σ².
	assert.InEpsilon(t, 4, ii, 2e-3)
	assert.InDelta(t, ii, jj, momentTol)
	assert.InDelta(t, 0, ij, momentTol)
	p := must(GaussianPSF(2))
	c := len(p.W) / 2
	assert.InEpsilon(t, math.Exp(-5./8), p.W[c+p.Cols+2]/p.W[c], 1e-14)
}

// A segment of length L has the second moment L²/12 along itself; bilinear weights add
// the mean of f(1-f), f the fraction of the coordinate: 1/6 on whole numbers of pixels.
func TestMotionPSFMoments(t *testing.T) {
	_, _, ii, jj, ij := must(MotionPSF(8, 0)).moments()
	assert.InDelta(t, 64./12+1./6, jj, momentTol)
	assert.InDelta(t, 0, ii, momentTol)
	assert.InDelta(t, 0, ij, momentTol)
	_, _, ii, jj, _ = must(MotionPSF(8, 90)).moments()
	assert.InDelta(t, 64./12+1./6, ii, momentTol)
	assert.InDelta(t, 0, jj, momentTol)
	// Both coordinates of a diagonal over 4 pixels move as one, so f is uniform in both.
	_, _, ii, jj, ij = must(MotionPSF(4*math.Sqrt2, 45)).moments()
	assert.InDelta(t, 16./12+1./6, ii, momentTol)
	assert.InDelta(t, 16./12+1./6, jj, momentTol)
	// 45 degrees is up and to the right: the row falls as the column grows. Rounding a
	// point in its cell leaves the mixed moment.
	assert.InDelta(t, -16./12, ij, momentTol)

	// Any direction against fine sampling of the same bilinear weights, whose midpoint
	// rule errs by O(step²) with jumps in the slope only.
	const length, angle, n = 11.3, 67., 200000
	p := must(MotionPSF(length, angle))
	want := make([]float64, len(p.W))
	for k := range n {
		u := length * ((float64(k)+0.5)/n - 0.5)
		x, y := u*math.Cos(angle*math.Pi/180), -u*math.Sin(angle*math.Pi/180)
		for i := range p.Rows {
			for j := range p.Cols {
				tent := func(t float64) float64 { return max(0, 1-math.Abs(t)) }
				want[i*p.Cols+j] += tent(y-float64(i-p.Rows/2)) * tent(x-float64(j-p.Cols/2)) / n
			}
		}
	}
	assert.InDeltaSlice(t, want, p.W, 1e-9)
}

// The disc has area πr² and second moments r²/4, to which a pixel adds 1/12.
func TestDiscPSF(t *testing.T) {
	for _, r := range []float64{0.4, 1, 3, 4.25} {
		area := 0.
		n := int(r) + 2
		for i := -n; i <= n; i++ {
			for j := -n; j <= n; j++ {
				y, x := float64(i), float64(j)
				area += discCorner(r, x+0.5, y+0.5) - discCorner(r, x-0.5, y+0.5) - discCorner(r, x+0.5, y-0.5) + discCorner(r, x-0.5, y-0.5)
			}
		}
		assert.InDelta(t, math.Pi*r*r, area, momentTol)
	}
	p := must(DiscPSF(3))
	assert.InDelta(t, 1/(9*math.Pi), p.W[len(p.W)/2], momentTol)
	// A pixel of the edge by counting points of a fine lattice.
	const sub = 2000
	count := 0
	for a := range sub {
		for b := range sub {
			y, x := 2.5+(float64(a)+.5)/sub, 0.5+(float64(b)+.5)/sub
			if x*x+y*y < 9 {
				count++
			}
		}
	}
	// The lattice miscounts of order 1/sub of the area's edge, 1/(9π) after the norm.
	assert.InDelta(t, float64(count)/sub/sub/(9*math.Pi), p.W[0*p.Cols+p.Cols/2+1], 1e-4)
}

func TestPSFErrors(t *testing.T) {
	nan := math.NaN()
	for _, s := range []float64{0, -1, nan, math.Inf(1)} {
		_, err := GaussianPSF(s)
		assert.ErrorContains(t, err, "Gaussian")
		_, err = DiscPSF(s)
		assert.ErrorContains(t, err, "disc")
	}
	_, err := MotionPSF(-1, 0)
	assert.ErrorContains(t, err, "motion")
	_, err = MotionPSF(3, nan)
	assert.ErrorContains(t, err, "motion")
	_, err = NewPSF([]float64{1, 2}, 1, 3)
	assert.ErrorContains(t, err, "2 weights for a point spread function of 1×3")
	_, err = NewPSF([]float64{1, nan}, 1, 2)
	assert.ErrorContains(t, err, "weight (0, 1)")
	_, err = NewPSF([]float64{1, -1}, 1, 2)
	assert.ErrorContains(t, err, "positive sum")
	p := must(NewPSF([]float64{1, 3}, 1, 2))
	assert.Equal(t, []float64{.25, .75}, p.W)
	for _, b := range []Boundary{BoundaryZero, BoundaryReflect, BoundaryValid} {
		_, err = NewConv(must(DiscPSF(3)), 6, 20, b)
		assert.ErrorContains(t, err, "7×7 pixels is larger than the image of 6×20")
	}
	_, err = NewCircularConv(must(DiscPSF(3)), 20, 6)
	assert.ErrorContains(t, err, "larger than the image")
	_, err = NewCircularConv(PSF{}, 3, 3)
	assert.Error(t, err)
	assert.Panics(t, func() { _, _ = NewConv(p, 4, 4, 9) })
}
