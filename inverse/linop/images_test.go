package linop

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func init() {
	for _, n := range [][2]int{{8, 12}, {7, 9}, {1, 6}, {5, 1}, {16, 16}} {
		h, w := n[0], n[1]
		for _, f := range []int{1, 2, 3} {
			register(
				operatorRow{name: fmt.Sprint("box", n, f), make: func() Operator { return NewBox(h, w, f) }},
				operatorRow{name: fmt.Sprint("bicubic", n, f), make: func() Operator { return NewDownsample(h, w, f, Bicubic(), EdgeReflect) }},
				operatorRow{name: fmt.Sprint("lanczos", n, f), make: func() Operator { return NewDownsample(h, w, f, Lanczos(3), EdgeClamp) }},
			)
		}
		register(
			operatorRow{name: fmt.Sprint("gradient", n), make: func() Operator { return NewGradient(h, w) }},
			operatorRow{name: fmt.Sprint("periodic gradient", n), make: func() Operator { return NewPeriodicGradient(h, w) }},
			operatorRow{name: fmt.Sprint("slice difference", n), make: func() Operator { return NewSliceDifference(h, w) }},
		)
		for taps := 2; taps <= 8; taps += 2 {
			for levels := 1; levels <= 2; levels++ {
				register(operatorRow{name: fmt.Sprint("wavelet", n, taps, levels), norm: 1, make: func() Operator { return NewWavelet(h, w, taps, levels) }})
			}
		}
	}
	register(
		operatorRow{name: "wavelet to one pixel", norm: 1, make: func() Operator { return NewWavelet(11, 13, 8, 4) }},
		operatorRow{name: "hadamard", norm: 1, make: func() Operator { return NewHadamard(64, 20, 1) }},
		operatorRow{name: "hadamard beyond a block", norm: 1, make: func() Operator { return NewHadamard(1<<13, 1<<10, 1) }},
		operatorRow{name: "full hadamard", norm: 1, make: func() Operator { return NewHadamard(16, 16, 2) }},
		operatorRow{name: "hadamard of one", norm: 1, make: func() Operator { return NewHadamard(1, 1, 2) }},
	)
}

func TestBox(t *testing.T) {
	y := make([]float64, 4)
	NewBox(3, 3, 2).Apply(y, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9})
	assert.Equal(t, []float64{3, 4.5, 7.5, 9}, y, "cut blocks average what they hold")
}

// Downsampling keeps constants, and in the interior a kernel of Keys' type or Lanczos'
// (nearly) keeps a linear ramp, read off at the centres of the blocks.
func TestDownsampleRamp(t *testing.T) {
	for _, f := range []int{2, 3, 4} {
		for name, k := range map[string]Kernel{"bicubic": Bicubic(), "lanczos": Lanczos(3)} {
			for _, e := range []Edge{EdgeReflect, EdgeClamp} {
				const n = 60
				d := NewDownsample(n, n, f, k, e)
				x := make([]float64, n*n)
				y := make([]float64, (n/f)*(n/f))
				floats.AddConst(2, x)
				d.Apply(y, x)
				for _, v := range y {
					require.InDelta(t, 2, v, 1e-14, "%s keeps constants", name) // normalised weights
				}
				for i := range x {
					x[i] = float64(i/n) + 10*float64(i%n)
				}
				d.Apply(y, x)
				w := n / f
				for i := 3; i < w-3; i++ {
					for j := 3; j < w-3; j++ {
						// The weights are symmetric about the centre, so this is exact; sums of 40² numbers up to 600.
						want := float64(f)*(float64(i)+0.5) - 0.5 + 10*(float64(f)*(float64(j)+0.5)-0.5)
						require.InDelta(t, want, y[i*w+j], 1e-11)
					}
				}
			}
		}
	}
	// A half-weight check by hand: f = 2 samples Keys' kernel at ±1/4, ±3/4, ±5/4, ±7/4.
	// (A delta at column 4 reaches output 2, whose centre is 4.5, with k(−1/4)/Σ.)
	keys := Bicubic().At
	d := NewDownsample(1, 16, 2, Bicubic(), EdgeClamp)
	x, y := make([]float64, 16), make([]float64, 8)
	x[4] = 1
	d.Apply(y, x)
	sum := 2 * (keys(0.25) + keys(0.75) + keys(1.25) + keys(1.75))
	assert.InDelta(t, 2, sum, 1e-15, "samples at half spacing sum to 2")
	assert.InDelta(t, keys(-0.25)/sum, y[2], 1e-16)
	assert.InDelta(t, keys(0.75)/sum, y[1], 1e-16)
	assert.InDelta(t, -9./128, keys(1.5)*9./8, 1e-15, "k(3/2) = −1/16")
}

