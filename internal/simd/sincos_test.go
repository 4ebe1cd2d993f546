package simd

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
)

// exactSinCos reduces x in 300 bits and leaves |r| ≤ π/4 to math.Sincos, whose error is below
// 1 ulp there.
func exactSinCos(x float64) (sin, cos float64) {
	half, _, _ := big.ParseFloat("1.5707963267948966192313216916397514420985846996875529104874722961539082031431044993140174126710585339910740432566411533235469", 10, 400, big.ToNearestEven)
	q := math.RoundToEven(x * (2 / math.Pi))
	r := new(big.Float).SetPrec(400).SetFloat64(x)
	r.Sub(r, half.Mul(half, big.NewFloat(q)))
	f, _ := r.Float64()
	sin, cos = math.Sincos(f)
	switch int64(q) & 3 {
	case 1:
		return cos, -sin
	case 2:
		return -sin, -cos
	case 3:
		return -cos, sin
	}
	return sin, cos
}

func TestSinCos(t *testing.T) {
	x := append([]float64{1 << 30, -1 << 30, 1<<30 + 1, math.Pi / 4, math.Pi / 2, math.Pi, 0x1p-30, -0x1p-1000}, special...)
	for i := range 4000 {
		u := float64(Mix(uint64(i)))*0x1p-64 - 0.5
		q := math.Round(u * math.Exp(float64(i%20)))
		// Around the zeros too, where the reduction cancels.
		x = append(x, 20*u, u*0x1p31, q*(math.Pi/2), q*(math.Pi/2)*(1+0x1p-52), u*math.Exp(-float64(i%100)))
	}
	for _, l := range Levels() {
		restore := Use(l)
		check := func(sin, cos, x []float64) (worst float64) {
			for i, v := range x {
				if !(math.Abs(v) <= 1<<30) || v == 0 {
					s, c := math.Sincos(v)
					assert.Equal(t, [2]uint64{math.Float64bits(s), math.Float64bits(c)}, [2]uint64{math.Float64bits(sin[i]), math.Float64bits(cos[i])}, "%s: %v", l, v)
					continue
				}
				s, c := exactSinCos(v)
				worst = max(worst, apart(s, sin[i]), apart(c, cos[i]))
			}
			return worst
		}
		sin, cos := make([]float64, len(x)), make([]float64, len(x))
		SinCos(sin, cos, x)
		worst := check(sin, cos, x)
		t.Logf("%s: %.0f ulp", l, worst)
		assert.LessOrEqual(t, worst, 2.0, "%s", l)
		for n := range 40 {
			sin := append([]float64{}, x[:n+1]...)
			cos := append([]float64{}, x[:n+1]...)
			SinCos(sin[:n], cos[:n], sin[:n])
			assert.LessOrEqual(t, check(sin, cos, x[:n]), 2.0, "%s", l)
			assert.Equal(t, [2]uint64{math.Float64bits(x[n]), math.Float64bits(x[n])}, [2]uint64{math.Float64bits(sin[n]), math.Float64bits(cos[n])}, "%s wrote too much", l)
		}
		restore()
	}
	assert.Panics(t, func() { SinCos(x, x, x[1:]) })
}

func BenchmarkSinCos(b *testing.B) {
	x, s, c := make([]float64, 4096), make([]float64, 4096), make([]float64, 4096)
	for i := range x {
		x[i] = float64(i) / 100
	}
	for _, l := range Levels() {
		b.Run(fmt.Sprint(l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				SinCos(s, c, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
		})
	}
}
