package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// Data are measurements of x₁ with independent Gaussian noise: a *Problem, or a *Nonlinear.
type Data interface {
	Dims() (measurements, unknowns int)
	Y() []float64
	Variance(i int) float64 // of the noise of measurement i
	forward() linop.Map
}

// forward returns A.
func (p *Problem) forward() linop.Map { return linop.Linear(p.a) }

// A Nonlinear is a problem whose measurements are a differentiable map of the unknowns,
//
//	y = f(x₁) + n,   n ~ N(0, R),
//
// such as phase retrieval (linop.NewMagnitude), a clipped or a quantised recording, or
// photon counts behind an absorber (linop.NewTransmission). DPS, LGD and STSL solve it.
type Nonlinear struct {
	f         linop.Map
	y         []float64
	variances []float64 // one for all, or one each
}

// NewNonlinear returns the problem with noise of one standard deviation, sigma ≥ 0. It
// returns an error if the data do not fit the map or are not finite.
func NewNonlinear(f linop.Map, y []float64, sigma float64) (*Nonlinear, error) {
	if !(sigma >= 0) || math.IsInf(sigma*sigma, 1) {
		return nil, fmt.Errorf("inverse: the noise has the standard deviation %g, want a finite number of 0 or more", sigma)
	}
	return newNonlinear(f, y, []float64{sigma * sigma})
}

// NewNonlinearVar is NewNonlinear for independent noise of the given variances, one a
// measurement.
func NewNonlinearVar(f linop.Map, y, variances []float64) (*Nonlinear, error) {
	if len(variances) != len(y) {
		return nil, fmt.Errorf("inverse: %d noise variances for %d measurements", len(variances), len(y))
	}
	for i, v := range variances {
		if !(v >= 0) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("inverse: measurement %d has the noise variance %g, want a finite number of 0 or more", i, v)
		}
	}
	return newNonlinear(f, y, append([]float64(nil), variances...))
}

func newNonlinear(f linop.Map, y, variances []float64) (*Nonlinear, error) {
	rows, cols := f.Dims()
	if rows < 1 || rows != len(y) {
		return nil, fmt.Errorf("inverse: the map takes %d values to %d, but there are %d measurements", cols, rows, len(y))
	}
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("inverse: measurement %d is %v; leave broken detectors out of the map", i, v)
		}
	}
	return &Nonlinear{f: f, y: append([]float64(nil), y...), variances: variances}, nil
}

// Map returns f.
func (p *Nonlinear) Map() linop.Map { return p.f }

// Dims returns the number of measurements and of unknowns.
func (p *Nonlinear) Dims() (measurements, unknowns int) { return p.f.Dims() }

// Y returns the data, which the caller must not change.
func (p *Nonlinear) Y() []float64 { return p.y }

// Variance returns the noise variance of measurement i.
func (p *Nonlinear) Variance(i int) float64 { return p.variances[i%len(p.variances)] }

func (p *Nonlinear) forward() linop.Map { return p.f }
