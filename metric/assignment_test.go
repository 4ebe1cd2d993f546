package metric

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/combin"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// certified fails the test unless the plan proves itself optimal. 1e-9 is what users
// are promised; the solvers are at 1e-14, for they only add and subtract costs.
func certified(t *testing.T, p *Plan, a, b []float64, cost Cost) {
	t.Helper()
	c := p.Certificate(a, b, cost)
	assert.Less(t, max(c.Infeasibility, c.Gap, c.Marginal), 1e-12, "%+v", c)
	assert.True(t, slices.IsSortedFunc(p.Flows, func(f, g Flow) int {
		return (f.From-g.From)*len(b) + f.To - g.To
	}))
	for _, f := range p.Flows {
		assert.Positive(t, f.Mass)
	}
}

// assigned solves and certifies an assignment.
func assigned(t *testing.T, n int, cost Cost) *Assignment {
	t.Helper()
	a, err := Assign(n, cost)
	require.NoError(t, err)
	certified(t, a.Plan(), equalWeights(n), equalWeights(n), cost)
	return a
}

// randomCosts returns an n×m matrix of costs on [-1, 1), of levels values if that is
// not 0, so that ties abound.
func randomCosts(i uint64, n, m, levels int) []float64 {
	rng := stream.New().At(3, stream.Test, i, 0)
	c := make([]float64, n*m)
	for k := range c {
		c[k] = 2*rng.Float64() - 1
		if levels > 0 {
			c[k] = float64(rng.IntN(levels))
		}
	}
	return c
}

func TestAssignBruteForce(t *testing.T) {
	for n := 1; n <= 8; n++ {
		perms := combin.Permutations(n, n)
		for rep := range uint64(20) {
			c := randomCosts(rep, n, n, int(rep%5)) // 0, continuous, to 4 levels
			best := math.Inf(1)
			for _, p := range perms {
				var sum float64
				for i, j := range p {
					sum += c[i*n+j]
				}
				best = min(best, sum/float64(n))
			}
			a := assigned(t, n, MatrixCost(c, n))
			assert.InDelta(t, best, a.Cost, 1e-14) // sums of 8 terms of order 1
			p, err := Transport(equalWeights(n), equalWeights(n), MatrixCost(c, n), TransportOptions{})
			require.NoError(t, err)
			assert.InDelta(t, best, p.Cost, 1e-14)
			certified(t, p, equalWeights(n), equalWeights(n), MatrixCost(c, n))
		}
	}
}

// Large problems take the lists, the auction and the dense rows through their paces.
func TestAssignCertified(t *testing.T) {
	same := slices.Repeat([]float64{1, 2}, 150)
	grid := make([]float64, 0, 800)
	for i := range 400 {
		grid = append(grid, float64(i%20), float64(i/20))
	}
	for name, c := range map[string]struct {
		x, y []float64
		d    int
	}{
		"plane":     {ring(0, 700), gaussian(1, 700, []float64{0, 0}, []float64{3, 3}), 2},
		"line":      {normals(0, 400), normals(1, 400), 1},
		"d=64":      {normals(0, 64*200), normals(1, 64*200), 64},
		"collapsed": {same, gaussian(1, 150, []float64{0, 0}, []float64{1, 1}), 2},
		"all same":  {same, same, 2},
		"identical": {ring(0, 500), ring(0, 500), 2},
		"grid":      {grid, shuffled(grid, 2), 2},
		"rounded":   {gaussian(0, 200, []float64{1e8, 0}, []float64{1, 1}), normals(1, 400), 2}, // to even integers
		"far":       {gaussian(0, 200, []float64{1e6, 0}, []float64{1, 1}), normals(1, 400), 2},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []float64{1, 2, 2.5} {
				cost := PowerCost(c.x, c.y, c.d, p)
				a := assigned(t, len(c.x)/c.d, cost)
				switch name {
				case "line":
					w, err := Wasserstein1D(c.x, c.y, p)
					require.NoError(t, err)
					assert.InEpsilon(t, w.Value, math.Pow(a.Cost, 1/p), 1e-12) // rounding of 400 terms
				case "all same", "identical", "grid":
					assert.Zero(t, a.Cost)
				}
				again := assigned(t, len(c.x)/c.d, cost)
				assert.Equal(t, a, again)
			}
		})
	}
}

