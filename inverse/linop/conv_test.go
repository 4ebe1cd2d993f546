package linop

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
)

// randomPSF returns a PSF without symmetry and with negative weights.
func randomPSF(rows, cols int) PSF {
	w := gaussian(rows*cols, 20)
	for i := range w {
		w[i] += 1
	}
	return must(NewPSF(w, rows, cols))
}

// Images and PSFs of even and odd sizes, of one row, and as large as the image.
var convShapes = [][4]int{{7, 8, 3, 3}, {8, 7, 4, 2}, {6, 6, 6, 6}, {5, 5, 5, 5}, {1, 9, 1, 4}, {9, 1, 3, 1}, {11, 10, 2, 7}, {13, 20, 1, 1}}

func init() {
	blur := must(GaussianPSF(1))
	register(
		operatorRow{name: "circular", make: func() Operator { return must(NewCircularConv(blur, 12, 15)) }, norm: 1},
		operatorRow{name: "circular zeros", make: func() Operator {
			// A box of 3 on 12 has zeros, a shift phases everywhere.
			return must(NewCircularConv(must(NewPSF([]float64{1, 1, 1, 0, 0, 0}, 3, 2)), 12, 6))
		}, norm: 1},
		operatorRow{name: "wiener", make: func() Operator {
			c := must(NewCircularConv(blur, 9, 9))
			p := make([]float64, 9*5)
			for i := range p {
				p[i] = 1 / (1 + float64((i/5)*(9-i/5)+i%5))
			}
			return must(c.Wiener(p, 0.3))
		}},
	)
	for _, s := range convShapes {
		name := fmt.Sprintf("%dx%d %dx%d", s[0], s[1], s[2], s[3])
		register(operatorRow{name: "circular " + name, make: func() Operator { return must(NewCircularConv(randomPSF(s[2], s[3]), s[0], s[1])) }})
		for b, kind := range []string{"zero ", "reflect ", "valid "} {
			register(operatorRow{name: kind + name, make: func() Operator { return must(NewConv(randomPSF(s[2], s[3]), s[0], s[1], Boundary(b))) }})
		}
	}
}

// convolve is the definition of all boundaries.
func convolve(x []float64, rows, cols int, p PSF, read func(i, n int) int, i0, j0, outRows, outCols int) []float64 {
	y := make([]float64, outRows*outCols)
	for i := range outRows {
		for j := range outCols {
			for k := range p.Rows {
				for l := range p.Cols {
					a := read(i0+i-(k-p.Rows/2), rows)
					b := read(j0+j-(l-p.Cols/2), cols)
					if a >= 0 && b >= 0 {
						y[i*outCols+j] += p.W[k*p.Cols+l] * x[a*cols+b]
					}
				}
			}
		}
	}
	return y
}

func TestConvolutionsAreTheirSums(t *testing.T) {
	for _, s := range convShapes {
		rows, cols, p := s[0], s[1], randomPSF(s[2], s[3])
		x := gaussian(rows*cols, 1)
		size := 1e-14 * floats.Norm(x, 2) * floats.Norm(p.W, 1) // rounding of a few transforms
		check := func(op Operator, want []float64, name string) {
			got := make([]float64, len(want))
			op.Apply(got, x)
			assert.LessOrEqual(t, floats.Distance(want, got, 2), size, "%s %v", name, s)
		}
		check(must(NewCircularConv(p, rows, cols)), convolve(x, rows, cols, p, func(i, n int) int { return (i + n) % n }, 0, 0, rows, cols), "circular")
		zero := func(i, n int) int {
			if i >= n {
				return -1
			}
			return i
		}
		check(must(NewConv(p, rows, cols, BoundaryZero)), convolve(x, rows, cols, p, zero, 0, 0, rows, cols), "zero")
		check(must(NewConv(p, rows, cols, BoundaryReflect)), convolve(x, rows, cols, p, func(i, n int) int {
			switch {
			case i < 0:
				return -1 - i
			case i >= n:
				return 2*n - 1 - i
			}
			return i
		}, 0, 0, rows, cols), "reflect")
		i0, j0 := p.Rows-1-p.Rows/2, p.Cols-1-p.Cols/2
		check(must(NewConv(p, rows, cols, BoundaryValid)), convolve(x, rows, cols, p, func(i, n int) int {
			if i < 0 || i >= n {
				panic("a valid sum stays inside")
			}
			return i
		}, i0, j0, rows-p.Rows+1, cols-p.Cols+1), "valid")
	}
}

