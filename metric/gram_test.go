package metric

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// bruteGram is the definition of a gram.
func bruteGram(x, y []float64, dim int, k func(r float64) float64) *gram {
	n, m := len(x)/dim, len(y)/dim
	g := &gram{make([]float64, n), make([]float64, n), make([]float64, m), make([]float64, m), 0, 0, 0}
	add := func(row []float64, sq *float64, a, b []float64, skip bool) {
		for i := range row {
			for j := range len(b) / dim {
				if skip && i == j {
					continue
				}
				v := k(floats.Distance(a[i*dim:(i+1)*dim], b[j*dim:(j+1)*dim], 2))
				row[i] += v
				*sq += v * v
			}
		}
	}
	var twice float64
	add(g.xx, &g.sqXX, x, x, true)
	add(g.yy, &g.sqYY, y, y, true)
	add(g.xy, &g.sqXY, x, y, false)
	add(g.yx, &twice, y, x, false)
	return g
}

// bruteNullErr is NullErr with each g² the mean square of the kernel's entries less
// their row and column means.
func bruteNullErr(x, y []float64, dim int, k func(r float64) float64) float64 {
	g2 := func(a, b []float64, skip int) float64 { // skip = 1 leaves out the diagonal
		n, m := len(a)/dim, len(b)/dim
		rows, cols, all := make([]float64, n), make([]float64, m), 0.
		entry := func(i, j int) float64 { return k(floats.Distance(a[i*dim:(i+1)*dim], b[j*dim:(j+1)*dim], 2)) }
		each := func(f func(i, j int)) {
			for i := range n {
				for j := range m {
					if skip == 0 || i != j {
						f(i, j)
					}
				}
			}
		}
		pairs := float64(n * (m - skip))
		each(func(i, j int) {
			v := entry(i, j)
			rows[i] += v / float64(m-skip)
			cols[j] += v / float64(n-skip)
			all += v / pairs
		})
		var sum float64
		each(func(i, j int) {
			v := entry(i, j) - rows[i] - cols[j] + all
			sum += v * v / pairs
		})
		return sum
	}
	n, m := float64(len(x)/dim), float64(len(y)/dim)
	return math.Sqrt(2*g2(x, x, 1)/(n*(n-1)) + 2*g2(y, y, 1)/(m*(m-1)) + 4*g2(x, y, 0)/(n*m))
}

func TestGramAgainstDefinition(t *testing.T) {
	// 700 and 300 points make blocks of 256, 188 and 44 rows.
	for _, c := range []struct{ n, m, d int }{{2, 2, 1}, {2, 3, 2}, {50, 30, 5}, {700, 300, 2}, {300, 700, 3}} {
		x := normals(0, c.n*c.d)
		y := gaussian(1, c.m, slices.Repeat([]float64{0.5}, c.d), slices.Repeat([]float64{2}, c.d))
		for name, k := range map[string]func(float64) float64{
			"energy": func(r float64) float64 { return -r },
			"mmd":    func(r float64) float64 { return math.Exp(-r * r / 2) },
		} {
			want := bruteGram(x, y, c.d, k)
			got := newGram(x, y, c.d, Options{Workers: 3}, func(r2 []float64) {
				for j, v := range r2 {
					r2[j] = k(math.Sqrt(v))
				}
			})
			where := fmt.Sprintf("%s %+v", name, c)
			near := func(want, got []float64) {
				t.Helper()
				// Rounding of sums of 700 terms, relative to the largest.
				assert.InDeltaSlice(t, want, got, 1e-13*floats.Norm(want, math.Inf(1)), where)
			}
			near(want.xx, got.xx)
			near(want.xy, got.xy)
			near(want.yy, got.yy)
			near(want.yx, got.yx)
			assert.InEpsilonSlice(t, []float64{want.sqXX, want.sqYY, want.sqXY},
				[]float64{got.sqXX, got.sqYY, got.sqXY}, 1e-12, where)

			u, err := got.value()
			require.NoError(t, err)
			n, m := float64(c.n), float64(c.m)
			direct := floats.Sum(want.xx)/(n*(n-1)) + floats.Sum(want.yy)/(m*(m-1)) - 2*floats.Sum(want.xy)/(n*m)
			assert.InEpsilon(t, direct, u.Value, 1e-12, where) // rounding
			assert.Equal(t, [2]int{c.n, c.m}, [2]int{u.NX, u.NY})
			if min(c.n, c.m) >= 300 {
				// Estimates of the same variances that differ by terms of order 1/n.
				assert.InEpsilon(t, bruteNullErr(x, y, c.d, k), u.NullErr, 0.02, where)
			}
		}
	}
}

