package train

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// residual is R of a network with a meaning on a path.
type residual struct {
	path interpolant.Path
	pre  *nn.Precond
}

func (r residual) check(in, out int) error {
	switch {
	case r.path == nil:
		return fmt.Errorf("train: the residual needs a path")
	case r.pre.Kind == nn.Raw:
		return fmt.Errorf("train: a raw network has no Fokker-Planck residual")
	case r.pre.Kind == nn.LogDensity && r.pre.Path == nil:
		return fmt.Errorf("train: the residual of a log-density needs a network that is told the time of the path (Precond.Path)")
	}
	return checkShape(r.pre, in, out)
}

// residualJet has the derivatives along the coordinates and t, and the Laplacian.
func residualJet(dim int, back nn.Back) nn.Jet { return nn.Jet{Dirs: dim + 1, Lap: dim, Back: back} }

// size returns the number of values of R a point.
func (r residual) size(dim int) int {
	if r.pre.Kind == nn.LogDensity {
		return 1
	}
	return dim
}

// drift returns f and h.
func (r residual) drift(t float64) (f, h float64) {
	c := r.path.At(t)
	f = c.DAlpha / c.Alpha
	return f, c.Sigma * (c.Sigma*f - c.DSigma)
}

// affine are the coefficients of s = Ax + B F(In·x, Noise) and their derivatives in t.
type affine struct{ a, b, in, noise, da, db, din, dnoise float64 }

func (r residual) affine(t float64) affine {
	at := func(t float64) (a, b, in, noise float64) {
		c := r.path.At(t)
		p := r.pre.At(c.Alpha, c.Sigma)
		s2 := c.Sigma * c.Sigma
		return (c.Alpha*p.Skip - 1) / s2, c.Alpha * p.Out / s2, p.In, p.Noise
	}
	var k affine
	k.a, k.b, k.in, k.noise = at(t)
	// The scale of change of a coefficient is the distance from the ends, so the error of
	// the differences is about 1e-8 of the derivatives.
	step := 1e-4 * min(t, 1-t)
	a, b, in, noise := at(t + step)
	a1, b1, in1, noise1 := at(t - step)
	k.da, k.db, k.din, k.dnoise = (a-a1)/(2*step), (b-b1)/(2*step), (in-in1)/(2*step), (noise-noise1)/(2*step)
	return k
}

// evaluated is R, and the channels of the network that it came from.
type evaluated struct {
	r, x, t, fs, y, dt, lap []float64
	s, jac                  []float64
	k                       []affine
}

// eval computes R at points and times on the first tape.
func (r residual) eval(w *Work, x, t []float64) evaluated {
	if r.pre.Kind == nn.LogDensity {
		return r.evalLog(w, x, t)
	}
	return r.evalScore(w, x, t)
}

// backward adds the gradient in the weights for the derivatives of a loss in R, in e.r.
func (r residual) backward(w *Work, e *evaluated) {
	if r.pre.Kind == nn.LogDensity {
		r.backLog(w, e)
	} else {
		r.backScore(w, e)
	}
}

func (r residual) evalLog(w *Work, x, t []float64) evaluated {
	n, d, tp := len(t), w.Dim, w.Tape(0)
	e := evaluated{r: w.Floats(n), x: x, t: t, fs: w.Floats(2 * n), dt: w.Floats(n), lap: w.Floats(n), jac: w.Floats(n * d)}
	tp.Forward(x, t, nil, nil)
	tp.Out(e.dt, d+1)
	tp.Out(e.lap, d+2)
	for j := range d {
		tp.Out(e.jac[j*n:(j+1)*n], j+1)
	}
	for i := range n {
		f, h := r.drift(t[i])
		e.fs[2*i], e.fs[2*i+1] = f, h
		v := e.dt[i] + float64(d)*f + h*e.lap[i]
		for j := range d {
			g := e.jac[j*n+i]
			v += g * (f*x[i*d+j] + h*g)
		}
		e.r[i] = v
	}
	return e
}

