package metric

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A line is a Gaussian law as weights on a grid. Sums of analytic functions that vanish
// at both ends are as good as their integrals, to rounding.
func gaussLine(n int, mean, std float64) (x, w []float64) {
	x, w = make([]float64, n), make([]float64, n)
	for i := range x {
		z := 18 * (float64(i)/float64(n-1) - 0.5)
		x[i], w[i] = mean+std*z, math.Exp(-z*z/2)
	}
	floats.Scale(1/floats.Sum(w), w)
	return x, w
}

// gaussianOT is the closed form of OT_ε between N(0, s²) and N(mu, t²) for |x - y|²: the
// best coupling is Gaussian, of the correlation r that minimises
//
//	mu² + s² + t² - 2 s t r - ε/2 log(1 - r²).
func gaussianOT(mu, s, t, eps float64) (reg, cost, r float64) {
	r = (math.Sqrt(eps*eps+16*s*s*t*t) - eps) / (4 * s * t)
	cost = mu*mu + s*s + t*t - 2*s*t*r
	return cost - eps/2*math.Log1p(-r*r), cost, r
}

func TestSinkhornGaussian(t *testing.T) {
	const mu, s, u = 0.7, 1.3, 0.6
	x, a := gaussLine(301, 0, s)
	y, b := gaussLine(257, mu, u)
	c, err := CostMatrix(x, y, 1, squared, 0)
	require.NoError(t, err)
	for _, eps := range []float64{0.3, 2} {
		reg, cost, r := gaussianOT(mu, s, u, eps)
		o := SinkhornOptions{Epsilon: eps, Tol: 1e-13}
		for name, solve := range map[string]func() (*SinkhornResult, error){
			"kernel": func() (*SinkhornResult, error) { return Sinkhorn(t.Context(), c, 301, 257, a, b, o) },
			"log": func() (*SinkhornResult, error) {
				o := o
				o.LogDomain = true
				return Sinkhorn(t.Context(), c, 301, 257, a, b, o)
			},
			"points": func() (*SinkhornResult, error) { return SinkhornPoints(t.Context(), x, y, 1, a, b, o) },
			"scaled": func() (*SinkhornResult, error) {
				o := o
				o.Scaling = 0.5
				return SinkhornPoints(t.Context(), x, y, 1, a, b, o)
			},
			"newton": func() (*SinkhornResult, error) {
				r, err := SinkhornNewton(t.Context(), c, 301, 257, a, b, NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: eps, Tol: 1e-12}, Density: 1})
				return &r.SinkhornResult, err
			},
		} {
			got, err := solve()
			require.NoError(t, err)
			require.Equal(t, SinkhornConverged, got.Status, name)
			// The Gaussian's tails beyond 9 deviations, 1e-17 of costs of 100, and rounding.
			assert.InDelta(t, reg, got.RegCost, 1e-11, name)
			assert.InDelta(t, cost, got.Cost, 1e-11, name)
			// E[y | x] = mu + r u/s x.
			bary := make([]float64, 301)
			require.NoError(t, got.Barycentric(t.Context(), bary, y, 1))
			for i := 80; i < 220; i++ {
				assert.InDelta(t, mu+r*u/s*x[i], bary[i], 1e-8, name) // the grid ends at 9 deviations
			}
			row, sum := make([]float64, 257), 0.0
			for i := range x {
				got.PlanRow(row, i)
				sum += math.Abs(floats.Sum(row) - a[i])
			}
			assert.Less(t, sum, 2e-12, name) // Tol and rounding
		}
	}
}

