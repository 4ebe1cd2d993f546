package ode

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A Divergence is a way to find div f = tr ∂f/∂x along a trajectory: Exact,
// Hutchinson or HutchPP. The random ones draw their probes once for each point and
// keep them along its trajectory, so that the integral of the estimate is smooth; the
// probes of a point depend on the seed and its index in the whole batch alone.
type Divergence interface {
	estimates() int // independent estimates side by side
	newTrace(f Field, rows int) traceEstimator
}

// A traceEstimator belongs to one goroutine.
type traceEstimator interface {
	begin(first, rows int)
	// estimate writes the j-th estimate for each point.
	estimate(dst []float64, j int, x []float64, t float64)
}

// Exact takes the divergence from the field if it is a Diverger, or else as the sum of
// e_iᵀ(∂f/∂x)e_i, with one JVP for each dimension.
type Exact struct{}

// A ProbeLaw is the distribution of a probe's independent coordinates.
type ProbeLaw int

// The laws of probes. With Rademacher's signs the estimate has the smaller variance,
// 2 Σ_{i≠j} s_ij² against 2 Σ_ij s_ij², s the symmetric part of the matrix.
const (
	Rademacher ProbeLaw = iota
	Gaussian
)

// Hutchinson is the mean of vᵀ(∂f/∂x)v over random probes v with E vvᵀ = I, unbiased,
// one JVP a probe (Hutchinson 1989; for flows Grathwohl et al. 2019, arXiv 1810.01367).
// The standard error is that over the probes.
type Hutchinson struct {
	Probes int // 16 if zero
	Law    ProbeLaw
	Seed   uint64
}

// HutchPP is Hutch++ (Meyer, Musco, Musco, Woodruff 2021, arXiv 2010.09649, algorithm
// 1): with A = ∂f/∂x, Probes columns of normals S and of random signs G, and Q an
// orthonormal basis of the columns of AS,
//
//	tr A ≈ tr QᵀAQ + 1/Probes tr Gᵀ(I-QQᵀ)A(I-QQᵀ)G,
//
// unbiased, and exact if Probes is at least the rank of A. (The paper draws signs for S
// too, but in few dimensions their columns often coincide.) One estimate costs 3·Probes
// JVPs; the standard error is that over Repeats independent ones.
type HutchPP struct {
	Probes  int // 4 if zero; at most the dimension is used
	Repeats int // 4 if zero
	Seed    uint64
}

func orDefault(n, def int) int {
	if n < 0 {
		panic("ode: the number of probes or repeats is negative")
	}
	if n == 0 {
		return def
	}
	return n
}

func (Exact) estimates() int        { return 1 }
func (h Hutchinson) estimates() int { return orDefault(h.Probes, 16) }
func (h HutchPP) estimates() int    { return orDefault(h.Repeats, 4) }

func mustJVP(f Field) JVPer {
	j, ok := f.(JVPer)
	if !ok {
		panic("ode: the divergence of the field needs its JVP")
	}
	return j
}

func (Exact) newTrace(f Field, rows int) traceEstimator {
	if g, ok := f.(Diverger); ok {
		return knownTrace{g}
	}
	n := rows * f.Dim()
	return &unitTrace{f: mustJVP(f), v: make([]float64, n), jv: make([]float64, n)}
}

type knownTrace struct{ f Diverger }

func (knownTrace) begin(_, _ int) {}

func (e knownTrace) estimate(dst []float64, _ int, x []float64, t float64) {
	e.f.Divergence(dst, x, t)
}

type unitTrace struct {
	f     JVPer
	v, jv []float64
}

func (*unitTrace) begin(_, _ int) {}

func (e *unitTrace) estimate(dst []float64, _ int, x []float64, t float64) {
	d := e.f.Dim()
	v, jv := e.v[:len(x)], e.jv[:len(x)]
	clear(dst)
	for i := range d {
		clear(v)
		for r := range dst {
			v[r*d+i] = 1
		}
		e.f.JVP(jv, x, v, t)
		for r := range dst {
			dst[r] += jv[r*d+i]
		}
	}
}

// probes holds random vectors for each row of a group: vector p of row r is
// v[p][r·d : (r+1)·d].
type probes struct {
	d     int
	law   ProbeLaw
	seed  uint64
	index uint64 // address of the first vector
	src   *stream.Source
	v     [][]float64
}

