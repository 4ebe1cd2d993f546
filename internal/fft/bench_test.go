package fft

import (
	"fmt"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"
)

func BenchmarkReal2(b *testing.B) {
	for _, n := range []int{256, 512, 1024} {
		r := NewReal2(n, n)
		x, h := normals(n*n, 0), make([]complex128, n*r.Half())
		b.Run(fmt.Sprintf("forward+inverse/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Forward(h, x)
				r.Inverse(x, h)
			}
		})
		b.Run(fmt.Sprintf("filter/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			y := make([]float64, n*n)
			for b.Loop() {
				r.Filter(y, x, h, false)
			}
		})
	}
}

func BenchmarkComplex2(b *testing.B) {
	for _, n := range []int{256, 320, 512} {
		c := NewComplex2(n, n)
		z := Complex(normals(2*n*n, 0))
		b.Run(fmt.Sprintf("centred/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Centred(z, z, nil)
			}
		})
	}
}

func BenchmarkCosine2(b *testing.B) {
	for _, n := range []int{256, 512} {
		t, x := NewCosine2(n, n), normals(n*n, 0)
		b.Run(fmt.Sprintf("to+from/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t.To(x)
				t.From(x)
			}
		})
	}
}

// The reference of the ratio: gonum's transforms over rows and columns.
func BenchmarkGonum512(b *testing.B) {
	const n = 512
	z := append([]complex128(nil), Complex(normals(2*n*n, 0))...)
	f := fourier.NewCmplxFFT(n)
	c := make([]complex128, n)
	for b.Loop() {
		for i := range n {
			f.Coefficients(z[i*n:][:n], z[i*n:][:n])
		}
		for j := range n {
			for i := range c {
				c[i] = z[i*n+j]
			}
			f.Coefficients(c, c)
			for i := range c {
				z[i*n+j] = c[i]
			}
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{360, 512, 1009, 4096} {
		p := New(n)
		z := append([]complex128(nil), Complex(normals(2*n, 0))...)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Forward(z, z)
				p.Inverse(z, z)
			}
		})
	}
}
