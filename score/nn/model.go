package nn

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// A Model is a network with what its output means: a score.Denoiser with Jacobian-vector
// products and divergence, safe for concurrent use while nobody changes the weights. Of
// the result for a point no bit depends on the others.
type Model struct {
	Spec    Spec
	Precond Precond
	Net     *Net[float32]
	// Mean is that of the data, or nil for zero: D(x) = Mean + D₀(x - α Mean), D₀ the network's by
	// Precond. The network then sees centred points.
	Mean []float64
	// Meta is kept in the file: the name of the path, settings of the training.
	Meta map[string]string
	// Probes is the number of ±1 directions in the divergence of points of more than 64
	// coordinates (Hutchinson 1990); zero means 8. They are the same for all points, so the
	// estimate is a smooth function of x. Up to 64 coordinates the divergence is exact.
	Probes int

	spaces [6]sync.Pool // of *space, by jet
	signs  sync.Once
	probe  []float64 // Probes·d signs
	failed atomic.Pointer[error]
}

// NewModel returns a model with weights drawn from the seed.
func NewModel(s Spec, p Precond, seed uint64) (*Model, error) {
	m, err := newModel(s, p)
	if err == nil {
		m.Net.Init(seed)
	}
	return m, err
}

// newModel returns a model without weights.
func newModel(s Spec, p Precond) (*Model, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	net, err := New[float32](s)
	if err != nil {
		return nil, err
	}
	if p.Kind == LogDensity && net.Out() != 1 {
		return nil, fmt.Errorf("nn: a log-density has one output, this network %d", net.Out())
	}
	if p.Kind != LogDensity && p.Kind != Raw && net.Out() != net.In() {
		return nil, fmt.Errorf("nn: a denoiser has as many outputs as inputs, this network %d and %d", net.Out(), net.In())
	}
	return &Model{Spec: s.withDefaults(), Precond: p, Net: net, Meta: map[string]string{}}, nil
}

// Sized returns the model of a U-Net for images of another size, with the same weights.
func (m *Model) Sized(height, width int) (*Model, error) {
	s := m.Spec
	s.Height, s.Width = height, width
	if s.Kind != "unet" {
		return nil, fmt.Errorf("nn: only a unet takes images of any size")
	}
	if m.Mean != nil {
		return nil, fmt.Errorf("nn: a model with a mean has the size of the mean")
	}
	net, err := New[float32](s)
	if err != nil {
		return nil, err
	}
	net.W = m.Net.W
	return &Model{Spec: s, Precond: m.Precond, Net: net, Meta: m.Meta, Probes: m.Probes}, nil
}

// Dim returns the dimension of a point.
func (m *Model) Dim() int { return m.Net.In() }

// Err returns the first error: an output that is not finite.
func (m *Model) Err() error {
	if e := m.failed.Load(); e != nil {
		return *e
	}
	return nil
}

// The jets of a model's evaluations.
const (
	values   = iota // F
	tangent         // F and its derivative along a direction
	tangents        // F and derivatives along directions
	gradient        // F and, by Backward, its gradient
	hessian         // and products of its Hessian
	laplace         // F, derivatives and the sum of the second ones
)

// A space is what one goroutine needs for an evaluation.
type space struct {
	tape              *Tape[float32]
	x, t, dx, out, dy []float64
	c                 []Coeffs // of rows with noise levels of their own
}

// ones returns the derivative of the sum of a log-density over the rows.
func (s *space) ones() []float64 {
	dy := s.dy[:len(s.t)]
	for i := range dy {
		dy[i] = 1
	}
	return dy
}

func (m *Model) space(kind int) *space {
	if s, ok := m.spaces[kind].Get().(*space); ok {
		return s
	}
	largest := 0
	for _, s := range m.Net.shapes {
		largest = max(largest, s.Len())
	}
	rows := max(1, min(128, 1<<16/largest)) // values that stay in cache
	j := Jet{}
	d := m.Dim()
	switch kind {
	case tangent:
		j.Dirs = 1
	case tangents:
		j.Dirs = min(d, dirsAtOnce)
	case gradient:
		j.Back = All
	case hessian:
		j = Jet{Dirs: 1, Back: All}
	case laplace:
		j.Dirs = min(d, dirsAtOnce)
		j.Lap = j.Dirs
	}
	out := m.Net.Out()
	return &space{
		tape: m.Net.NewTape(rows, j), x: make([]float64, rows*d), t: make([]float64, rows),
		dx: make([]float64, j.Dirs*rows*d), out: make([]float64, rows*max(out, d)), dy: make([]float64, rows*out),
		c: make([]Coeffs, rows),
	}
}

