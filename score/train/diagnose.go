package train

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// Residual returns the Fokker-Planck residual R of a model on a path (FokkerPlanck) at points
// x and times t, one a point: one value a point for log-densities, d for all others. It is
// exact, by the network's own derivatives.
func Residual(m *nn.Model, p interpolant.Path, x, t []float64) ([]float64, error) {
	r := residual{p, &m.Precond}
	d := m.Dim()
	if err := r.check(d, m.Net.Out()); err != nil {
		return nil, err
	}
	if len(x) != len(t)*d {
		panic("train: points and times do not agree")
	}
	k, rows := r.size(d), tapeRows(1024, d)
	out := make([]float64, len(t)*k)
	w, _ := newWork(m.Net, rows, []nn.Jet{residualJet(d, nn.NoBack)})
	if m.Mean != nil { // x - α Mean obeys the same equation
		x = append([]float64(nil), x...)
		for i := range x {
			x[i] -= p.At(t[i/d]).Alpha * m.Mean[i%d]
		}
	}
	for lo := 0; lo < len(t); lo += rows {
		hi := min(lo+rows, len(t))
		w.free = w.block
		copy(out[lo*k:hi*k], r.eval(w, x[lo*d:hi*d], t[lo:hi]).r)
	}
	return out, nil
}

// ResidualByDifferences writes the residual in score form of any model at points x and a time
// t, d values a point, by central differences of its score: over ±step σ in x and
// ±step·min(t, 1-t) in t. The error is of second order in step, with rounding over step²;
// zero means 1e-3, which suits models in float64.
func ResidualByDifferences(dst, x []float64, m score.Denoiser, p interpolant.Path, t, step float64) {
	d := m.Dim()
	if len(dst) != len(x) || len(x)%d != 0 {
		panic("train: lengths of dst and x do not agree with the dimension")
	}
	step = or(step, 1e-3)
	size := len(x)
	at := func(s, x []float64, t float64) {
		c := p.At(t)
		den := make([]float64, size)
		m.Denoise(den, x, c.Alpha, c.Sigma)
		score.FromDenoised(s, x, den, c.Alpha, c.Sigma)
	}
	s, up, down, moved := make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size)
	at(s, x, t)
	f, h := residual{path: p}.drift(t)
	dt := step * min(t, 1-t)
	at(up, x, t+dt)
	at(down, x, t-dt)
	for i := range dst {
		dst[i] = (up[i]-down[i])/(2*dt) + f*s[i]
	}
	dx := step * p.At(t).Sigma
	for j := range d {
		shift := func(out []float64, by float64) {
			copy(moved, x)
			for i := j; i < size; i += d {
				moved[i] += by
			}
			at(out, moved, t)
		}
		shift(up, dx)
		shift(down, -dx)
		for row := 0; row < size; row += d {
			for k := range d { // J_kj = ∂s_k/∂x_j
				jac := (up[row+k] - down[row+k]) / (2 * dx)
				dst[row+j] += jac * (f*x[row+k] + 2*h*s[row+k])
				dst[row+k] += h * (up[row+k] - 2*s[row+k] + down[row+k]) / (dx * dx)
			}
		}
	}
}

// An Estimate is a mean over samples at a time, with its standard error.
type Estimate struct{ Time, Mean, StdErr float64 }

