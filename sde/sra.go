package sde

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/ode"
)

// SRA is a table of a stochastic Runge-Kutta method of strong order 1.5 for additive
// noise (Rößler 2010, SIAM J. Numer. Anal. 48(3), doi:10.1137/09076636X). With
// I₁ = ΔW and I₁₀ = ∫ (W(s) - W(t)) ds over the step,
//
//	Hᵢ = x + h Σⱼ Aᵢⱼ f(t+c⁰ⱼh, Hⱼ) + I₁₀/h Σⱼ Bᵢⱼ g(t+c¹ⱼh)
//	x' = x + h Σᵢ aᵢ f(t+c⁰ᵢh, Hᵢ) + Σᵢ (β¹ᵢ I₁ + β²ᵢ I₁₀/h) g(t+c¹ᵢh)
//
// in either direction of time. A and B are strictly lower triangular: row i, counted
// from 0, has i entries. Weak order 2, one drift evaluation a stage.
type SRA struct {
	Label string // the name

	A, B         [][]float64
	Alpha        []float64
	Beta1, Beta2 []float64
	C0, C1       []float64
}

var _ Method = (*SRA)(nil)

// The tables of Rößler 2010. Without noise SRA1 and SRA2 have order 2, and
// SRA3 is the third-order SSPRK3 of Shu and Osher.
var (
	SRA1 = &SRA{
		Label: "sra1",
		A:     [][]float64{{}, {3. / 4}},
		B:     [][]float64{{}, {3. / 2}},
		Alpha: []float64{1. / 3, 2. / 3},
		Beta1: []float64{1, 0},
		Beta2: []float64{-1, 1},
		C0:    []float64{0, 3. / 4},
		C1:    []float64{1, 0},
	}
	SRA2 = &SRA{
		Label: "sra2",
		A:     [][]float64{{}, {3. / 4}},
		B:     [][]float64{{}, {3. / 2}},
		Alpha: []float64{1. / 3, 2. / 3},
		Beta1: []float64{0, 1},
		Beta2: []float64{3. / 2, -3. / 2},
		C0:    []float64{0, 3. / 4},
		C1:    []float64{1. / 3, 1},
	}
	SRA3 = &SRA{
		Label: "sra3",
		A:     [][]float64{{}, {1}, {1. / 4, 1. / 4}},
		B:     [][]float64{{}, {0}, {1, 1. / 2}},
		Alpha: []float64{1. / 6, 1. / 6, 2. / 3},
		Beta1: []float64{1, 0, 0},
		Beta2: []float64{-1, 1, 0},
		C0:    []float64{0, 1, 1. / 2},
		C1:    []float64{1, 0, 0},
	}
)

// Name returns the label.
func (m *SRA) Name() string { return m.Label }

// StrongOrder returns 1.5.
func (m *SRA) StrongOrder() float64 { return 1.5 }

// WeakOrder returns 2.
func (m *SRA) WeakOrder() float64 { return 2 }

// Validate returns an error unless the table has the right shape, the row sums
// A𝟏 = c⁰ and the conditions of strong order 1.5 (Rößler 2010).
func (m *SRA) Validate() error {
	s := len(m.Alpha)
	t := table{label: m.Label}
	t.shape(s, [][][]float64{m.A, m.B}, m.Beta1, m.Beta2, m.C0, m.C1)
	if t.err != nil {
		return t.err
	}
	ae, be := rowSums(m.A), rowSums(m.B)
	t.equal("A𝟏", ae, m.C0)
	t.dot("α·𝟏", 1, m.Alpha)
	t.dot("β¹·𝟏", 1, m.Beta1)
	t.dot("β²·𝟏", 0, m.Beta2)
	t.dot("α·B𝟏", 1, m.Alpha, be)
	t.dot("α·A𝟏", 0.5, m.Alpha, ae)
	t.dot("α·(B𝟏)²", 1.5, m.Alpha, be, be)
	t.dot("β¹·c¹", 1, m.Beta1, m.C1)
	t.dot("β²·c¹", -1, m.Beta2, m.C1)
	return t.err
}

// NewStepper returns the stepper of one goroutine. It panics if the table is not
// valid.
func (m *SRA) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	if err := m.Validate(); err != nil {
		panic("sde: " + err.Error())
	}
	s, n := len(m.Alpha), rows*p.Dim()
	b := carve(s+3, n)
	return &sraStepper{
		base: newBase(noise, p.Dim(), rows), SRA: m, p: p,
		g: make([]float64, s), f: b[:s], y: b[s], dw: b[s+1], dz: b[s+2],
	}
}

type sraStepper struct {
	base
	*SRA
	p         Process
	g         []float64   // g at each stage
	f         [][]float64 // f at each stage
	y, dw, dz []float64
}

func (s *sraStepper) Step(x []float64, t0, t1 float64) {
	n, h := len(x), t1-t0
	y, dw, dz := s.y[:n], s.dw[:n], s.dz[:n]
	noisy := false
	for i, c := range s.C1 {
		s.g[i] = s.p.Diffusion(stageTime(t0, t1, c))
		noisy = noisy || s.g[i] != 0
	}
	if noisy {
		s.noise.IncrementArea(dw, dz, t0, t1)
	} else {
		s.pass()
	}
	for i := range s.f {
		for j, a := range s.A[i] {
			s.add(h*a, s.f[j])
		}
		s.add(floats.Dot(s.B[i], s.g[:i])/h, dz)
		s.p.Drift(s.f[i][:n], s.point(y, x), stageTime(t0, t1, s.C0[i]))
	}
	s.nfe += len(s.f)
	for i, a := range s.Alpha {
		s.add(h*a, s.f[i])
	}
	s.add(floats.Dot(s.Beta1, s.g), dw)
	s.add(floats.Dot(s.Beta2, s.g)/h, dz)
	s.set(x, 1, x)
}
