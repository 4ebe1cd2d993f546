package interpolant

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// An Energy is the kinetic energy of a Gaussian path for a target, ∫ E|u_t(x_t)|² dt with u
// the velocity of the probability flow.
type Energy struct {
	Value float64 // of the path of x₁ - E x₁
	// Shift is what the mean adds if the path carries it along with the rest of x₁,
	// |E x₁|² ∫α̇² dt; moved by itself at constant speed it would add |E x₁|².
	Shift  float64
	StdErr float64 // Monte Carlo error of Value, from the table
	Error  float64 // estimated error of Value from quadrature
}

// Energy returns the kinetic energy of a path between two times. With s = α/σ,
//
//	E|u|² = Sα̇² + dσ̇² - σ²ṡ² mmse(s)
//	      = ρ̇² + R(s) Sd (α̇σ - ασ̇)²/ρ²,   ρ² = α²S + σ²d
//
// (Shaul et al. 2023, arXiv 2306.06626, section 3, for S = d). The second form is used: it
// has no cancellation. The integral is by the double-exponential rule (Takahasi and Mori
// 1974), to which the singularities of α̇ and σ̇ at the ends of many paths are harmless
// as long as the integral is finite.
//
// The energy is that of x_t as the path scales it: VE and EDM start at a distance σ_max√d
// from the data, and their energy of about d(σ_max)² or more says nothing about their
// curvature. The energies of paths that start at α = 0, σ = 1 and end at α = 1, σ = 0
// compare with one another and with Bound. The energy of VP up to t = 1, where σ̇ is
// like (1-t)^(-1/2), is infinite for discrete data; up to the end of its Span it is not.
//
// It returns an error if the integral is infinite, or 0.1% or more uncertain.
func (m *MMSE) Energy(p Path, t0, t1 float64) (Energy, error) {
	var e Energy
	s, d := m.variance, float64(m.dim)
	weights := make([]float64, len(m.angle))
	var shift float64
	value, err := doubleExponential(t0, t1, func(t, w float64) float64 {
		c := p.At(t)
		rho2 := c.Alpha*c.Alpha*s + c.Sigma*c.Sigma*d
		radial := square(c.Alpha*c.DAlpha*s+c.Sigma*c.DSigma*d) / rho2
		turn := s * d * square(c.DAlpha*c.Sigma-c.Alpha*c.DSigma) / rho2
		v := m.logTan(c.LogSNR())
		m.spread(weights, v, w*turn)
		shift += w * c.DAlpha * c.DAlpha
		return radial + turn*m.ratioAt(v)
	}, func() {
		for k := range weights {
			weights[k] /= 2
		}
		shift /= 2
	})
	if err != nil {
		return e, fmt.Errorf("interpolant: the kinetic energy of %T from t = %g to %g %w", p, t0, t1, err)
	}
	e.Value, e.Error = value[0], value[1]
	e.Shift = m.meanSquare * shift
	e.StdErr = m.stderr(weights)
	return e, nil
}

// Angle returns the total angle
//
//	Φ = ∫ √R dθ,   tan θ = √(S/d) s,   θ from 0 to π/2,
//
// that the kinetic-optimal path turns by, and its standard error.
func (m *MMSE) Angle() (phi, stderr float64) {
	return m.turn(func(_, r float64) float64 { return math.Sqrt(r) })
}

// turn integrates a function of v = log tan θ and R over θ by the trapezoidal rule on the
// knots, R being constant beyond them. The standard error is that of the jackknife over
// the batches: functions like √R have no derivative where R is 0 but for noise.
func (m *MMSE) turn(f func(v, r float64) float64) (sum, stderr float64) {
	last := len(m.angle) - 1
	n := float64(len(m.batches))
	without := make([]float64, len(m.batches))
	for k, v := range m.angle {
		w := 0.5 / math.Cosh(v) // dθ/dv
		switch k {
		case 0:
			w = w*(m.angle[1]-v)/2 + math.Atan(math.Exp(v))
		case last:
			w = w*(v-m.angle[last-1])/2 + math.Atan(math.Exp(-v))
		default:
			w *= (m.angle[k+1] - m.angle[k-1]) / 2
		}
		sum += w * f(v, m.ratio[k])
		for i, b := range m.batches {
			without[i] += w * f(v, min(max((n*m.ratio[k]-b[k])/(n-1), tinyRatio), 1))
		}
	}
	if n < 2 {
		return sum, 0
	}
	return sum, (n - 1) / math.Sqrt(n) * stat.StdDev(without, nil)
}

