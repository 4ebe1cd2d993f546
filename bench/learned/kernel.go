package main

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/train"
)

// noisy are clean points and noisy ones.
type noisy struct{ x1, x, alpha, sigma []float64 }

func drawNoisy(t density.Target, n int, seed uint64) (*noisy, error) {
	s := &noisy{x1: make([]float64, n), x: make([]float64, n), alpha: make([]float64, n), sigma: make([]float64, n)}
	x0, src := make([]float64, n), stream.New()
	err := train.Target{Target: t}.Draw(x0, s.x1, seed, 0)
	for i := range n {
		s.alpha[i] = 1
		s.sigma[i] = train.LogUniform{Min: 0.2, Max: 3}.Draw(src.At(seed, stream.Step, uint64(i), 0)).Sigma
		s.x[i] = s.x1[i] + s.sigma[i]*x0[i]
	}
	return s, err
}

// times are the τ at which errors are measured, five a decade.
func times() []float64 {
	t := make([]float64, 36)
	for i := range t {
		t[i] = math.Pow(10, float64(i)/5)
	}
	return t
}

// kernels measures the error of the kernel estimator against the stopping time on two modes on
// the line, where the rules stop, and the two-layer network of finite width.
func (l *lab) kernels() error {
	target, err := density.NewIsotropicMixture([]float64{1, 1}, []float64{-1, 1}, []float64{0.3, 0.3}, 1)
	if err != nil {
		return err
	}
	test, err := drawNoisy(target, 1000, 1000)
	if err != nil {
		return err
	}
	want := each(target, test)
	miss := func(m score.Denoiser) float64 {
		e := floats.Distance(each(m, test), want, 2)
		return e * e / float64(len(want))
	}
	fig := figure.Curves{
		Title: "Kernel estimator of the denoiser: error against stopping time", XLabel: "time τ of the gradient flow", YLabel: "mean square error",
		Caption: "two modes on the line, mean of the data sets; the two-layer ReLU network has 1,024 units",
	}
	l.head("n", "least error", "at τ", "at τ → ∞", "Mallows' risk", "held out", "complexity, norm 1", "complexity, ‖f‖", "‖f‖")
	sizes, sets := []int{50, 100, 200, 400, 800}, max(1, int(6*l.scale))
	for _, n := range sizes {
		mean := make([]float64, len(times()))
		ratios := make([][]float64, 4)
		stops := make([][]float64, 4)
		var low, at, end, norms []float64
		for seed := range uint64(sets) {
			k, s, err := l.kernel(target, n, seed)
			if err != nil {
				return err
			}
			errs := make([]float64, len(mean))
			for i, tau := range times() {
				errs[i] = miss(k.At(tau))
			}
			floats.AddScaled(mean, 1/float64(sets), errs)
			best := floats.MinIdx(errs)
			low, at, end = append(low, errs[best]), append(at, times()[best]), append(end, errs[len(errs)-1])
			noise := labelNoise(target, s)
			norm := k.Norm(each(target, s))
			norms = append(norms, norm)
			held, err := heldOut(k, target, max(n/4, 10), seed)
			if err != nil {
				return err
			}
			for i, tau := range []float64{k.RiskTime(noise), held, train.StopTime(k.Eigenvalues(), noise), train.StopTime(k.Eigenvalues(), noise/norm)} {
				ratios[i] = append(ratios[i], miss(k.At(tau))/errs[best])
				stops[i] = append(stops[i], tau)
			}
		}
		cells := []string{fmt.Sprint(n), fmt.Sprintf("%.4f", stat.Mean(low, nil)), fmt.Sprintf("%.0f", middle(at)), fmt.Sprintf("%.4f", stat.Mean(end, nil))}
		for i := range ratios {
			cells = append(cells, fmt.Sprintf("%.2f (%.2f), τ = %.3g", middle(ratios[i]), slices.Max(ratios[i]), middle(stops[i])))
		}
		l.row(append(cells, fmt.Sprintf("%.2f", middle(norms)))...)
		fig.Series = append(fig.Series, figure.Series{Name: fmt.Sprintf("n = %d", n), X: times(), Y: mean})
	}
	net, err := l.twoLayer(target, 200, miss)
	if err != nil {
		return err
	}
	fig.Series = append(fig.Series, net)
	return l.save("kernel", "Error of the kernel estimator against stopping time", fig.Figure())
}

func (l *lab) kernel(t density.Target, n int, seed uint64) (*train.Kernel, *noisy, error) {
	s, err := drawNoisy(t, n, seed)
	if err != nil {
		return nil, nil, err
	}
	k, err := train.NewKernel(s.x1, s.x, s.alpha, s.sigma, 1)
	return k, s, err
}

// each denoises points of different noise.
func each(m score.Denoiser, s *noisy) []float64 {
	out := make([]float64, len(s.x))
	for i := range out {
		m.Denoise(out[i:i+1], s.x[i:i+1], s.alpha[i], s.sigma[i])
	}
	return out
}

// labelNoise is the root of the mean of Var[x₁|x] = σ²/α ∂D/∂x.
func labelNoise(t density.Target, s *noisy) float64 {
	sum, div := 0.0, make([]float64, 1)
	for i := range s.x {
		t.Divergence(div, s.x[i:i+1], s.alpha[i], s.sigma[i])
		sum += s.sigma[i] * s.sigma[i] / s.alpha[i] * div[0]
	}
	return math.Sqrt(sum / float64(len(s.x)))
}

// heldOut returns the time of least error against the labels of m further points.
func heldOut(k *train.Kernel, t density.Target, m int, seed uint64) (float64, error) {
	s, err := drawNoisy(t, m, 500+seed)
	if err != nil {
		return 0, err
	}
	errs := make([]float64, len(times()))
	for i, tau := range times() {
		errs[i] = floats.Distance(each(k.At(tau), s), s.x1, 2)
	}
	return times()[floats.MinIdx(errs)], nil
}

func middle(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
