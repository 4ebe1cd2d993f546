package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// uniformCost returns an n×n matrix of uniform variates, the paper's random assignment.
func uniformCost(n int) []float64 {
	rng := stream.New().At(0, stream.Test, 7, uint64(n))
	c := make([]float64, n*n)
	for k := range c {
		c[k] = rng.Float64()
	}
	return c
}

// images returns two histograms of side×side pixels, of two strokes each, and the costs
// |p - q|^power of their pixels in [0, 1]². Like MNIST's they are 0 in most places, where
// the paper puts a little mass.
func images(side int, power float64) (a, b, c []float64) {
	stroke := func(w []float64, x0, y0, x1, y1 float64) {
		for i := range side {
			for j := range side {
				px, py := float64(i)/float64(side-1), float64(j)/float64(side-1)
				t := ((px-x0)*(x1-x0) + (py-y0)*(y1-y0)) / ((x1-x0)*(x1-x0) + (y1-y0)*(y1-y0))
				t = min(1, max(0, t))
				d := math.Hypot(px-x0-t*(x1-x0), py-y0-t*(y1-y0))
				w[i*side+j] += math.Exp(-d * d / (2 * 0.05 * 0.05))
			}
		}
	}
	n := side * side
	a, b = make([]float64, n), make([]float64, n)
	stroke(a, 0.2, 0.3, 0.8, 0.3) // a seven
	stroke(a, 0.8, 0.3, 0.4, 0.9)
	stroke(b, 0.5, 0.1, 0.5, 0.9) // a plus
	stroke(b, 0.2, 0.5, 0.9, 0.6)
	for _, w := range [][]float64{a, b} {
		floats.AddConst(1e-3, w)
		floats.Scale(1/floats.Sum(w), w)
	}
	return a, b, pixelCost(side, power)
}

// crops returns the histograms of two photographs of 28×28 pixels, a little mass added,
// with the costs of images.
func crops(t testing.TB, power float64) (a, b, c []float64) {
	read := func(file string) []float64 {
		w, rows, cols, err := dataio.ReadGray(file)
		require.NoError(t, err)
		require.Equal(t, []int{28, 28}, []int{rows, cols})
		floats.AddConst(1e-3, w)
		floats.Scale(1/floats.Sum(w), w)
		return w
	}
	return read("testdata/camera28.png"), read("testdata/chelsea28.png"), pixelCost(28, power)
}

// pixelCost returns |p - q|^power (power 1: the L1 distance) for the pixels of [0, 1]².
func pixelCost(side int, power float64) []float64 {
	n := side * side
	c := make([]float64, n*n)
	for i := range n {
		for j := range n {
			dx, dy := float64(i/side-j/side)/float64(side-1), float64(i%side-j%side)/float64(side-1)
			if power == 1 {
				c[i*n+j] = math.Abs(dx) + math.Abs(dy)
			} else {
				c[i*n+j] = dx*dx + dy*dy
			}
		}
	}
	return c
}

// The paper's problems at n = 500, η = 1/ε = 1200, to machine precision; there 20 sweeps
// and 9 Newton steps for the first.
func TestNewtonRandomAssignment(t *testing.T) {
	const n = 500
	c := uniformCost(n)
	r, err := SinkhornNewton(t.Context(), c, n, n, nil, nil, NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: 1. / 1200, Tol: 1e-12}})
	require.NoError(t, err)
	require.Equal(t, SinkhornConverged, r.Status)
	assert.Equal(t, 20, r.Iterations)
	assert.LessOrEqual(t, r.Newton, 9)
	assert.Less(t, r.MarginalError, 1e-12)
	// Its potentials are a fixed point of Sinkhorn's own iteration, which says so.
	again, err := Sinkhorn(t.Context(), c, n, n, nil, nil, SinkhornOptions{Epsilon: 1. / 1200, Tol: 1e-11, F: r.F, G: r.G})
	require.NoError(t, err)
	assert.Equal(t, SinkhornConverged, again.Status)
	assert.Equal(t, 1, again.Iterations)
	assert.InDelta(t, again.RegCost, r.RegCost, 1e-13) // of second order in the error
	// Duality certifies both.
	w := make([]float64, n)
	floats.AddConst(1./n, w)
	assert.InDelta(t, primal(&r.SinkhornResult, c, w, w, 1./1200, 0), r.RegCost, 1e-13)
}

func TestNewtonImages(t *testing.T) {
	const side = 14 // the benchmark has the paper's 28
	for _, power := range []float64{2, 1} {
		a, b, c := images(side, power)
		o := NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: 1. / 1200, Tol: 1e-12}, Sweeps: 50}
		r, err := SinkhornNewton(t.Context(), c, side*side, side*side, a, b, o)
		require.NoError(t, err)
		t.Logf("power %v: %v after %d sweeps, %d Newton steps, %d CG: error %.2g", power, r.Status, r.Iterations, r.Newton, r.CG, r.MarginalError)
		require.Equal(t, SinkhornConverged, r.Status)
		assert.InDelta(t, primal(&r.SinkhornResult, c, a, b, 1./1200, 0), r.RegCost, 1e-12)
	}
}

