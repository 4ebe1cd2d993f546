// Package testprob holds ordinary differential equations whose solutions are known,
// and the estimate of a method's order from its errors. It serves tests.
package testprob

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// A Problem is dx/dt = F(t, x), x(T0) = X0, up to T1.
type Problem struct {
	Name   string
	Dim    int
	T0, T1 float64
	X0     []float64

	// F writes the right-hand side for a batch of points, one after another.
	F func(dst, x []float64, t float64)

	// Exact writes the solution through X0 at time t. Nil if it has no closed form.
	Exact func(dst []float64, t float64)

	// Invariant returns a quantity that is constant along solutions. Nil if none.
	Invariant func(x []float64) float64
}

// Rotation is x' = ω(-y, x), with solution (cos ωt, sin ωt).
func Rotation(omega float64) Problem {
	return Problem{
		Name: "rotation", Dim: 2, T0: 0, T1: 2 * math.Pi / omega, X0: []float64{1, 0},
		F: func(dst, x []float64, _ float64) {
			for i := 0; i < len(x); i += 2 {
				dst[i], dst[i+1] = -omega*x[i+1], omega*x[i]
			}
		},
		Exact: func(dst []float64, t float64) {
			dst[1], dst[0] = math.Sincos(omega * t)
		},
		Invariant: func(x []float64) float64 { return x[0]*x[0] + x[1]*x[1] },
	}
}

// Logistic is x' = x(1-x), with solution 1/(1 + (1/x₀ - 1) e^{-t}).
func Logistic(x0 float64) Problem {
	return Problem{
		Name: "logistic", Dim: 1, T0: 0, T1: 5, X0: []float64{x0},
		F: func(dst, x []float64, _ float64) {
			for i, v := range x {
				dst[i] = v * (1 - v)
			}
		},
		Exact: func(dst []float64, t float64) { dst[0] = 1 / (1 + (1/x0-1)*math.Exp(-t)) },
	}
}

// Pendulum is θ” = -sin θ, released at rest from the given angle in (0, π). With
// k = sin(angle/2) and Jacobi's elliptic functions of modulus k (Abramowitz and Stegun
// 16; any book of mechanics),
//
//	sin(θ/2) = k cn(t)/dn(t),   θ' = -2k √(1-k²) sn(t)/dn(t)
func Pendulum(angle float64) Problem {
	k := math.Sin(angle / 2)
	return Problem{
		Name: "pendulum", Dim: 2, T0: 0, T1: 10, X0: []float64{angle, 0},
		F: func(dst, x []float64, _ float64) {
			for i := 0; i < len(x); i += 2 {
				dst[i], dst[i+1] = x[i+1], -math.Sin(x[i])
			}
		},
		Exact: func(dst []float64, t float64) {
			sn, cn, dn := jacobi(t, k*k)
			dst[0] = 2 * math.Asin(k*cn/dn)
			dst[1] = -2 * k * math.Sqrt(1-k*k) * sn / dn
		},
		Invariant: func(x []float64) float64 { return x[1]*x[1]/2 - math.Cos(x[0]) },
	}
}

// jacobi returns sn, cn and dn of argument u and parameter m = k² in (0, 1) by the
// arithmetic-geometric mean (Abramowitz and Stegun 16.4).
func jacobi(u, m float64) (sn, cn, dn float64) {
	var ratio [16]float64 // c_n/a_n
	a, b, n := 1.0, math.Sqrt(1-m), 0
	for c := math.Sqrt(m); c > 1e-17*a; n++ { // quadratic convergence: 6 rounds at most
		a, b, c = (a+b)/2, math.Sqrt(a*b), (a-b)/2
		ratio[n] = c / a
	}
	phi := math.Ldexp(a*u, n)
	for n--; n >= 0; n-- {
		phi = (phi + math.Asin(ratio[n]*math.Sin(phi))) / 2
	}
	sn, cn = math.Sincos(phi)
	return sn, cn, math.Sqrt(1 - m*sn*sn)
}

// Arenstorf is the restricted problem of three bodies in the rotating frame, x = (y₁, y₂,
// y₁', y₂'), started on a closed orbit about earth and moon: the solution at T1, the
// period, is X0 (Hairer, Nørsett, Wanner I, equation (II.0.1) and (0.2)). The invariant
// is Jacobi's integral.
func Arenstorf() Problem {
	const mu = 0.012277471
	const nu = 1 - mu
	return Problem{
		Name: "arenstorf", Dim: 4, T0: 0, T1: 17.0652165601579625588917206249,
		X0: []float64{0.994, 0, 0, -2.00158510637908252240537862224},
		F: func(dst, x []float64, _ float64) {
			for i := 0; i < len(x); i += 4 {
				y1, y2, v1, v2 := x[i], x[i+1], x[i+2], x[i+3]
				d1 := cube(math.Hypot(y1+mu, y2))
				d2 := cube(math.Hypot(y1-nu, y2))
				dst[i], dst[i+1] = v1, v2
				dst[i+2] = y1 + 2*v2 - nu*(y1+mu)/d1 - mu*(y1-nu)/d2
				dst[i+3] = y2 - 2*v1 - nu*y2/d1 - mu*y2/d2
			}
		},
		Invariant: func(x []float64) float64 {
			kinetic := (x[2]*x[2] + x[3]*x[3]) / 2
			return kinetic - (x[0]*x[0]+x[1]*x[1])/2 - nu/math.Hypot(x[0]+mu, x[1]) - mu/math.Hypot(x[0]-nu, x[1])
		},
	}
}

func cube(v float64) float64 { return v * v * v }

// Order returns the slope of log err against log h by least squares over the points
// with floor < err < ceiling, and the number of such points: errors below the floor are
// rounding, those above the ceiling come before the asymptotic range.
func Order(h, err []float64, floor, ceiling float64) (slope float64, points int) {
	var lh, le []float64
	for i, e := range err {
		if e > floor && e < ceiling {
			lh = append(lh, math.Log(h[i]))
			le = append(le, math.Log(e))
		}
	}
	if len(lh) < 2 {
		return math.NaN(), len(lh)
	}
	_, slope = stat.LinearRegression(lh, le, nil, false)
	return slope, len(lh)
}
