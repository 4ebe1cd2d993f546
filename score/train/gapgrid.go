package train

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
)

// A Gap holds the laws that the flow and the process of a model reach, without a sample, and
// the bound on their distance.
type Gap struct {
	Flow, Process []float64 // densities on the grid
	// The terms of GapBound at each time: h, the one-sided Lipschitz constant of the flow over
	// the cells that hold mass, and the root of E_q|∇ log q - s_θ|², q the law of the process.
	Times, H, K, RMS []float64
	Bound            float64
}

// GridGap carries a density on a grid, p0 at the first of the times, by the flow of a model and
// by its process with the natural diffusion (SolveDensity) to the last, and evaluates GapBound
// on the way. Differences of the density over a cell stand for ∇ log q, so the bound is one up
// to the error of the grid; cells below 1e-6 of the highest count for the Lipschitz constant no
// more. The distance of the two densities is for package metric to measure.
func GridGap(ctx context.Context, m score.Denoiser, p interpolant.Path, g *Grid, p0, times []float64, workers int) (*Gap, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	if len(p0) != g.Cells() || m.Dim() != len(g.N) || len(times) < 2 {
		panic("train: the density, the model or the times do not fit the grid")
	}
	out := &Gap{Flow: append([]float64(nil), p0...), Process: append([]float64(nil), p0...), Times: times}
	flow, process := &score.Flow{Path: p, Model: m}, &score.Reverse{Path: p, Model: m, Eta: 1}
	still := &score.Reverse{Path: p, Model: m} // the flow, as a process
	x := g.Centres()
	for i, t := range times {
		if i > 0 {
			span := times[i-1 : i+1]
			if _, err := SolveDensity(ctx, out.Flow, g, still, span, workers); err != nil {
				return nil, err
			}
			if _, err := SolveDensity(ctx, out.Process, g, process, span, workers); err != nil {
				return nil, err
			}
		}
		c := p.At(t)
		rms, bulk := densityScoreError(out.Process, x, g, m, c)
		k, err := OneSidedLipschitz(flow, bulk, t, 1e-3*c.Sigma)
		if err != nil {
			return nil, err
		}
		if rms-rms != 0 {
			return nil, fmt.Errorf("train: the score error of the process at t = %g is not finite", t)
		}
		_, h := residual{path: p}.drift(t)
		out.H, out.K, out.RMS = append(out.H, h), append(out.K, k), append(out.RMS, rms)
	}
	out.Bound = GapBound(times, out.H, out.K, out.RMS)
	return out, nil
}

// densityScoreError returns (Σ q|∇ log q - s_θ|² V)^{1/2} over the inner cells, with central
// differences of q, and the centres of the cells that hold mass.
func densityScoreError(q, x []float64, g *Grid, m score.Denoiser, c interpolant.Coeffs) (rms float64, bulk []float64) {
	d := len(g.N)
	s := make([]float64, len(x))
	m.Denoise(s, x, c.Alpha, c.Sigma)
	score.FromDenoised(s, x, s, c.Alpha, c.Sigma)
	top := 0.0
	for _, v := range q {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range q {
		if v < 1e-6*top {
			continue
		}
		bulk = append(bulk, x[i*d:(i+1)*d]...)
		stride, rest := 1, i
		for j := d - 1; j >= 0; j-- {
			at := rest % g.N[j]
			if at > 0 && at < g.N[j]-1 {
				e := (q[i+stride]-q[i-stride])/(2*g.width(j)*v) - s[i*d+j]
				sum += v * e * e
			}
			rest /= g.N[j]
			stride *= g.N[j]
		}
	}
	return math.Sqrt(sum * g.Volume()), bulk
}
