package fft

import (
	"fmt"
	"math"
	"math/cmplx"
	"runtime"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/dsp/fourier"
)

// sizes holds all small lengths and, beyond, powers of each radix, mixtures, primes that
// go through Bluestein's form, and multiples of them.
func sizes() []int {
	var n []int
	for i := 1; i <= 64; i++ {
		n = append(n, i)
	}
	return append(n, 97, 127, 128, 256, 360, 500, 512, 620, 625, 729, 961, 1009, 1024, 2018)
}

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 1, stream.Test, uint64(n), index)
	return x
}

// norm is the Euclidean norm, by which errors are measured: rounding errors of the
// transform are at most a few ε·log₂ n of the norm of the whole, not of each value.
func norm(z []complex128) float64 {
	s := 0.0
	for _, v := range z {
		s += real(v)*real(v) + imag(v)*imag(v)
	}
	return math.Sqrt(s)
}

func distance(a, b []complex128) float64 {
	d := make([]complex128, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return norm(d)
}

// tol is 1e-14·log₂ 2n in relative norm: the rms rounding error of a radix pass is about
// ε = 1.1e-16, and Bluestein's form makes three transforms of 2 to 4 times the length.
func tol(n int) float64 { return 1e-14 * math.Log2(2*float64(n)) }

// dft is the definition, with exact reduction of the exponent.
func dft(x []complex128) []complex128 {
	n := len(x)
	w := make([]complex128, n)
	for k := range w {
		// big angles lose digits; sin and cos of a fraction of π/4 do not
		w[k] = cmplx.Rect(1, -2*math.Pi*float64(k)/float64(n))
	}
	y := make([]complex128, n)
	for k := range y {
		for j, v := range x {
			y[k] += v * w[j*k%n]
		}
	}
	return y
}

func TestPlanAgainstDefinitionAndGonum(t *testing.T) {
	for _, n := range sizes() {
		x := append([]complex128(nil), Complex(normals(2*n, 0))...)
		got := make([]complex128, n)
		p := New(n)
		assert.Same(t, p, New(n))
		assert.Equal(t, n, p.Len())
		p.Forward(got, x)
		want := fourier.NewCmplxFFT(n).Coefficients(nil, x)
		// gonum's own error at primes grows like n ε, hence the factor n there.
		assert.LessOrEqual(t, distance(got, want), tol(n)*norm(want)*math.Sqrt(float64(n)), "gonum, n=%d", n)
		// The sum of n terms is itself good to about √n ε in norm.
		assert.LessOrEqual(t, distance(got, dft(x)), tol(n)*norm(want), "definition, n=%d", n)
		// Parseval: Σ|X|² = n Σ|x|².
		assert.InEpsilon(t, math.Sqrt(float64(n))*norm(x), norm(got), tol(n), "n=%d", n)

		back := append([]complex128(nil), got...)
		p.Inverse(back, back)
		assert.LessOrEqual(t, distance(back, x), tol(n)*norm(x), "round trip, n=%d", n)
		p.Forward(x, x)
		assert.Equal(t, got, x, "in place, n=%d", n)
	}
}

// dft2 is the two-dimensional definition through the tested one-dimensional plan.
func dft2(x []complex128, rows, cols int) []complex128 {
	y := append([]complex128(nil), x...)
	for i := range rows {
		New(cols).Forward(y[i*cols:][:cols], y[i*cols:][:cols])
	}
	c := make([]complex128, rows)
	for j := range cols {
		for i := range c {
			c[i] = y[i*cols+j]
		}
		New(rows).Forward(c, c)
		for i := range c {
			y[i*cols+j] = c[i]
		}
	}
	return y
}

var shapes = [][2]int{{1, 1}, {1, 7}, {6, 1}, {2, 2}, {5, 4}, {4, 5}, {7, 9}, {8, 8}, {17, 12}, {30, 37}, {64, 48}, {41, 82}}

func TestTwoDimensions(t *testing.T) {
	for _, sh := range shapes {
		rows, cols := sh[0], sh[1]
		n := rows * cols
		name := fmt.Sprint(rows, "x", cols)

		z := append([]complex128(nil), Complex(normals(2*n, 2))...)
		want := dft2(z, rows, cols)
		c, got := NewComplex2(rows, cols), make([]complex128, n)
		c.Forward(got, z)
		assert.LessOrEqual(t, distance(got, want), tol(n)*norm(want), name)
		back := make([]complex128, n)
		c.Inverse(back, got)
		assert.LessOrEqual(t, distance(back, z), tol(n)*norm(z), name)
		c.Inverse(got, got)
		assert.Equal(t, back, got, name)

		x := normals(n, 3)
		for i, v := range x {
			z[i] = complex(v, 0)
		}
		want = dft2(z, rows, cols)
		r := NewReal2(rows, cols)
		half := make([]complex128, rows*r.Half())
		r.Forward(half, x)
		for i := range rows {
			w := want[i*cols:][:r.Half()]
			assert.LessOrEqual(t, distance(half[i*r.Half():][:r.Half()], w), tol(n)*norm(want), name)
		}
		y := make([]float64, n)
		r.Inverse(y, half)
		for i := range x {
			assert.InDelta(t, x[i], y[i], 4*tol(n), name)
		}
	}
}

// The centred transform against its sum, on even and odd sizes.
func TestCentredAgainstDefinition(t *testing.T) {
	for _, sh := range shapes[:9] {
		rows, cols := sh[0], sh[1]
		n := rows * cols
		x := append([]complex128(nil), Complex(normals(2*n, 4))...)
		want := make([]complex128, n)
		for k := range rows {
			for l := range cols {
				for i := range rows {
					for j := range cols {
						a := float64((i-rows/2)*(k-rows/2))/float64(rows) + float64((j-cols/2)*(l-cols/2))/float64(cols)
						want[k*cols+l] += x[i*cols+j] * cmplx.Rect(1/math.Sqrt(float64(n)), -2*math.Pi*a)
					}
				}
			}
		}
		c, got := NewComplex2(rows, cols), make([]complex128, n)
		c.Centred(got, x, nil)
		assert.LessOrEqual(t, distance(got, want), tol(n)*norm(x), "%v", sh)
		back := append([]complex128(nil), got...)
		c.CentredInverse(back, nil)
		assert.LessOrEqual(t, distance(back, x), tol(n)*norm(x), "%v", sh)

		// Every other column alone: the same bits there, and as input.
		var some []int
		for j := 0; j < cols; j += 2 {
			some = append(some, j)
		}
		part, only := make([]complex128, n), make([]complex128, n)
		c.Centred(part, x, some)
		for k := range rows {
			for _, l := range some {
				assert.Equal(t, got[k*cols+l], part[k*cols+l], "%v", sh)
				only[k*cols+l] = got[k*cols+l]
			}
		}
		full := append([]complex128(nil), only...)
		c.CentredInverse(full, nil)
		c.CentredInverse(only, some)
		assert.LessOrEqual(t, distance(only, full), tol(n)*norm(x), "%v", sh)
	}
}

// A filter is the circular convolution sum, its adjoint the correlation.
func TestFilterAgainstSums(t *testing.T) {
	for _, sh := range shapes {
		rows, cols := sh[0], sh[1]
		n := rows * cols
		x, k := normals(n, 5), normals(n, 6)
		r := NewReal2(rows, cols)
		h := make([]complex128, rows*r.Half())
		r.Forward(h, k)
		conv, corr := make([]float64, n), make([]float64, n)
		for i := range n {
			for j := range n {
				d := (i/cols-j/cols+rows)%rows*cols + (i%cols-j%cols+cols)%cols
				conv[i] += k[d] * x[j]
				corr[j] += k[d] * x[i]
			}
		}
		got := make([]float64, n)
		r.Filter(got, x, h, false)
		for i := range got {
			assert.InDelta(t, conv[i], got[i], tol(n)*float64(n), "%v", sh) // sums of n terms of about 1
		}
		copy(got, x)
		r.Filter(got, got, h, true)
		for i := range got {
			assert.InDelta(t, corr[i], got[i], tol(n)*float64(n), "%v", sh)
		}
	}
}

// The real bases against their sums along one axis after the other, and the way back.
func TestTrigAgainstDefinition(t *testing.T) {
	along := func(x []float64, n, step, lines, next int, f func(k, j int) float64) []float64 {
		y := make([]float64, len(x))
		for l := range lines {
			for k := range n {
				for j := range n {
					y[l*next+k*step] += f(k, j) * x[l*next+j*step]
				}
			}
		}
		return y
	}
	for _, sh := range append(shapes, [2]int{33, 50}) {
		rows, cols := sh[0], sh[1]
		for name, c := range map[string]struct {
			t *Trig2
			f func(n int) func(k, j int) float64
		}{
			"cosine": {NewCosine2(rows, cols), func(n int) func(k, j int) float64 {
				return func(k, j int) float64 {
					if k == 0 {
						return 1 / math.Sqrt(float64(n))
					}
					return math.Sqrt(2/float64(n)) * math.Cos(math.Pi*float64(k*(2*j+1)%(4*n))/float64(2*n))
				}
			}},
			"hartley": {NewHartley2(rows, cols), func(n int) func(k, j int) float64 {
				return func(k, j int) float64 {
					s, c := math.Sincos(2 * math.Pi * float64(k*j%n) / float64(n))
					return (c + s) / math.Sqrt(float64(n))
				}
			}},
		} {
			x := normals(rows*cols, 12)
			want := along(along(x, rows, cols, cols, 1, c.f(rows)), cols, 1, rows, cols, c.f(cols))
			got := append([]float64(nil), x...)
			c.t.To(got)
			// Both are good to about √n ε of coordinates of about 1, up to 4.
			assert.InDeltaSlice(t, want, got, 4*tol(rows*cols), "%s %v", name, sh)
			c.t.From(got)
			assert.InDeltaSlice(t, x, got, 4*tol(rows*cols), "%s %v", name, sh)
		}
	}
}

func TestBitsDoNotDependOnWorkers(t *testing.T) {
	const rows, cols = 67, 90
	n := rows * cols
	run := func(workers int) (all []complex128) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		x, z := normals(n, 7), Complex(normals(2*n, 8))
		r, c := NewReal2(rows, cols), NewComplex2(rows, cols)
		half, y, out := make([]complex128, rows*r.Half()), make([]float64, n), make([]complex128, n)
		r.Forward(half, x)
		r.Filter(y, x, half, true)
		all = append(all, half...)
		for _, v := range y {
			all = append(all, complex(v, 0))
		}
		r.Inverse(y, half)
		for _, v := range y {
			all = append(all, complex(v, 0))
		}
		c.Centred(out, z, nil)
		NewCosine2(rows, cols).To(y)
		NewHartley2(rows, cols).From(y)
		for _, v := range y {
			all = append(all, complex(v, 0))
		}
		return append(all, out...)
	}
	want := run(1)
	for _, w := range []int{2, 3, 8} {
		assert.Equal(t, want, run(w), "%d workers", w)
	}
}