// Optimum returns the least kinetic energy of all Gaussian paths from N(0, I) to the target,
//
//	KE* = d + S - 2√(dS) cos Φ.
//
// In the polar coordinates ρ, φ with dφ = √R dθ the energy of a path is ∫ ρ̇² + ρ²φ̇² dt,
// that of a curve in the plane, and the least is the squared length of the chord from √d
// on the first axis to √S at the angle Φ. For S = d it is 2(1 - cos Φ) d. Shift is |E x₁|²,
// of a mean that moves by itself.
func (m *MMSE) Optimum() Energy {
	s, d := m.variance, float64(m.dim)
	phi, stderr := m.Angle()
	return Energy{
		// 1 - cos Φ without its cancellation
		Value:  square(math.Sqrt(s)-math.Sqrt(d)) + 4*math.Sqrt(s*d)*square(math.Sin(phi/2)),
		StdErr: 2 * math.Sqrt(s*d) * math.Sin(phi) * stderr,
		Shift:  m.meanSquare,
	}
}

// OptimumVP returns the least kinetic energy of the paths with α² + σ² = 1, L² with L the
// length of that curve (see KineticVP); for S = d it is Φ² d.
func (m *MMSE) OptimumVP() Energy {
	length, stderr := m.turn(func(v, r float64) float64 {
		rho, dRho := m.preserving(v)
		return math.Hypot(dRho, rho*math.Sqrt(r))
	})
	return Energy{Value: length * length, StdErr: 2 * length * stderr, Shift: m.meanSquare}
}

// A NamedEnergy is the energy of a path between two times.
type NamedEnergy struct {
	Name   string
	T0, T1 float64
	Energy
}

// Energies returns what is usually compared for a target, in this order:
//
//	condot, trig, vp   these paths; VP over its Span, where its energy is finite
//	kinetic            NewKinetic with the floor given
//	kinetic-vp         NewKineticVP with the floor given
//	optimum-vp         the least of the variance-preserving paths, OptimumVP
//	optimum            the least of all, Optimum
//
// Angle and Bound complete the picture. Each is at least Optimum and that is at least Bound, but for their errors.
func (m *MMSE) Energies(floor float64) ([]NamedEnergy, error) {
	k, err := NewKinetic(m, floor)
	if err != nil {
		return nil, err
	}
	kvp, err := NewKineticVP(m, floor)
	if err != nil {
		return nil, err
	}
	_, end := VP{}.Span()
	var out []NamedEnergy
	for _, row := range []struct {
		name string
		path Path
		t1   float64
	}{{"condot", CondOT{}, 1}, {"trig", Trig{}, 1}, {"vp", VP{}, end}, {"kinetic", k, 1}, {"kinetic-vp", kvp, 1}} {
		e, err := m.Energy(row.path, 0, row.t1)
		if err != nil {
			return nil, err
		}
		out = append(out, NamedEnergy{row.name, 0, row.t1, e})
	}
	return append(out, NamedEnergy{"optimum-vp", 0, 1, m.OptimumVP()}, NamedEnergy{"optimum", 0, 1, m.Optimum()}), nil
}

// doubleExponential integrates f over (a, b) by the rule of Takahasi and Mori (1974): the
// trapezoidal rule in y, where t = (a+b)/2 + (b-a)/2 tanh(π/2 sinh y), halving its step
// until the value settles. f is told the weight of its value; halve is called whenever
// the weights told so far have become half as large. It returns the value and its last
// change.
func doubleExponential(a, b float64, f func(t, w float64) float64, halve func()) (value [2]float64, err error) {
	const (
		// The outermost nodes are 2e-14 (b-a) from the ends, which t still resolves.
		reach  = 3.0
		levels = 8
	)
	sum, ends := 0.0, 0.0
	node := func(y, h float64) float64 {
		q := math.Pi / 2 * math.Sinh(y)
		w := h * (b - a) / 2 * math.Pi / 2 * math.Cosh(y) / square(math.Cosh(q))
		// the distance to the nearer end, without cancellation
		dist := (b - a) / (1 + math.Exp(2*math.Abs(q)))
		t := a + dist
		if y > 0 {
			t = b - dist
		}
		v := w * f(t, w)
		if math.Abs(y) == reach {
			ends += v / h
		}
		return v
	}
	h := reach / 4
	for i := -4; i <= 4; i++ {
		sum += node(float64(i)*h, h)
	}
	for level := 1; ; level++ {
		h /= 2
		halve()
		next := sum / 2
		n := 4 << level
		for i := 1 - n; i < n; i += 2 {
			next += node(float64(i)*h, h)
		}
		change := math.Abs(next - sum)
		sum = next
		switch {
		case math.IsNaN(sum) || ends > max(1e-4*sum, 1e-12):
			// For 1/(b-t), the least singularity whose integral is infinite, the terms grow
			// up to the end; for (b-t)^(-1/2) they have fallen to 1e-6 there.
			return value, fmt.Errorf("is infinite: the energy of an instant grows too fast at an end; leave that end out, as the Span of the path does")
		case level >= 3 && change <= 1e-9*sum || level == levels:
			if change > 1e-3*sum && sum > 1e-12 {
				return value, fmt.Errorf("is %.4g but uncertain by %.1g: the coefficients change too abruptly for the quadrature", sum, change)
			}
			return [2]float64{sum, change}, nil
		}
	}
}