// The kernel and the points give the iterates of the log domain, balanced or not, with
// points of weight 0, through absorptions and descents of ε.
func TestSinkhornForms(t *testing.T) {
	const n, m = 90, 70
	x, y := peerRing(1, n), gaussian(2, m, []float64{1, 0}, []float64{3, 2})
	c, err := CostMatrix(x, y, 2, squared, 0)
	require.NoError(t, err)
	a, b := make([]float64, n), make([]float64, m)
	for i := range a {
		a[i] = float64(i % 4)
	}
	for j := range b {
		b[j] = float64(1 + j%3)
	}
	b[0] = 0
	floats.Scale(1/floats.Sum(a), a)
	floats.Scale(1/floats.Sum(b), b)
	for _, o := range []SinkhornOptions{
		{Epsilon: 5}, {Epsilon: 0.05, MaxIter: 300}, {Epsilon: 0.05, Rho: 3},
		{Epsilon: 0.02, Scaling: 0.5, MaxIter: 1000}, {Epsilon: 1, Rho: 0.5, Scaling: 0.5},
	} {
		o.Tol = 1e-11
		got, err := Sinkhorn(t.Context(), c, n, m, a, b, o)
		require.NoError(t, err)
		o.LogDomain = true
		want, err := Sinkhorn(t.Context(), c, n, m, a, b, o)
		require.NoError(t, err)
		pts, err := SinkhornPoints(t.Context(), x, y, 2, a, b, o)
		require.NoError(t, err)
		for _, got := range []*SinkhornResult{got, pts} {
			require.Equal(t, want.Status, got.Status)
			if want.Status != SinkhornConverged {
				if got == pts && o.Scaling > 0 {
					continue // the descent starts from a bound of the costs
				}
				for i := range want.F { // those of weight 0 are a step ahead
					if a[i] == 0 {
						want.F[i] = got.F[i]
					}
				}
			}
			if got != pts {
				require.InDelta(t, want.Iterations, got.Iterations, 1) // rounding may decide at Tol
			}
			// Rounding of costs of 100 in hundreds of iterations, and the step of one.
			assert.InDeltaSlice(t, want.F, got.F, 1e-9, o)
			assert.InDeltaSlice(t, want.G, got.G, 1e-9, o)
			assert.InDelta(t, want.RegCost, got.RegCost, 1e-11, o)
			assert.InDelta(t, want.Cost, got.Cost, 1e-9, o)
		}
	}
}

// primal computes the regularised objective of a result's plan from its definition.
func primal(r *SinkhornResult, c, a, b []float64, eps, rho float64) float64 {
	n, m := len(a), len(b)
	kl := func(p, q float64) float64 {
		if p == 0 {
			return q
		}
		return p*math.Log(p/q) - p + q
	}
	row, cols := make([]float64, m), make([]float64, m)
	sum := 0.0
	for i := range n {
		r.PlanRow(row, i)
		floats.Add(cols, row)
		for j, p := range row {
			sum += p*c[i*m+j] + eps*kl(p, a[i]*b[j])
		}
		if rho > 0 {
			sum += rho * kl(floats.Sum(row), a[i])
		}
	}
	for j, p := range cols {
		if rho > 0 {
			sum += rho * kl(p, b[j])
		}
	}
	return sum
}

// Equal primal and dual objectives certify the solution of a convex problem.
func TestSinkhornDuality(t *testing.T) {
	const n, m = 40, 30
	x, y := normals(1, 2*n), gaussian(2, m, []float64{1, 0}, []float64{2, 1})
	c, err := CostMatrix(x, y, 2, func(x, y []float64) float64 { return floats.Distance(x, y, 1) }, 0)
	require.NoError(t, err)
	a, b := make([]float64, n), make([]float64, m)
	for i := range a {
		a[i] = float64(1+i%5) / 120
	}
	for j := range b {
		b[j] = float64(1+j%2) / 45
	}
	for _, rho := range []float64{0, 0.3, 20} {
		if rho > 0 {
			floats.Scale(1.7, b) // masses may differ
		}
		r, err := Sinkhorn(t.Context(), c, n, m, a, b, SinkhornOptions{Epsilon: 0.2, Rho: rho, Tol: 1e-13})
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, r.Status)
		assert.InDelta(t, primal(r, c, a, b, 0.2, rho), r.RegCost, 1e-12) // Tol times potentials of 10
	}
	// Two single points: the mass p solves c + ε log(p/ab) + ρ log(p/a) + ρ log(p/b) = 0.
	const eps, rho, aa, bb, cc = 0.5, 2.0, 0.7, 1.9, 3.0
	r, err := Sinkhorn(t.Context(), []float64{cc}, 1, 1, []float64{aa}, []float64{bb}, SinkhornOptions{Epsilon: eps, Rho: rho, Tol: 1e-15})
	require.NoError(t, err)
	row := make([]float64, 1)
	r.PlanRow(row, 0)
	assert.InEpsilon(t, math.Exp(((eps+rho)*math.Log(aa*bb)-cc)/(eps+2*rho)), row[0], 1e-14) // rounding
}