// V's columns are the cosines and sines that its comment names: the image of a unit
// coordinate is one of ±√(2/N) or 1/√N times them, and A maps a pair into itself.
func TestFourierBasis(t *testing.T) {
	const rows, cols = 4, 6
	n := rows * cols
	c := must(NewCircularConv(randomPSF(3, 3), rows, cols))
	unit, got, want := make([]float64, n), make([]float64, n), make([]float64, n)
	check := func(at, k, l int, amp float64, f func(float64) float64) {
		clear(unit)
		unit[at] = 1
		c.V(got, unit)
		for i := range want {
			want[i] = amp * f(2*math.Pi*(float64(k*(i/cols))/rows+float64(l*(i%cols))/cols))
		}
		assert.InDeltaSlice(t, want, got, 1e-15, "coordinate %d, frequency (%d, %d)", at, k, l)
	}
	pair, self := math.Sqrt(2./float64(n)), 1/math.Sqrt(float64(n))
	check(0, 0, 0, self, math.Cos)
	check(cols-1, 0, 3, self, math.Cos)
	check((rows-1)*cols, 2, 0, self, math.Cos)
	check(n-1, 2, 3, self, math.Cos)
	check(1*cols, 1, 0, pair, math.Cos)
	check(2*cols, 1, 0, -pair, math.Sin)
	check(2*cols-1, 1, 3, pair, math.Cos)
	for k := range rows {
		for l := 1; l <= 2; l++ {
			check(k*cols+2*l-1, k, l, pair, math.Cos)
			check(k*cols+2*l, k, l, -pair, math.Sin)
		}
	}
}

// The closed forms against the general ones over the decomposition, and residuals.
func TestCircularClosedForms(t *testing.T) {
	for _, s := range convShapes {
		rows, cols := s[0], s[1]
		n := rows * cols
		c := must(NewCircularConv(randomPSF(s[2], s[3]), rows, cols))
		x, got, want, a := gaussian(n, 2), make([]float64, n), make([]float64, n), make([]float64, n)
		top := floats.Max(c.Singular())

		c.SolveNormal(got, x, 0.7, 0.1)
		SolveNormal(c, want, x, 0.7, 0.1, nil)
		tol := 1e-14 * floats.Norm(x, 2) * (0.7*top*top + 0.1) / 0.01 // condition number over b
		assert.LessOrEqual(t, floats.Distance(want, got, 2), tol, "%v", s)
		c.Apply(a, got)
		c.Adjoint(want, a)
		for i := range want {
			want[i] = 0.7*want[i] + 0.1*got[i]
		}
		assert.LessOrEqual(t, floats.Distance(want, x, 2), tol, "%v", s)

		// Least squares: Aᵀ(A A⁺x - x) = 0 on the directions that are kept.
		c.PseudoInverse(got, x, 1e-3)
		PseudoInverse(c, want, x, nil)
		if low := floats.Min(c.Singular()); low > 1e-3*top {
			assert.LessOrEqual(t, floats.Distance(want, got, 2), 1e-14*floats.Norm(x, 2)*top/low/low*10, "%v", s)
			c.SolveNormal(want, x, 1, 0)
			c.Adjoint(a, x)
			c.SolveNormal(want, a, 1, 0)
			// (AᵀA)⁻¹Aᵀ squares the condition.
			assert.LessOrEqual(t, floats.Distance(want, got, 2), 1e-13*floats.Norm(x, 2)*top*top/low/low/low, "%v", s)
		}
	}
	// In the coordinates of the decomposition, cut at half of the largest singular value.
	r := must(NewCircularConv(randomPSF(3, 2), 6, 5))
	in, out, u, v := gaussian(30, 5), make([]float64, 30), make([]float64, 30), make([]float64, 30)
	r.PseudoInverse(out, in, 0.5)
	r.UT(u, in)
	r.VT(v, out)
	lost := 0
	for i, s := range r.Singular() {
		if s > 0.5*floats.Max(r.Singular()) {
			assert.InDelta(t, u[i]/s, v[i], 1e-13)
		} else {
			assert.InDelta(t, 0, v[i], 1e-13)
			lost++
		}
	}
	assert.Positive(t, lost)

	// A box of 3 on 12 and 6 has exact zeros: what they take is not brought back.
	c := must(NewCircularConv(must(NewPSF([]float64{1, 1, 1}, 3, 1)), 12, 6))
	x, y, back, twice := gaussian(72, 3), make([]float64, 72), make([]float64, 72), make([]float64, 72)
	c.Apply(y, x)
	c.PseudoInverse(back, y, 1e-10)
	c.Apply(twice, back)
	assert.InDeltaSlice(t, y, twice, 1e-13) // A A⁺ A = A, condition number about 10
	assert.Less(t, floats.Norm(back, 2), floats.Norm(x, 2))
	c.PseudoInverse(twice, y, 0)
	PseudoInverse(c, back, y, nil)
	c.SolveNormal(twice, x, 2, 0)
	SolveNormal(c, back, x, 2, 0, nil)
	assert.InDeltaSlice(t, back, twice, 1e-11) // singular values from 0.09 on, squared
	assert.Panics(t, func() { c.SolveNormal(y, x, 1, math.NaN()) })
	assert.Panics(t, func() { c.SolveNormal(y, x, 0, 0) })
	assert.Panics(t, func() { c.SolveNormal(y, x[1:], 1, 1) })
}