func (r residual) backLog(w *Work, e *evaluated) {
	n, d := len(e.t), w.Dim
	for i, v := range e.r {
		f, h := e.fs[2*i], e.fs[2*i+1]
		e.dt[i], e.lap[i] = v, h*v
		for j := range d {
			e.jac[j*n+i] = v * (f*e.x[i*d+j] + 2*h*e.jac[j*n+i])
		}
	}
	w.dy[0] = nil
	for j := range d {
		w.dy[j+1] = e.jac[j*n : (j+1)*n]
	}
	w.dy[d+1], w.dy[d+2] = e.dt, e.lap
	w.Tape(0).Backward(w.dy[:d+3]...)
}

func (r residual) evalScore(w *Work, x, t []float64) evaluated {
	n, d, tp := len(t), w.Dim, w.Tape(0)
	size := n * d
	e := evaluated{r: w.Floats(size), x: x, t: t, fs: w.Floats(2 * n), y: w.Floats(size), dt: w.Floats(size), lap: w.Floats(size),
		s: w.Floats(size), jac: w.Floats(d * size)}
	if cap(w.coeffs) < n {
		w.coeffs = make([]affine, n)
	}
	e.k = w.coeffs[:n]
	xin, noise := w.Floats(size), w.Floats(n)
	for i := range n {
		e.fs[2*i], e.fs[2*i+1] = r.drift(t[i])
		e.k[i] = r.affine(t[i])
		noise[i] = e.k[i].noise
		for j := i * d; j < (i+1)*d; j++ {
			xin[j] = e.k[i].in * x[j]
		}
	}
	tp.Forward(xin, noise, nil, nil)
	tp.Out(e.y, 0)
	tp.Out(e.dt, d+1)
	tp.Out(e.lap, d+2)
	for j := range d {
		tp.Out(e.jac[j*size:(j+1)*size], j+1)
	}
	for i := range n {
		k, f, h := &e.k[i], e.fs[2*i], e.fs[2*i+1]
		x, y, s := x[i*d:(i+1)*d], e.y[i*d:(i+1)*d], e.s[i*d:(i+1)*d]
		for j := range d {
			s[j] = k.a*x[j] + k.b*y[j]
		}
		for j := range d {
			at := i*d + j
			v := k.da*x[j] + k.db*y[j] + k.b*k.dnoise*e.dt[at] + f*(s[j]+k.a*x[j]) + h*(k.b*k.in*k.in*e.lap[at]+2*k.a*s[j])
			for l := range d {
				v += k.b * (k.din*e.jac[l*size+at]*x[l] + k.in*e.jac[j*size+i*d+l]*(f*x[l]+2*h*s[l]))
			}
			e.r[at] = v
		}
	}
	return e
}

func (r residual) backScore(w *Work, e *evaluated) {
	n, d := len(e.t), w.Dim
	size := n * d
	djac := w.Floats(d * size)
	for i := range n {
		k, f, h := &e.k[i], e.fs[2*i], e.fs[2*i+1]
		x, s, dr := e.x[i*d:(i+1)*d], e.s[i*d:(i+1)*d], e.r[i*d:(i+1)*d]
		for j := range d {
			at := i*d + j
			dy := dr[j] * (k.db + k.b*(f+2*h*k.a))
			for l := range d { // e.jac[l][i, j] is ∂F_j/∂x_l
				dy += dr[l] * 2 * h * k.b * k.b * k.in * e.jac[l*size+at]
				djac[l*size+at] = k.b * (dr[j]*k.din*x[l] + dr[l]*k.in*(f*x[j]+2*h*s[j]))
			}
			e.y[at], e.dt[at], e.lap[at] = dy, dr[j]*k.b*k.dnoise, dr[j]*h*k.b*k.in*k.in
		}
	}
	w.dy[0] = e.y
	for j := range d {
		w.dy[j+1] = djac[j*size : (j+1)*size]
	}
	w.dy[d+1], w.dy[d+2] = e.dt, e.lap
	w.Tape(0).Backward(w.dy[:d+3]...)
}
