package train

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// Implicit is score matching by integration by parts (Hyvärinen 2005, J. Mach. Learn. Res. 6,
// 695) at the noise Levels:
//
//	E σ²(½|s_θ|² + div s_θ) = E ½σ²|s_θ - ∇ log p|² + const,   x = αx₁ + σx₀
//
// Sliced replaces the divergence by v·∇(v·s_θ) and, for log-densities, |s_θ|² by (v·s_θ)²,
// with one v ~ N(0, I) a row (Song et al. 2019, arXiv 1905.07088, equations 7 and 8).
type Implicit struct {
	Precond nn.Precond
	Levels  Levels // nil means LogNormal{}
	Sliced  bool
}

// Check returns what keeps the objective from training a network.
func (o *Implicit) Check(in, out int) error {
	if o.Precond.Kind == nn.Raw {
		return fmt.Errorf("train: a raw network is no score")
	}
	return checkShape(&o.Precond, in, out)
}

// Jets are those of Add.
func (o *Implicit) Jets(dim int) []nn.Jet {
	j := nn.Jet{Dirs: dim, Back: nn.Weights}
	if o.Sliced {
		j.Dirs = 1
	}
	if o.Precond.Kind == nn.LogDensity {
		j.Lap = j.Dirs
	}
	return []nn.Jet{j}
}

// Add returns the losses of rows of the batch.
func (o *Implicit) Add(w *Work, b *Batch, lo, hi int) (float64, error) {
	levels := o.Levels
	if levels == nil {
		levels = LogNormal{}
	}
	if t, ok := levels.(Times); ok {
		levels = t.spanned()
	}
	n, d, tp := hi-lo, w.Dim, w.Tape(0)
	dirs := d
	if o.Sliced {
		dirs = 1
	}
	x, xin, t := w.Floats(n*d), w.Floats(n*d), w.Floats(n)
	coef := w.Floats(4 * n) // A, B, In, σ² of s = Ax + B F(In·x)
	v := w.Floats(n * d)
	for i := range n {
		row := lo + i
		c := levels.Draw(w.At(b.Seed, stream.Step, uint64(row), b.Step))
		p := o.Precond.At(c.Alpha, c.Sigma)
		s2 := c.Sigma * c.Sigma
		k := coef[4*i : 4*i+4]
		k[0], k[1], k[2], k[3] = (c.Alpha*p.Skip-1)/s2, c.Alpha*p.Out/s2, p.In, s2
		t[i] = p.Noise
		rng := w.At(b.Seed, stream.Probe, uint64(row), b.Step)
		for j := i * d; j < (i+1)*d; j++ {
			x[j] = c.Alpha*b.X1[lo*d+j] + c.Sigma*b.X0[lo*d+j]
			xin[j] = p.In * x[j]
			v[j] = rng.NormFloat64()
		}
	}
	if o.Sliced {
		tp.Forward(xin, t, v, nil)
	} else {
		tp.Forward(xin, t, nil, nil)
	}
	if o.Precond.Kind == nn.LogDensity {
		return o.logDensity(w, tp, coef, dirs, n), nil
	}
	return o.vector(w, tp, coef, x, v, dirs, n), nil
}

// logDensity is the loss of s = In∇φ: the first derivatives and the sum of the second ones
// along the coordinates or along v.
func (o *Implicit) logDensity(w *Work, tp Tape, coef []float64, dirs, n int) float64 {
	loss := 0.0
	lap, dlap := w.Floats(n), w.Floats(n)
	tp.Out(lap, dirs+1)
	w.dy[0] = nil
	for k := range dirs {
		g := w.Floats(n)
		tp.Out(g, k+1)
		for i, v := range g {
			in, s2 := coef[4*i+2], coef[4*i+3]
			loss += s2 * in * in * v * v / 2
			g[i] = w.Scale * s2 * in * in * v
		}
		w.dy[k+1] = g
	}
	for i, v := range lap {
		f := coef[4*i+3] * coef[4*i+2] * coef[4*i+2]
		loss += f * v
		dlap[i] = w.Scale * f
	}
	w.dy[dirs+1] = dlap
	tp.Backward(w.dy[:dirs+2]...)
	return loss
}

// vector is the loss of s = Ax + B F(In·x).
func (o *Implicit) vector(w *Work, tp Tape, coef, x, v []float64, dirs, n int) float64 {
	d, loss := w.Dim, 0.0
	y := w.Floats(n * d)
	tp.Out(y, 0)
	for i := range n {
		a, b, s2 := coef[4*i], coef[4*i+1], coef[4*i+3]
		for j := i * d; j < (i+1)*d; j++ {
			s := a*x[j] + b*y[j]
			probe := 1.0
			if o.Sliced {
				probe = v[j] * v[j]
			}
			loss += s2 * (s*s/2 + a*probe)
			y[j] = w.Scale * s2 * s * b
		}
	}
	w.dy[0] = y
	for k := range dirs {
		jac := w.Floats(n * d) // ∂F along direction k
		tp.Out(jac, k+1)
		for i := range n {
			f := coef[4*i+3] * coef[4*i+1] * coef[4*i+2]
			for j := range d {
				probe := 0.0
				if o.Sliced {
					probe = v[i*d+j]
				} else if j == k {
					probe = 1
				}
				loss += f * probe * jac[i*d+j]
				jac[i*d+j] = w.Scale * f * probe
			}
		}
		w.dy[k+1] = jac
	}
	tp.Backward(w.dy[:dirs+1]...)
	return loss
}
