package figure

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func TestLimits(t *testing.T) {
	x := gauss(50_000, 1, 0, 1, 1)
	// The quantile 0.999 of a Gaussian is 3.090, and 8 % of the width are added. Its
	// standard error is √(0.001/n)/φ(3.09) = 0.042; 4 of them, widened.
	const want, tol = 3.090 * 1.16, 4 * 0.042 * 1.16
	lo, hi := limits(x, 1, 0)
	assert.InDelta(t, -want, lo, tol)
	assert.InDelta(t, want, hi, tol)
	// Outliers, and what is not a number, hardly move them.
	for i, v := range []float64{1e9, -1e9, 1e300, math.Inf(1), math.Inf(-1), math.NaN()} {
		x[i*7] = v
	}
	lo2, hi2 := limits(x, 1, 0)
	assert.InDelta(t, lo, lo2, 0.2) // six of the 50 beyond the quantile
	assert.InDelta(t, hi, hi2, 0.2)

	// Cauchy: the quantile 0.999 is 318, the quantile 0.99 is 31.8, so that the latter
	// binds: 1.5·31.8·1.16 = 55.4. Its relative standard error is √(99/n) = 4.5 %.
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range x {
		x[i] = math.Tan(math.Pi * (rng.Float64() - 0.5))
	}
	_, hi = limits(x, 1, 0)
	assert.InEpsilon(t, 55.4, hi, 4*0.045)

	// A far mode with 5 % of the mass is shown.
	for i := range x {
		x[i] = rng.NormFloat64()
		if i%20 == 0 {
			x[i] += 100
		}
	}
	_, hi = limits(x, 1, 0)
	assert.Greater(t, hi, 102.)

	// The coordinate, and the same for many points, of which some are looked at.
	y := gauss(300_000, 2, 0, 1, 4)
	for i := 1; i < len(y); i += 2 {
		y[i] += 50
	}
	lo, hi = limits(y, 2, 1)
	assert.InDelta(t, 50-want, lo, tol)
	assert.InDelta(t, 50+want, hi, tol)

	for _, v := range [][]float64{nil, {math.NaN()}, {5}, {0, 0}} {
		lo, hi := limits(v, 1, 0)
		assert.Less(t, lo, hi)
	}
}

func TestBox(t *testing.T) {
	for _, b := range []box{{0, 1, 0, 1}, {0, 10, 0, 1}, {-1, 1, -30, 50}} {
		s := b.square()
		w, h := s.xmax-s.xmin, s.ymax-s.ymin
		assert.LessOrEqual(t, max(w/h, h/w), 1.6+1e-12)
		assert.InDelta(t, b.xmin+b.xmax, s.xmin+s.xmax, 1e-9) // same centre
		assert.InDelta(t, b.ymin+b.ymax, s.ymin+s.ymax, 1e-9)
		pw, ph := s.size(200)
		assert.InEpsilon(t, w/h, pw/ph, 1e-12) // equal scales
		assert.InEpsilon(t, 200*200, pw*ph, 1e-12)
	}
	x := []float64{0, 0, 5, 5, math.NaN(), 0, 0, math.Inf(1)}
	assert.Equal(t, "25% outside, 2 not finite", outside(x, 2, box{-1, 1, -1, 1}))
	assert.Equal(t, "100% outside", outside([]float64{2, 2}, 2, box{-1, 1, -1, 1}))
	assert.Empty(t, outside(x[:2], 2, box{-1, 1, -1, 1}))
	assert.Empty(t, outside(nil, 2, box{-1, 1, -1, 1}))
}

// The data area of a panel has the size asked for, whatever the labels.
func TestPanelSize(t *testing.T) {
	for _, b := range []box{{0, 1, 0, 1}, {-12345, 12345, -1e-3, 1e-3}, {1e7, 2e7, -5, 5}} {
		p := panel{plot: newPlot(b), w: 250, h: 130}
		p.plot.X.Label.Text, p.plot.Y.Label.Text = "t", "density"
		r := p.outer()
		data := p.plot.DataCanvas(draw.Canvas{Rectangle: r})
		// A hundredth of a point is far below a pixel.
		assert.InDelta(t, 0, data.Min.X.Points(), 0.01)
		assert.InDelta(t, 0, data.Min.Y.Points(), 0.01)
		assert.InDelta(t, 250, data.Max.X.Points(), 0.01)
		assert.InDelta(t, 130, data.Max.Y.Points(), 0.01)
		assert.Less(t, r.Min.X.Points(), -20.) // labels need room
	}
}

