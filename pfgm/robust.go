package pfgm

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"gonum.org/v1/gonum/floats"
)

// What follows are the disturbances by which Xu et al. (2023, section 5) judge how robust
// models of different D are; they serve models of Gaussian noise as well.

var _ ode.Method = Jitter{}

// Jitter disturbs each point before each step of a method, to stand for the errors of a
// network or of long steps:
//
//	x ← x + Alpha σ(t) z,   z ~ N(0, I)
//
// (Xu et al. 2023, section 5.2: Alpha 0, 0.1, 0.2). The noise of point i at step k depends on
// Seed, i and k only.
type Jitter struct {
	Method ode.Method
	Alpha  float64
	Seed   uint64
}

// Name returns the method's name, marked.
func (j Jitter) Name() string { return j.Method.Name() + "+jitter" }

// Order returns the order of the method without noise.
func (j Jitter) Order() int { return j.Method.Order() }

// NewStepper returns a stepper. It panics unless the field is an ode.Semilinear.
func (j Jitter) NewStepper(f ode.Field, rows int) ode.Stepper {
	sl, ok := f.(ode.Semilinear)
	if !ok {
		panic("pfgm: Jitter needs a field that knows its noise, such as score.Flow")
	}
	return &jitterStepper{Stepper: j.Method.NewStepper(f, rows), opt: j, field: sl, src: stream.New(), z: make([]float64, rows*f.Dim())}
}

type jitterStepper struct {
	ode.Stepper
	opt         Jitter
	field       ode.Semilinear
	src         *stream.Source
	first, step int
	z           []float64
}

func (s *jitterStepper) Begin(first, rows int) {
	s.first, s.step = first, 0
	s.Stepper.Begin(first, rows)
}

func (s *jitterStepper) Step(x []float64, t0, t1 float64) {
	if _, sigma := s.field.Noise(t0); s.opt.Alpha != 0 {
		z := s.z[:len(x)]
		s.src.Rows(z, s.opt.Seed, stream.Step, uint64(s.first), uint64(s.step), s.field.Dim())
		floats.AddScaled(x, s.opt.Alpha*sigma, z)
	}
	s.step++
	s.Stepper.Step(x, t0, t1)
}

var _ score.Denoiser = (*Quantized)(nil)

// Quantized is a model whose output is stored in 2^Bits levels, evenly spaced from Lo to Hi,
// the affine scheme of quantised networks with a range that is fixed beforehand:
//
//	D ← Lo + h round((D - Lo)/h),   h = (Hi - Lo)/(2^Bits - 1)
//
// (Xu et al. 2023, section 5.3, quantise the weights; an exact model has none.) Values out
// of range are cut off. The lo and hi of the data are a good range.
type Quantized struct {
	Model  score.Denoiser
	Bits   int // 1 to 52
	Lo, Hi float64
}

// Dim returns the dimension of a point.
func (q *Quantized) Dim() int { return q.Model.Dim() }

// Denoise writes the rounded D.
func (q *Quantized) Denoise(dst, x []float64, alpha, sigma float64) {
	if q.Bits < 1 || q.Bits > 52 || !(q.Lo < q.Hi) {
		panic("pfgm: Quantized needs 1 to 52 bits and a range Lo < Hi")
	}
	q.Model.Denoise(dst, x, alpha, sigma)
	h := (q.Hi - q.Lo) / (math.Ldexp(1, q.Bits) - 1)
	for i, v := range dst {
		dst[i] = q.Lo + h*math.Round((min(max(v, q.Lo), q.Hi)-q.Lo)/h)
	}
}
