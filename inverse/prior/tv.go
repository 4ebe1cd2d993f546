package prior

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
)

// TotalVariation returns the isotropic total variation Σ |∇x| of a picture, with forward
// differences that are 0 across the last row and column (Chambolle 2004, Journal of
// Mathematical Imaging and Vision 20, 89, section 2).
func TotalVariation(x []float64, rows, cols int) float64 {
	checkPicture(len(x), rows, cols)
	sum := 0.0
	for r := range rows {
		for c := range cols {
			dr, dc := forward(x, r, c, rows, cols)
			sum += math.Sqrt(dr*dr + dc*dc)
		}
	}
	return sum
}

func forward(x []float64, r, c, rows, cols int) (dr, dc float64) {
	i := r*cols + c
	if r+1 < rows {
		dr = x[i+cols] - x[i]
	}
	if c+1 < cols {
		dc = x[i+1] - x[i]
	}
	return dr, dc
}

// gradientAdjoint writes ∇ᵀq; q holds the differences down, then those across.
func gradientAdjoint(dst, q []float64, rows, cols int) {
	n := rows * cols
	clear(dst)
	for r := range rows {
		for c := range cols {
			i := r*cols + c
			if r+1 < rows {
				dst[i+cols] += q[i]
				dst[i] -= q[i]
			}
			if c+1 < cols {
				dst[i+1] += q[n+i]
				dst[i] -= q[n+i]
			}
		}
	}
}

// ascend writes to q the projection of q + step·∇x on |q_i| ≤ bound.
func ascend(q, x []float64, rows, cols int, step, bound float64) {
	n := rows * cols
	for r := range rows {
		for c := range cols {
			i := r*cols + c
			dr, dc := forward(x, r, c, rows, cols)
			a, b := q[i]+step*dr, q[n+i]+step*dc
			if s := math.Hypot(a, b); s > bound {
				a, b = a*(bound/s), b*(bound/s)
			}
			q[i], q[n+i] = a, b
		}
	}
}

func checkPicture(n, rows, cols int) {
	if rows < 1 || cols < 1 || n != rows*cols {
		panic("prior: a picture must have rows·cols values")
	}
}

// A TVResult tells how an iteration ended: Gap bounds by how much the objective exceeds
// its least value.
type TVResult struct {
	Iterations     int
	Objective, Gap float64
}

// A TV solves the proximal problem of total variation on rows×cols pictures. It holds
// the working memory and belongs to one goroutine.
type TV struct {
	rows, cols  int
	q, old, bar []float64 // 2n: dual variables
	div         []float64
}

// NewTV returns a solver for pictures of one size.
func NewTV(rows, cols int) *TV {
	checkPicture(rows*cols, rows, cols)
	n := rows * cols
	return &TV{rows: rows, cols: cols, q: make([]float64, 2*n), old: make([]float64, 2*n), bar: make([]float64, 2*n), div: make([]float64, n)}
}

