package main

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"math"
	"os"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
	"github.com/seed-dea4846a/sampler/score/train"
)

// A triple holds W₂² of flow and process, of flow and truth, and of process and truth.
type triple [3]float64

func measureTriple(flow, process, truth hist) (t triple, err error) {
	for i, pair := range [][2]hist{{flow, process}, {flow, truth}, {process, truth}} {
		if t[i], err = w2(pair[0], pair[1]); err != nil {
			return t, err
		}
	}
	return t, nil
}

// The grid of the densities cuts each cell of the histograms in 2×2 and goes on for 8 cells
// beyond, to ±4.
const (
	cut    = 2
	margin = 8
	fine   = cut*nodes + 2*margin
	reach  = window + cell/2 + margin*cell/cut
	// end is τ at the end of the densities, of a noise of σ = 0.03.
	end = 1e-3
)

func densityGrid() *train.Grid {
	return &train.Grid{Lo: []float64{-reach, -reach}, Hi: []float64{reach, reach}, N: []int{fine, fine}}
}

// densityTimes are even in log(τ + 0.02).
func densityTimes(n int) []float64 {
	const shift = 0.02
	t := make([]float64, n+1)
	for i := range t {
		u := float64(i) / float64(n)
		t[i] = shift - math.Exp((1-u)*math.Log(horizon+shift)+u*math.Log(end+shift))
	}
	return t
}

// onGrid returns the exact density of x_t on the grid, of a target.
func onGrid(target density.Target, g *train.Grid, t float64) []float64 {
	c, p := ou{}.At(t), make([]float64, g.Cells())
	target.LogProb(p, g.Centres(), c.Alpha, c.Sigma)
	for i, v := range p {
		p[i] = math.Exp(v)
	}
	return p
}

// coarse returns the histogram of a density on the grid, and the share of the mass that lies
// outside the window.
func coarse(p []float64) (h hist, outside float64) {
	h = make(hist, nodes*nodes)
	in, all := 0.0, 0.0
	for i, v := range p {
		all += v
		r, c := i/fine-margin, i%fine-margin
		if r >= 0 && r < cut*nodes && c >= 0 && c < cut*nodes {
			h[r/cut*nodes+c/cut] += v
			in += v
		}
	}
	floats.Scale(1/in, h)
	return h, 1 - in/all
}

// A densities holds what the laws of flow and process tell, without a sample.
type densities struct {
	W2      triple  `json:"w2"`
	Outside float64 `json:"outside"` // the greater share of the mass outside the window
	Bound   float64 `json:"bound"`   // on W₂ of flow and process
	Growth  float64 `json:"growth"`  // ∫ K⁺ dτ
	Error   float64 `json:"error"`   // ∫ h E_q|∇ log q - s_θ|² dτ, q the law of the process
	Flow    hist    `json:"flow"`
	Process hist    `json:"process"`
}

// solve carries the density N(0, I/2) by flow and process of a model.
func solve(ctx context.Context, m score.Denoiser, target density.Target, times int) (*densities, error) {
	g := densityGrid()
	t := densityTimes(times)
	p0 := onGrid(density.Normal(2, math.Sqrt(0.5)), g, 0)
	gap, err := train.GridGap(ctx, m, ou{}, g, p0, t, 1)
	if err != nil {
		return nil, err
	}
	flow, out := coarse(gap.Flow)
	process, out2 := coarse(gap.Process)
	truth, _ := coarse(onGrid(target, g, -end))
	d := &densities{Outside: max(out, out2), Bound: gap.Bound, Flow: flow, Process: process}
	if d.W2, err = measureTriple(flow, process, truth); err != nil {
		return nil, err
	}
	for i := 1; i < len(t); i++ {
		dt := t[i] - t[i-1]
		d.Growth += dt * (max(gap.K[i], 0) + max(gap.K[i-1], 0)) / 2
		d.Error += dt * (gap.H[i]*gap.RMS[i]*gap.RMS[i] + gap.H[i-1]*gap.RMS[i-1]*gap.RMS[i-1]) / 2
	}
	return d, nil
}

// A row is what was measured of a network.
type row struct {
	Scale     scale      `json:"scale"`
	Loss      float64    `json:"loss"`     // of score matching and the weighted residual, at the end of the training
	Residual  float64    `json:"residual"` // mean square on the collocation box
	Score     float64    `json:"score"`    // ∫ h E|s_θ - ∇ log p_t|² dτ
	Densities *densities `json:"densities"`
	Flow      []float64  `json:"flow,omitempty"` // samples
	Process   []float64  `json:"process,omitempty"`
}

// measured returns the row of a network, from its file if that is of the same scale.
func (r run) measured(ctx context.Context, dir string) (*row, error) {
	out := new(row)
	return out, cached(r.file(dir, ".json"), out, func() bool { return out.Scale == r.scale }, func() error { return r.measure(ctx, dir, out) })
}

// cached reads v from a file, or has it computed and writes it if the file is not good.
func cached(file string, v any, good func() bool, compute func() error) error {
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, v) == nil && good() {
		return nil
	}
	if err := compute(); err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return dataio.WriteFile(file, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

func (r run) measure(ctx context.Context, dir string, out *row) error {
	m, res, err := r.learn(ctx, dir)
	if err != nil {
		return err
	}
	log.Printf("%v: measuring", r)
	*out = row{Scale: r.scale, Loss: res.History[len(res.History)-1].Loss}
	if out.Residual, err = meanResidual(m, 20000); err != nil {
		return err
	}
	if out.Score, err = scoreError(ctx, m, r.target, r.Times, 2000); err != nil {
		return err
	}
	if out.Densities, err = solve(ctx, m, r.target, r.Times); err != nil {
		return err
	}
	d := out.Densities
	log.Printf("%v: loss %.4g, residual %.4g, score %.4g, W2² %.5f, outside %.2g, bound %.3g, growth %.3g, error %.3g",
		r, out.Loss, out.Residual, out.Score, d.W2, d.Outside, d.Bound, d.Growth, d.Error)
	if r.k == 0 || r.k == len(weights)-1 { // those of the pictures
		if out.Flow, err = draw(ctx, m, r.Samples, false, 5); err != nil {
			return err
		}
		if out.Process, err = draw(ctx, m, r.Samples, true, 5); err != nil {
			return err
		}
	}
	return nil
}

// meanResidual returns the mean squared residual on n uniform points of the collocation box.
func meanResidual(m *nn.Model, n int) (mean float64, err error) {
	u := density.Sample(density.Uniform(3, 0, 1), n, 3, 0, 1)
	x, t := make([]float64, 2*n), make([]float64, n)
	for i := range t {
		x[2*i], x[2*i+1] = window*(2*u[3*i]-1), window*(2*u[3*i+1]-1)
		t[i] = -least - (horizon-least)*u[3*i+2]
	}
	r, err := train.Residual(m, ou{}, x, t)
	for _, v := range r {
		mean += v * v / float64(n)
	}
	return mean, err
}

// scoreError returns ∫ h E|s_θ - ∇ log p_t|² dτ from τ = 10 to the end, with n points a time.
func scoreError(ctx context.Context, m score.Denoiser, target density.Target, times, n int) (sum float64, err error) {
	t := densityTimes(times)
	e, err := train.ScoreError(ctx, m, target, ou{}, t, n, 4)
	for i := 1; i < len(e); i++ {
		sum += (t[i] - t[i-1]) * (e[i].Mean + e[i-1].Mean) / 4 // h = 1/2
	}
	return sum, err
}