func TestSinkhornWorkers(t *testing.T) {
	const n = 400
	x, y := peerRing(1, n), gaussian(2, n, []float64{0, 0}, []float64{3, 3})
	c, err := CostMatrix(x, y, 2, squared, 0)
	require.NoError(t, err)
	run := func(w int) []float64 {
		var out []float64
		o := SinkhornOptions{Epsilon: 0.2, MaxIter: 60, Workers: w}
		for _, o.LogDomain = range []bool{true, false} {
			r, err := Sinkhorn(t.Context(), c, n, n, nil, nil, o)
			require.NoError(t, err)
			out = append(append(append(out, r.F...), r.G...), r.Cost, r.RegCost, r.MarginalError)
		}
		r, err := SinkhornPoints(t.Context(), x, y, 2, nil, nil, o)
		require.NoError(t, err)
		out = append(append(append(out, r.F...), r.G...), r.Cost, r.RegCost, r.MarginalError)
		nr, err := SinkhornNewton(t.Context(), c, n, n, nil, nil, NewtonOptions{SinkhornOptions: SinkhornOptions{Epsilon: 0.2, MaxIter: 3, Workers: w}})
		require.NoError(t, err)
		out = append(append(append(out, nr.F...), nr.G...), nr.Cost, nr.MarginalError)
		d, err := Divergence(t.Context(), x, y, 2, nil, nil, o)
		require.NoError(t, err)
		grad := make([]float64, 2*n)
		require.NoError(t, d.Gradients(t.Context(), grad, nil))
		return append(append(out, d.Value), grad...)
	}
	want := run(1)
	for _, w := range []int{2, 7} {
		assert.Equal(t, want, run(w))
	}
}

// A start at the solution is confirmed by one iteration, and a descent of ε leads to the
// same solution. The smallest ε underflows every kernel: exp(-c/ε) is 0 but for c < ε·745.
func TestSinkhornStarts(t *testing.T) {
	const n = 60
	x, y := peerRing(1, n), gaussian(2, n, []float64{0, 0}, []float64{3, 3})
	c, err := CostMatrix(x, y, 2, squared, 0)
	require.NoError(t, err)
	for _, eps := range []float64{3, 0.5} {
		o := SinkhornOptions{Epsilon: eps, MaxIter: 30_000, Tol: 1e-8, Scaling: 0.5}
		scaled, err := Sinkhorn(t.Context(), c, n, n, nil, nil, o)
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, scaled.Status)
		assert.InDelta(t, scaled.Cost, scaled.RegCost, eps*math.Log(n)+1e-6) // 0 ≤ KL ≤ log n, and Tol
		o.Scaling, o.F, o.G = 0, scaled.F, scaled.G
		warm, err := Sinkhorn(t.Context(), c, n, n, nil, nil, o)
		require.NoError(t, err)
		assert.Equal(t, 1, warm.Iterations)
		assert.InDelta(t, scaled.Cost, warm.Cost, 1e-6) // Tol times costs of 100
		o.F, o.G = nil, nil
		cold, err := Sinkhorn(t.Context(), c, n, n, nil, nil, o)
		require.NoError(t, err)
		require.Equal(t, SinkhornConverged, cold.Status)
		assert.InDelta(t, scaled.Cost, cold.Cost, 1e-6)
	}
	// Sinkhorn converges slowly here, but each iteration raises the dual objective, which
	// stays below the cost of any pairing, and no infinities arise.
	pairing := 0.0
	for i := range n {
		pairing += c[i*n+i] / n
	}
	for _, logDomain := range []bool{true, false} {
		last := math.Inf(-1)
		for _, limit := range []int{1, 2, 10, 100, 1000} {
			r, err := Sinkhorn(t.Context(), c, n, n, nil, nil, SinkhornOptions{Epsilon: 1e-3, MaxIter: limit, LogDomain: logDomain})
			require.NoError(t, err)
			assert.Equal(t, SinkhornIterationLimit, r.Status)
			assert.Greater(t, r.RegCost, last)
			last = r.RegCost
		}
		assert.Less(t, last, pairing+1e-3*math.Log(n)) // KL ≤ log n
	}
}

