package inverse

import (
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// A Noised is the base N(α p, σ² I): a first guess p of x₁, noised as the path noises at
// the start of a grid.
type Noised struct {
	point        []float64
	alpha, sigma float64
}

// NewNoised returns the base of a path at t0 around a guess, which may be a
// back-projection Aᵀy or A†y (linop.PseudoInverse). It panics if the guess is empty.
func NewNoised(p interpolant.Path, t0 float64, guess []float64) *Noised {
	if len(guess) == 0 {
		panic("inverse: the guess of a base is empty")
	}
	c := p.At(t0)
	return &Noised{append([]float64(nil), guess...), c.Alpha, c.Sigma}
}

// Rand fills dst with a draw.
func (b *Noised) Rand(dst []float64, rng *rand.Rand) {
	score.Normal{Std: b.sigma}.Rand(dst, rng)
	floats.AddScaled(dst, b.alpha, b.point)
}

// LogProb writes log N(x; α p, σ² I).
func (b *Noised) LogProb(dst, x []float64, dim int) {
	rest := make([]float64, dim)
	for i := range dst {
		floats.AddScaledTo(rest, x[i*dim:(i+1)*dim], -b.alpha, b.point)
		score.Normal{Std: b.sigma}.LogProb(dst[i:i+1], rest, dim)
	}
}