// ring returns n points of the target ring8.
func ring(i uint64, n int) []float64 {
	x := normals(i, 2*n)
	rng := stream.New().At(2, stream.Test, i, 0)
	for k := range n {
		sin, cos := math.Sincos(2 * math.Pi * float64(rng.IntN(8)) / 8)
		x[2*k], x[2*k+1] = 4*cos+0.3*x[2*k], 4*sin+0.3*x[2*k+1]
	}
	return x
}

// shuffled returns the points of x in another order.
func shuffled(x []float64, dim int) []float64 {
	out := make([]float64, 0, len(x))
	for _, i := range stream.New().At(4, stream.Test, 0, 0).Perm(len(x) / dim) {
		out = append(out, x[i*dim:(i+1)*dim]...)
	}
	return out
}

func TestAssignErrors(t *testing.T) {
	_, err := Assign(0, nil)
	assert.EqualError(t, err, "metric: transport needs at least one source and one target")
	_, err = Assign(2, MatrixCost([]float64{0, 1, math.NaN(), 0}, 2))
	assert.EqualError(t, err, "metric: the cost from source 1 to target 0 is NaN")
	_, err = Assign(2, MatrixCost([]float64{0, 1, 1, math.Inf(1)}, 2))
	assert.EqualError(t, err, "metric: the cost from source 1 to target 1 is +Inf")
	_, err = W2Exact([]float64{1e200, 0}, []float64{0, 0}, 2, Options{})
	assert.ErrorContains(t, err, "cost from source 0 to target 0 is +Inf")
	for _, f := range []func(){
		func() { MatrixCost(make([]float64, 5), 2) },
		func() { PowerCost(nil, nil, 0, 2) },
		func() { PowerCost(make([]float64, 3), nil, 2, 2) },
		func() { PowerCost(nil, nil, 2, 0) },
		func() { _, _ = WassersteinExact(nil, nil, 2, 0.5, Options{}) },
	} {
		assert.Panics(t, f)
	}
}

// W2 between samples of N(0, I) and N(δe₁, s²I) in the plane: the mean of W2² is the
// Bures distance and a bias between 0 and that of equal laws; the standard error is the
// spread that is seen. Equal sizes are assignments and unequal ones transports.
func TestWassersteinExactGaussians(t *testing.T) {
	const n, reps = 120, 150
	delta, s := 1.5, 1.5
	w2, err := BuresW2([]float64{0, 0}, []float64{1, 0, 0, 1}, []float64{delta, 0}, []float64{s * s, 0, 0, s * s})
	require.NoError(t, err)
	assert.InEpsilon(t, math.Sqrt(delta*delta+2*(s-1)*(s-1)), w2, 1e-14) // rounding
	for _, m := range []int{n, 100} {
		var null float64
		got := repeat(t, reps, w2*w2, func(rep uint64) (Value, error) {
			x := normals(3*rep, 2*n)
			v, err := W2Exact(x, gaussian(3*rep+1, m, []float64{delta, 0}, []float64{s, s}), 2, Options{})
			require.NoError(t, err)
			same, err := W2Exact(x, normals(3*rep+2, 2*m), 2, Options{})
			null += same.Value * same.Value / reps
			return Value{Value: v.Value * v.Value, StdErr: 2 * v.Value * v.StdErr}, err
		})
		bias := got.bias * math.Sqrt(1./reps) // in standard deviations of one estimate
		t.Logf("m = %d: bias %.3f sd, W2² of equal laws %.3f, ratio %.3f", m, bias, null, got.seRatio)
		assert.Greater(t, got.bias, -4.)                       // 4 standard errors below none
		assert.InDelta(t, 1, got.seRatio, 4/math.Sqrt(2*reps)) // 4 standard errors of a deviation
	}
}

// BenchmarkAssign is the peers' case ot: ring8 against N(0, 9 I), squared distance.
func BenchmarkAssign(b *testing.B) {
	for _, n := range []int{500, 1000, 2000, 5000} {
		x, y := ring(0, n), gaussian(1, n, []float64{0, 0}, []float64{3, 3})
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Assign(n, PowerCost(x, y, 2, 2)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
