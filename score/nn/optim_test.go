package nn

import (
	"context"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStepsByHand holds two steps from w = 1 with the gradients 0.5 and -1 to the formulas,
// worked out with one number.
func TestStepsByHand(t *testing.T) {
	g := []float64{0.5, -1}
	steps := func(step func(w, g []float64)) float64 {
		w := []float64{1}
		for _, v := range g {
			step(w, []float64{v})
		}
		return w[0]
	}
	const tol = 1e-15 // rounding

	// m = 0.5, w = 1 - 0.1(0.5 + 0.01) = 0.949; m = 0.45 - 1 = -0.55, w += 0.1(0.55 - 0.00949)
	sgd := &SGD[float64]{Momentum: 0.9, Decay: 0.01}
	assert.InDelta(t, 0.949+0.1*(0.55-0.00949), steps(func(w, g []float64) { sgd.Step(w, g, 0.1) }), tol)

	// the first step has m̂ = g, v̂ = g²
	adam := &Adam[float64]{Decay: 0.1}
	w := 1 - 0.1*(0.5/(0.5+1e-8)+0.1)
	m, v := 0.9*0.05-0.1, 0.999*0.00025+0.001
	w -= 0.1 * (m/(1-0.81)/(math.Sqrt(v/(1-0.998001))+1e-8) + 0.1*w)
	assert.InDelta(t, w, steps(func(w, g []float64) { adam.Step(w, g, 0.1) }), tol)

	// D = |z∘Hz| = 2 in both steps: v̂ = 4, and with k = 1/2 the root of 2
	for _, c := range []struct{ power, den float64 }{{0, 2}, {0.5, math.Sqrt2}} {
		ada := &AdaHessian[float64]{Power: c.power, Decay: 0.1}
		den := c.den + 1e-4
		w = 1 - 0.15*(0.5/den+0.1)
		w -= 0.15 * (m/(1-0.81)/den + 0.1*w)
		// 1 - 0.999² loses three digits
		assert.InDelta(t, w, steps(func(w, g []float64) { ada.Step(w, g, []float64{-2}, 0.15) }), 1e-12)
	}

	// β_1 = 2/11, β_2 = 3/12, then the bound
	e := &EMA[float64]{Decay: 0.2}
	for _, v := range []float64{1, 2, 4} {
		e.Update([]float64{v})
	}
	a := 1 + (1-2.0/11)*1
	assert.InDelta(t, a+0.8*(4-a), e.W[0], tol)
}

func TestSpatialMean(t *testing.T) {
	n := NewNet[float64](Shape{2, 2, 2})
	n.Output(n.Dense("d", n.Conv("c", n.X(), 2, false), 1, false))
	n.Init(0)
	h := normals(len(n.W), 1)
	all := append([]float64(nil), h...)
	SpatialMean(all, n.Params, true)
	for o := range 2 {
		for c := range 2 {
			mean := 0.0
			for k := range 9 {
				mean += math.Abs(h[(o*9+k)*2+c]) / 9
			}
			for k := range 9 {
				assert.InDelta(t, mean, all[(o*9+k)*2+c], 1e-15)
			}
		}
	}
	assert.InDelta(t, (math.Abs(h[36])+math.Abs(h[37]))/2, all[36], 1e-15)
	SpatialMean(h, n.Params, false)
	assert.NotEqual(t, h[36], h[37], "a matrix has no kernel")
}

func TestClip(t *testing.T) {
	g := []float32{3, 4}
	assert.Equal(t, 5.0, Clip(g, 10))
	assert.Equal(t, []float32{3, 4}, g)
	assert.Equal(t, 5.0, Clip(g, 1))
	assert.InDeltaSlice(t, []float32{0.6, 0.8}, g, 1e-7)
}

func TestSchedules(t *testing.T) {
	warm := Schedule{Rate: 2, Warmup: 4}
	assert.Equal(t, 0.5, warm.Of(0))
	assert.Equal(t, 2.0, warm.Of(3))
	assert.Equal(t, 2.0, warm.Of(1000))
	cos := Schedule{Kind: "cosine", Rate: 2, Total: 100, Final: 0.1}
	assert.Equal(t, 2.0, cos.Of(0))
	assert.InDelta(t, 1.1, cos.Of(50), 1e-15)
	assert.InDelta(t, 0.2, cos.Of(100), 1e-15)
	assert.InDelta(t, 0.2, cos.Of(200), 1e-15)
	step := Schedule{Kind: "step", Rate: 1e-3, Factor: 0.1, At: []int{25, 90}}
	assert.Equal(t, 1e-3, step.Of(24))
	assert.InDelta(t, 1e-4, step.Of(25), 1e-18)
	assert.InDelta(t, 1e-5, step.Of(90), 1e-18)
	every := Schedule{Kind: "step", Rate: 1, Factor: 0.4, Every: 1500}
	assert.InDelta(t, 0.16, every.Of(3000), 1e-15)
	assert.Panics(t, func() { (&Schedule{Kind: "stp"}).Of(0) })
}

// A regression of sin 2x, 64 rows at 128 points, with one optimiser.
type regression struct {
	net    *Net[float32]
	shards *Shards[float32]
	tapes  []*Tape[float32]
	curves []*Curvature[float32]
	x, tm  []float64
}

func newRegression(t testing.TB, workers int) *regression {
	n, err := New[float32](Spec{Kind: "mlp", Dim: 1, Out: 1, Hidden: 16, Depth: 2, Act: Tanh})
	require.NoError(t, err)
	n.Init(1)
	r := &regression{net: n, shards: NewShards[float32](2*len(n.W), 5, workers), x: make([]float64, 128), tm: make([]float64, 128)}
	for i := range r.x {
		r.x[i] = 4*float64(i)/127 - 2
	}
	for range r.shards.Workers() {
		r.tapes = append(r.tapes, n.NewTape(5, Jet{Back: Weights}))
		r.curves = append(r.curves, n.NewCurvature(5))
	}
	return r
}

func (r *regression) loss(t testing.TB, z []float32) float64 {
	p, n := len(r.net.W), float64(len(r.x))
	sum, err := r.shards.Run(context.Background(), len(r.x), func(worker int, g []float32, lo, hi int) (float64, error) {
		sum := 0.0
		curve := func(dy, ddy, y, v []float64) {
			for i := range y {
				e := y[i] - math.Sin(2*r.x[lo+i])
				dy[i], ddy[i] = 2*e/n, 2*v[i]/n
				sum += e * e / n
			}
		}
		if z != nil {
			r.curves[worker].Add(g[:p], g[p:], z, r.x[lo:hi], r.tm[lo:hi], curve)
			return sum, nil
		}
		var y, dy, ddy [5]float64
		m := hi - lo
		tp := r.tapes[worker]
		tp.Forward(r.x[lo:hi], r.tm[lo:hi], nil, nil)
		tp.Out(y[:m], 0)
		curve(dy[:m], ddy[:m], y[:m], y[:m])
		tp.Backward(g[:p], dy[:m])
		return sum, nil
	})
	require.NoError(t, err)
	return sum
}

func (r *regression) adam(t testing.TB, o *Adam[float32], steps int) (loss float64) {
	rate := Schedule{Kind: "cosine", Rate: 0.02, Total: 1000}
	for range steps {
		loss = r.loss(t, nil)
		o.Step(r.net.W, r.shards.Grad[:len(r.net.W)], rate.Of(o.Steps))
	}
	return loss
}

// TestTrainingConverges: the mean square of sin 2x is about a half. Adam takes it to less than
// a thousandth of that, AdaHessian, with one probe a step, to less than a 250th.
func TestTrainingConverges(t *testing.T) {
	r := newRegression(t, 0)
	assert.Less(t, r.adam(t, new(Adam[float32]), 1000), 5e-4)

	r = newRegression(t, 0)
	o := &AdaHessian[float32]{Params: r.net.Params}
	p := len(r.net.W)
	z := make([]float32, p)
	loss := 0.0
	rate := Schedule{Kind: "cosine", Rate: 0.15, Total: 1000}
	for k := range 1000 {
		Signs(z, 1, uint64(k))
		loss = r.loss(t, z)
		for i, v := range z {
			r.shards.Grad[p+i] *= v
		}
		o.Step(r.net.W, r.shards.Grad[:p], r.shards.Grad[p:], rate.Of(k))
	}
	assert.Less(t, loss, 2e-3)
}

// TestTrainingIsReproducible: the weights have the same bits for any number of workers and
// after a break in which the state of the optimiser went through JSON.
func TestTrainingIsReproducible(t *testing.T) {
	want := newRegression(t, 1)
	want.adam(t, new(Adam[float32]), 10)
	for _, workers := range []int{2, 7} {
		r := newRegression(t, workers)
		o := new(Adam[float32])
		r.adam(t, o, 4)
		b, err := json.Marshal(o)
		require.NoError(t, err)
		again := new(Adam[float32])
		require.NoError(t, json.Unmarshal(b, again))
		r.adam(t, again, 6)
		assert.Equal(t, want.net.W, r.net.W)
	}
}

func TestOptimisersAllocateNothing(t *testing.T) {
	w, g, hz := make([]float32, 100), make([]float32, 100), make([]float32, 100)
	sgd, adam, ada, ema := new(SGD[float32]), new(Adam[float32]), new(AdaHessian[float32]), new(EMA[float32])
	assert.Zero(t, testing.AllocsPerRun(5, func() {
		sgd.Step(w, g, 0.1)
		adam.Step(w, g, 0.1)
		ada.Step(w, g, hz, 0.1)
		ema.Update(w)
		Clip(g, 1)
	}))
}