// The O(n log n) sums must be those of the definition, with ties and far from 0.
func TestLineGram(t *testing.T) {
	for _, shift := range []float64{0, 1e6} {
		x, y := normals(0, 200), gaussian(1, 90, []float64{0.5}, []float64{2})
		x[3], x[4], y[5], y[6] = 1, 1, 1, -2
		for i := range x {
			x[i] += shift
		}
		for i := range y {
			y[i] += shift
		}
		want := bruteGram(sorted(x), sorted(y), 1, func(r float64) float64 { return -r })
		got := lineGram(x, y)
		// The points themselves are rounded to 1e-16·shift when moved.
		eps := 1e-13 + 1e-15*shift
		assert.InEpsilonSlice(t, want.xx, got.xx, eps)
		assert.InEpsilonSlice(t, want.xy, got.xy, eps)
		assert.InEpsilonSlice(t, want.yy, got.yy, eps)
		assert.InEpsilonSlice(t, want.yx, got.yx, eps)
		assert.InEpsilonSlice(t, []float64{want.sqXX, want.sqYY, want.sqXY}, []float64{got.sqXX, got.sqYY, got.sqXY}, eps)
	}
}

// Each point is in the subset with probability k/n, and each pair with its own.
func TestSubset(t *testing.T) {
	const n, k, reps = 10, 4, 20_000
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i)
	}
	var single [n]float64
	var pairs [n * n]float64
	for seed := range uint64(reps) {
		s := subset(x, 1, k, seed, useSubset, 0)
		require.Len(t, s, k)
		require.True(t, slices.IsSorted(s))
		for i, a := range s {
			single[int(a)]++
			for _, b := range s[i+1:] {
				pairs[int(a)*n+int(b)]++
			}
		}
	}
	check := func(count, p float64) {
		// 5 standard errors; 55 checks: false alarm 3e-5.
		assert.InDelta(t, p*reps, count, 5*math.Sqrt(reps*p*(1-p)))
	}
	for i := range n {
		check(single[i], k/float64(n))
		for j := i + 1; j < n; j++ {
			check(pairs[i*n+j], k*(k-1)/float64(n*(n-1)))
		}
	}
	assert.NotEqual(t, subset(x, 1, k, 7, useSubset, 0), subset(x, 1, k, 7, useSubset, 1))
	assert.Equal(t, []float64{0, 1, 2, 3}, subset(x[:8], 2, 4, 7, useSubset, 0)[:4]) // nothing to cut
	assert.Equal(t, x, subset(x, 1, -1, 7, useSubset, 0))
}

// The same law at a subset of the points: capping keeps the estimate unbiased.
func TestCap(t *testing.T) {
	x, y := normals(0, 2000), gaussian(1, 2000, []float64{1, 0}, []float64{1, 1})
	all, err := Energy(x, y, 2, Options{MaxPoints: -1})
	require.NoError(t, err)
	const reps = 200
	v := make([]float64, reps)
	for r := range v {
		e, err := Energy(x, y, 2, Options{Seed: uint64(r), MaxPoints: 100})
		require.NoError(t, err)
		require.Equal(t, [2]int{100, 100}, [2]int{e.NX, e.NY})
		v[r] = e.Value
	}
	mean, sd := stat.MeanStdDev(v, nil)
	// Over random subsets the mean is the full U-statistic; 4 standard errors.
	assert.InDelta(t, all.Value, mean, 4*sd/math.Sqrt(reps))
}
