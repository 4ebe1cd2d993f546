package special

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"
)

// A Trunc describes a standard normal variable t restricted to c-h ≤ t ≤ c+h.
type Trunc struct {
	// The mean of exp(-t²/2) over the interval is Avg·exp(-Peak²/2), in two factors
	// because the second underflows in the tails.
	Avg, Peak float64
	Mean      float64 // E t
	Off       float64 // (E t - c)/h, from -1 to 1
	Var       float64 // Var(t)/h², from 0 to 1; 1/3 for h → 0
	Spread    float64 // Var(t)
}

// LogAvg returns the logarithm of the mean of exp(-t²/2) over the interval.
func (t Trunc) LogAvg() float64 { return math.Log(t.Avg) - t.Peak*t.Peak/2 }

// TruncNormal returns the moments of a standard normal variable restricted to the
// interval of centre c and half width h ≥ 0, with a relative error of about 1e-13 in
// Avg, Var and Spread, however narrow the interval and however far in the tail. For h
// → 0 the variable tends to c + hy with y uniform on [-1, 1].
//
// Short intervals use Gauss-Legendre quadrature of exp(-chy - h²y²/2), intervals in
// the tail the repeated integrals of the error function, the rest the error function.
func TruncNormal(c, h float64) Trunc {
	if c < 0 {
		t := TruncNormal(-c, h)
		t.Mean, t.Off = -t.Mean, -t.Off
		return t
	}
	switch a := c - h; {
	case h <= 1 && c*h <= 5:
		return truncShort(c, h)
	case a >= tailLimit:
		return truncTail(a, c, h)
	default:
		return truncBody(a, c, h)
	}
}

const tailLimit = 2.5 // lower ends from here on are in the tail

// A halfRule is the positive half of a symmetric quadrature rule on [-1, 1], its
// weights halved so that they sum to 1/2.
type halfRule struct{ y, w []float64 }

// The error of n nodes is about (b/2)^{2n}/(2n)! for exp(-by) and 2(h²/8)^n/n! for
// exp(-h²y²/2): below 1e-16 up to each rule's b and h.
var shortRules = []struct {
	halfRule
	b, h float64
}{
	{newHalfRule(4), 0.08, 0.03},
	{newHalfRule(6), 0.5, 0.18},
	{newHalfRule(8), 1.3, 0.45},
	{newHalfRule(14), 5, 1},
	{newHalfRule(16), 9, 1},
}

// shortRule returns the cheapest rule for b = |c|h and h, or false.
func shortRule(b, h float64) (halfRule, bool) {
	for _, r := range shortRules {
		if b <= r.b && h <= r.h {
			return r.halfRule, true
		}
	}
	return halfRule{}, false
}

func newHalfRule(n int) halfRule {
	y, w := make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(y, w, -1, 1)
	for i := range w {
		w[i] /= 2
	}
	return halfRule{y[n/2:], w[n/2:]}
}

func truncShort(c, h float64) Trunc {
	b := c * h
	r, _ := shortRule(b, h)
	var up, down [7]float64 // weights of the nodes ±y
	var m0, m1 float64
	for i, y := range r.y {
		e := math.Exp(-b * y)
		g := r.w[i] * math.Exp(-h*h/2*y*y)
		up[i], down[i] = g*e, g/e
		m0 += up[i] + down[i]
		m1 += y * (up[i] - down[i])
	}
	off := m1 / m0
	v := 0.0
	for i, y := range r.y {
		v += up[i]*(y-off)*(y-off) + down[i]*(y+off)*(y+off)
	}
	v /= m0
	return Trunc{Avg: m0, Peak: c, Mean: c + h*off, Off: off, Var: v, Spread: h * h * v}
}