func TestPlansServeManyGoroutines(t *testing.T) {
	const n = 331 // Bluestein, with an inner plan
	x := append([]complex128(nil), Complex(normals(2*n, 9))...)
	want := make([]complex128, n)
	New(n).Forward(want, x)
	got := make([][]complex128, 16)
	done := make(chan int)
	for i := range got {
		got[i] = make([]complex128, n)
		go func() {
			for range 20 {
				New(n).Forward(got[i], x)
			}
			done <- i
		}()
	}
	for range got {
		assert.Equal(t, want, got[<-done])
	}
}

func TestNextFast(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 7: 8, 11: 12, 17: 18, 37: 40, 97: 100, 127: 128, 512: 512, 1023: 1024, 541: 576} {
		assert.Equal(t, want, NextFast(n), "%d", n)
	}
}

func TestPanics(t *testing.T) {
	z, x := make([]complex128, 4), make([]float64, 4)
	assert.Panics(t, func() { New(0) })
	assert.Panics(t, func() { New(5).Forward(z, z) })
	assert.Panics(t, func() { NewReal2(2, 3).Forward(z, x) })
	assert.Panics(t, func() { NewComplex2(2, 3).Centred(z, z, nil) })
	x = x[:3]
	assert.Panics(t, func() { Complex(x) })
}

