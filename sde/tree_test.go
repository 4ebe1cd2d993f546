package sde_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-dea4846a/sampler/sde"
)

// ask returns one query's dW and I₁₀ of sample first, in one dimension.
func ask(noise sde.Noise, t0, t1 float64) (dw, dz float64) {
	var w, z [1]float64
	noise.IncrementArea(w[:], z[:], t0, t1)
	return w[0], z[0]
}

func newTree(tr sde.Tree, first int) sde.Noise {
	noise := tr.NewNoise(1, 1)
	noise.Begin(first, 1)
	return noise
}

// The increments over any partition add up, and the areas obey Chen's relation
//
//	I₁₀(s,u) = I₁₀(s,t) + I₁₀(t,u) + (u-t)(W(t) - W(s)).
func TestTreeRefinement(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, tr := range []sde.Tree{{Seed: 3}, {Seed: 4, T0: -2, T1: 5}, {Seed: 5, Depth: 3}, {Seed: 6, T0: 80, T1: 0.002, Depth: 40}} {
		lo, hi := tr.T0, tr.T1
		if lo == hi {
			hi = 1
		}
		noise := newTree(tr, 0)
		for range 50 {
			n := 1 + r.IntN(40)
			times := make([]float64, n+1)
			for k := range times {
				times[k] = lo + (hi-lo)*r.Float64() // in any order: partial sums may turn back
			}
			var w, z float64
			for k := range n {
				h := times[k+1] - times[k]
				dw, dz := ask(noise, times[k], times[k+1])
				w, z = w+dw, z+dz+h*w
			}
			dw, dz := ask(noise, times[0], times[n])
			// Rounding only: n terms of size √L and L^{3/2}, of a few units each.
			length := math.Abs(hi - lo)
			tol := 20 * float64(n) * 0x1p-52 * math.Sqrt(length)
			assert.InDelta(t, dw, w, tol)
			assert.InDelta(t, dz, z, tol*length)
		}
	}
}

// Every query sees one path, in any order, in both directions, in any group.
func TestTreeOnePath(t *testing.T) {
	tr := sde.Tree{Seed: 9, T0: 1, T1: 0}
	r := rand.New(rand.NewPCG(3, 4))
	path := newTree(tr, 6)
	group := sde.Tree{Seed: 9}.NewNoise(1, 4)
	group.Begin(4, 4)
	for range 200 {
		a, b := r.Float64(), r.Float64()
		dw, dz := ask(newTree(tr, 6), a, b)
		w, z := ask(path, a, b)
		assert.Equal(t, dw, w)
		assert.Equal(t, dz, z)

		var ws, zs [4]float64
		group.IncrementArea(ws[:], zs[:], a, b)
		assert.Equal(t, dw, ws[2])
		assert.Equal(t, dz, zs[2])
		group.Increment(ws[:], a, b)
		assert.Equal(t, dw, ws[2])

		// Reversal: dW changes sign and I₁₀ becomes h dW - I₁₀; the path has
		// size 1, so this holds to a few units of rounding.
		w, z = ask(path, b, a)
		assert.Equal(t, -dw, w)
		assert.InDelta(t, (b-a)*dw-dz, z, 1e-15)
	}
	w1, _ := ask(newTree(tr, 6), 0.1, 0.9)
	w2, _ := ask(newTree(tr, 7), 0.1, 0.9)
	assert.NotEqual(t, w1, w2, "samples have their own paths")
	ask(path, 0.1, 0.9)
	path.Begin(7, 1)
	w, _ := ask(path, 0.1, 0.9)
	assert.Equal(t, w2, w, "nothing is kept from the group before")
}

func TestTreeEnds(t *testing.T) {
	tr := sde.Tree{Seed: 1, T0: 0.1, T1: 0.7}
	noise := newTree(tr, 0)
	w, z := ask(noise, 0.1, 0.7)
	assert.NotZero(t, w)
	assert.NotZero(t, z)

	// One unit beyond the ends is the end.
	w1, _ := ask(noise, math.Nextafter(0.1, 0), math.Nextafter(0.7, 1))
	assert.Equal(t, w, w1)

	for _, s := range []float64{0.1, 0.3, 0.7} {
		w, z := ask(noise, s, s)
		assert.Zero(t, w)
		assert.Zero(t, z)
	}
	for _, s := range []float64{0.0999, 0.7001, math.NaN(), math.Inf(1)} {
		panics(t, func() { ask(noise, 0.2, s) })
	}
	for _, bad := range []sde.Tree{{T0: 1, T1: 1}, {T1: math.NaN()}, {T1: math.Inf(1)}, {Depth: -1}, {Depth: 53}} {
		panics(t, func() { bad.NewNoise(1, 1) })
	}
}

// panics asks f to panic with a message of this package.
func panics(t *testing.T, f func()) {
	t.Helper()
	defer func() { assert.Regexp(t, "^sde: ", recover()) }()
	f()
}

// Below the resolution the path is the leaf's mean. With θ the place in a leaf of
// length ℓ, Var W(t) falls short of t by ℓu(1-3u), u = θ(1-θ): ℓ/12 at most.
func TestTreeResolution(t *testing.T) {
	const n, leaf = 40000, 0.25
	for _, theta := range []float64{0, 0.2113248654, 0.5, 0.9} {
		at := leaf * (1 + theta)
		dw := increments(sde.Tree{Seed: 11, Depth: 2}, 1, n, 0, at)
		sum := 0.0
		for _, v := range dw {
			sum += v * v / n
		}
		u := theta * (1 - theta)
		// 5 σ: a squared normal of variance v has variance 2v². The shortfall is
		// ℓ/12 = 0.021 at θ = 0.21, twice the tolerance of 5·0.30·√(2/n) = 0.011.
		assert.InDelta(t, at-leaf*u*(1-3*u), sum, 5*at*math.Sqrt(2./n), "θ = %v", theta)
	}
}