// truncTail takes 0 ≪ a = c-h. With q = exp((a²-b²)/2) ≤ e^{-7} the far end b is a
// correction only, so the differences lose nothing.
func truncTail(a, c, h float64) Trunc {
	r0, r1, r2 := tailRatios(a)
	m0, m1, m2 := r0, r0*r1, 2*r0*r1*r2
	if q := math.Exp(-2 * c * h); q > 0 {
		w := 2 * h
		r0, r1, r2 = tailRatios(c + h)
		m0 -= q * r0
		m1 -= q * r0 * (r1 + w)
		m2 -= q * r0 * (2*r1*r2 + 2*w*r1 + w*w)
	}
	e := m1 / m0
	v := m2/m0 - e*e
	return Trunc{Avg: m0 / (2 * h), Peak: a, Mean: a + e, Off: e/h - 1, Var: v / h / h, Spread: v}
}

// tailRatios returns r_n = I_n/I_{n-1} for n = 0, 1, 2, where
//
//	I_n(a) = ∫_a^∞ (t-a)^n/n! φ(t) dt,   I_{-1} = φ(a)
//
// are the repeated integrals of the normal density φ. From I_{n-2} = a I_{n-1} + n I_n
// (A&S 7.2.5) follows the continued fraction r_{n-1} = 1/(a + n r_n), whose terms are
// positive. r_0 is Mills' ratio.
func tailRatios(a float64) (r0, r1, r2 float64) {
	n := 8 + math.Floor(400/(a*a)) // enough for full precision at a ≥ tailLimit
	// The fixed point of the recurrence at n starts it well.
	r := 2 / (a + math.Sqrt(a*a+4*n))
	for ; n > 2; n-- {
		r = 1 / (a + n*r)
	}
	r2 = r
	r1 = 1 / (a + 2*r2)
	r0 = 1 / (a + r1)
	return r0, r1, r2
}

// truncBody takes the intervals that hold a fair part of the mass beyond their lower
// end, where the textbook formulas lose two digits at most.
func truncBody(a, c, h float64) Trunc {
	b := c + h
	ea, eb := math.Exp(-a*a/2), math.Exp(-b*b/2)
	// z = ∫ exp(-t²/2) dt; b > 0 since c ≥ 0.
	z := math.Sqrt(math.Pi/2) * (math.Erfc(a/math.Sqrt2) - math.Erfc(b/math.Sqrt2))
	m := (ea - eb) / z
	v := 1 - m*m
	if ea > 0 {
		v += a * ea / z
	}
	if eb > 0 {
		v -= b * eb / z
	}
	return Trunc{Avg: z / (2 * h), Mean: m, Off: max(-1, min((m-c)/h, 1)), Var: v / h / h, Spread: v}
}

// TruncGrid computes moments over a row of adjacent intervals of centres t_k = c + 2hk
// and half width h, k = 0 .. len(m0)-1. With t = t_k + hy and the mean taken over y
// uniform on [-1, 1],
//
//	m_n = E y^n exp((shift - t²)/2)
//
// to a relative error of about 1e-14 of m_0. It returns false, and writes nothing,
// unless the intervals are short: h ≤ 1 and |t_k| h ≤ 9. In the quadrature the factor
// exp(-t_k h y) is a geometric sequence in k for each node y, so that an interval costs
// one exponential.
func TruncGrid(m0, m1, m2 []float64, c, h, shift float64) bool {
	n := len(m0)
	r, ok := shortRule(max(math.Abs(c), math.Abs(c+2*h*float64(n-1)))*h, h)
	if !ok {
		return false
	}
	m1, m2 = m1[:n], m2[:n]
	clear(m0)
	clear(m1)
	clear(m2)
	for i, y := range r.y {
		g := r.w[i] * math.Exp(-h*h/2*y*y)
		up, down := g*math.Exp(-c*h*y), g*math.Exp(c*h*y)
		step := math.Exp(-2 * h * h * y)
		back := 1 / step
		for k := range m0 {
			sum := up + down
			m0[k] += sum
			m1[k] += y * (up - down)
			m2[k] += y * y * sum
			up *= step
			down *= back
		}
	}
	for k := range m0 {
		t := c + 2*h*float64(k)
		e := math.Exp((shift - t*t) / 2)
		m0[k] *= e
		m1[k] *= e
		m2[k] *= e
	}
	return true
}
