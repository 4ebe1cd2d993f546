package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

func TestLGDDescendsTheMeanOverItsDraws(t *testing.T) {
	const d, draws, zeta, eta = 6, 4, 0.7, 0.6
	prior := testMixture(t, d)
	a := onePath.At(oneStep[0])
	r2 := a.Sigma * a.Sigma * 2 / (a.Sigma*a.Sigma + a.Alpha*a.Alpha*2)
	for name, data := range allData(t, d) {
		if name == "clip" {
			continue // its kinks meet the differences
		}
		g := guidedBy(t, data, prior)
		descends(t, LGD{Draws: draws, Zeta: zeta, Data: 2, Eta: eta}, g, eta, zeta*matchedStep(eta), func(x, z []float64) float64 {
			_, mean := residualAt(g, x)
			logs := make([]float64, draws)
			for j := range logs {
				at := floats.AddScaledTo(make([]float64, d), mean, math.Sqrt(r2), z[(1+j)*d:(2+j)*d])
				logs[j] = -mahalanobis(data, away(data, at)) / 2
			}
			return -floats.LogSumExp(logs)
		}, name)
	}
}

func TestLGDLimits(t *testing.T) {
	// Many draws on a linear problem: PiGDM. No spread: the likelihood at x̂0.
	const d, rows, draws = 4, 150, 2000
	prior := testGaussian(t, d)
	p, err := New(dense{randomMatrix(2, d, 1)}, randoms(2, 3), 1.5)
	require.NoError(t, err)
	g, one := guidedBy(t, p, prior), randoms(d, 240)
	a := onePath.At(oneStep[0])
	want, mean := make([]float64, d), make([]float64, d)
	conditional(t, p, prior, PiGDM(1)).Denoise(want, one, a.Alpha, a.Sigma)
	prior.Denoise(mean, one, a.Alpha, a.Sigma)
	floats.Sub(want, mean)
	floats.Scale(matchedStep(0)*a.Alpha/(a.Sigma*a.Sigma), want)
	x := make([]float64, 0, rows*d)
	for range rows {
		x = append(x, one...)
	}
	got, _, _ := take(t, LGD{Draws: draws, Zeta: 1}, g, x)
	free, col := ddim(prior, one, make([]float64, d), 0), make([]float64, rows)
	for i := range d {
		for r := range col {
			col[r] = got[r*d+i] - free[i]
		}
		m, std := stat.MeanStdDev(col, nil)
		// Five standard errors, and the bias of a ratio of means, about 1/draws.
		assert.InDelta(t, want[i], m, 5*std/math.Sqrt(rows)+5./draws*math.Abs(want[i]))
		assert.Greater(t, floats.Norm(want, 2), 50*std/math.Sqrt(rows), "the test would see nothing")
	}
	narrow, _, _ := take(t, LGD{Zeta: 1, Data: 1e-14}, g, one)
	certain, _, _ := take(t, DPS{Zeta: 1, Form: Likelihood}, g, one)
	assert.InDeltaSlice(t, certain, narrow, 1e-6) // the draws' r = 1e-7
}