// TestAllocations: on one worker a warm transform allocates nothing.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget under the race detector")
	}
	const rows, cols = 33, 40
	n := rows * cols
	r, c := NewReal2(rows, cols), NewComplex2(rows, cols)
	x, h, z := normals(n, 10), make([]complex128, rows*r.Half()), Complex(normals(2*n, 11))
	some := []int{1, 5, 9, 13, 20, 21}
	line := make([]complex128, cols)
	trig := NewCosine2(rows, cols)
	for name, f := range map[string]func(){
		"real":    func() { r.Forward(h, x); r.Inverse(x, h) },
		"filter":  func() { r.Filter(x, x, h, true) },
		"complex": func() { c.Forward(z, z); c.Inverse(z, z) },
		"centred": func() { c.Centred(z, z, some); c.CentredInverse(z, some) },
		"cosine":  func() { trig.To(x); trig.From(x) },
		"line":    func() { New(cols).Forward(line, line) },
	} {
		assert.Zero(t, testing.AllocsPerRun(10, f), name)
	}
}

func TestFilterReal(t *testing.T) {
	for _, n := range []int{1, 2, 9, 16, 37} {
		h := make([]float64, n)
		for k := range h {
			h[k] = math.Cos(0.3 * float64(min(k, n-k)))
		}
		x := normals(n*Sequences, 13)
		got := append([]float64(nil), x...)
		New(n).FilterReal(got, h)
		z := make([]complex128, n)
		for i := range Sequences {
			for j := range z {
				z[j] = complex(x[j*Sequences+i], 0)
			}
			New(n).Forward(z, z)
			for k := range z {
				z[k] *= complex(h[k], 0)
			}
			New(n).Inverse(z, z)
			for j, v := range z {
				assert.InDelta(t, real(v), got[j*Sequences+i], 4*tol(n), "n=%d", n) // values of about 1
			}
		}
	}
}
