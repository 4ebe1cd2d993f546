package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// SRI is a table of a stochastic Runge-Kutta method of strong order 1.5 for diagonal
// Itô noise (Rößler 2010, SIAM J. Numer. Anal. 48(3), doi:10.1137/09076636X). With
// I₁ = ΔW, I₁₀ = ∫ (W(s) - W(t)) ds, I₁₁ = (I₁² - |h|)/2 and I₁₁₁ = (I₁³ - 3|h|I₁)/6,
// coordinate by coordinate,
//
//	H⁰ᵢ = x + h Σⱼ A⁰ᵢⱼ fⱼ + I₁₀/h Σⱼ B⁰ᵢⱼ gⱼ      fⱼ = f(t+c⁰ⱼh, H⁰ⱼ)
//	H¹ᵢ = x + h Σⱼ A¹ᵢⱼ fⱼ + √|h| Σⱼ B¹ᵢⱼ gⱼ       gⱼ = g(t+c¹ⱼh, H¹ⱼ)
//	x'  = x + h Σᵢ αᵢ fᵢ + Σᵢ (β¹ᵢ I₁ + β²ᵢ I₁₁/√|h| + β³ᵢ I₁₀/h + β⁴ᵢ I₁₁₁/|h|) gᵢ
//
// All four matrices are strictly lower triangular: row i, counted from 0, has i
// entries. Drift stages at (t, x) are evaluated once.
//
// The conditions of strong order 1.5 leave a multiple of h^{3/2} ΔW, which variances
// see: the weak order is 1.5 in general, and 2 on additive noise and for SRIW1 on
// linear autonomous processes (measured by exact propagation in the tests).
type SRI struct {
	Label string // the name

	A0, A1, B0, B1             [][]float64
	Alpha                      []float64
	Beta1, Beta2, Beta3, Beta4 []float64
	C0, C1                     []float64
}

var (
	_ Method         = (*SRI)(nil)
	_ DiagonalMethod = (*SRI)(nil)
)

// SRIW1 takes two drift and four diffusion evaluations a step, and has order 2 without
// noise. SRID2, the table of torchsde's "srk" and of StochasticDiffEq's SRIW2, takes
// three and four, and without noise is the third-order SSPRK3 of Shu and Osher. Both
// are due to Rößler 2010.
var (
	SRIW1 = &SRI{
		Label: "sriw1",
		A0:    [][]float64{{}, {3. / 4}, {0, 0}, {0, 0, 0}},
		A1:    [][]float64{{}, {1. / 4}, {1, 0}, {0, 0, 1. / 4}},
		B0:    [][]float64{{}, {3. / 2}, {0, 0}, {0, 0, 0}},
		B1:    [][]float64{{}, {1. / 2}, {-1, 0}, {-5, 3, 1. / 2}},
		Alpha: []float64{1. / 3, 2. / 3, 0, 0},
		Beta1: []float64{-1, 4. / 3, 2. / 3, 0},
		Beta2: []float64{-1, 4. / 3, -1. / 3, 0},
		Beta3: []float64{2, -4. / 3, -2. / 3, 0},
		Beta4: []float64{-2, 5. / 3, -2. / 3, 1},
		C0:    []float64{0, 3. / 4, 0, 0},
		C1:    []float64{0, 1. / 4, 1, 1. / 4},
	}
	SRID2 = &SRI{
		Label: "srid2",
		A0:    [][]float64{{}, {1}, {1. / 4, 1. / 4}, {0, 0, 0}},
		A1:    [][]float64{{}, {1. / 4}, {1, 0}, {0, 0, 1. / 4}},
		B0:    [][]float64{{}, {0}, {1, 1. / 2}, {0, 0, 0}},
		B1:    [][]float64{{}, {-1. / 2}, {1, 0}, {2, -1, 1. / 2}},
		Alpha: []float64{1. / 6, 1. / 6, 2. / 3, 0},
		Beta1: []float64{-1, 4. / 3, 2. / 3, 0},
		Beta2: []float64{1, -4. / 3, 1. / 3, 0},
		Beta3: []float64{2, -4. / 3, -2. / 3, 0},
		Beta4: []float64{-2, 5. / 3, -2. / 3, 1},
		C0:    []float64{0, 1, 1. / 2, 0},
		C1:    []float64{0, 1. / 4, 1, 1. / 4},
	}
)

// Name returns the label.
func (m *SRI) Name() string { return m.Label }

// StrongOrder returns 1.5.
func (m *SRI) StrongOrder() float64 { return 1.5 }

// WeakOrder returns 1.5, see SRI.
func (m *SRI) WeakOrder() float64 { return 1.5 }

