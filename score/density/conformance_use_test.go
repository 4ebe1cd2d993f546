package density

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The part of the conformance table about how a target may be used.

// methods calls every method of a target on the same points.
func methods(tg Target, x, v []float64, alpha, sigma float64) (out [5][]float64) {
	n := len(x) / tg.Dim()
	for i, size := range []int{len(x), len(x), len(x), n, n} {
		out[i] = make([]float64, size)
	}
	tg.Denoise(out[0], x, alpha, sigma)
	tg.Score(out[1], x, alpha, sigma)
	tg.JVP(out[2], x, v, alpha, sigma)
	tg.LogProb(out[3], x, alpha, sigma)
	tg.Divergence(out[4], x, alpha, sigma)
	return out
}

// TestBatch: a point's values do not depend on its batch, bit for bit, and many
// goroutines may share a target.
func TestBatch(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		const n = 37
		d := r.target.Dim()
		rng := source(7)
		for _, sigma := range []float64{0.01, 0.7, 20} {
			x, v := noised(r.target, n, 0.8, sigma, rng), noised(r.target, n, 0, 1, rng)
			want := methods(r.target, x, v, 0.8, sigma)
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := w; i < n; i += 4 {
						got := methods(r.target, x[i*d:(i+1)*d], v[i*d:(i+1)*d], 0.8, sigma)
						for k, g := range got {
							m := len(g)
							assert.Equal(t, want[k][i*m:(i+1)*m], g, "method %d, point %d, σ=%g", k, i, sigma)
						}
					}
				})
			}
			wg.Wait()
		}
	})
}

func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	eachTarget(t, func(t *testing.T, r row) {
		const n = 5
		d := r.target.Dim()
		x, v, dst, one := make([]float64, n*d), make([]float64, n*d), make([]float64, n*d), make([]float64, n)
		rng := source(8)
		for name, f := range map[string]func(){
			"Rand":       func() { r.target.Rand(dst[:d], rng) },
			"Denoise":    func() { r.target.Denoise(dst, x, 1, 0.5) },
			"Score":      func() { r.target.Score(dst, x, 1, 0.5) },
			"JVP":        func() { r.target.JVP(dst, x, v, 1, 0.5) },
			"LogProb":    func() { r.target.LogProb(one, x, 1, 0.5) },
			"Divergence": func() { r.target.Divergence(one, x, 1, 0.5) },
		} {
			assert.Zero(t, testing.AllocsPerRun(20, f), name)
		}
	})
}

// TestPanics: what the caller could have known.
func TestPanics(t *testing.T) {
	eachTarget(t, func(t *testing.T, r row) {
		d := r.target.Dim()
		x, short := make([]float64, 2*d), make([]float64, 1)
		assert.Panics(t, func() { r.target.Denoise(x[:d], x, 1, 1) })
		assert.Panics(t, func() { r.target.Score(x[:d], x, 1, 1) })
		assert.Panics(t, func() { r.target.JVP(x, x, x[:d], 1, 1) })
		assert.Panics(t, func() { r.target.LogProb(short, x, 1, 1) })
		assert.Panics(t, func() { r.target.Divergence(short, x, 1, 1) })
	})
}
