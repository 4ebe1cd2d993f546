package simd

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// everyLevel runs f at each level of the processor.
func everyLevel(t *testing.T, f func(t *testing.T)) {
	for _, l := range Levels() {
		t.Run(l.String(), func(t *testing.T) {
			defer Use(l)()
			f(t)
		})
	}
}

// bigExp returns exp(x) to 150 bits, by a series at x/1024.
func bigExp(x float64) *big.Float {
	num := func(v float64) *big.Float { return new(big.Float).SetPrec(150).SetFloat64(v) }
	r := num(math.Ldexp(x, -10))
	sum, term := num(1), num(1)
	for k := 1; k < 40; k++ {
		term.Quo(term.Mul(term, r), num(float64(k)))
		sum.Add(sum, term)
	}
	for range 10 {
		sum.Mul(sum, sum)
	}
	return sum
}

// ulps returns the distance of got from want in units of want's last place.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	d, _ := new(big.Float).Sub(want, new(big.Float).SetFloat64(got)).Float64()
	return math.Abs(d) / (math.Nextafter(w, math.Inf(1)) - w)
}

func TestExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := []float64{1e-300, -1e-300, 1, -1, 709.7, -708.3, -708.5, -720, -744, 0.5 * math.Ln2, -0.5 * math.Ln2}
	for range 3000 {
		x = append(x, 50*rng.NormFloat64(), 0.3*rng.NormFloat64(), -745+1454*rng.Float64())
	}
	want := make([]*big.Float, len(x))
	for i, v := range x {
		want[i] = bigExp(v)
	}
	everyLevel(t, func(t *testing.T) {
		dst := make([]float64, len(x))
		Exp(dst, x)
		for i, v := range x {
			assert.LessOrEqual(t, ulps(dst[i], want[i]), 2., "exp(%v)", v)
		}
		inf := math.Inf(1)
		special := []float64{0, math.Copysign(0, -1), 5e-324, inf, -inf, 709.79, 1e300, -745.2, -1e300, math.NaN(), 0, 0}
		for n := range len(special) + 1 { // odd lengths, in place, nothing written beyond
			y := append([]float64{}, special...)
			Exp(y[:n], y[:n])
			want := []float64{1, 1, 1, inf, 0, inf, inf, 0, 0, math.NaN(), 1, 1}
			for i := range y {
				w := special[i]
				if i < n {
					w = want[i]
				}
				assert.True(t, y[i] == w || y[i] != y[i] && w != w, "n=%d, exp(%v) = %v", n, special[i], y[i])
			}
		}
	})
	assert.Panics(t, func() { Exp(nil, x) })
}

func TestExpSum(t *testing.T) {
	const top = 1.5
	rng := rand.New(rand.NewPCG(2, 2))
	x := []float64{}
	for range 1003 {
		x = append(x, top-340*rng.Float64()*rng.Float64(), top+3*rng.NormFloat64())
	}
	x = append(x, top+700, top-690)
	everyLevel(t, func(t *testing.T) {
		y := append([]float64{}, x...)
		assert.Positive(t, ExpSum(y, top, -700))
		for i, v := range x {
			assert.LessOrEqual(t, ulps(y[i], bigExp(v-top)), 2., "exp(%v)", v-top)
		}
		inf, nan := math.Inf(1), math.NaN()
		cut := []float64{0, -59.9, -60.1, -inf, -1e300, nan, -60, math.Nextafter(-60, -100), 0, 0, 0}
		for n := range len(cut) + 1 {
			y := append([]float64{}, cut...)
			sum := ExpSum(y[:n], 0, -60)
			total := 0.0
			for i, v := range y {
				switch {
				case i >= n:
					assert.True(t, v == cut[i] || v != v && cut[i] != cut[i], "n=%d: %d is untouched", n, i)
					continue
				case cut[i] != cut[i]:
					assert.True(t, math.IsNaN(v))
				case cut[i] < -60:
					assert.Equal(t, 0., v)
				default:
					assert.InEpsilon(t, math.Exp(cut[i]), v, 1e-15) // 2 ulp and 1 of math.Exp
				}
				total += v
			}
			// Ones and terms of e⁻⁵⁹, in any order; NaN spreads.
			assert.True(t, math.Abs(sum-total) < 1e-15*total || n > 5 && math.IsNaN(sum) || n == 0, "n=%d: %v, %v", n, sum, total)
		}
	})
}

func BenchmarkExp(b *testing.B) {
	x := make([]float64, 1000)
	for i := range x {
		x[i] = -float64(i) / 20
	}
	t := make([]float64, len(x))
	for _, l := range Levels() {
		for name, f := range map[string]func(){
			"Exp":    func() { Exp(t, x) },
			"ExpSum": func() { copy(t, x); ExpSum(t, 0, -60) },
		} {
			b.Run(fmt.Sprintf("%s/%s", name, l), func(b *testing.B) {
				defer Use(l)()
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(x)), "ns/value")
			})
		}
	}
}
