package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// actTerms returns σ and its derivatives at x in another form than the kernels', and the
// sum of the moduli of its terms.
func actTerms(f activation, x, beta float64) (v, size [4]float64) {
	k := [...]float64{silu: 1, softplus: beta, tanh: 2}[f]
	z := k * x
	low := math.FMA(k, x, -z)
	up, down := math.Exp(z)*(1+low), math.Exp(-z)*(1-low)
	s, q := 1/(1+down), 1/(1+up)
	s1, t := s*q, -math.Tanh(k*x/2) // 1-2s
	s2, s3 := s1*t, s1*(1-6*s1)
	switch f {
	case silu:
		v = [4]float64{x * s, s + x*s1, 2*s1 + x*s2, 3*s2 + x*s3}
		return v, [4]float64{v[0], s + math.Abs(x)*s1, 2*s1 + math.Abs(x*s2), 3*math.Abs(s2) + math.Abs(x)*(s1+6*s1*s1)}
	case softplus:
		y := math.Max(x, 0) + math.Log1p(min(up, down))/k
		v = [4]float64{y, s, k * s1, k * k * s2}
		return v, v
	}
	v = [4]float64{math.Tanh(x), 4 * s1, 8 * s2, 16 * s3}
	return v, [4]float64{v[0], v[1], v[2], 16 * (s1 + 6*s1*s1)}
}

// ulpsOfSize returns |got - want| in units in the last place of a T of the given size; less than the
// least normal number is nothing.
func ulpsOfSize[T Float](got T, want, size float64) float64 {
	bits, least := 52, -1022
	if _, ok := any(got).(float32); ok {
		bits, least = 23, -126
	}
	_, exp := math.Frexp(size)
	err := math.Abs(float64(got) - want)
	if err < math.Ldexp(1, least) {
		return 0
	}
	return err / math.Ldexp(1, exp-1-bits)
}

func activations[T Float](t *testing.T, top, reach float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, l := range Levels() {
		restore := Use(l)
		for f := silu; f <= tanh; f++ {
			for _, beta := range []float64{1, 0.5, 100} {
				k := [...]float64{silu: 1, softplus: beta, tanh: 2}[f]
				for n := range 70 {
					x := make([]T, n)
					for j := range x {
						x[j] = T(math.Exp(r.NormFloat64()*4) * float64(1-2*r.IntN(2)) / k)
						if math.Abs(float64(x[j]))*k > reach {
							x[j] = 0
						}
					}
					for orders := range 4 {
						var d [3][]T
						all := make([]T, 4*n+1)
						for i := range orders {
							d[i] = all[(i+1)*n : (i+2)*n]
						}
						activate(f, all[:n], d, x, beta)
						for j, v := range x {
							want, size := actTerms(f, float64(v), beta)
							for i := range orders + 1 {
								if u := ulpsOfSize(all[i*n+j], want[i], math.Abs(size[i])); !(u <= top) {
									t.Fatalf("%s %d, β = %v, derivative %d at %v: %v, not %v, %.1f ulp", l, f, beta, i, v, all[i*n+j], want[i], u)
								}
							}
						}
						for _, v := range all[(orders+1)*n:] {
							assert.Zero(t, v, "written beyond")
						}
					}
				}
			}
		}
		restore()
	}
}

func TestActivations(t *testing.T) {
	activations[float32](t, 8, 87)
	activations[float64](t, 12, 700) // the reference errs by some units of its own
}

func TestActivationsAtTheEnds(t *testing.T) {
	for _, l := range Levels() {
		defer Use(l)()
		inf := math.Inf(1)
		zero := math.Copysign(0, -1)
		x := []float64{inf, -inf, math.NaN(), 0, zero, 0x1p-1020, 1e300, -1e300, -746, 746, 1e-160}
		n := len(x)
		y, d := make([]float64, n), [3][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
		nan := func(v ...float64) {
			for _, v := range v {
				assert.True(t, math.IsNaN(v), "%s", l)
			}
		}
		SiLU(y, d, x)
		nan(y[2], d[0][2], d[1][2], d[2][2])
		assert.Equal(t, []float64{inf, 0, 0, 0}, []float64{y[0], y[1], y[3], y[4]})
		assert.Equal(t, []float64{1, 0, 0.5}, []float64{d[0][0], d[0][1], d[0][3]})
		assert.Equal(t, []float64{0, 0, 0.5}, []float64{d[1][0], d[1][1], d[1][3]})
		assert.Equal(t, []float64{0, 0, 0}, []float64{d[2][0], d[2][1], d[2][3]})
		assert.Equal(t, []float64{1e300, 0}, []float64{y[6], y[7]})
		Softplus(y, d, x, 1)
		nan(y[2], d[0][2], d[1][2], d[2][2])
		assert.Equal(t, []float64{inf, 0, 1e300, 0}, []float64{y[0], y[1], y[6], y[7]})
		assert.Equal(t, []float64{1, 0, 0.5}, []float64{d[0][0], d[0][1], d[0][3]})
		Tanh(y, d, x)
		nan(y[2], d[0][2], d[1][2], d[2][2])
		assert.Equal(t, []float64{1, -1, 0, 0x1p-1020, 1, -1, 1e-160}, []float64{y[0], y[1], y[3], y[5], y[6], y[7], y[10]})
		assert.True(t, math.Signbit(y[4]))
		assert.Equal(t, []float64{0, 0, 1, 0}, []float64{d[0][0], d[0][1], d[0][3], d[0][6]})
	}
}

func TestSine(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, l := range Levels() {
		defer Use(l)()
		for n := range 70 {
			x := make([]float32, n)
			for j := range x {
				x[j] = float32(math.Exp(r.Float64()*28-14) * float64(1-2*r.IntN(2))) // up to 1.2e6
				if j%3 == 0 {
					x[j] = float32(math.Pi/4) * float32(r.IntN(1<<17)-1<<16)
				}
			}
			y, d := make([]float32, n), [3][]float32{make([]float32, n), make([]float32, n), make([]float32, n)}
			Sine(y, d, x)
			for j, v := range x {
				s, c := math.Sincos(float64(v))
				for i, got := range []float32{y[j], d[0][j], d[1][j], d[2][j]} {
					assert.InDelta(t, []float64{s, c, -s, -c}[i], float64(got), 0x1p-23, "%s at %v, derivative %d", l, v, i)
				}
			}
		}
		inf := float32(math.Inf(1))
		y := []float32{0, 0, 0, 0, 0}
		Sine(y, [3][]float32{}, []float32{inf, -inf, float32(math.NaN()), 3e38, -1e12})
		for i, v := range y {
			assert.Equal(t, i < 3, v != v, "%s %d", l, i)
			assert.False(t, v > 1 || v < -1)
		}
	}
}

func benchAct[T Float](b *testing.B, orders int) {
	const n = 4096
	x, y := random[T](rand.New(rand.NewPCG(1, 2)), n), make([]T, n)
	var d [3][]T
	for i := range orders {
		d[i] = make([]T, n)
	}
	for b.Loop() {
		SiLU(y, d, x)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
}

func BenchmarkSiLU(b *testing.B) {
	for _, l := range Levels() {
		for _, orders := range []int{0, 3} {
			b.Run(fmt.Sprintf("float32/%d/%s", orders, l), func(b *testing.B) { defer Use(l)(); benchAct[float32](b, orders) })
			b.Run(fmt.Sprintf("float64/%d/%s", orders, l), func(b *testing.B) { defer Use(l)(); benchAct[float64](b, orders) })
		}
	}
}