// The Wiener operator solves (Aᵀ A + σ² C⁻¹) x = Aᵀ y.
func TestWiener(t *testing.T) {
	const rows, cols, sigma = 7, 8, 0.2
	c := must(NewCircularConv(randomPSF(3, 2), rows, cols))
	p := make([]float64, len(c.Spectrum()))
	inv := make([]float64, len(p))
	for i := range p {
		k, l := i/5, i%5
		k = min(k, rows-k)
		p[i] = 1 / (0.5 + float64(k*k+l*l))
		inv[i] = sigma * sigma / p[i]
	}
	w, prior := must(c.Wiener(p, sigma)), must(NewRealTransfer(inv, rows, cols))
	y, x, ax, left, want := gaussian(rows*cols, 4), make([]float64, rows*cols), make([]float64, rows*cols), make([]float64, rows*cols), make([]float64, rows*cols)
	w.Apply(x, y)
	c.Apply(ax, x)
	c.Adjoint(left, ax)
	prior.Apply(ax, x)
	floats.Add(left, ax)
	c.Adjoint(want, y)
	assert.InDeltaSlice(t, want, left, 1e-13) // well conditioned, values of about 1

	// Noiseless, and where the prior has no power: the inverse, and 0.
	p[1] = 0
	w = must(c.Wiener(p, 0))
	assert.Equal(t, 0i, w.Spectrum()[1])
	assert.InDelta(t, 1, real(w.Spectrum()[2]*c.Spectrum()[2]), 1e-14)

	_, err := c.Wiener(p[1:], 1)
	assert.ErrorContains(t, err, "want 35")
	_, err = c.Wiener(p, math.NaN())
	assert.ErrorContains(t, err, "noise")
	p[3] = -1
	_, err = c.Wiener(p, 1)
	assert.ErrorContains(t, err, "at 3")
	_, err = NewTransfer([]complex128{1, 2}, 1, 4)
	assert.ErrorContains(t, err, "want 1×3")
	_, err = NewTransfer([]complex128{1, 2, complex(0, math.NaN())}, 1, 4)
	assert.ErrorContains(t, err, "NaN")
}

func BenchmarkBlur512(b *testing.B) {
	c := must(NewCircularConv(must(GaussianPSF(2)), 512, 512))
	x, y := gaussian(512*512, 0), make([]float64, 512*512)
	b.ReportAllocs()
	for b.Loop() {
		c.Apply(y, x)
		c.Adjoint(x, y)
	}
}

func BenchmarkBlurReflect512(b *testing.B) {
	c := must(NewConv(must(GaussianPSF(2)), 512, 512, BoundaryReflect))
	x, y := gaussian(512*512, 0), make([]float64, 512*512)
	b.ReportAllocs()
	for b.Loop() {
		c.Apply(y, x)
		c.Adjoint(x, y)
	}
}
