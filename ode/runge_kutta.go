package ode

import "github.com/seed-dea4846a/sampler/internal/simd"

// A Tableau is an explicit Runge-Kutta method as data: for a step from t to t+h,
//
//	k_i = f(t + c_i h, x + h Σ_{j<i} a_ij k_j)
//	x(t+h) = x + h Σ b_i k_i
//
// (Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, 2nd ed.,
// II.1; HNW in what follows). A *Tableau is a fixed-step Method, and with error
// weights it drives Adaptive. It must not be changed once in use. Validate checks
// one against the order conditions.
//
// A method whose last stage is the slope at the end of the step (first same as
// last) is recognised by its coefficients: Adaptive hands that slope on, and fixed
// steps, which have no use for the error estimate, do not evaluate it.
type Tableau struct {
	Label string

	// A has a row for each stage, row i with its i coefficients; C has the
	// nodes. B has a weight for each stage of the step; rows of A beyond len(B)
	// are stages that only dense output needs.
	A    [][]float64
	B, C []float64

	// E = B - B̂ weighs the slopes to an error estimate, B̂ being of lower order.
	// E2 is the second estimate of Dormand and Prince's 8(5,3) pair. Nil where
	// there is none.
	E, E2 []float64

	// P holds the weights of dense output as polynomials of θ in [0, 1],
	//
	//	x(t+θh) = x + h Σ b_i(θ) k_i,   b_i(θ) = Σ_j P[i][j] θ^{j+1},
	//
	// one row for each row of A. Where P is nil Adaptive uses the cubic Hermite
	// interpolant of the step's ends.
	P [][]float64

	OrderB  int // order of B
	OrderE  int // order of B - E
	OrderE2 int // order of B - E2
	OrderP  int // order of dense output
}

var _ Method = (*Tableau)(nil)

// Name returns the label.
func (t *Tableau) Name() string { return t.Label }

// Order returns the order of the global error, OrderB.
func (t *Tableau) Order() int { return t.OrderB }

// FSAL reports whether the last stage is the slope at the end of the step.
func (t *Tableau) FSAL() bool {
	s := len(t.B)
	if s < 2 || t.C[s-1] != 1 || t.B[s-1] != 0 {
		return false
	}
	for j, a := range t.A[s-1] {
		if a != t.B[j] {
			return false
		}
	}
	return true
}

// NewStepper returns a stepper for groups of up to rows points.
func (t *Tableau) NewStepper(f Field, rows int) Stepper { return t.newStepper(f, rows) }

func (t *Tableau) newStepper(f Field, rows int) *rkStepper {
	s := len(t.B)
	for s > 1 && t.B[s-1] == 0 { // stages that the solution does not use
		s--
	}
	st := &rkStepper{f: f, c: t.C[:s], a: make([]sparse, s), b: newSparse(t.B)}
	for i := range st.a {
		st.a[i] = newSparse(t.A[i])
	}
	st.stages = newStages(s, rows*f.Dim())
	return st
}

type rkStepper struct {
	f   Field
	c   []float64
	a   []sparse
	b   sparse
	nfe int
	stages
}

func (s *rkStepper) Begin(_, rows int) {
	s.resize(rows * s.f.Dim())
	s.nfe = 0
}

func (s *rkStepper) NFE() int { return s.nfe }

func (s *rkStepper) Step(x []float64, t0, t1 float64) {
	h := t1 - t0
	s.f.Eval(s.k[0], x, t0)
	for i := 1; i < len(s.a); i++ {
		s.sum(s.y, x, h, s.a[i])
		s.f.Eval(s.k[i], s.y, node(t0, t1, s.c[i]))
	}
	s.sum(x, x, h, s.b)
	s.nfe += len(s.a)
}

// node returns t0 + c (t1 - t0), exactly t1 for c = 1, so that no stage looks past
// the end of a grid.
func node(t0, t1, c float64) float64 {
	if c == 1 {
		return t1
	}
	return t0 + c*(t1-t0)
}

// sparse holds the nonzero coefficients of a row.
type sparse struct {
	index []int
	coef  []float64
}

func newSparse(row []float64) sparse {
	var s sparse
	for j, v := range row {
		if v != 0 {
			s.index = append(s.index, j)
			s.coef = append(s.coef, v)
		}
	}
	return s
}

// stages is the work space of a Runge-Kutta step: slopes, a stage's state, and the
// arguments of sum.
type stages struct {
	k    [][]float64
	y    []float64
	coef []float64
	arg  [][]float64
}

func newStages(s, size int) stages {
	w := stages{k: make([][]float64, s), coef: make([]float64, s), arg: make([][]float64, s)}
	buf := make([]float64, (s+1)*size)
	for i := range w.k {
		w.k[i] = buf[i*size : (i+1)*size]
	}
	w.y = buf[s*size:]
	return w
}

// resize makes room for size values, within the size that the stages were made for.
func (w *stages) resize(size int) {
	for i := range w.k {
		w.k[i] = w.k[i][:size]
	}
	w.y = w.y[:size]
}

// sum sets dst = x + h Σ r_j k_j.
func (w *stages) sum(dst, x []float64, h float64, r sparse) {
	for m, j := range r.index {
		w.coef[m] = h * r.coef[m]
		w.arg[m] = w.k[j]
	}
	simd.Combine(dst, 1, x, w.coef[:len(r.index)], w.arg)
}