// Denoise writes the minimiser of
//
//	½ |x - y|² + λ TV(x)
//
// by the accelerated projected gradient on the dual, |q_i| ≤ 1 and x = y - λ∇ᵀq (Beck and
// Teboulle 2009, IEEE Transactions on Image Processing 18, 2419, algorithm FGP). It stops when
// the duality gap λ(TV(x) - ⟨q, ∇x⟩) proves x within tol of the minimiser in the root mean
// square (½|x - x*|² ≤ gap), or after limit iterations with an error.
func (t *TV) Denoise(dst, y []float64, lambda, tol float64, limit int) (TVResult, error) {
	checkPicture(len(y), t.rows, t.cols)
	checkPicture(len(dst), t.rows, t.cols)
	if !(lambda >= 0) || !(tol > 0) {
		panic("prior: λ must not be negative and the tolerance must be positive")
	}
	clear(t.q)
	copy(dst, y)
	if lambda == 0 {
		return TVResult{}, nil
	}
	copy(t.bar, t.q)
	step := 1 / (8 * lambda) // ‖∇‖² ≤ 8
	momentum := 1.0
	var res TVResult
	for res.Iterations = 1; res.Iterations <= limit; res.Iterations++ {
		t.primal(dst, y, t.bar, lambda)
		copy(t.old, t.q)
		copy(t.q, t.bar)
		ascend(t.q, dst, t.rows, t.cols, step, 1)
		next := (1 + math.Sqrt(1+4*momentum*momentum)) / 2
		w := (momentum - 1) / next
		momentum = next
		for i, v := range t.q {
			t.bar[i] = v + w*(v-t.old[i])
		}
		if res.Iterations%8 == 0 || res.Iterations == limit {
			t.primal(dst, y, t.q, lambda)
			tv := TotalVariation(dst, t.rows, t.cols)
			res.Gap = max(0, lambda*(tv-floats.Dot(t.div, dst)))
			res.Objective = lambda*tv + lambda*lambda*floats.Dot(t.div, t.div)/2
			if res.Gap <= tol*tol*float64(len(y))/2 {
				return res, nil
			}
			if math.IsNaN(tv) {
				return res, errors.New("prior: total variation: the picture holds values that are not finite")
			}
		}
	}
	res.Iterations = limit
	return res, fmt.Errorf("prior: total variation: %d iterations leave a duality gap of %.3g: allow more or loosen the tolerance", limit, res.Gap)
}

// primal writes y - λ∇ᵀq to dst and ∇ᵀq to t.div.
func (t *TV) primal(dst, y, q []float64, lambda float64) {
	gradientAdjoint(t.div, q, t.rows, t.cols)
	for i, v := range y {
		dst[i] = v - lambda*t.div[i]
	}
}

// TVLeastSquares are the settings of its Solve. The zero value of all but the first
// four means the documented defaults.
type TVLeastSquares struct {
	Rows, Cols int
	Lambda     float64
	Norm       float64 // ‖A‖ or a bound on it
	// Lower and Upper bound the pixels; both 0 means 0 and 1. The bounds are what makes
	// the duality gap finite before the last iteration; wide ones cost tightness only.
	Lower, Upper float64
	// Tol stops when the gap is below Tol times the objective; 0 means 1e-3.
	Tol   float64
	Limit int // of iterations; 0 means 1000
	// Tau is the primal step; 0 means 1/Norm².
	Tau float64
}

