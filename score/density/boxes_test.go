package density

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestBoxes() *Boxes {
	b, err := NewBoxes([]float64{1, 2, 0, 0.5},
		[]float64{-3, -2, 1, 0.5, 0, -1, 9, 9, 9, -1, -1, -3},
		[]float64{-1, 0, 1.5, 3, 2.5, 4, 10, 10, 10, 1, 2, 3}, 3)
	if err != nil {
		panic(err)
	}
	return b
}

func init() {
	register(
		row{name: "uniform1", target: Uniform(1, -1, 2), scale: 2},
		row{name: "uniform64", target: Uniform(64, -2, 2), scale: 2},
		row{name: "boxes3", target: newTestBoxes(), scale: 3},
	)
}

// TestUniformLogProb against the textbook difference of error functions, where that is
// accurate.
func TestUniformLogProb(t *testing.T) {
	const lo, hi, alpha = -1, 2, 0.7
	u := Uniform(1, lo, hi)
	got := make([]float64, 1)
	for _, sigma := range []float64{0.05, 0.3, 1, 4} {
		for x := -2.; x < 3; x += 0.37 {
			cdf := func(v float64) float64 { return math.Erfc(-v/math.Sqrt2) / 2 }
			p := (cdf((x-alpha*lo)/sigma) - cdf((x-alpha*hi)/sigma)) / (alpha * (hi - lo))
			u.LogProb(got, []float64{x}, alpha, sigma)
			if p > 1e-3 {
				assert.InDelta(t, math.Log(p), got[0], 1e-12, "σ=%g x=%g", sigma, x) // ulp/1e-3
			}
		}
	}
}

// The checkerboard is also a mixture of 8 boxes: two codes, one law.
func TestCheckerboardIsBoxes(t *testing.T) {
	c := NewCheckerboard(4, 2)
	w, centres, radius := c.Modes()
	require.Len(t, w, 8)
	assert.InDelta(t, math.Sqrt2, radius, 1e-15)
	assert.Equal(t, []float64{-1, -3, 3, -3}, centres[:4], "the bottom row: its left corner is empty")
	var lo, hi []float64
	for _, v := range centres {
		lo, hi = append(lo, v-1), append(hi, v+1)
	}
	b, err := NewBoxes(nil, lo, hi, 2)
	require.NoError(t, err)
	rng := source(40)
	const n = 50
	for _, sigma := range []float64{1e-3, 0.03, 0.4, 1, 3, 100} {
		x, v := noised(c, n, 0.9, sigma, rng), noised(c, n, 1, 1, rng)
		for k, got := range methods(c, x, v, 0.9, sigma) {
			want := methods(b, x, v, 0.9, sigma)[k]
			for i := range got {
				// The image's own statement, 1e-10 of the scale of each quantity: D of 4,
				// score of 1/σ + |x|/σ², Jacobian of 1 or 16/σ².
				scale := []float64{4, 1/sigma + math.Abs(x[i%len(x)])/sigma/sigma, 1 + 16/sigma/sigma, 1, 1 + 16/sigma/sigma}[k]
				require.InDelta(t, want[i], got[i], 1e-10*min(scale, 1e3+1/sigma), "method %d at σ=%g", k, sigma)
			}
		}
	}
}

func TestBoxesErrors(t *testing.T) {
	for _, c := range []struct {
		w, lo, hi []float64
		dim       int
		want      string
	}{
		{nil, []float64{0, 0}, []float64{1, 0}, 2, "density: box 0 runs from 0 to 0 in coordinate 1, want a finite width above 0"},
		{nil, []float64{0, 0}, []float64{1}, 2, "density: 1 upper bounds for 2 lower bounds"},
		{[]float64{-1}, []float64{0}, []float64{1}, 1, "density: weight 0 is -1, want a finite number ≥ 0"},
		{nil, []float64{math.NaN()}, []float64{1}, 1, "density: a mean or point is not finite"},
	} {
		_, err := NewBoxes(c.w, c.lo, c.hi, c.dim)
		assert.EqualError(t, err, c.want)
	}
	_, err := NewImage([]float64{0, 0}, 1, 2)
	assert.EqualError(t, err, "density: the grey values sum to 0, want a finite number > 0")
	_, err = NewImage([]float64{0, -1}, 1, 2)
	assert.EqualError(t, err, "density: the grey value in row 0, column 1 is -1, want a finite number ≥ 0")
	_, err = NewImage([]float64{0, math.NaN()}, 1, 2)
	assert.Error(t, err)
	_, err = NewImage(make([]float64, 3), 2, 2)
	assert.EqualError(t, err, "density: 3 grey values for an image of 2×2 pixels")
}

func TestBoxesClean(t *testing.T) {
	b := newTestBoxes()
	got := make([]float64, 3)
	// In the first box (volume 2); in the second (31.25) and the last (36) at once; outside.
	b.CleanLogProb(got, []float64{-2, -1, 1.2, 0.75, 1, 1, 9.5, 9.5, 9.5})
	w := 3.5
	assert.InDelta(t, math.Log(1/w/2), got[0], 1e-14)
	assert.InDelta(t, math.Log(2/w/(2.5*2.5*5)+0.5/w/36), got[1], 1e-14)
	assert.Equal(t, math.Inf(-1), got[2])
}