// batches calls f for batches of rows of x - α Mean, scaled by in, at the number t.
func (m *Model) batches(kind int, x []float64, alpha, in, t float64, f func(s *space, lo, hi int)) {
	d := m.Dim()
	if len(x)%d != 0 {
		panic("nn: points of the wrong length")
	}
	s := m.space(kind)
	full := s.t
	for i := range full {
		full[i] = t
	}
	n := len(x) / d
	for lo := 0; lo < n; lo += len(full) {
		hi := min(lo+len(full), n)
		s.t = full[:hi-lo]
		m.enter(s.x[:(hi-lo)*d], x[lo*d:hi*d], alpha, in)
		f(s, lo, hi)
	}
	s.t = full
	m.spaces[kind].Put(s)
}

// enter writes rows of x - α Mean, scaled by in.
func (m *Model) enter(dst, x []float64, alpha, in float64) {
	for i, v := range x {
		dst[i] = in * v
	}
	if m.Mean != nil {
		addRepeated(dst, m.Mean, -in*alpha)
	}
}

// addRepeated adds f·v to each row of x.
func addRepeated(x, v []float64, f float64) {
	for ; len(x) > 0; x = x[len(v):] {
		for j, u := range v {
			x[j] += f * u
		}
	}
}

// Eval writes the network's output F(x, t) for each point, for use as a field of
// interpolant.Estimated.
func (m *Model) Eval(dst, x []float64, t float64) {
	out, d := m.Net.Out(), m.Dim()
	if len(dst)*d != len(x)*out {
		panic("nn: points and outputs do not match")
	}
	m.batches(values, x, 0, 1, t, func(s *space, lo, hi int) {
		s.tape.Forward(s.x[:(hi-lo)*d], s.t, nil, nil)
		s.tape.Out(dst[lo*out:hi*out], 0)
	})
	m.look(dst, t)
}

// JVP writes (∂D/∂x) v.
func (m *Model) JVP(dst, x, v []float64, alpha, sigma float64) {
	m.denoiser(dst, x)
	if len(v) != len(x) {
		panic("nn: points and vectors do not match")
	}
	d, c := m.Dim(), m.Precond.At(alpha, sigma)
	if m.Precond.Kind == LogDensity {
		f := sigma * sigma * c.In * c.In
		m.batches(hessian, x, alpha, c.In, c.Noise, func(s *space, lo, hi int) {
			s.tape.Forward(s.x[:(hi-lo)*d], s.t, v[lo*d:hi*d], nil)
			s.tape.Backward(nil, nil, s.ones())
			s.tape.InputGrad(dst[lo*d:hi*d], nil, 0)
		})
		for i, u := range v {
			dst[i] = (u + f*dst[i]) / alpha
		}
	} else {
		m.batches(tangent, x, alpha, c.In, c.Noise, func(s *space, lo, hi int) {
			s.tape.Forward(s.x[:(hi-lo)*d], s.t, v[lo*d:hi*d], nil)
			s.tape.Out(dst[lo*d:hi*d], 1)
		})
		for i, u := range v {
			dst[i] = c.Skip*u + c.Out*c.In*dst[i]
		}
	}
	m.look(dst, c.Noise)
}

// VJP writes (∂D/∂x)ᵀ u.
func (m *Model) VJP(dst, x, u []float64, alpha, sigma float64) {
	if m.Precond.Kind == LogDensity {
		m.JVP(dst, x, u, alpha, sigma) // a Hessian is symmetric
		return
	}
	m.denoiser(dst, x)
	if len(u) != len(x) {
		panic("nn: points and vectors do not match")
	}
	d, c := m.Dim(), m.Precond.At(alpha, sigma)
	m.batches(gradient, x, alpha, c.In, c.Noise, func(s *space, lo, hi int) {
		s.tape.Forward(s.x[:(hi-lo)*d], s.t, nil, nil)
		s.tape.Backward(nil, u[lo*d:hi*d])
		s.tape.InputGrad(dst[lo*d:hi*d], nil, 0)
	})
	for i, v := range u {
		dst[i] = c.Skip*v + c.Out*c.In*dst[i]
	}
	m.look(dst, c.Noise)
}

func (m *Model) denoiser(dst, x []float64) {
	if m.Precond.Kind == Raw {
		panic("nn: a network of a raw field is no denoiser")
	}
	if len(dst) != len(x) {
		panic("nn: points and outputs do not match")
	}
}

// look keeps the first error and makes NaN of infinities.
func (m *Model) look(dst []float64, t float64) {
	for i, v := range dst {
		if v-v == 0 {
			continue
		}
		dst[i] = math.NaN()
		if m.failed.Load() == nil {
			err := fmt.Errorf("nn: the network's output at t = %.4g is not finite: its weights, or the points, are too large or not numbers", t)
			m.failed.CompareAndSwap(nil, &err)
		}
	}
}
