package simd

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// special are the numbers that kernels treat apart, on both sides of their limits.
var special = []float64{
	0, math.Copysign(0, -1), 5e-324, 0x1p-1023, 0x1.fffffffffffffp-1023, 0x1p-1022, 0x1p-1021, math.MaxFloat64,
	math.Inf(1), math.Inf(-1), math.NaN(), -1, -5e-324, -math.MaxFloat64, 1, 0x1.fffffffffffffp-1, 0x1.0000000000001p0,
	0.75, 0x1.7ffffffffffffp-1, 1.5, 0x1.7ffffffffffffp0, 2, 0.5, 1e300, 1e-300,
}

// TestLog compares with math.Log, whose error is below 1 ulp, on every length up to 40 and in place.
func TestLog(t *testing.T) {
	x := append([]float64{}, special...)
	for i := range 20000 {
		u := float64(Mix(uint64(i))) * 0x1p-64
		x = append(x, math.Exp(1400*u-700), 0.5+u, 1+1e-6*(u-0.5))
	}
	for _, l := range Levels() {
		restore := Use(l)
		check := func(got, x []float64) (worst float64) {
			for i, v := range x {
				want := math.Log(v)
				if math.IsNaN(want) || math.IsInf(want, 0) || want == 0 {
					assert.Equal(t, math.Float64bits(want), math.Float64bits(got[i]), "%s: log %v = %v", l, v, got[i])
					continue
				}
				worst = max(worst, apart(want, got[i]))
			}
			return worst
		}
		got := make([]float64, len(x))
		Log(got, x)
		worst := check(got, x)
		t.Logf("%s: %.0f ulp", l, worst)
		assert.LessOrEqual(t, worst, 2.0, "%s", l)
		for n := range 40 {
			got := append([]float64{}, x[:n+1]...)
			Log(got[:n], got[:n])
			assert.LessOrEqual(t, check(got, x[:n]), 2.0, "%s", l)
			assert.Equal(t, math.Float64bits(x[n]), math.Float64bits(got[n]), "%s wrote too much", l)
		}
		restore()
	}
	assert.Panics(t, func() { Log(x, x[1:]) })
}

func BenchmarkLog(b *testing.B) {
	x, y := make([]float64, 4096), make([]float64, 4096)
	for i := range x {
		x[i] = float64(i) + 0.5
	}
	for _, l := range Levels() {
		b.Run(fmt.Sprint(l), func(b *testing.B) {
			defer Use(l)()
			for b.Loop() {
				Log(y, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
		})
	}
}
