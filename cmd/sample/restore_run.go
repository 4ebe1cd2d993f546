package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/seed-dea4846a/sampler/inverse"
)

// run restores all channels and returns the samples, sample after sample, channel after
// channel, in the units of the file.
func (p *restorePlan) run(ctx context.Context, workers int, show func(format string, args ...any)) ([]float64, *restoreReport, error) {
	begin := time.Now()
	sc, t := p.scene, new(tally)
	size, n := sc.size(), p.settings.Samples
	a := t.operator(sc.op)
	m, _ := sc.op.Dims()
	out := make([]float64, n*sc.channels*size)
	rep := &restoreReport{restoreSettings: p.settings, Kind: p.method.Kind, Rows: sc.rows, Cols: sc.cols, Channels: sc.channels,
		Sigma: sc.sigma * sc.scale, SigmaEstimated: sc.estimated, Scale: sc.scale, Acceleration: sc.accel, Workers: workers,
		Narrow: p.method.narrow && n > 1, AlphaIgnored: sc.alpha}
	model := p.prior.model
	if model == nil {
		model = flat{sc.rows * sc.cols}
	}
	if sc.pair {
		mean := 0.0
		if p.prior.law != nil {
			mean = p.prior.law.MeanValue()
		}
		model = newComplexPrior(model, mean)
	}
	model = t.watch(model)
	mean := make([]float64, size)
	square := 0.0
	for k := range sc.channels {
		problem, err := inverse.New(a, sc.y[k*m:(k+1)*m], sc.sigma)
		if err != nil {
			return nil, nil, asUsage(err)
		}
		if show != nil {
			t.problem = func(x []float64) float64 { return residual(problem, sc.op, x) }
			t.show = func(r float64) {
				done := t.nfe.Load()
				show("channel %d of %d: %d denoisings%s, data residual %.3g σ", k+1, sc.channels, done, p.left(done, time.Since(begin)), r)
			}
		}
		j := &job{task: p.settings.Task, scene: sc, problem: problem, prior: p.prior, model: model, path: p.path, grid: p.grid,
			sampler: p.sampler, n: n, first: k * n, seed: p.settings.Seed, workers: workers}
		x, err := j.draw(ctx, p.method, p.params)
		if err != nil {
			return nil, nil, err
		}
		clear(mean)
		for i := range n {
			copy(out[(i*sc.channels+k)*size:], x[i*size:(i+1)*size])
			for c, v := range x[i*size : (i+1)*size] {
				mean[c] += v / float64(n)
			}
		}
		square += math.Pow(residual(problem, sc.op, mean), 2) / float64(sc.channels)
	}
	for _, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, fmt.Errorf("the result of method %s is not finite; more steps, or another method, may help", p.method.Name)
		}
	}
	rep.Residual = finite(math.Sqrt(square))
	rep.Warning = p.judge(rep.Residual)
	rep.NFE, rep.JVP, rep.Operator = t.work(n * sc.channels)
	rep.Seconds = time.Since(begin).Seconds()
	return out, rep, nil
}

// left tells the time to go, from the first level on, where the work is known beforehand.
func (p *restorePlan) left(done int64, taken time.Duration) string {
	runs := p.settings.Samples * p.scene.channels
	level := int64(runs * max(1, p.method.nfe))
	if p.method.Kind != kindPosterior || p.sampler != nil || done < level {
		return ""
	}
	all := level * int64(len(p.grid))
	return fmt.Sprintf(", about %.0f s to go", taken.Seconds()*float64(max(0, all-done))/float64(done))
}

// judge says what a residual of the data tells against a result, "" for nothing. No
// picture of n pixels comes nearer to m data than √(1 - n/m) σ in the mean; one that is
// well below has noise explained to it that is not there.
func (p *restorePlan) judge(residual *float64) string {
	const high, low = 1.5, 0.8
	if residual == nil || p.method.unfitted {
		return ""
	}
	m, n := p.scene.op.Dims()
	least := low * math.Sqrt(max(0, 1-float64(n)/float64(m)))
	switch r := *residual; {
	case r > high:
		causes := map[string]string{
			"deblur": "a wrong --psf or --boundary", "inpaint": "a wrong --mask", "superres": "a wrong --kernel or --factor", "denoise": "noise that is not white",
			"ct":  "a wrong geometry (--angles, --beam, --spacing, --offset)",
			"mri": "wrong coil maps (--maps espirit, or file:F) or a picture that is not real (--phase free)",
		}
		return fmt.Sprintf("the data residual is %.3g σ, above %g: the result does not explain the data. Likely causes: %s, a --noise that is too small (σ = %.3g), or too few --steps",
			r, high, causes[p.settings.Task], p.scene.sigma*p.scene.scale)
	case r < least:
		return fmt.Sprintf("the data residual is %.3g σ, below %.2g, which no true picture comes near: --noise is too large (σ = %.3g), and the result smoother than the data allow",
			r, least, p.scene.sigma*p.scene.scale)
	}
	return ""
}

// flat is no prior: methods that need none never call it.
type flat struct{ d int }

func (f flat) Dim() int                               { return f.d }
func (f flat) Denoise(dst, x []float64, _, _ float64) { copy(dst, x) }
