package linop

import (
	"fmt"
	"math"
	"math/cmplx"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
)

// scattered returns n frequency pairs: uniform ones in [-1/2, 1/2)², some on the edges
// of the interval, on the grid and beyond it.
func scattered(n int) []float64 {
	p := gaussian(2*n, 30)
	for i, v := range p {
		p[i] = math.Mod(v, 0.5)
	}
	return append(p, -0.5, 0.5, 0, 0, 0.25, -0.125, 1.3, -7.75, 0.5-1e-17, -1e-20)
}

func init() {
	for _, s := range [][2]int{{8, 6}, {7, 9}, {1, 5}, {5, 1}} {
		name := fmt.Sprintf(" %dx%d", s[0], s[1])
		register(
			operatorRow{name: "fourier" + name, make: func() Operator { return NewFourier(s[0], s[1]) }, norm: 1},
			operatorRow{name: "nufft" + name, make: func() Operator { return must(NewNUFFT(s[0], s[1], scattered(40))) }},
		)
	}
	register(operatorRow{name: "nufft radial", make: func() Operator { return must(NewNUFFT(24, 24, RadialTrajectory(40, 48, true))) }})
}

// fourierSum is the sum that Fourier and NUFFT stand for.
func fourierSum(x []float64, rows, cols int, points []float64) []float64 {
	y := make([]float64, len(points))
	in, out := fft.Complex(x), fft.Complex(y)
	for p := range out {
		for i := range rows {
			for j := range cols {
				a := points[2*p]*float64(i-rows/2) + points[2*p+1]*float64(j-cols/2)
				out[p] += in[i*cols+j] * cmplx.Rect(1/math.Sqrt(float64(rows*cols)), -2*math.Pi*a)
			}
		}
	}
	return y
}

// fourierGrid returns the frequencies of Fourier.
func fourierGrid(rows, cols int) []float64 {
	var p []float64
	for k := range rows {
		for l := range cols {
			p = append(p, float64(k-rows/2)/float64(rows), float64(l-cols/2)/float64(cols))
		}
	}
	return p
}

func TestFourierAndNUFFTAgainstSums(t *testing.T) {
	for _, s := range [][2]int{{8, 6}, {7, 9}, {1, 5}, {5, 1}, {31, 32}, {2, 1}} {
		rows, cols := s[0], s[1]
		x := gaussian(2*rows*cols, 1)
		size := floats.Norm(x, 2)
		on := fourierSum(x, rows, cols, fourierGrid(rows, cols))
		got := make([]float64, len(x))
		NewFourier(rows, cols).Apply(got, x)
		assert.LessOrEqual(t, floats.Distance(on, got, 2), 1e-13*size, "Fourier %v", s) // angles up to 10³ lose 3 digits
		// The window's aliasing error, of the promise 1e-6 ‖x‖ for each sample.
		must(NewNUFFT(rows, cols, fourierGrid(rows, cols))).Apply(got, x)
		assert.LessOrEqual(t, floats.Distance(on, got, math.Inf(1)), 1e-6*size, "NUFFT on the grid %v", s)

		points := scattered(200)
		want := fourierSum(x, rows, cols, points)
		got = make([]float64, len(points))
		must(NewNUFFT(rows, cols, points)).Apply(got, x)
		t.Logf("%v: error %.1e of ‖x‖", s, floats.Distance(want, got, math.Inf(1))/size)
		assert.LessOrEqual(t, floats.Distance(want, got, math.Inf(1)), 1e-6*size, "NUFFT %v", s)
	}
}

func TestNUFFTErrors(t *testing.T) {
	_, err := NewNUFFT(4, 4, nil)
	assert.ErrorContains(t, err, "0 numbers")
	_, err = NewNUFFT(4, 4, []float64{1, 2, 3})
	assert.ErrorContains(t, err, "3 numbers")
	_, err = NewNUFFT(4, 4, []float64{0, 0, 0, math.Inf(1)})
	assert.ErrorContains(t, err, "frequency 1 is +Inf")
}

// 402 spokes of 512 samples on 256²: a full radial scan.
func BenchmarkNUFFT256(b *testing.B) {
	f := must(NewNUFFT(256, 256, RadialTrajectory(402, 512, false)))
	rows, cols := f.Dims()
	x, y := gaussian(cols, 0), make([]float64, rows)
	b.ReportAllocs()
	for b.Loop() {
		f.Apply(y, x)
		f.Adjoint(x, y)
	}
}
