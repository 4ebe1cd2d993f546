package metric

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// transported solves and certifies a transportation problem.
func transported(t *testing.T, a, b []float64, cost Cost) *Plan {
	t.Helper()
	p, err := Transport(a, b, cost, TransportOptions{})
	require.NoError(t, err)
	assert.Equal(t, Optimal, p.Status)
	certified(t, p, a, b, cost)
	return p
}

// integerWeights returns n weights, some of them 0, of the given sum.
func integerWeights(i uint64, n, sum int) []float64 {
	rng := stream.New().At(5, stream.Test, i, 0)
	w := make([]float64, n)
	for range sum {
		w[rng.IntN(n)]++
	}
	return w
}

// A problem with integer weights is an assignment between as many copies of each
// source and target.
func TestTransportIsAssignmentOfCopies(t *testing.T) {
	for rep := range uint64(60) {
		n, m, sum := 1+int(rep%7), 1+int(rep%5), 8
		if rep >= 50 {
			n, m, sum = 60+int(rep), 150, 400
		}
		a, b := integerWeights(2*rep, n, sum), integerWeights(2*rep+1, m, sum)
		c := randomCosts(rep, n, m, int(rep%4))
		var copies []float64
		for i, w := range a {
			for range int(w) {
				for j, v := range b {
					copies = append(copies, slices.Repeat(c[i*m+j:i*m+j+1], int(v))...)
				}
			}
		}
		want := assigned(t, sum, MatrixCost(copies, sum)).Cost * float64(sum)
		for _, scale := range []float64{1, 1. / 3, 1e-200, 1e200} {
			u, v := slices.Clone(a), slices.Clone(b)
			floats.Scale(scale, u)
			floats.Scale(scale, v)
			p := transported(t, u, v, MatrixCost(c, m))
			assert.InDelta(t, want, p.Cost/scale, 1e-12*float64(sum)) // rounding of masses and sums
		}
	}
}

// On the line the quantile coupling is optimal for every p ≥ 1.
func TestTransportOnTheLine(t *testing.T) {
	for _, c := range []struct{ n, m int }{{1, 1}, {1, 7}, {30, 20}, {300, 200}, {211, 307}} {
		x, y := normals(0, c.n), normals(1, c.m)
		for _, p := range []float64{1, 2, 3} {
			want, err := Wasserstein1D(x, y, p)
			require.NoError(t, err)
			got := transported(t, equalWeights(c.n), equalWeights(c.m), PowerCost(x, y, 1, p))
			assert.InEpsilon(t, want.Value, math.Pow(got.Cost, 1/p), 1e-12) // rounding of 500 terms
		}
	}
}

// The closed form for two Gaussians' quantiles at n = 100,000, x and a + bx:
// W2² = a² + (b-1)²·mean x², for the mean of x is 0.
func TestLineClosedForm(t *testing.T) {
	const n, a, b = 100_000, 0.5, 1.7
	x, y := make([]float64, n), make([]float64, n)
	var square float64
	for i := range x {
		x[i] = math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/n-1)
		y[n-1-i] = a + b*x[i]
		square += x[i] * x[i] / n
	}
	v, err := Wasserstein1D(x, y, 2)
	require.NoError(t, err)
	assert.InEpsilon(t, math.Sqrt(a*a+(b-1)*(b-1)*square), v.Value, 1e-12) // rounding of the sums
	assert.InDelta(t, math.Hypot(a, b-1), v.Value, 1e-4)                   // mean x² is 1 - O(log n/n)
}

// Real weights in the plane, and histograms on a grid, where costs tie everywhere.
func TestTransportCertified(t *testing.T) {
	for name, c := range map[string]struct{ n, m int }{"square": {300, 300}, "wide": {40, 500}, "tall": {500, 30}} {
		t.Run(name, func(t *testing.T) {
			x, y := ring(0, c.n), gaussian(1, c.m, []float64{0, 0}, []float64{3, 3})
			a, b := randomCosts(0, c.n, 1, 0), randomCosts(1, c.m, 1, 0)
			floats.AddConst(1.001, a)
			floats.AddConst(1.001, b)
			b[0] += 1e4 // a heavy target, whose flows are many
			a[1] += 1e4
			floats.Scale(1/floats.Sum(a), a)
			floats.Scale(1/floats.Sum(b), b)
			p := transported(t, a, b, PowerCost(x, y, 2, 2))
			// A basic solution has n + m - 1 flows at most.
			assert.LessOrEqual(t, len(p.Flows), 2*(c.n+c.m))
			back := transported(t, b, a, PowerCost(y, x, 2, 2))
			assert.InEpsilon(t, p.Cost, back.Cost, 1e-12) // rounding
		})
	}
	const side = 16
	points := make([]float64, 0, 2*side*side)
	for i := range side * side {
		points = append(points, float64(i%side), float64(i/side))
	}
	a, b := integerWeights(0, side*side, 5000), integerWeights(1, side*side, 5000)
	for _, p := range []float64{1, 2} {
		transported(t, a, b, PowerCost(points, points, 2, p))
		assert.Zero(t, transported(t, a, a, PowerCost(points, points, 2, p)).Cost)
	}
	l1 := func(dst []float64, i int) {
		for j := range dst {
			dst[j] = math.Abs(points[2*i]-points[2*j]) + math.Abs(points[2*i+1]-points[2*j+1])
		}
	}
	transported(t, a, b, l1)
}