func TestSinkhornEnds(t *testing.T) {
	c := []float64{0, 1, 2, 0}
	ok := SinkhornOptions{Epsilon: 0.1}
	for want, f := range map[string]func() error{
		"metric: the weights a sum to 0.9 and not to 1": func() error {
			_, err := Sinkhorn(t.Context(), c, 2, 2, []float64{0.5, 0.4}, nil, ok)
			return err
		},
		"metric: weight 1 of b is -0.5": func() error {
			_, err := Sinkhorn(t.Context(), c, 2, 2, nil, []float64{1.5, -0.5}, ok)
			return err
		},
		"metric: weight 0 of a is NaN": func() error {
			_, err := Sinkhorn(t.Context(), c, 2, 2, []float64{math.NaN(), 1}, nil, ok)
			return err
		},
		"metric: the weights a sum to 0": func() error {
			_, err := Sinkhorn(t.Context(), c, 2, 2, []float64{0, 0}, nil, SinkhornOptions{Epsilon: 1, Rho: 1})
			return err
		},
		"metric: cost (1, 0) is +Inf": func() error {
			_, err := Sinkhorn(t.Context(), []float64{0, 1, math.Inf(1), 0}, 2, 2, nil, nil, ok)
			return err
		},
		"metric: ε = 1e-16 is too small: costs are up to 2e+16 ε, of which float64 keeps no fraction": func() error {
			_, err := Sinkhorn(t.Context(), c, 2, 2, nil, nil, SinkhornOptions{Epsilon: 1e-16})
			return err
		},
		"metric: sample y is empty": func() error {
			_, err := SinkhornPoints(t.Context(), c, nil, 2, nil, nil, ok)
			return err
		},
	} {
		assert.EqualError(t, f(), want)
	}
	for _, o := range []SinkhornOptions{{}, {Epsilon: -1}, {Epsilon: math.NaN()}, {Epsilon: 1, Scaling: 1}, {Epsilon: 1, Rho: -1}, {Epsilon: 1, F: c}} {
		assert.Panics(t, func() { _, _ = Sinkhorn(t.Context(), c, 2, 2, nil, nil, o) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x, y := normals(1, 100), gaussian(2, 50, []float64{4, 0}, []float64{1, 1})
	for _, logDomain := range []bool{false, true} {
		cost, err := CostMatrix(x, y, 2, squared, 0)
		require.NoError(t, err)
		o := SinkhornOptions{Epsilon: 0.05, MaxIter: 7, LogDomain: logDomain}
		r, err := Sinkhorn(t.Context(), cost, 50, 50, nil, nil, o)
		require.NoError(t, err)
		assert.Equal(t, SinkhornIterationLimit, r.Status)
		assert.Equal(t, 7, r.Iterations)
		assert.Greater(t, r.MarginalError, 1e-9)
		r, err = Sinkhorn(ctx, cost, 50, 50, nil, nil, o)
		require.NoError(t, err)
		assert.Equal(t, SinkhornCancelled, r.Status)
		assert.True(t, math.IsNaN(r.Cost) && math.IsNaN(r.MarginalError))
	}
	assert.Equal(t, "converged iteration limit cancelled stalled SinkhornStatus(9)",
		fmt.Sprint(SinkhornConverged, " ", SinkhornIterationLimit, " ", SinkhornCancelled, " ", SinkhornStalled, " ", SinkhornStatus(9)))
}

// The blocks of a cloud must hold every point once, within their boxes.
func TestCloud(t *testing.T) {
	for _, dim := range []int{1, 2, 5} {
		x := normals(3, 1000*dim)
		copy(x[:300*dim], make([]float64, 300*dim)) // many equal points
		c := newCloud(x, dim)
		perm := slices.Clone(c.perm)
		slices.Sort(perm)
		for i, p := range perm {
			require.Equal(t, i, p)
		}
		for b := range c.blocks() {
			require.LessOrEqual(t, c.start[b+1]-c.start[b], cloudLeaf)
			for k := c.start[b]; k < c.start[b+1]; k++ {
				require.Equal(t, x[c.perm[k]*dim:(c.perm[k]+1)*dim], c.x[k*dim:(k+1)*dim])
				for j, v := range c.x[k*dim : (k+1)*dim] {
					require.True(t, v >= c.lo[b*dim+j] && v <= c.hi[b*dim+j])
				}
			}
		}
		// The gap of two blocks bounds their distances, and is the least of them on a line.
		for b := range c.blocks() {
			for e := range c.blocks() {
				least := math.Inf(1)
				for i := c.start[b]; i < c.start[b+1]; i++ {
					for j := c.start[e]; j < c.start[e+1]; j++ {
						least = min(least, squared(c.x[i*dim:(i+1)*dim], c.x[j*dim:(j+1)*dim]))
					}
				}
				gap := c.gap(b, c, e)
				require.LessOrEqual(t, gap, least*(1+1e-14)) // rounding
				if dim == 1 && b != e {
					require.InDelta(t, least, gap, 1e-14)
				}
			}
		}
		for i := range 1000 {
			assert.LessOrEqual(t, floats.Distance(x[:dim], x[i*dim:(i+1)*dim], 2), math.Sqrt(c.reach(c)))
		}
	}
}

// What is left out of the sums must not show: here whole blocks are far away, and others
// are within the bound.
func TestTruncation(t *testing.T) {
	const n = 1200
	x, y := peerRing(1, n), gaussian(2, n, []float64{0, 0}, []float64{3, 3})
	g := newPoints(newCloud(x, 2), newCloud(y, 2), 0)
	c, err := CostMatrix(x, y, 2, squared, 0)
	require.NoError(t, err)
	h := normals(4, n)
	for _, eps := range []float64{0.01, 0.1, 1, 100} {
		got, gotY := make([]float64, n), make([]float64, n)
		mean := &means{cost: make([]float64, n), point: make([]float64, 2*n)}
		require.NoError(t, g.rows(t.Context(), got, h, eps, mean))
		require.NoError(t, g.cols(t.Context(), gotY, h, eps))
		term := make([]float64, n)
		for i := range n {
			for j := range term {
				term[j] = h[j] - c[i*n+j]/eps
			}
			// Rounding of a logit of the size of c/ε.
			scale := 1e-15 * (10 + floats.Norm(term, math.Inf(1)))
			require.InDelta(t, floats.LogSumExp(term), got[i], scale)
			l := floats.LogSumExp(term)
			var cost, p0 float64
			for j, v := range term {
				cost += math.Exp(v-l) * c[i*n+j]
				p0 += math.Exp(v-l) * y[2*j]
			}
			require.InDelta(t, cost, mean.cost[i], 100*scale)
			require.InDelta(t, p0, mean.point[2*i], 100*scale)
			if i < 200 {
				for j := range term {
					term[j] = h[j] - c[j*n+i]/eps
				}
				require.InDelta(t, floats.LogSumExp(term), gotY[i], scale)
			}
		}
	}
}

// A limit within the descent of ε still reports a plan of the ε asked for: its mass is 1,
// since the last update meets the second marginal, and its error is that of the first.
func TestLimitInTheDescent(t *testing.T) {
	const n = 60
	x, y := make([]float64, 2*n), make([]float64, 2*n)
	src := stream.New()
	src.Normals(x, 5, stream.Test, 0, 0)
	src.Normals(y, 5, stream.Test, 0, 1)
	c, err := CostMatrix(x, y, 2, SquaredEuclidean().Value, 1)
	require.NoError(t, err)
	r, err := Sinkhorn(context.Background(), c, n, n, nil, nil, SinkhornOptions{Epsilon: 1e-3, Scaling: 0.5, MaxIter: 5})
	require.NoError(t, err)
	assert.Equal(t, SinkhornIterationLimit, r.Status)
	mass, gap := 0.0, 0.0
	row := make([]float64, n)
	for i := range n {
		r.PlanRow(row, i)
		sum := 0.0
		for _, p := range row {
			sum += p
		}
		mass += sum
		gap += math.Abs(sum - 1./n)
	}
	assert.InDelta(t, 1, mass, 1e-9)
	assert.InDelta(t, gap, r.MarginalError, 1e-9)
	assert.False(t, math.IsInf(r.Cost, 0) || math.IsNaN(r.Cost))
}