// The gradient and the Hessian by finite differences: a full Newton step dg makes the
// gradient's derivative along dg its negative.
func TestNewtonDerivatives(t *testing.T) {
	const n, m, eps = 13, 9, 0.1
	c := uniformCost(n)[:n*m]
	a, b := make([]float64, n), make([]float64, m)
	for i := range a {
		a[i] = float64(1 + i%3)
	}
	for j := range b {
		b[j] = float64(1 + j%2)
	}
	a[3], b[4] = 0, 0
	floats.Scale(1/floats.Sum(a), a)
	floats.Scale(1/floats.Sum(b), b)
	o := NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: eps, Tol: 1e-20}, Density: 1}
	p, err := newEntropic(newDense(c, n, m, 1), a, b, o.SinkhornOptions)
	require.NoError(t, err)
	s := newNewton(p, o)
	z := normals(1, m)
	floats.Scale(eps, z)
	at := func(g []float64) *newtonState {
		copy(s.state.g, g)
		require.NoError(t, s.eval(t.Context(), &s.state))
		return &s.state
	}
	set := &fd.Settings{Formula: fd.Central, Step: 1e-5}
	num := fd.Gradient(nil, func(g []float64) float64 { return at(g).dual }, z, set)
	grad := append([]float64(nil), at(z).grad...)
	assert.InDeltaSlice(t, num, grad, 1e-7) // h²/ε² and rounding 1e-16/h
	for i, w := range a {                   // f is the best for g
		assert.InDelta(t, w, floats.Sum(s.state.plan[i*m:(i+1)*m]), 1e-15)
	}
	require.Greater(t, floats.Norm(grad, 1), 0.1)

	s.state.err = 1e-8 // solve to 1e-8
	s.hessian.build(s.state.plan, n, m, n*m)
	s.solve()
	dg := append([]float64(nil), s.dg...)
	assert.InDelta(t, 0, floats.Sum(dg), 1e-12) // rounding
	assert.Less(t, s.defect(), 1e-7)            // of the whole Hessian, solved to 1e-8
	s.hessian.build(s.state.plan, n, m, n*m/3)
	s.solve()
	want := 0.0 // |∇D - M dg/ε|₁ term by term
	for j := range m {
		v := s.state.grad[j] - s.state.cols[j]*s.dg[j]/eps
		for i, w := range a {
			for l := range m {
				if w > 0 {
					v += s.state.plan[i*m+j] / w * s.state.plan[i*m+l] * s.dg[l] / eps
				}
			}
		}
		want += math.Abs(v)
	}
	assert.Greater(t, want, 0.01*floats.Norm(s.state.grad, 1))
	assert.InEpsilon(t, want, s.defect(), 1e-10) // rounding
	h := 1e-4
	g := make([]float64, m)
	plus := append([]float64(nil), at(floats.AddScaledTo(g, z, h, dg)).grad...)
	minus := append([]float64(nil), at(floats.AddScaledTo(g, z, -h, dg)).grad...)
	floats.Sub(plus, minus)
	floats.Scale(-1/(2*h), plus)
	assert.InDeltaSlice(t, grad, plus, 1e-6) // h²·(dg/ε)³
}

// The sparse product is that of the k largest entries, with the ties of their class.
func TestSparsePlan(t *testing.T) {
	const n, m = 7, 5
	plan := make([]float64, n*m)
	for i, v := range normals(1, n*m) {
		plan[i] = math.Exp(3 * v)
	}
	plan[3] = 0
	diag, rows, x := normals(2, m), normals(4, n), normals(3, m)
	var s sparsePlan
	for _, k := range []int{1, 4 * n * m / 5, 10, n * m, 5} { // each build starts from the last floor, for the second too high
		s.build(plan, n, m, k)
		want := make([]float64, m)
		floats.MulTo(want, diag, x)
		kept, least, dropped := 0, math.Inf(1), 0.0
		full := make([]float64, n*m)
		for i := range n {
			for e := s.start[i]; e < s.start[i+1]; e++ {
				full[i*m+int(s.col[e])] = s.val[e]
				kept++
				least = min(least, s.val[e])
			}
		}
		for e, v := range full {
			i := e / m
			want[e%m] -= v / rows[i] * floats.Dot(full[i*m:(i+1)*m], x)
			if v == 0 {
				dropped = max(dropped, plan[e])
			} else {
				require.Equal(t, plan[e], v)
			}
		}
		assert.Equal(t, min(k, n*m-1), kept) // the 0 is never kept
		assert.Less(t, dropped, least*1.0625)
		got := make([]float64, m)
		s.mul(got, x, rows, diag)
		assert.InDeltaSlice(t, want, got, 1e-13*floats.Norm(want, 2)) // rounding
	}
}

func TestNewtonEnds(t *testing.T) {
	c := uniformCost(50)
	o := NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: 1e-3, MaxIter: 2, Tol: 1e-12}}
	r, err := SinkhornNewton(t.Context(), c, 50, 50, nil, nil, o)
	require.NoError(t, err)
	assert.Equal(t, SinkhornIterationLimit, r.Status)
	assert.Equal(t, 2, r.Newton)
	o.Tol, o.MaxIter = 1e-30, 0
	r, err = SinkhornNewton(t.Context(), c, 50, 50, nil, nil, o)
	require.NoError(t, err)
	assert.Equal(t, SinkhornStalled, r.Status)
	assert.Less(t, r.MarginalError, 1e-10) // what rounding leaves of potentials of 1,000 ε
	assert.Panics(t, func() { _, _ = SinkhornNewton(t.Context(), c, 50, 50, nil, nil, NewtonOptions{Density: 2}) })
}
