package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// extra are the extra dimensions D of PFGM++, and infinity where figures show D = ∞.
var extra = []float64{8, 128, 2048, math.Inf(1)}

const infinity = 1 << 15

// A disturbance is one of those of Xu et al. 2023, section 5.
type disturbance struct {
	alpha float64 // noise before each step, in units of σ
	bits  int     // of the weights; 0 for none
}

func (d disturbance) String() string {
	switch {
	case d.bits > 0:
		return fmt.Sprintf("%d bits", d.bits)
	case d.alpha > 0:
		return fmt.Sprintf("noise %g", d.alpha)
	}
	return "none"
}

var disturbances = []disturbance{{}, {alpha: 0.1}, {alpha: 0.2}, {bits: 9}, {bits: 8}, {bits: 7}, {bits: 6}, {bits: 5}}

// poisson trains networks of PFGM++ for several D and measures how they bear noise in the
// sampler and quantised weights.
func (l *lab) poisson() error {
	for _, c := range []struct {
		name   string
		target density.Target
		spec   nn.Spec
		n      int
	}{
		{"ring8", density.Ring(8, 4, 0.3), nn.Spec{Kind: "mlp", Dim: 2, Hidden: 96, Depth: 2, Residual: true}, 6000},
		{"mixture64", mixture(10, 64, 1, 0.5), nn.Spec{Kind: "mlp", Dim: 64, Hidden: 192, Depth: 1, Residual: true}, 3000},
	} {
		if err := l.robustness(c.name, c.target, c.spec, l.of(c.n)); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// mixture has equal Gaussians of the given standard deviation about normal means.
func mixture(modes, dim int, spread, sd float64) density.Target {
	means, stds := make([]float64, modes*dim), make([]float64, modes)
	stream.New().Normals(means, trainSeed, stream.Test, uint64(dim), 0)
	for i := range means {
		means[i] *= spread
	}
	for i := range stds {
		stds[i] = sd
	}
	m, err := density.NewIsotropicMixture(nil, means, stds, dim)
	if err != nil {
		panic(err)
	}
	return m
}

func (l *lab) robustness(name string, target density.Target, spec nn.Spec, n int) error {
	sd := std(target)
	j, err := newJudge(target, n)
	if err != nil {
		return err
	}
	table := make([][]float64, len(disturbances))
	for _, d := range extra {
		m, err := l.poissonNet(target, spec, d, sd)
		if err != nil {
			return err
		}
		for i, dist := range disturbances {
			v, err := l.disturbed(j, m, dist, d, sd)
			if err != nil {
				return err
			}
			table[i] = append(table[i], v)
		}
	}
	l.printf("\n%s, %d samples; between exact samples %.4f ± %.4f:\n\n", name, n, j.floor.Mean, j.floor.SD)
	head := []string{"disturbance"}
	for _, d := range extra {
		head = append(head, "D = "+label(d))
	}
	l.head(head...)
	fig := figure.Curves{
		Title: "Networks of PFGM++ under disturbance: " + name, Caption: "Heun's method, 18 steps",
		XLabel: fmt.Sprintf("D (∞ at %d)", infinity), YLabel: "sliced W2",
		Floor: j.floor.Mean, FloorLo: j.floor.Mean - j.floor.SD, FloorHi: j.floor.Mean + j.floor.SD,
	}
	for i, dist := range disturbances {
		cells := []string{dist.String()}
		for _, v := range table[i] {
			cells = append(cells, fmt.Sprintf("%.4f", v))
		}
		l.row(cells...)
		if dist.bits < 7 {
			x := slices.Clone(extra)
			x[len(x)-1] = infinity
			fig.Series = append(fig.Series, figure.Series{Name: dist.String(), X: x, Y: table[i]})
		}
	}
	return l.save("pfgm-"+name, "Sliced W2 of PFGM++ networks under disturbance on "+name, fig.Figure())
}

func label(d float64) string {
	if math.IsInf(d, 1) {
		return "∞"
	}
	return fmt.Sprintf("%g", d)
}

// poissonNet trains for one D, all alike but for the noise.
func (l *lab) poissonNet(t density.Target, spec nn.Spec, d, sd float64) (*nn.Model, error) {
	p, noise := precond(nn.EDM, sd), levels(sd)
	var o train.Objective = &train.Denoising{Precond: p, Levels: noise}
	if !math.IsInf(d, 1) {
		o = &train.Poisson{Precond: p, Training: pfgm.Training{D: d, PMean: noise.Mean, PStd: noise.Std, SigmaData: sd}}
	}
	steps := l.of(2500)
	return l.fit(spec, p, o, train.Target{Target: t}, train.Settings{Steps: steps, Batch: 512, EMA: 0.998, Rate: schedule(3e-3, steps)})
}

// disturbed draws under a disturbance and returns the sliced W2 to the exact samples.
func (l *lab) disturbed(j *judge, m *nn.Model, dist disturbance, d, sd float64) (float64, error) {
	if dist.bits > 0 {
		keep := slices.Clone(m.Net.W)
		defer copy(m.Net.W, keep)
		quantise(m.Net, dist.bits)
	}
	p := edmPath(sd)
	_, t1 := p.Span()
	if math.IsInf(d, 1) {
		d = 1e12 // the same directions as other D start from
	}
	s := score.Sampler{
		Path: p, Model: m, Base: pfgm.Prior(p, 0, d), Seed: drawSeed, Grid: interpolant.KarrasGrid(p, 7, 0, t1, 18),
		Solver: score.ODE(pfgm.Jitter{Method: ode.Heun, Alpha: dist.alpha, Seed: drawSeed}),
	}
	x, _, err := s.Draw(l.ctx, j.n(), nil)
	if err != nil {
		return 0, err
	}
	return j.slicedW2(x)
}

// quantise rounds each matrix of weights to 2^bits values, evenly spaced from its least to its
// largest, as the authors' code does after training. Biases stay as they are.
func quantise(n *nn.Net[float32], bits int) {
	for i := range n.Params {
		p := &n.Params[i]
		if !strings.HasSuffix(p.Name, ".weight") {
			continue
		}
		w := n.W[p.Offset : p.Offset+p.Len()]
		lo, hi := slices.Min(w), slices.Max(w)
		h := float64(hi-lo) / (math.Ldexp(1, bits) - 1)
		for k, v := range w {
			w[k] = lo + float32(h*math.Round(float64(v-lo)/h))
		}
	}
}