// Solve writes the minimiser of
//
//	½ |A x - y|² + λ TV(x),   Lower ≤ x ≤ Upper
//
// to x, starting from x, by the primal-dual algorithm of Chambolle and Pock (2011,
// Journal of Mathematical Imaging and Vision 40, 120, algorithm 1) with the dual variables p
// of A x and q of ∇x, whose steps satisfy τ(σ_p‖A‖² + 8σ_q) = 1. It stops at the duality gap
//
//	½|Ax - y|² + λTV(x) + ½|p|² + ⟨p, y⟩ - Σ min(Lower c, Upper c),   c = Aᵀp + ∇ᵀq
//
// It returns an error after Limit iterations, if a value is not finite, or if ctx ends; x
// is then what was reached.
func (s TVLeastSquares) Solve(ctx context.Context, x []float64, a linop.Operator, y []float64) (TVResult, error) {
	checkPicture(len(x), s.Rows, s.Cols)
	m, n := a.Dims()
	if n != len(x) || m != len(y) {
		panic(fmt.Sprintf("prior: total variation: the operator is %d×%d, the data %d and the picture %d", m, n, len(y), len(x)))
	}
	if s.Lower == 0 && s.Upper == 0 {
		s.Upper = 1
	}
	defaults(&s.Tol, 1e-3)
	defaults(&s.Limit, 1000)
	defaults(&s.Tau, 1/(s.Norm*s.Norm))
	if !(s.Norm > 0) || !(s.Lambda >= 0) || !(s.Lower < s.Upper) || !(s.Tau > 0) {
		panic("prior: total variation needs a positive norm and step, λ ≥ 0 and Lower < Upper")
	}
	stepP, stepQ := 0.5/(s.Tau*s.Norm*s.Norm), 0.5/(8*s.Tau)
	p, q := make([]float64, m), make([]float64, 2*n)
	ax, bar, c, div := make([]float64, m), make([]float64, n), make([]float64, n), make([]float64, n)
	for i, v := range x {
		x[i] = min(max(v, s.Lower), s.Upper)
	}
	copy(bar, x)
	var res TVResult
	for res.Iterations = 1; res.Iterations <= s.Limit; res.Iterations++ {
		a.Apply(ax, bar)
		for i, v := range ax {
			p[i] = (p[i] + stepP*(v-y[i])) / (1 + stepP)
		}
		ascend(q, bar, s.Rows, s.Cols, stepQ, s.Lambda)
		a.Adjoint(c, p)
		gradientAdjoint(div, q, s.Rows, s.Cols)
		floats.Add(c, div)
		for i, v := range x {
			next := min(max(v-s.Tau*c[i], s.Lower), s.Upper)
			bar[i] = 2*next - v
			x[i] = next
		}
		if res.Iterations%10 != 0 && res.Iterations != s.Limit {
			continue
		}
		if err := ctx.Err(); err != nil {
			return res, err
		}
		a.Apply(ax, x)
		dual := 0.0
		for i, v := range ax {
			v -= y[i]
			dual -= p[i]*p[i]/2 + p[i]*y[i]
			ax[i] = v
		}
		for _, v := range c {
			dual += min(s.Lower*v, s.Upper*v)
		}
		res.Objective = floats.Dot(ax, ax)/2 + s.Lambda*TotalVariation(x, s.Rows, s.Cols)
		res.Gap = res.Objective - dual
		if math.IsNaN(res.Gap) || math.IsInf(res.Gap, 0) {
			return res, errors.New("prior: total variation: the data or the operator gave values that are not finite")
		}
		if res.Gap <= s.Tol*res.Objective {
			return res, nil
		}
	}
	res.Iterations = s.Limit
	return res, fmt.Errorf("prior: total variation: %d iterations leave a relative duality gap of %.3g: allow more or loosen the tolerance", s.Limit, res.Gap/res.Objective)
}

var _ score.Denoiser = (*TVDenoiser)(nil)

// A TVDenoiser is the baseline that stands in for a prior: the most probable picture, not
// the mean, under a density exp(-λ TV/s²), for the noise s = σ/α and λ = Scale·s:
//
//	D = argmin ½ |x - y|² + Scale·s·TV(x),   y = x_t/α
//
// to a root mean square of s/1000. A picture that takes more than 2000 iterations is left
// at what these reach.
type TVDenoiser struct {
	rows, cols int
	scale      float64
	pool       sync.Pool // of *tvWork
}

type tvWork struct {
	tv *TV
	y  []float64
}

// NewTVDenoiser returns the denoiser for rows×cols pictures; scale is about 0.5 to 1 for
// photographs, 0 means 0.7.
func NewTVDenoiser(rows, cols int, scale float64) *TVDenoiser {
	defaults(&scale, 0.7)
	if !(scale > 0) {
		panic("prior: the scale must be positive")
	}
	checkPicture(rows*cols, rows, cols)
	d := &TVDenoiser{rows: rows, cols: cols, scale: scale}
	d.pool.New = func() any { return &tvWork{NewTV(rows, cols), make([]float64, rows*cols)} }
	return d
}

// Dim returns rows·cols.
func (d *TVDenoiser) Dim() int { return d.rows * d.cols }

// Denoise writes D; α must be positive.
func (d *TVDenoiser) Denoise(dst, x []float64, alpha, sigma float64) {
	n := d.Dim()
	rowsOf(dst, x, n)
	if !(alpha > 0) {
		panic("prior: total variation has no mean that α = 0 could give")
	}
	w := d.pool.Get().(*tvWork)
	s := sigma / alpha
	for at := 0; at < len(x); at += n {
		for i, v := range x[at : at+n] {
			w.y[i] = v / alpha
		}
		// The one error that is not of the last digits, NaN pixels, shows in dst.
		_, _ = w.tv.Denoise(dst[at:at+n], w.y, d.scale*s, 1e-3*s, 2000)
	}
	d.pool.Put(w)
}