func newProbes(count, d, rows int, law ProbeLaw, seed, index uint64) probes {
	if law != Rademacher && law != Gaussian {
		panic("ode: unknown law of probes")
	}
	return probes{d: d, law: law, seed: seed, index: index, src: stream.New(), v: blocks(count, rows*d)}
}

func blocks(count, size int) [][]float64 {
	v := make([][]float64, count)
	for i := range v {
		v[i] = make([]float64, size)
	}
	return v
}

func (p *probes) begin(first, rows int) {
	for i, v := range p.v {
		index := p.index + uint64(i)
		if p.law == Gaussian {
			p.src.Rows(v[:rows*p.d], p.seed, stream.Probe, uint64(first), index, p.d)
			continue
		}
		for r := range rows {
			p.src.Signs(v[r*p.d:(r+1)*p.d], p.seed, stream.Probe, uint64(first+r), index)
		}
	}
}

func (h Hutchinson) newTrace(f Field, rows int) traceEstimator {
	d := f.Dim()
	return &hutchinson{
		f: mustJVP(f), jv: make([]float64, rows*d),
		probes: newProbes(h.estimates(), d, rows, h.Law, h.Seed, 0),
	}
}

type hutchinson struct {
	f  JVPer
	jv []float64
	probes
}

func (e *hutchinson) estimate(dst []float64, j int, x []float64, t float64) {
	jv, v := e.jv[:len(x)], e.v[j][:len(x)]
	e.f.JVP(jv, x, v, t)
	clear(dst)
	addDots(dst, v, jv, 1)
}

// addDots adds w·v_rᵀu_r to dst[r] for each row r.
func addDots(dst, v, u []float64, w float64) {
	d := len(v) / len(dst)
	for r := range dst {
		dst[r] += w * floats.Dot(v[r*d:(r+1)*d], u[r*d:(r+1)*d])
	}
}

func (h HutchPP) newTrace(f Field, rows int) traceEstimator {
	d := f.Dim()
	k := min(orDefault(h.Probes, 4), d)
	count := k * h.estimates()
	return &hutchPP{
		f: mustJVP(f), d: d,
		s:  newProbes(count, d, rows, Gaussian, h.Seed, 0),
		g:  newProbes(count, d, rows, Rademacher, h.Seed, uint64(count)),
		q:  blocks(k, rows*d),
		v:  make([]float64, rows*d),
		jv: make([]float64, rows*d),
	}
}

type hutchPP struct {
	f     JVPer
	d     int
	s, g  probes // k columns for each estimate
	q     [][]float64
	v, jv []float64
}

func (e *hutchPP) begin(first, rows int) {
	e.s.begin(first, rows)
	e.g.begin(first, rows)
}

func (e *hutchPP) estimate(dst []float64, j int, x []float64, t float64) {
	k, n := len(e.q), len(x)
	v, jv := e.v[:n], e.jv[:n]
	clear(dst)
	for c, q := range e.q {
		e.f.JVP(q[:n], x, e.s.v[k*j+c][:n], t)
		e.orthonormalize(q[:n], c)
	}
	for _, q := range e.q {
		e.f.JVP(jv, x, q[:n], t)
		addDots(dst, q[:n], jv, 1)
	}
	if k == e.d {
		return // Q spans the range of A
	}
	for c := range k {
		copy(v, e.g.v[k*j+c])
		e.project(v, k)
		e.f.JVP(jv, x, v, t)
		addDots(dst, v, jv, 1/float64(k))
	}
}

// project removes from each row of v its components along the first c columns of Q.
func (e *hutchPP) project(v []float64, c int) {
	d := e.d
	for lo := 0; lo < len(v); lo += d {
		for _, q := range e.q[:c] {
			floats.AddScaled(v[lo:lo+d], -floats.Dot(q[lo:lo+d], v[lo:lo+d]), q[lo:lo+d])
		}
	}
}

// orthonormalize makes column c of Q by the modified Gram-Schmidt process, done twice
// for orthogonality to rounding. A column that depends on those before it becomes 0.
func (e *hutchPP) orthonormalize(v []float64, c int) {
	const dependent = 1e-10 // part of the length that rounding cannot tell from 0
	d := e.d
	for lo := 0; lo < len(v); lo += d {
		e.jv[lo] = floats.Norm(v[lo:lo+d], 2)
	}
	e.project(v, c)
	e.project(v, c)
	for lo := 0; lo < len(v); lo += d {
		row := v[lo : lo+d]
		size := floats.Norm(row, 2)
		if size <= dependent*e.jv[lo] {
			clear(row)
		} else {
			floats.Scale(1/size, row)
		}
	}
}
