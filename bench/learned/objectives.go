package main

import (
	"fmt"
	"math"
	"time"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// A trial is one objective of the table.
type trial struct {
	name, weight string
	precond      nn.Precond
	objective    train.Objective
	data         train.Source
	coupled      bool // x₀ depends on x₁: the denoiser is no score
}

// plane is the network of the comparisons in the plane.
func plane() nn.Spec {
	return nn.Spec{Kind: "mlp", Dim: 2, Hidden: 64, Depth: 2, Residual: true}
}

func trials(data train.Source, sd float64) []trial {
	pre := func(k nn.Prediction) nn.Precond { return precond(k, sd) }
	dsm := func(k nn.Prediction, w train.Weighting) train.Objective {
		return &train.Denoising{Precond: pre(k), Levels: levels(sd), Weight: w}
	}
	vp := interpolant.VP{}
	onVP := pre(nn.Noise)
	onVP.Path = vp
	flow := train.FlowMatching(interpolant.CondOT{}, sd)
	pairs := train.Coupled{Source: data, Assign: func(x0, x1 []float64) ([]int, error) {
		a, err := metric.Assign(len(x0)/2, metric.PowerCost(x0, x1, 2, 2))
		if err != nil {
			return nil, err
		}
		return a.To, nil
	}, Rows: 64}
	return []trial{
		{"denoising, EDM's prediction", "EDM", pre(nn.EDM), dsm(nn.EDM, train.WeightEDM), data, false},
		{"", "1/σ² (VP's)", pre(nn.EDM), dsm(nn.EDM, train.WeightNoise), data, false},
		{"", "1 (uniform)", pre(nn.EDM), dsm(nn.EDM, train.WeightX0), data, false},
		{"x₀ prediction", "EDM", pre(nn.X0), dsm(nn.X0, train.WeightEDM), data, false},
		{"noise prediction", "EDM", pre(nn.Noise), dsm(nn.Noise, train.WeightEDM), data, false},
		{"noise prediction, times of VP", "1/σ²", onVP, &train.Denoising{Precond: onVP, Levels: train.Times{Path: vp}, Weight: train.WeightNoise}, data, false},
		{"velocity of Cond-OT (flow matching)", "velocity", flow.Precond, flow, data, false},
		{"the same, minibatch transport (64)", "velocity", flow.Precond, flow, pairs, true},
		{"implicit score matching", "σ²", pre(nn.EDM), &train.Implicit{Precond: pre(nn.EDM), Levels: levels(sd)}, data, false},
		{"sliced score matching", "σ²", pre(nn.EDM), &train.Implicit{Precond: pre(nn.EDM), Levels: levels(sd), Sliced: true}, data, false},
	}
}

// objectives trains one network by each objective, for the same steps and batches.
func (l *lab) objectives() error {
	target := density.Ring(8, 4, 0.3)
	sd := std(target)
	j, err := newJudge(target, l.of(20000))
	if err != nil {
		return err
	}
	steps := l.of(3000)
	set := train.Settings{Steps: steps, Batch: 256, EMA: 0.998, Rate: schedule(3e-3, steps)}
	data := train.Target{Target: target}
	l.printf("%d steps, batches of 256; sliced W2 between exact samples is %.4f ± %.4f.\n\n", steps, j.floor.Mean, j.floor.SD)
	l.head("objective", "weight", "sliced W2", "in floors", "error of the noise", "seconds")
	for _, c := range trials(data, sd) {
		begin := time.Now()
		m, err := l.fit(plane(), c.precond, c.objective, c.data, set)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		took := time.Since(begin).Seconds()
		x, err := l.drawOf(c, m, sd, j.n())
		if err != nil {
			return err
		}
		w2, err := j.slicedW2(x)
		if err != nil {
			return err
		}
		miss := "–"
		if !c.coupled {
			miss = fmt.Sprintf("%.3f", noiseError(m, target, sd, l.of(4000)))
		}
		l.row(c.name, c.weight, fmt.Sprintf("%.4f", w2), fmt.Sprintf("%.1f", w2/j.floor.Mean), miss, fmt.Sprintf("%.0f", took))
	}
	return l.twoSided(target, j, set)
}

// drawOf draws along the path that a model was trained on, if there is one: all in 40 steps.
func (l *lab) drawOf(c trial, m *nn.Model, sd float64, n int) ([]float64, error) {
	if !c.coupled {
		return l.byFlow(m, sd, n)
	}
	p := c.precond.Path
	t0, t1 := p.Span()
	s := score.Sampler{Path: p, Model: m, Solver: score.ODE(ode.Heun), Grid: interpolant.UniformGrid(t0, t1, 21), Seed: drawSeed}
	x, _, err := s.Draw(l.ctx, n, nil)
	return x, err
}

// twoSided adds the row of an interpolant from N(0, I), with a network for b and one for s.
func (l *lab) twoSided(target density.Target, j *judge, set train.Settings) error {
	path, err := interpolant.NewTwoSided("linear", "sqrt", 1)
	if err != nil {
		return err
	}
	begin := time.Now()
	fields, err := l.fields(plane(), path, train.Target{Target: target}, []string{train.FieldB, train.FieldS}, set)
	if err != nil {
		return err
	}
	took := time.Since(begin).Seconds()
	model := &interpolant.Estimated{Path: path, D: 2, B: fields[train.FieldB].Eval, S: fields[train.FieldS].Eval}
	s := interpolant.BridgeSampler{Model: model, Source: density.Normal(2, 1), Solver: interpolant.BridgeODE(ode.Heun), Grid: interpolant.UniformGrid(0, 1, 21), Seed: drawSeed}
	x, _, err := s.Draw(l.ctx, j.n(), nil)
	if err != nil {
		return err
	}
	w2, err := j.slicedW2(x)
	if err != nil {
		return err
	}
	miss := noiseError(noiseOf{fields[train.FieldS]}, target, std(target), l.of(4000))
	l.row("interpolant, γ² = t(1-t): b and s, two networks", "L_b, L_s", fmt.Sprintf("%.4f", w2), fmt.Sprintf("%.1f", w2/j.floor.Mean), fmt.Sprintf("%.3f", miss), fmt.Sprintf("%.0f", took))
	return nil
}

// noiseOf is the denoiser of a score learned on the interpolant x_t = (1-t)x₀ + t x₁ + γz from
// N(0, I) with γ² = t(1-t): x₁ in Gaussian noise of variance (1-t)² + γ² = 1 - t.
type noiseOf struct{ s *nn.Model }

// Dim returns the dimension of a point.
func (m noiseOf) Dim() int { return m.s.Dim() }

// Denoise writes D = (x_t + (1-t)s)/t at the t where √(1-t)/t = σ/α.
func (m noiseOf) Denoise(dst, x []float64, alpha, sigma float64) {
	r := sigma * sigma / (alpha * alpha)
	t := 2 / (1 + math.Sqrt(1+4*r)) // of r t² + t = 1
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = t / alpha * v
	}
	m.s.Eval(dst, y, t)
	for i, v := range y {
		dst[i] = (v + (1-t)*dst[i]) / t
	}
}

// fields trains a network for each of the named fields of an interpolant.
func (l *lab) fields(s nn.Spec, path interpolant.TwoSided, data train.Source, names []string, set train.Settings) (map[string]*nn.Model, error) {
	out := map[string]*nn.Model{}
	for _, f := range names {
		m, err := l.fit(s, nn.Precond{Kind: nn.Raw}, &train.Interpolation{Path: path, Field: f}, data, set)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f, err)
		}
		out[f] = m
	}
	return out, nil
}
