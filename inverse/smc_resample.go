package inverse

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// Resampling is a scheme that draws the offspring of N weighted particles: each has N w of
// them on average, so that the evidence stays unbiased.
type Resampling int

// The schemes. Systematic has one uniform number for all and gives each particle N w
// offspring rounded up or down (Kitagawa 1996); Multinomial draws every offspring by itself.
const (
	Systematic Resampling = iota
	Multinomial
	resamplingEnd // the number of schemes
)

// offspring sets counts for a population with the weights exp(lw), which sum to 1.
func (r *smcRun) offspring(pop, k int, lw []float64) {
	// A run has no Brownian tree, so its addresses are free.
	rng := r.src.At(r.s.Seed, stream.Tree, uint64(r.set.First/r.Particles+pop), uint64(k))
	clear(r.counts)
	n := float64(len(lw))
	if r.Resampling == Multinomial {
		for range lw {
			u, i, sum := rng.Float64(), 0, 0.0
			for i = 0; i < len(lw)-1; i++ {
				if sum += math.Exp(lw[i]); u < sum {
					break
				}
			}
			r.counts[i]++
		}
		return
	}
	u, sum, given := rng.Float64(), 0.0, 0
	for i, l := range lw {
		sum += n * math.Exp(l)
		// The offspring are the numbers u, u+1, … below the sum.
		for given < len(lw) && u+float64(given) < sum {
			r.counts[i]++
			given++
		}
	}
	// Rounding may leave the sum short of n, by one at most.
	r.counts[len(lw)-1] += len(lw) - given
}

// replace puts the offspring of each particle in its place and in the places of those
// that have none.
func (r *smcRun) replace(pop int) {
	lo := pop * r.Particles
	free := 0
	for i, c := range r.counts {
		for ; c > 1; c-- {
			for r.counts[free] > 0 {
				free++
			}
			r.all[lo+free].inherit(&r.all[lo+i])
			r.out.Ancestors[lo+free] = r.out.Ancestors[lo+i]
			free++
		}
	}
}
