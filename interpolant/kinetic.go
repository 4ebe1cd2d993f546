package interpolant

import (
	"encoding/json"
	"fmt"
	"math"
)

// Kinetic is the kinetic-optimal Gaussian path of a target (Shaul et al. 2023, arXiv
// 2306.06626), the one along which the probability flow carries N(0, I) to the target with
// the least energy ∫ E|u_t|² dt. With S = E|x₁ - E x₁|², in polar coordinates
//
//	√S α = ρ sin θ,   √d σ = ρ cos θ,   dφ = √(R + ε²) dθ   (R as in MMSE)
//
// it is the straight chord at constant speed from (ρ, φ) = (√d, 0) to (√S, Φ): with
// X = (1-t)√d + t√S cos Φ and Y = t√S sin Φ,
//
//	ρ² = X² + Y²,   φ = atan2(Y, X),   θ = θ(φ).
//
// (The paper finds the path by solving its Euler-Lagrange equation; for S = d its normalised
// data have this closed form.) For R = 1, data far apart, it is Cond-OT; for N(0, I),
// where every path on ρ = √d has no energy, it is Trig as ε → 0.
//
// ε, the floor, makes the path usable: it is the minimum of the energy plus ε² times the
// energy ∫ρ²θ̇² that the path would have for well separated data. Without it θ̇ is
// infinite at t = 0, where R vanishes like a power of s = α/σ, and for data with a
// density at t = 1 as well. The path spends a time of about ε at s so small that R < ε².
// Its energy exceeds the least one by a small multiple of ε, and less than KE* of Φ(ε).
//
// α and σ have three continuous derivatives between the outermost knots of the table and one
// beyond; α(0) = σ(1) = 0, σ(0) = α(1) = 1. The path
// belongs to targets of mean 0; for another mean the energy that it makes least is that
// about the mean, and carrying the mean along as αE x₁ costs what Energy.Shift says. It is
// safe for concurrent use, and is written and read as JSON.
type Kinetic struct {
	End float64 // σ/α at which sampling ends; zero means 0.002

	table        *MMSE
	floor        float64
	clock        *angleClock // φ
	rootS, rootD float64
	phi          float64
}

// DefaultFloor is the ε of Kinetic and KineticVP where the caller says 0. On the ring of 8 the
// energy is 1.2% above the least one with it, 0.1% with ε = 0.02, 5% with 0.3. At 10
// evaluations Euler does best with 0.1; Heun with 0.3 and multistep methods with 1, which
// need the start of the path resolved (bench/kinetic).
const DefaultFloor = 0.1

// NewKinetic returns the kinetic-optimal path of a target from its table. A floor of 0 means
// DefaultFloor. It returns an error if it is below
// 1e-6, where α̇(0) is too large to compute with, or above 1, where it would hide the
// target.
func NewKinetic(m *MMSE, floor float64) (*Kinetic, error) {
	slope, floor, err := m.floored(floor)
	if err != nil {
		return nil, err
	}
	for i := range slope {
		slope[i] = math.Log(slope[i])
	}
	clock, err := newAngleClock(m.angle, slope)
	if err != nil {
		return nil, fmt.Errorf("interpolant: %w", err)
	}
	return &Kinetic{
		table: m, floor: floor, clock: clock, phi: clock.total(),
		rootS: math.Sqrt(m.variance), rootD: math.Sqrt(float64(m.dim)),
	}, nil
}

// floored returns √(R + ε²) at the knots, and ε.
func (m *MMSE) floored(floor float64) ([]float64, float64, error) {
	if floor == 0 {
		floor = DefaultFloor
	}
	if !(floor >= 1e-6 && floor <= 1) {
		return nil, 0, fmt.Errorf("interpolant: the floor of a kinetic-optimal path is between 1e-6 and 1, not %v", floor)
	}
	f := make([]float64, len(m.ratio))
	for i, r := range m.ratio {
		f[i] = math.Sqrt(r + floor*floor)
	}
	return f, floor, nil
}

// Table returns the table of the target's mean-square error.
func (p *Kinetic) Table() *MMSE { return p.table }

// Floor returns ε.
func (p *Kinetic) Floor() float64 { return p.floor }

// At returns α, σ and their time derivatives.
func (p *Kinetic) At(t float64) Coeffs {
	sin, cos := math.Sincos(p.phi)
	dx, dy := p.rootS*cos-p.rootD, p.rootS*sin
	x, y := p.rootD+t*dx, t*dy
	if t > 0.5 { // from the other end: exactly √S at t = 1
		x, y = p.rootS*cos-(1-t)*dx, p.rootS*sin-(1-t)*dy
	}
	rho := math.Hypot(x, y)
	// The two angles from the ends, each to its own relative error.
	phi := math.Atan2(y, x)
	rest := math.Atan2((1-t)*p.rootD*sin, t*p.rootS+(1-t)*p.rootD*cos)
	v := p.clock.invert(phi, rest)
	dPhi := p.rootD * p.rootS * sin / (rho * rho)
	return p.table.coeffs(v, rho, (x*dx+y*dy)/rho, dPhi/p.clock.slope(v))
}

// coeffs returns the coefficients at v = log tan θ, ρ and their derivatives ρ̇ and θ̇.
func (m *MMSE) coeffs(v, rho, dRho, dTheta float64) Coeffs {
	sin, cos := 1/math.Hypot(1, math.Exp(-v)), 1/math.Hypot(1, math.Exp(v))
	rootS, rootD := math.Sqrt(m.variance), math.Sqrt(float64(m.dim))
	return Coeffs{
		Alpha: rho * sin / rootS, DAlpha: (dRho*sin + rho*cos*dTheta) / rootS,
		Sigma: rho * cos / rootD, DSigma: (dRho*cos - rho*sin*dTheta) / rootD,
	}
}

// Time returns the t at which log(α/σ) = logSNR: by the law of sines on the triangle of
// the origin and the ends of the chord.
func (p *Kinetic) Time(logSNR float64) float64 {
	phi, rest := p.clock.at(p.table.logTan(logSNR))
	a, b := p.rootD*math.Sin(phi), p.rootS*math.Sin(rest)
	return clip01(a / (a + b))
}

// Span returns 0 and the time where σ/α = End.
func (p *Kinetic) Span() (t0, t1 float64) { return span(p, p.End) }

// kineticFile is a Kinetic or a KineticVP as JSON.
type kineticFile struct {
	Floor float64 `json:"floor"`
	End   float64 `json:"end,omitempty"`
	Table *MMSE   `json:"table"`
}

// MarshalJSON writes the table and what was chosen.
func (p *Kinetic) MarshalJSON() ([]byte, error) {
	return json.Marshal(kineticFile{p.floor, p.End, p.table})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (p *Kinetic) UnmarshalJSON(text []byte) error {
	f, err := readKinetic(text)
	if err != nil {
		return err
	}
	q, err := NewKinetic(f.Table, f.Floor)
	if err != nil {
		return err
	}
	q.End = f.End
	*p = *q
	return nil
}

func readKinetic(text []byte) (f kineticFile, err error) {
	if err = json.Unmarshal(text, &f); err == nil && f.Table == nil {
		err = fmt.Errorf("interpolant: a kinetic-optimal path needs its table")
	}
	return f, err
}