// ScoreError returns E|s_θ - ∇ log p_t|² at each time, over n points of the exact law of x_t:
// the same draws at all times.
func ScoreError(ctx context.Context, m score.Denoiser, exact density.Target, p interpolant.Path, times []float64, n int, seed uint64) ([]Estimate, error) {
	d := exact.Dim()
	if n < 2 || m.Dim() != d {
		panic("train: two points at least are needed, and a model of the target's dimension")
	}
	x0, x1 := make([]float64, n*d), make([]float64, n*d)
	if err := (Target{exact}).Draw(x0, x1, seed, 0); err != nil {
		return nil, err
	}
	x, den, truth, sq := make([]float64, n*d), make([]float64, n*d), make([]float64, n*d), make([]float64, n)
	out := make([]Estimate, len(times))
	for k, t := range times {
		c := p.At(t)
		if !(c.Sigma > 0) {
			return nil, fmt.Errorf("train: there is no noise at t = %g, and no score error", t)
		}
		for i := range x {
			x[i] = c.Alpha*x1[i] + c.Sigma*x0[i]
		}
		if err := par.Rows(ctx, n, 1024, 0, func(_, lo, hi int) error {
			m.Denoise(den[lo*d:hi*d], x[lo*d:hi*d], c.Alpha, c.Sigma)
			exact.Denoise(truth[lo*d:hi*d], x[lo*d:hi*d], c.Alpha, c.Sigma)
			return nil
		}); err != nil {
			return nil, err
		}
		f := c.Alpha / (c.Sigma * c.Sigma)
		for i := range sq {
			sq[i] = 0
			for j := i * d; j < (i+1)*d; j++ {
				e := f * (den[j] - truth[j])
				sq[i] += e * e
			}
		}
		mean, sd := stat.MeanStdDev(sq, nil)
		out[k] = Estimate{t, mean, sd / math.Sqrt(float64(n))}
	}
	return out, nil
}

// OneSidedLipschitz returns the largest eigenvalue of the symmetric part of ∂f/∂x over the
// points, by central differences of length step (zero means 1e-4). The field's one-sided
// Lipschitz constant is the least upper bound over all points, so this is an estimate from
// below, that grows with the number of points.
func OneSidedLipschitz(f ode.Field, x []float64, t, step float64) (float64, error) {
	d := f.Dim()
	if len(x) == 0 || len(x)%d != 0 {
		panic("train: a Lipschitz constant needs whole points")
	}
	step = or(step, 1e-4)
	size := len(x)
	moved, up, down := make([]float64, size), make([]float64, size), make([]float64, size)
	jac := make([]float64, d*size) // of point i: d×d values, a column after another
	for j := range d {
		for _, side := range []struct {
			by  float64
			out []float64
		}{{step, up}, {-step, down}} {
			copy(moved, x)
			for i := j; i < size; i += d {
				moved[i] += side.by
			}
			f.Eval(side.out, moved, t)
		}
		for i := range size {
			jac[i/d*d*d+j*d+i%d] = (up[i] - down[i]) / (2 * step)
		}
	}
	top := math.Inf(-1)
	sym := mat.NewSymDense(d, nil)
	var eig mat.EigenSym
	for i := range size / d {
		a := jac[i*d*d : (i+1)*d*d]
		for r := range d {
			for c := r; c < d; c++ {
				sym.SetSym(r, c, (a[r*d+c]+a[c*d+r])/2)
			}
		}
		if !eig.Factorize(sym, false) {
			return 0, fmt.Errorf("train: the field's Jacobian at t = %g is not finite", t)
		}
		top = max(top, eig.Values(nil)[d-1])
	}
	return top, nil
}

// GapBound returns the bound on the distance of the laws p of a model's flow and q of its
// process with the natural diffusion at the last of the times, if they start from one law,
//
//	W₂(p, q) ≤ ∫ exp(∫_t^1 K) h(t) (E_q|∇ log q_t - s_θ|²)^{1/2} dt,   h = g_nat²/2
//
// by the trapezoidal rule: the velocities of the two laws are u_θ and u_θ + h(s_θ - ∇ log q),
// and two points that follow u_θ part no faster than e^{∫K}, K the one-sided Lipschitz constant
// of u_θ (Grönwall; after Deveney et al. 2023, arXiv 2311.15996, theorem 2). The slices
// hold h, K and the root of the mean square at each time.
func GapBound(times, h, k, rms []float64) float64 {
	if len(h) != len(times) || len(k) != len(times) || len(rms) != len(times) {
		panic("train: a bound needs a value of each kind at every time")
	}
	bound, grow := 0.0, 0.0 // grow is ∫_t^1 K, from the end
	for i := len(times) - 2; i >= 0; i-- {
		dt := times[i+1] - times[i]
		after := math.Exp(grow) * h[i+1] * rms[i+1]
		grow += dt * (k[i] + k[i+1]) / 2
		bound += dt * (after + math.Exp(grow)*h[i]*rms[i]) / 2
	}
	return bound
}
