package prior

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// L1Wavelet are the settings of its Solve. The zero value of all but Rows, Cols, Lambda and
// Norm means the documented defaults.
type L1Wavelet struct {
	Rows, Cols int
	Complex    bool // pixels are pairs (re, im), whose modulus is thresholded
	Lambda     float64
	Norm       float64 // ‖A‖ or a bound on it
	// Taps and Levels are those of linop.NewWavelet; 0 means 4 taps, and as many levels
	// as leave 16 coarse coefficients or more along the shorter side.
	Taps, Levels int
	// Spin shifts the wavelets by another number of pixels in each iteration, cyclically
	// (Coifman and Donoho 1995, Translation-invariant de-noising; in an iteration,
	// Figueiredo and Nowak 2003, IEEE Transactions on Image Processing 12, 906). The edges
	// of the wavelets' blocks go, and with them the objective and its gap: it runs for
	// Limit iterations.
	Spin bool
	// Tol stops when the gap is below Tol times the objective; 0 means 1e-3.
	Tol   float64
	Limit int // of iterations; 0 means 100
}

// Solve writes the minimiser of
//
//	½ |A x - y|² + λ |W x|₁
//
// with the orthonormal wavelet transform W, coarse coefficients included, to x, starting
// from x, by FISTA (Beck and Teboulle 2009, SIAM Journal on Imaging Sciences 2, 183,
// section 4) with steps 1/‖A‖², whose momentum starts anew when it points uphill
// (O'Donoghue and Candès 2015, Foundations of Computational Mathematics 15, 715). Each
// iteration applies A and Aᵀ once. It stops at the duality gap
//
//	½|r|² + λ|Wx|₁ - ½|y|² + ½|y - s r|²,   r = y - A x,   s = min(1, λ/max|WAᵀr|)
//
// It returns an error if Limit iterations leave a wider gap, if a value is not finite, or
// if ctx ends; x is then what was reached.
func (s L1Wavelet) Solve(ctx context.Context, x []float64, a linop.Operator, y []float64) (TVResult, error) {
	defaults(&s.Taps, 4)
	if s.Levels == 0 {
		for n := min(s.Rows, s.Cols); n >= 32; n = (n + 1) / 2 {
			s.Levels++
		}
		s.Levels = max(s.Levels, 1)
	}
	defaults(&s.Tol, 1e-3)
	defaults(&s.Limit, 100)
	planes := 1
	if s.Complex {
		planes = 2
	}
	m, n := a.Dims()
	if len(x) != planes*s.Rows*s.Cols || n != len(x) || m != len(y) {
		panic(fmt.Sprintf("prior: wavelets: the operator is %d×%d, the data %d and the picture %d, which should be %d×%d×%d", m, n, len(y), len(x), s.Rows, s.Cols, planes))
	}
	if !(s.Norm > 0) || !(s.Lambda >= 0) {
		panic("prior: wavelets need a positive norm and λ ≥ 0")
	}
	t := newThreshold(&s, planes)
	z, old, g, r := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, m)
	copy(z, x)
	step, theta := 1/(s.Norm*s.Norm), 1.0
	var res TVResult
	for res.Iterations = 1; res.Iterations <= s.Limit; res.Iterations++ {
		copy(old, x)
		a.Apply(r, z)
		floats.Sub(r, y)
		a.Adjoint(g, r)
		floats.AddScaledTo(x, z, -step, g)
		if s.Spin {
			// Odd steps visit every residue of the blocks' sides, powers of 2, along either axis.
			t.row, t.col = 7*res.Iterations%s.Rows, 5*res.Iterations%s.Cols
		}
		t.shrink(x, step*s.Lambda)
		up := 0.0
		for i, v := range x {
			up += (z[i] - v) * (v - old[i])
		}
		next := 1.0
		if up <= 0 {
			next = (1 + math.Sqrt(1+4*theta*theta)) / 2
		} else {
			theta = 1
		}
		for i, v := range x {
			z[i] = v + (theta-1)/next*(v-old[i])
		}
		theta = next
		if res.Iterations%10 != 0 && res.Iterations != s.Limit {
			continue
		}
		if err := ctx.Err(); err != nil {
			return res, err
		}
		a.Apply(r, x)
		floats.SubTo(r, y, r)
		a.Adjoint(g, r)
		one, _ := t.norms(x)
		_, peak := t.norms(g)
		scale := 1.0
		if peak > s.Lambda {
			scale = s.Lambda / peak
		}
		rr, ry := floats.Dot(r, r), floats.Dot(r, y)
		res.Objective = rr/2 + s.Lambda*one
		res.Gap = res.Objective - scale*ry + scale*scale*rr/2
		if math.IsNaN(res.Gap) || math.IsInf(res.Gap, 0) {
			return res, errors.New("prior: wavelets: the data or the operator gave values that are not finite")
		}
		if !s.Spin && res.Gap <= s.Tol*res.Objective {
			return res, nil
		}
	}
	res.Iterations = s.Limit
	if s.Spin {
		return res, nil
	}
	return res, fmt.Errorf("prior: wavelets: %d iterations leave a relative duality gap of %.3g: allow more or loosen the tolerance", s.Limit, res.Gap/res.Objective)
}

// A threshold shrinks wavelet coefficients of a picture that is shifted by (row, col).
type threshold struct {
	w          *linop.Wavelet
	rows, cols int
	planes     int
	row, col   int
	plane      []float64
	coef       [2][]float64
}

func newThreshold(s *L1Wavelet, planes int) *threshold {
	n := s.Rows * s.Cols
	t := &threshold{w: linop.NewWavelet(s.Rows, s.Cols, s.Taps, s.Levels), rows: s.Rows, cols: s.Cols, planes: planes, plane: make([]float64, n)}
	for k := range planes {
		t.coef[k] = make([]float64, n)
	}
	return t
}

// each calls f with the places of a pixel in the shifted plane and in x.
func (t *threshold) each(k int, f func(plane, x int)) {
	for i := range t.rows {
		from := (i + t.row) % t.rows * t.cols
		for j := range t.cols {
			f(i*t.cols+j, (from+(j+t.col)%t.cols)*t.planes+k)
		}
	}
}

// analyse writes the coefficients of x.
func (t *threshold) analyse(x []float64) {
	for k := range t.planes {
		t.each(k, func(p, i int) { t.plane[p] = x[i] })
		t.w.Apply(t.coef[k], t.plane)
	}
}

func (t *threshold) modulus(i int) float64 {
	if t.planes == 1 {
		return math.Abs(t.coef[0][i])
	}
	return math.Hypot(t.coef[0][i], t.coef[1][i])
}

// shrink moves the coefficients of x towards 0 by up to lambda in modulus.
func (t *threshold) shrink(x []float64, lambda float64) {
	t.analyse(x)
	for i := range t.plane {
		keep := 0.0
		if v := t.modulus(i); v > lambda {
			keep = 1 - lambda/v
		}
		for k := range t.planes {
			t.coef[k][i] *= keep
		}
	}
	for k := range t.planes {
		t.w.Adjoint(t.plane, t.coef[k])
		t.each(k, func(p, i int) { x[i] = t.plane[p] })
	}
}

// norms returns sum and maximum of the moduli of the coefficients of x.
func (t *threshold) norms(x []float64) (one, peak float64) {
	t.analyse(x)
	for i := range t.plane {
		v := t.modulus(i)
		one += v
		peak = max(peak, v)
	}
	return one, peak
}