func TestTransportLimit(t *testing.T) {
	a, b := integerWeights(0, 20, 100), integerWeights(1, 20, 100)
	cost := MatrixCost(randomCosts(0, 20, 20, 0), 20)
	full := transported(t, a, b, cost)
	p, err := Transport(a, b, cost, TransportOptions{MaxIter: 5})
	require.NoError(t, err)
	assert.Equal(t, IterationLimit, p.Status)
	assert.Equal(t, "iteration limit", p.Status.String())
	assert.Equal(t, "optimal", full.Status.String())
	assert.Equal(t, 5, p.Iterations)
	c := p.Certificate(a, b, cost)
	assert.Less(t, c.Infeasibility, 1e-12) // rounding; the duals are feasible at any time
	assert.Positive(t, c.Marginal)
	assert.LessOrEqual(t, floats.Dot(a, p.U)+floats.Dot(b, p.V), full.Cost+1e-12) // weak duality
}

func TestTransportErrors(t *testing.T) {
	cost := MatrixCost(make([]float64, 4), 2)
	for _, c := range []struct {
		a, b []float64
		want string
	}{
		{nil, []float64{1}, "at least one source and one target"},
		{[]float64{1}, []float64{}, "at least one source and one target"},
		{[]float64{1, -1}, []float64{1, 1}, "the weight of source 1 is -1"},
		{[]float64{1, 1}, []float64{math.NaN(), 1}, "the weight of target 0 is NaN"},
		{[]float64{math.Inf(1), 1}, []float64{1, 1}, "the weight of source 0 is +Inf"},
		{[]float64{0, 0}, []float64{0, 0}, "sum to 0 and those of the targets to 0"},
		{[]float64{1, 1}, []float64{1, 1.1}, "the weights of the sources sum to 2 and those of the targets to 2.1; the sums must be positive, finite and agree to 1e-09"},
		{[]float64{1e308, 1e308}, []float64{1, 1}, "sum to +Inf"},
	} {
		_, err := Transport(c.a, c.b, cost, TransportOptions{})
		assert.ErrorContains(t, err, c.want)
	}
	_, err := Transport([]float64{1, 1}, []float64{1, 1}, MatrixCost([]float64{0, 0, 0, math.NaN()}, 2), TransportOptions{})
	assert.EqualError(t, err, "metric: the cost from source 1 to target 1 is NaN")
	p, err := Transport([]float64{1, 2}, []float64{1, 2 + 1e-10}, cost, TransportOptions{})
	require.NoError(t, err, "sums within the tolerance")
	assert.InDelta(t, 3, p.Flows[0].Mass+p.Flows[len(p.Flows)-1].Mass, 2)
	assert.Panics(t, func() { _, _ = Transport([]float64{1}, []float64{1}, cost, TransportOptions{MaxIter: -1}) })
	assert.Panics(t, func() { p.Certificate([]float64{1}, []float64{1}, cost) })
}

// A wrong plan and wrong duals must not be certified.
func TestCertificateSeesErrors(t *testing.T) {
	n := 10
	cost := MatrixCost(randomCosts(0, n, n, 0), n)
	w := equalWeights(n)
	p := transported(t, w, w, cost)
	p.U[3] += 0.1
	c := p.Certificate(w, w, cost)
	assert.Greater(t, c.Infeasibility, 0.05)
	p.U[3] -= 0.1
	p.Flows[0].To, p.Flows[1].To = p.Flows[1].To, p.Flows[0].To
	assert.Greater(t, p.Certificate(w, w, cost).Gap, 1e-6)
	p.Flows[0].To = p.Flows[1].To
	assert.InDelta(t, 0.1, p.Certificate(w, w, cost).Marginal, 1e-12) // one target has none
}

func BenchmarkTransport(b *testing.B) {
	for _, n := range []int{500, 1000, 2000} {
		x, y := ring(0, n), gaussian(1, n, []float64{0, 0}, []float64{3, 3})
		wx, wy := randomCosts(0, n, 1, 0), randomCosts(1, n, 1, 0)
		floats.AddConst(1.1, wx)
		floats.AddConst(1.1, wy)
		floats.Scale(1/floats.Sum(wx), wx)
		floats.Scale(1/floats.Sum(wy), wy)
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Transport(wx, wy, PowerCost(x, y, 2, 2), TransportOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
