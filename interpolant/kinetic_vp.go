package interpolant

import (
	"encoding/json"
	"fmt"
	"math"
)

// KineticVP is the path of least kinetic energy among those that are variance preserving,
// α² + σ² = 1: the curve is given and only its speed is free, which the optimum makes
// constant,
//
//	t = L(θ)/L(π/2),   dL² = dρ² + ρ²(R + ε²) dθ²,   ρ² = 1/(sin²θ/S + cos²θ/d),
//
// in the notation of Kinetic. Its energy without the floor ε is L(π/2)², which for S = d
// is Φ² d; Shaul et al. (2023) have Φ² for their normalised data. It is safe for
// concurrent use, and is written and read as JSON.
type KineticVP struct {
	End float64 // σ/α at which sampling ends; zero means 0.002

	table *MMSE
	floor float64
	clock *angleClock // L
}

// NewKineticVP returns the variance-preserving path of least energy of a target from its
// table; the floor is as for NewKinetic.
func NewKineticVP(m *MMSE, floor float64) (*KineticVP, error) {
	slope, floor, err := m.floored(floor)
	if err != nil {
		return nil, err
	}
	for i, v := range m.angle {
		rho, dRho := m.preserving(v)
		slope[i] = math.Log(math.Hypot(dRho, rho*slope[i]))
	}
	clock, err := newAngleClock(m.angle, slope)
	if err != nil {
		return nil, fmt.Errorf("interpolant: %w", err)
	}
	return &KineticVP{table: m, floor: floor, clock: clock}, nil
}

// preserving returns ρ and dρ/dθ on α² + σ² = 1.
func (m *MMSE) preserving(v float64) (rho, dRho float64) {
	sin, cos := 1/math.Hypot(1, math.Exp(-v)), 1/math.Hypot(1, math.Exp(v))
	s, d := m.variance, float64(m.dim)
	rho = 1 / math.Sqrt(sin*sin/s+cos*cos/d)
	return rho, -rho * rho * rho * sin * cos * (1/s - 1/d)
}

// At returns α, σ and their time derivatives.
func (p *KineticVP) At(t float64) Coeffs {
	total := p.clock.total()
	v := p.clock.invert(t*total, (1-t)*total)
	rho, dRho := p.table.preserving(v)
	dTheta := total / p.clock.slope(v)
	return p.table.coeffs(v, rho, dRho*dTheta, dTheta)
}

// Time returns the t at which log(α/σ) = logSNR.
func (p *KineticVP) Time(logSNR float64) float64 {
	w, rest := p.clock.at(p.table.logTan(logSNR))
	return clip01(w / (w + rest))
}

// Span returns 0 and the time where σ/α = End.
func (p *KineticVP) Span() (t0, t1 float64) { return span(p, p.End) }

// MarshalJSON writes the table and what was chosen.
func (p *KineticVP) MarshalJSON() ([]byte, error) {
	return json.Marshal(kineticFile{p.floor, p.End, p.table})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *KineticVP) UnmarshalJSON(text []byte) error {
	f, err := readKinetic(text)
	if err != nil {
		return err
	}
	q, err := NewKineticVP(f.Table, f.Floor)
	if err != nil {
		return err
	}
	q.End = f.End
	*p = *q
	return nil
}