func TestEdgeFold(t *testing.T) {
	for _, c := range []struct{ j, n, reflect, clamp int }{
		{-1, 4, 0, 0}, {-2, 4, 1, 0}, {4, 4, 3, 3}, {6, 4, 1, 3}, {8, 4, 0, 3}, {-9, 4, 0, 0}, {-3, 1, 0, 0}, {2, 4, 2, 2},
	} {
		assert.Equal(t, c.reflect, EdgeReflect.fold(c.j, c.n), "%+v", c)
		assert.Equal(t, c.clamp, EdgeClamp.fold(c.j, c.n), "%+v", c)
	}
}

func TestDifferences(t *testing.T) {
	x := []float64{1, 2, 4, 8, 16, 32}
	y := make([]float64, 12)
	NewGradient(2, 3).Apply(y, x)
	assert.Equal(t, []float64{7, 14, 28, 0, 0, 0, 1, 2, 0, 8, 16, 0}, y)
	NewPeriodicGradient(2, 3).Apply(y, x)
	assert.Equal(t, []float64{7, 14, 28, -7, -14, -28, 1, 2, -3, 8, 16, -24}, y)
	NewSliceDifference(3, 2).Apply(y[:6], x)
	assert.Equal(t, []float64{3, 6, 12, 24, -15, -30}, y[:6])

	// Norms from the Fourier basis: periodic of even size 8 and 4; Neumann from the
	// cosine basis.
	norm := func(op Operator) float64 {
		v, res := Norm(op, &KrylovOptions{RTol: 1e-8})
		require.Equal(t, Converged, res.Status)
		return v
	}
	assert.InEpsilon(t, math.Sqrt(8), norm(NewPeriodicGradient(6, 8)), 1e-12)
	assert.InEpsilon(t, 2, norm(NewSliceDifference(6, 5)), 1e-12)
	s := func(n float64) float64 { return 4 * math.Pow(math.Cos(math.Pi/(2*n)), 2) }
	assert.InEpsilon(t, math.Sqrt(s(7)+s(10)), norm(NewGradient(7, 10)), 1e-12)
}

// The fine coefficients of polynomials up to degree taps/2 − 1 vanish away from the
// periodic border: the vanishing moments of the filters. The coarse ones of constants
// are 2 per level.
func TestWaveletMoments(t *testing.T) {
	const n = 32
	for taps := 2; taps <= 8; taps += 2 {
		w := NewWavelet(n, n, taps, 1)
		for degree := 0; degree <= taps/2; degree++ {
			x, y := make([]float64, n*n), make([]float64, n*n)
			for i := range x {
				x[i] = math.Pow(float64(i/n)/n, float64(degree)) + math.Pow(float64(i%n)/n, float64(degree))
			}
			w.Apply(y, x)
			worst := 0.0
			inner := n/2 - taps/2
			for i := range inner {
				for j := range inner {
					worst = max(worst, math.Abs(y[i*n+n/2+j]), math.Abs(y[(n/2+i)*n+j]), math.Abs(y[(n/2+i)*n+n/2+j]))
				}
			}
			if degree < taps/2 {
				assert.Less(t, worst, 1e-14, "%d taps, degree %d", taps, degree) // rounding of numbers near 1
			} else {
				assert.Greater(t, worst, 1e-6, "%d taps, degree %d", taps, degree) // 32⁻⁴ times a moment near 1
			}
			if degree == 0 {
				assert.InDelta(t, 4, y[0], 1e-14, "2 × the sum of the two constants")
			}
		}
	}
	y := make([]float64, 2)
	NewWavelet(1, 2, 2, 1).Apply(y, []float64{3, 1})
	assert.InDeltaSlice(t, []float64{4 / math.Sqrt2, 2 / math.Sqrt2}, y, 1e-15, "the sign of the fine part")
	assert.Panics(t, func() { NewWavelet(8, 8, 3, 1) })
	assert.Panics(t, func() { NewWavelet(8, 8, 2, 4) })
	assert.NotPanics(t, func() { NewWavelet(8, 8, 2, 3) })
	assert.NotPanics(t, func() { NewWavelet(3, 9, 2, 4) })
	assert.Panics(t, func() { NewWavelet(3, 9, 2, 5) })
	assert.Panics(t, func() { NewWavelet(3, 9, 2, 0) })
}

// H is the matrix of signs (−1)^{bits in i AND j} over √n; A = P H D.
func TestHadamard(t *testing.T) {
	const n, m = 16, 5
	h := NewHadamard(n, m, 3)
	got := Dense(h)
	want := mat.NewDense(m, n, nil)
	for i := range m {
		for j := range n {
			bits := 0
			for b := h.order[i] & j; b > 0; b >>= 1 {
				bits += b & 1
			}
			want.Set(i, j, h.sign[j]*math.Pow(-1, float64(bits)))
		}
	}
	assert.True(t, mat.Equal(want, got)) // sums of one number and zeros
	plus := 0
	for _, s := range NewHadamard(4096, 10, 3).sign {
		if s > 0 {
			plus++
		}
	}
	assert.InDelta(t, 2048, plus, 5*32) // 5 standard deviations of a fair coin
	assert.Panics(t, func() { NewHadamard(12, 3, 1) })
	assert.Panics(t, func() { NewHadamard(8, 9, 1) })
}
