package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A Problem is the data y = A x₁ + n with noise n ~ N(0, R), R diagonal. Y, the noise and
// what A maps to share their unit. A Problem does not change; make one with New, NewVar,
// NewWhitened or NewPoisson.
type Problem struct {
	a   linop.Operator
	y   []float64
	std float64   // of every measurement
	vs  []float64 // or the variance of each
}

// New returns the problem with noise of one standard deviation, sigma ≥ 0, for all
// measurements; 0 is the noiseless problem. It returns an error that says what does not
// fit: an operator that is zero or whose Adjoint is not the transpose of Apply, data of
// another length or that are not finite, noise that is no number ≥ 0.
func New(a linop.Operator, y []float64, sigma float64) (*Problem, error) {
	if !(sigma >= 0) || math.IsInf(sigma*sigma, 1) {
		return nil, fmt.Errorf("inverse: the noise has the standard deviation %g, want a finite number of 0 or more", sigma)
	}
	return newProblem(a, y, sigma, nil)
}

// NewVar is New for independent noise of the given variances, one a measurement.
func NewVar(a linop.Operator, y, variances []float64) (*Problem, error) {
	if len(variances) != len(y) {
		return nil, fmt.Errorf("inverse: %d noise variances for %d measurements", len(variances), len(y))
	}
	for i, v := range variances {
		if !(v >= 0) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("inverse: measurement %d has the noise variance %g, want a finite number of 0 or more", i, v)
		}
	}
	return newProblem(a, y, 0, append([]float64(nil), variances...))
}

// NewWhitened is New for noise of any positive definite covariance R = L Lᵀ: the problem
// of the data L⁻¹y with the operator L⁻¹A and unit noise, which has the same posterior.
func NewWhitened(a linop.Operator, y []float64, cov mat.Symmetric) (*Problem, error) {
	if n := cov.SymmetricDim(); n != len(y) {
		return nil, fmt.Errorf("inverse: the noise covariance is %d×%d for %d measurements", n, n, len(y))
	}
	if rows, _ := a.Dims(); rows != len(y) {
		return nil, lengthError(a, y)
	}
	w, white, err := linop.Whiten(a, y, cov)
	if err != nil {
		return nil, fmt.Errorf("inverse: %w", err)
	}
	return newProblem(w, white, 1, nil)
}

// NewPoisson is the Gaussian approximation of counts y_i ~ Poisson((A x)_i): noise whose
// variance is the count, or floor where the count is less. It is good to about 1/√count;
// floor > 0, often 1, keeps empty detectors from claiming certainty.
func NewPoisson(a linop.Operator, counts []float64, floor float64) (*Problem, error) {
	if !(floor > 0) || math.IsInf(floor, 1) {
		return nil, fmt.Errorf("inverse: the least variance of a count is %g, want a positive number", floor)
	}
	v := make([]float64, len(counts))
	for i, c := range counts {
		if c < 0 {
			return nil, fmt.Errorf("inverse: count %d is %g, want a number of 0 or more", i, c)
		}
		v[i] = max(c, floor)
	}
	return newProblem(a, counts, 0, v)
}

func lengthError(a linop.Operator, y []float64) error {
	rows, cols := a.Dims()
	return fmt.Errorf("inverse: the operator maps %d values to %d, but there are %d measurements", cols, rows, len(y))
}

// adjointTol is the misfit of adjoint and operator that float32 operators still reach.
const adjointTol = 1e-4

func newProblem(a linop.Operator, y []float64, std float64, vs []float64) (*Problem, error) {
	rows, cols := a.Dims()
	if rows < 1 || cols < 1 {
		return nil, fmt.Errorf("inverse: the operator has the shape %d×%d", rows, cols)
	}
	if rows != len(y) {
		return nil, lengthError(a, y)
	}
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("inverse: measurement %d is %v; leave broken detectors out of the operator", i, v)
		}
	}
	// A random vector is in no proper null space.
	switch gap := linop.DotTest(a, 1); {
	case isZero(a, rows, cols):
		return nil, fmt.Errorf("inverse: the operator maps everything to zero: the data say nothing")
	case math.IsNaN(gap):
		return nil, fmt.Errorf("inverse: the operator gives values that are not finite")
	case gap > adjointTol:
		return nil, fmt.Errorf("inverse: the operator's Adjoint is not the transpose of its Apply: ⟨Ax, y⟩ and ⟨x, Aᵀy⟩ differ by %.2g of ‖Ax‖‖y‖", gap)
	}
	return &Problem{a: a, y: append([]float64(nil), y...), std: std, vs: vs}, nil
}

func isZero(a linop.Operator, rows, cols int) bool {
	x, ax := make([]float64, cols), make([]float64, rows)
	stream.New().Normals(x, 1, stream.Probe, 0, 0)
	a.Apply(ax, x)
	return floats.Norm(ax, 2) == 0
}

// A returns the operator.
func (p *Problem) A() linop.Operator { return p.a }

// Dims returns the number of measurements and of unknowns.
func (p *Problem) Dims() (measurements, unknowns int) { return p.a.Dims() }

// Y returns the data, which the caller must not change.
func (p *Problem) Y() []float64 { return p.y }

// Sigma returns the standard deviation of the noise and whether all measurements share
// it.
func (p *Problem) Sigma() (sigma float64, shared bool) { return p.std, p.vs == nil }

// Variance returns the noise variance of measurement i.
func (p *Problem) Variance(i int) float64 {
	if p.vs == nil {
		return p.std * p.std
	}
	return p.vs[i]
}

// spectral returns the operator's singular value decomposition if it is known and the
// noise is white, so that it solves (c A Aᵀ + R) u = r.
func (p *Problem) spectral() (linop.Spectral, bool) {
	s, ok := p.a.(linop.Spectral)
	return s, ok && p.vs == nil
}
