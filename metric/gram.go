package metric

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// defaultCap is the default of Options.MaxPoints: 5·10⁷ pairs.
const defaultCap = 5000

// gramBlock is the least number of rows of a block. 256 rows of a few coordinates
// stay in the first-level cache.
const gramBlock = 256

// newGram returns the gram of a kernel over x and y, or over the subsets that
// o.MaxPoints leaves of them. kernel turns squared distances into values of k, in
// place.
//
// The kernel matrix of the pooled points is cut into tiles, and every pair is met
// once: a tile adds its row sums to one block of points and its column sums to
// another. The sums of different tiles are kept apart and added in order at the end,
// so that they do not depend on the workers.
func newGram(x, y []float64, dim int, o Options, kernel func(r2 []float64)) *gram {
	limit := o.MaxPoints
	if limit == 0 {
		limit = defaultCap
	}
	if limit == 1 {
		panic("metric: MaxPoints must leave at least 2 points")
	}
	x = subset(x, dim, limit, o.Seed, useSubset, 0)
	y = subset(y, dim, limit, o.Seed, useSubset, 1)
	n, m := len(x)/dim, len(y)/dim
	z := append(append(make([]float64, 0, len(x)+len(y)), x...), y...)

	// bounds[b] to bounds[b+1] are the rows of block b. No block has points of both
	// samples. About 64 blocks at most keep the partial sums small.
	size := max(gramBlock, (n+m+63)/64)
	var bounds []int
	for lo := 0; lo < n; lo += size {
		bounds = append(bounds, lo)
	}
	firstY := len(bounds)
	for lo := n; lo < n+m; lo += size {
		bounds = append(bounds, lo)
	}
	blocks := len(bounds)
	bounds = append(bounds, n+m)

	type tile struct{ i, j int } // the pairs of block i with block j ≥ i
	var tiles []tile
	for i := range blocks {
		for j := i; j < blocks; j++ {
			tiles = append(tiles, tile{i, j})
		}
	}
	squares := make([]float64, len(tiles)) // Σ k² of a tile
	sums := make([][]float64, blocks)      // sums[b][r] = Σ over block b of k(z_r, ·)
	for b := range sums {
		sums[b] = make([]float64, n+m)
	}
	strips := make([][]float64, min(par.Workers(o.Workers), len(tiles)))
	for w := range strips {
		strips[w] = make([]float64, size)
	}
	mustRun(len(tiles), 1, o.Workers, func(worker, t, _ int) {
		i, j := tiles[t].i, tiles[t].j
		for r := bounds[i]; r < bounds[i+1]; r++ {
			lo := bounds[j]
			if i == j {
				lo = r + 1
			}
			k := strips[worker][:bounds[j+1]-lo]
			squaredDistances(k, z[r*dim:(r+1)*dim], z[lo*dim:])
			kernel(k)
			sums[j][r] += floats.Sum(k)
			floats.Add(sums[i][lo:bounds[j+1]], k)
			squares[t] += floats.Dot(k, k)
		}
	})

	g := &gram{
		xx: make([]float64, n), xy: make([]float64, n),
		yy: make([]float64, m), yx: make([]float64, m),
	}
	for b, s := range sums {
		if b < firstY {
			floats.Add(g.xx, s[:n])
			floats.Add(g.yx, s[n:])
		} else {
			floats.Add(g.xy, s[:n])
			floats.Add(g.yy, s[n:])
		}
	}
	for t, q := range squares {
		switch {
		case tiles[t].j < firstY:
			g.sqXX += 2 * q
		case tiles[t].i >= firstY:
			g.sqYY += 2 * q
		default:
			g.sqXY += q
		}
	}
	return g
}

// squaredDistances writes |a - z_j|² for the points of z, as many as dst has room
// for.
func squaredDistances(dst, a, z []float64) {
	d := len(a)
	if d == 2 {
		a0, a1 := a[0], a[1]
		z = z[:2*len(dst)]
		for j := range dst {
			u, v := a0-z[2*j], a1-z[2*j+1]
			dst[j] = u*u + v*v
		}
		return
	}
	for j := range dst {
		p := z[j*d : j*d+d]
		var s0, s1 float64 // two sums, so that additions overlap
		k := 0
		for ; k+1 < d; k += 2 {
			u, v := a[k]-p[k], a[k+1]-p[k+1]
			s0 += u * u
			s1 += v * v
		}
		if k < d {
			u := a[k] - p[k]
			s0 += u * u
		}
		dst[j] = s0 + s1
	}
}

// subset returns k points of x drawn without replacement, in their order, or x
// itself if it has no more than k points or k is negative. The draw is by Knuth's
// algorithm S (TAOCP vol. 2, section 3.4.2) with exact integers.
func subset(x []float64, dim, k int, seed uint64, use, side int) []float64 {
	n := len(x) / dim
	if k < 0 || n <= k {
		return x
	}
	rng := stream.New().At(seed, stream.Metric, uint64(side), uint64(use))
	out := make([]float64, 0, k*dim)
	for i := 0; len(out) < k*dim; i++ {
		if rng.IntN(n-i) < k-len(out)/dim {
			out = append(out, x[i*dim:(i+1)*dim]...)
		}
	}
	return out
}
