package inverse

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
)

// On a Gaussian prior the target of MCGdiff is a Gaussian, too: the chain, conditioned on
// each coordinate at the last level before its own. Evidence and moments are unbiased for
// it, and with levels near the data's it is near the posterior.
func TestMCGdiffIsUnbiased(t *testing.T) {
	const d, m, populations, size = 4, 2, 1500, 32
	prior := testGaussian(t, d)
	a := newSpectrum(randomMatrix(m, d, 1))
	p, err := New(a, randoms(m, 3), 0.4)
	require.NoError(t, err)
	path := interpolant.VP{}
	// With e = 0.35 and 0.7: of the two coordinates the first grid pins one, the second both.
	for _, end := range []float64{0.7, 2} {
		s := &score.Sampler{Path: path, Model: conditional(t, p, prior, DDNM{}), Seed: 5, Grid: interpolant.LogSNRGrid(path, path.Time(-5), path.Time(end), 24)}
		smc := SMC{Method: MCGdiff{Kappa: 0.1}, Particles: size}
		r, err := smc.newRun(s, s.Start(size, 0, 1), &ode.Settings{})
		require.NoError(t, err)
		w := r.newMover().(*mcgdiff)
		l, evidence, pinned := baseLaw(s), 0.0, 0
		for k := 1; k < len(r.at); k++ {
			for i := range m {
				v, before := w.active(i, k-1)
				if _, after := w.active(i, k); before && !after {
					from := r.at[k-1]
					var logp float64
					l, logp = l.given(t, mat.DenseCopyOf(a.v.ColView(i).T()), []float64{from.Alpha * w.y[i]}, []float64{v})
					evidence += logp + math.Log(from.Alpha/a.s[i])
					pinned++
				}
			}
			l = l.chained(t, prior, r.at[k-1], r.legs[k])
		}
		run := *s
		run.Model = prior
		l = l.denoised(t, &run)
		for i := range m {
			if _, ok := w.active(i, len(r.at)-1); ok {
				row := mat.DenseCopyOf(a.v.ColView(i).T())
				row.Scale(a.s[i], row)
				var logp float64
				l, logp = l.given(t, row, []float64{a.s[i] * w.y[i]}, []float64{0.16})
				evidence += logp
			}
		}
		assert.Positive(t, pinned)
		out, _, err := smc.Run(context.Background(), *s, populations*size, nil)
		require.NoError(t, err)
		unbiased(t, out, evidence, l)
	}
}
