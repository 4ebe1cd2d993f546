package inverse

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/score/density"
)

func TestDMPSIsExactUnderAFlatPrior(t *testing.T) {
	const d = 6
	prior := density.Normal(d, 1e5)
	for name, p := range problems(t, d) {
		post, err := IsotropicPosterior(p, nil, make([]float64, d), []float64{1e5})
		require.NoError(t, err)
		x, want, got := randoms(2*d, 260), make([]float64, 2*d), make([]float64, 2*d)
		for _, sg := range []float64{0.3, 5} {
			post.Denoise(want, x, alpha, sg)
			c := conditional(t, p, prior, DMPS{})
			c.Denoise(got, x, alpha, sg)
			assert.InDeltaSlice(t, want, got, 1e-6, name) // residual 1e-10 of systems of condition 1e3; σ²/S = 1e-9
			assert.Zero(t, c.Counts().JVP)
			prior.Denoise(want, x, alpha, sg)
			step := floats.SubTo(make([]float64, 2*d), got, want)
			conditional(t, p, prior, DMPS{Lambda: 1.75}).Denoise(got, x, alpha, sg)
			floats.AddScaled(want, 1.75, step)
			assert.InDeltaSlice(t, want, got, 1e-9, name) // rounding
		}
	}
	_, err := NewConditional(problems(t, d)["wide"], prior, DMPS{Lambda: -1})
	assert.ErrorContains(t, err, "the scale λ of DMPS is -1")
}
