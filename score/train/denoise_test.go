package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// TestLevels holds the laws of the noise to their moments, at 20,000 draws and 4 standard errors.
func TestLevels(t *testing.T) {
	const n = 20000
	mean := func(l Levels, f func(interpolant.Coeffs) float64) (sum float64) {
		r := stream.New().At(3, stream.Test, 0, 0)
		for range n {
			sum += f(l.Draw(r)) / n
		}
		return sum
	}
	logSigma := func(c interpolant.Coeffs) float64 { return math.Log(c.Sigma) }
	assert.InDelta(t, -1.2, mean(LogNormal{}, logSigma), 4*1.2/math.Sqrt(n))
	assert.InDelta(t, 0.5, mean(LogNormal{0.5, 0.1}, logSigma), 4*0.1/math.Sqrt(n))
	assert.InDelta(t, math.Log(2)/2, mean(LogUniform{0.5, 4}, logSigma), 4*math.Log(8)/math.Sqrt(12*n))
	alpha := func(c interpolant.Coeffs) float64 { return c.Alpha } // = t on CondOT
	assert.InDelta(t, 0.5, mean(Times{Path: interpolant.CondOT{}, T0: 0.2, T1: 0.8}, alpha), 4*0.6/math.Sqrt(12*n))
	// Beta(2, 1) has the mean 2/3 and the variance 1/18
	assert.InDelta(t, 2./3, mean(Times{interpolant.CondOT{}, 0, 1, 2, 1}, alpha), 4/math.Sqrt(18*n))
}

// TestOU holds the path to its process, α̇ = Tα, dσ²/dτ = 1 - 2σ², and Time to At.
func TestOU(t *testing.T) {
	p := OU{Horizon: 3}
	for _, at := range []float64{0.1, 0.5, 0.9, 0.99} {
		c := p.At(at)
		assert.InDelta(t, math.Exp(-3*(1-at)), c.Alpha, 1e-15)
		assert.InDelta(t, 3*c.Alpha, c.DAlpha, 1e-14)
		assert.InDelta(t, -3*(1-2*c.Sigma*c.Sigma), 2*c.Sigma*c.DSigma, 1e-13)
		assert.InDelta(t, at, p.Time(c.LogSNR()), 1e-13) // rounding
	}
	_, end := p.Span()
	assert.InEpsilon(t, -math.Log(0.002), p.At(end).LogSNR(), 1e-9) // as 1 - t is small
}

// TestTeacherTakesTheMean holds a loss on the exact denoiser to that on clean points: they differ
// by E w|x₁ - D*|², whatever the network, so the difference is the same for two of them.
func TestTeacherTakesTheMean(t *testing.T) {
	target := density.Ring(5, 1, 0.4)
	pre := nn.Precond{Kind: nn.X0}
	const n = 20000
	x0, x1 := make([]float64, 2*n), make([]float64, 2*n)
	require.NoError(t, (Target{target}).Draw(x0, x1, 7, 0))
	o := &Denoising{Precond: pre, Levels: LogUniform{0.1, 3}, Weight: WeightX0}
	taught := *o
	taught.Teacher = target
	var mean, variance [2]float64
	for i, seed := range []uint64{3, 4} {
		net := network(t, 2)
		net.Init(seed)
		for row := range n {
			b := &Batch{X0: x0[2*row : 2*row+2], X1: x1[2*row : 2*row+2], Seed: 5, Step: uint64(row)}
			d := 0.0
			for _, c := range []struct {
				o    Objective
				sign float64
			}{{o, 1}, {&taught, -1}} {
				w, _ := newWork(net, 1, c.o.Jets(2))
				l, err := c.o.Add(w, b, 0, 1)
				require.NoError(t, err)
				d += c.sign * l
			}
			mean[i] += d / n
			variance[i] += d * d / n
		}
		variance[i] -= mean[i] * mean[i]
	}
	// 4 standard errors, of draws that the two share
	assert.InDelta(t, mean[0], mean[1], 4*math.Sqrt((variance[0]+variance[1])/n))
	assert.Greater(t, mean[0], 0.1)
	assert.Error(t, (&Denoising{Precond: pre, Teacher: density.Normal(3, 1)}).Check(2, 2))
}