// Validate returns an error unless the table has the right shape, the row sums
// A⁰𝟏 = c⁰ and A¹𝟏 = c¹, and the conditions of strong order 1.5 (Rößler 2010; the 25
// that StochasticDiffEq's checkSRIOrder lists).
func (m *SRI) Validate() error {
	t := table{label: m.Label}
	t.shape(len(m.Alpha), [][][]float64{m.A0, m.A1, m.B0, m.B1},
		m.Beta1, m.Beta2, m.Beta3, m.Beta4, m.C0, m.C1)
	if t.err != nil {
		return t.err
	}
	a0, a1, b0, b1 := rowSums(m.A0), rowSums(m.A1), rowSums(m.B0), rowSums(m.B1)
	t.equal("A⁰𝟏", a0, m.C0)
	t.equal("A¹𝟏", a1, m.C1)
	t.dot("α·𝟏", 1, m.Alpha)
	t.dot("α·A⁰𝟏", 0.5, m.Alpha, a0)
	t.dot("α·B⁰𝟏", 1, m.Alpha, b0)
	t.dot("α·(B⁰𝟏)²", 1.5, m.Alpha, b0, b0)
	bb := apply(m.B1, b1)
	for k, c := range []struct{ e, b, a, b2, bb float64 }{
		{1, 0, 1, 1, 0},
		{0, 1, 0, 0, 0},
		{0, 0, -1, -1, 0},
		{0, 0, 0, 2, 1},
	} {
		beta := [][]float64{m.Beta1, m.Beta2, m.Beta3, m.Beta4}[k]
		name := "β" + string([]rune("¹²³⁴")[k])
		t.dot(name+"·𝟏", c.e, beta)
		t.dot(name+"·B¹𝟏", c.b, beta, b1)
		t.dot(name+"·A¹𝟏", c.a, beta, a1)
		t.dot(name+"·(B¹𝟏)²", c.b2, beta, b1, b1)
		t.dot(name+"·B¹B¹𝟏", c.bb, beta, bb)
	}
	ab := apply(m.A1, b0)
	mix := make([]float64, len(ab))
	for i := range mix {
		mix[i] = m.Beta1[i]/2 + m.Beta3[i]/3
	}
	t.dot("(½β¹+⅓β³)·A¹B⁰𝟏", 0, mix, ab)
	return t.err
}

// NewStepper returns the stepper of one goroutine for additive noise.
func (m *SRI) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	return m.NewDiagonalStepper(Diagonal(p), noise, rows)
}

// NewDiagonalStepper returns the stepper of one goroutine. It panics if the table is
// not valid.
func (m *SRI) NewDiagonalStepper(p DiagonalProcess, noise NoiseSource, rows int) ode.Stepper {
	if err := m.Validate(); err != nil {
		panic("sde: " + err.Error())
	}
	s := len(m.Alpha)
	b := carve(2*s+3, rows*p.Dim())
	st := &sriStepper{
		base: newBase(noise, p.Dim(), rows), SRI: m, p: p,
		own: make([]bool, s), f: b[:s], g: b[s : 2*s], area: make([][]float64, s), y: b[2*s], dw: b[2*s+1], dz: b[2*s+2],
	}
	for _, row := range m.B0 {
		for j, v := range row {
			if v != 0 && st.area[j] == nil {
				st.area[j] = make([]float64, rows*p.Dim())
			}
		}
	}
	for i := range st.own {
		if st.own[i] = i == 0 || !allZero(m.A0[i]) || !allZero(m.B0[i]); !st.own[i] {
			st.f[i] = st.f[0] // a drift at (t, x) again
		}
	}
	return st
}

func allZero(v []float64) bool {
	for _, a := range v {
		if a != 0 {
			return false
		}
	}
	return true
}

type sriStepper struct {
	base
	*SRI
	p         DiagonalProcess
	own       []bool      // stages that evaluate the drift
	f, g      [][]float64 // f and g at each stage
	area      [][]float64 // I₁₀ g of the stages in B0
	y, dw, dz []float64
}

func (s *sriStepper) Step(x []float64, t0, t1 float64) {
	n, h := len(x), t1-t0
	size := math.Abs(h)
	root := math.Sqrt(size)
	y, dw, dz := s.y[:n], s.dw[:n], s.dz[:n]
	s.noise.IncrementArea(dw, dz, t0, t1)
	for i := range s.f {
		if s.own[i] {
			for j, b := range s.B0[i] {
				s.add(h*s.A0[i][j], s.f[j])
				s.add(b/h, s.area[j])
			}
			s.p.Drift(s.f[i][:n], s.point(y, x), stageTime(t0, t1, s.C0[i]))
			s.nfe++
		}
		for j, b := range s.B1[i] {
			s.add(h*s.A1[i][j], s.f[j])
			s.add(root*b, s.g[j])
		}
		g := s.g[i][:n]
		s.p.DiffusionDiag(g, s.point(y, x), stageTime(t0, t1, s.C1[i]))
		if area := s.area[i]; area != nil {
			for k, v := range g {
				area[k] = dz[k] * v
			}
		}
	}
	for i, a := range s.Alpha {
		s.add(h*a, s.f[i])
	}
	s.set(x, 1, x)
	for i := range s.g {
		b1, b2, b3, b4 := s.Beta1[i], s.Beta2[i]/(2*root), s.Beta3[i]/h, s.Beta4[i]/(6*size)
		for k, g := range s.g[i][:n] {
			w := dw[k]
			x[k] += (b1*w + b2*(w*w-size) + b3*dz[k] + b4*w*(w*w-3*size)) * g
		}
	}
}
