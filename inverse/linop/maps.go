package linop

import (
	"fmt"
	"math"
	"sync"
)

// Linear returns an operator as a Map, f(x) = A x.
func Linear(op Operator) Map { return linear{op} }

type linear struct{ Operator }

func (l linear) JVP(dst, x, v []float64) { l.checkPoint(x); l.Apply(dst, v) }
func (l linear) VJP(dst, x, u []float64) { l.checkPoint(x); l.Adjoint(dst, u) }
func (l linear) checkPoint(x []float64) {
	_, cols := l.Dims()
	mustLen("the point", len(x), cols)
}

// Jacobian returns the operator f'(x) at a point, for Gauss-Newton steps. It keeps x,
// which must not change while the operator is used.
func Jacobian(f Map, x []float64) Operator {
	_, cols := f.Dims()
	mustLen("the point", len(x), cols)
	return &jacobian{f, x}
}

type jacobian struct {
	f Map
	x []float64
}

func (j *jacobian) Dims() (rows, cols int)   { return j.f.Dims() }
func (j *jacobian) Apply(dst, v []float64)   { j.f.JVP(dst, j.x, v) }
func (j *jacobian) Adjoint(dst, u []float64) { j.f.VJP(dst, j.x, u) }

// After returns the Map f(A x). It panics if the sizes disagree.
func After(f Map, op Operator) Map {
	_, inner := f.Dims()
	rows, cols := op.Dims()
	if inner != rows {
		panic(fmt.Sprintf("linop: a map of R^%d after an operator to R^%d", inner, rows))
	}
	return &after{f, op, cols, newBuffers(2 * rows)}
}

type after struct {
	f       Map
	op      Operator
	cols    int
	buffers *sync.Pool // A x and another vector of its size
}

func (a *after) Dims() (rows, cols int) {
	rows, _ = a.f.Dims()
	return rows, a.cols
}

func (a *after) Apply(dst, x []float64) {
	t, ax, _ := a.at(x)
	a.f.Apply(dst, ax)
	a.buffers.Put(t)
}

func (a *after) JVP(dst, x, v []float64) {
	t, ax, av := a.at(x)
	a.op.Apply(av, v)
	a.f.JVP(dst, ax, av)
	a.buffers.Put(t)
}

func (a *after) VJP(dst, x, u []float64) {
	t, ax, w := a.at(x)
	a.f.VJP(w, ax, u)
	a.op.Adjoint(dst, w)
	a.buffers.Put(t)
}

// at returns A x and scratch of its size.
func (a *after) at(x []float64) (t *buffer, ax, w []float64) {
	t = a.buffers.Get().(*buffer)
	n := len(t.v) / 2
	a.op.Apply(t.v[:n], x)
	return t, t.v[:n], t.v[n:]
}

// A pointwise map has f_i(x) = value(x_i) and a diagonal Jacobian.
type pointwise struct {
	n                 int
	value, derivative func(x float64) float64
}

func (p *pointwise) Dims() (rows, cols int)  { return p.n, p.n }
func (p *pointwise) VJP(dst, x, u []float64) { p.JVP(dst, x, u) }
func (p *pointwise) Apply(dst, x []float64) {
	mustVectors(dst, p.n, x, p.n)
	for i, v := range x {
		dst[i] = p.value(v)
	}
}

func (p *pointwise) JVP(dst, x, v []float64) {
	mustVectors(dst, p.n, x, p.n)
	mustLen("the direction", len(v), p.n)
	for i, xi := range x {
		dst[i] = p.derivative(xi) * v[i]
	}
}

// NewQuantiser returns the rounding to the levels (k + ½) step on R^n,
//
//	f(x) = (⌊x/step⌋ + ½) step.
//
// The derivative is 0 wherever it exists. With straight-through its place is taken by
// that of the identity, 1 (Bengio, Léonard and Courville 2013, arXiv 1308.3432), which
// is the derivative of the mean of f under dither uniform over one step.
func NewQuantiser(n int, step float64, straightThrough bool) Map {
	mustPositive(n)
	if !(step > 0) || math.IsInf(step, 0) {
		panic("linop: the step of a quantiser must be positive")
	}
	slope := 0.0
	if straightThrough {
		slope = 1
	}
	return &pointwise{n,
		func(x float64) float64 { return (math.Floor(x/step) + 0.5) * step },
		func(float64) float64 { return slope }}
}

// NewClip returns an overexposed recording on R^n, f(x) = min(max(gain x, lo), hi). Its
// derivative is gain strictly between the limits, and 0 at and beyond them.
func NewClip(n int, gain, lo, hi float64) Map {
	mustPositive(n)
	if !(lo < hi) || !finite(gain) {
		panic("linop: a clip needs a finite gain and lo < hi")
	}
	return &pointwise{n,
		func(x float64) float64 { return min(max(gain*x, lo), hi) },
		func(x float64) float64 {
			if v := gain * x; v > lo && v < hi {
				return gain
			}
			return 0
		}}
}

// NewTransmission returns the expected photon counts behind an absorber with the line
// integrals A x, f(x) = counts exp(−A x) (Beer and Lambert).
func NewTransmission(op Operator, counts float64) Map {
	rows, _ := op.Dims()
	if !(counts > 0) || math.IsInf(counts, 0) {
		panic("linop: the photon count of a transmission must be positive")
	}
	return After(&pointwise{rows,
		func(x float64) float64 { return counts * math.Exp(-x) },
		func(x float64) float64 { return -counts * math.Exp(-x) }}, op)
}

// NewMagnitude returns the modulus of complex data, f(x)_k = |(A x)_k|, the map of phase
// retrieval; A x holds pairs (re, im). Where the modulus is 0 it has no derivative and
// 0 is used, one of its subgradients. It panics if A has an odd number of rows.
func NewMagnitude(op Operator) Map {
	rows, _ := op.Dims()
	if rows%2 != 0 {
		panic("linop: the magnitude of an operator with an odd number of rows; complex data come in pairs")
	}
	return After(modulus(rows/2), op)
}

// modulus maps that many pairs to their moduli.
type modulus int

func (m modulus) Dims() (rows, cols int) { return int(m), 2 * int(m) }

func (m modulus) Apply(dst, z []float64) {
	mustVectors(dst, int(m), z, 2*int(m))
	for k := range dst {
		dst[k] = math.Hypot(z[2*k], z[2*k+1])
	}
}

func (m modulus) JVP(dst, z, v []float64) {
	mustVectors(dst, int(m), z, 2*int(m))
	mustLen("the direction", len(v), 2*int(m))
	for k := range dst {
		re, im := phase(z, k)
		dst[k] = re*v[2*k] + im*v[2*k+1]
	}
}

func (m modulus) VJP(dst, z, u []float64) {
	mustVectors(dst, 2*int(m), z, 2*int(m))
	mustLen("the direction", len(u), int(m))
	for k, v := range u {
		re, im := phase(z, k)
		dst[2*k], dst[2*k+1] = re*v, im*v
	}
}

// phase returns z_k/|z_k|, and 0 for 0.
func phase(z []float64, k int) (re, im float64) {
	re, im = z[2*k], z[2*k+1]
	if r := math.Hypot(re, im); r > 0 {
		return re / r, im / r
	}
	return 0, 0
}