func TestTicks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		lo := rng.NormFloat64() * math.Pow(10, 6*rng.Float64()-3)
		hi := lo + math.Pow(10, 8*rng.Float64()-4)
		ticks := linearTicks{}.Ticks(lo, hi)
		require.GreaterOrEqual(t, len(ticks), 2, "%v %v", lo, hi)
		require.LessOrEqual(t, len(ticks), 6, "%v %v", lo, hi)
		for _, k := range ticks {
			require.True(t, lo <= k.Value && k.Value <= hi)
			v, err := strconv.ParseFloat(strings.ReplaceAll(k.Label, "−", "-"), 64)
			require.NoError(t, err)
			require.InDelta(t, k.Value, v, 1e-7*math.Abs(k.Value)+1e-9*(hi-lo)) // 8 digits
		}

		hi = math.Abs(lo) * math.Pow(10, 0.3+9*rng.Float64())
		lo = math.Abs(lo)
		labels := 0
		for _, k := range (logTicks{}).Ticks(lo, hi) {
			require.True(t, lo*(1-1e-8) <= k.Value && k.Value <= hi*(1+1e-8))
			if k.Label == "" {
				continue
			}
			labels++
			v, err := strconv.ParseFloat(strings.ReplaceAll(k.Label, "−", "-"), 64)
			require.NoError(t, err)
			require.InEpsilon(t, k.Value, v, 1e-7) // 8 digits
		}
		require.GreaterOrEqual(t, labels, 1, "%v %v", lo, hi)
		require.LessOrEqual(t, labels, 9, "%v %v", lo, hi)
	}
	var got []string
	for _, k := range (linearTicks{}).Ticks(-5.2, 5.3) {
		got = append(got, k.Label)
	}
	assert.Equal(t, []string{"−4", "−2", "0", "2", "4"}, got)
}

func TestSpread(t *testing.T) {
	apart := []vg.Length{30, 10, 50}
	assert.Equal(t, apart, spread(apart, 10, 0, 100))
	// Two that collide move by the same amount in opposite directions.
	assert.Equal(t, []vg.Length{55, 45, 90}, spread([]vg.Length{51, 49, 90}, 10, 0, 100))
	assert.Equal(t, []vg.Length{0, 10, 20}, spread([]vg.Length{1, 1, 1}, 10, 0, 100)) // at the edge
	assert.Equal(t, []vg.Length{80, 90, 100}, spread([]vg.Length{99, 99, 99}, 10, 0, 100))
	assert.Empty(t, spread(nil, 10, 0, 100))

	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		y := make([]vg.Length, 8)
		for i := range y {
			y[i] = vg.Length(100 * rng.Float64())
		}
		out := spread(y, 10, 0, 100)
		cost := func(z []vg.Length) (s float64) {
			for i := range z {
				s += math.Pow(float64(z[i]-y[i]), 2)
			}
			return s
		}
		for i := range y {
			require.GreaterOrEqual(t, out[i], vg.Length(-1e-9))
			require.LessOrEqual(t, out[i], vg.Length(100+1e-9))
			for j := range y {
				if y[i] < y[j] { // order and distance are kept
					require.GreaterOrEqual(t, float64(out[j]-out[i]), 10-1e-9)
				}
			}
		}
		// No small move that is allowed lowers the cost, when the edges do not bind.
		free := spread(y, 10, -1e6, 1e6)
		for i := range y {
			for _, h := range []vg.Length{-1e-3, 1e-3} {
				z := append([]vg.Length(nil), free...)
				z[i] += h
				ok := true
				for j := range z {
					ok = ok && (j == i || math.Abs(float64(z[i]-z[j])) >= 10)
				}
				if ok {
					require.GreaterOrEqual(t, cost(z), cost(free)-1e-9)
				}
			}
		}
	}
}
