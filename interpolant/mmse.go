package interpolant

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/interp"
)

// An MMSE is the table of the least mean-square error of a target in dimension d,
//
//	mmse(s) = E |x₁ - D(x)|²,   x = s·x₁ + z,   s = α/σ,
//
// the only thing about a target on which the kinetic energy of a Gaussian path depends
// (Shaul et al. 2023, arXiv 2306.06626, where its share of E|x₁|² is one minus the data
// separation function). It is kept as its distance to the error of the best linear
// denoiser D_lin = Ss/(Ss²+d)·x, with S = E|x₁ - E x₁|²,
//
//	R(s) = 1 - mmse/mmse_lin = E |D - D_lin|²/mmse_lin,   mmse_lin = Sd/(Ss²+d),
//
// which runs from 0 at s = 0 to the share of the d dimensions in which the data are
// discrete at s = ∞, is 0 throughout for N(m, cI), and does not cancel. All is about the
// mean of the target: the mean is moved by the path but is no part of the error.
//
// Between the knots, even in log s, log mmse is a monotone cubic (Fritsch and Butland 1984)
// in log s, so that mmse falls, and the logit of R, from which energies and paths are
// made, a cubic spline; beyond them R is constant, so that mmse behaves like 1/s² there.
// It is safe for concurrent use. It is written and read as JSON.
type MMSE struct {
	dim        int
	variance   float64               // S
	meanSquare float64               // |E x₁|²
	bound      float64               // lower bound of W₂² about the mean
	angle      []float64             // log tan θ at the knots, tan θ = √(S/d) s
	ratio      []float64             // R at the knots
	batches    [][]float64           // independent estimates whose mean is R; none if it is exact
	logit      interp.NaturalCubic   // of R
	fall       interp.FritschButland // log(mmse/S)
}

// The knots: θ from 3e-4 to π/2 - 3e-4. A trapezoidal rule over them converges like
// exp(-π²/step), as 1 + s² has no zero within π/2 of the real log s.
const (
	angleEnd   = 8.0
	angleKnots = 129
)

// tinyRatio is the R below which no energy depends on it. Its logit is the logarithm.
const tinyRatio = 1e-20

// NewMMSEFunc tabulates a known mmse(s) of a target in dimension dim with S = variance about
// its mean, which is taken to be 0. It returns an error unless 0 ≤ mmse ≤ mmse_lin, but
// for rounding.
func NewMMSEFunc(dim int, variance float64, mmse func(s float64) float64) (*MMSE, error) {
	m := &MMSE{dim: dim, variance: variance, angle: floats.Span(make([]float64, angleKnots), -angleEnd, angleEnd)}
	m.bound = square(math.Sqrt(variance) - math.Sqrt(float64(dim)))
	m.ratio = make([]float64, angleKnots)
	for k, v := range m.angle {
		m.ratio[k] = 1 - mmse(m.snr(v))*(1+math.Exp(2*v))/variance
	}
	return m, m.fit()
}

// fit checks the table and prepares the interpolation.
func (m *MMSE) fit() error {
	if m.dim < 1 || !(m.variance > 0) || math.IsInf(m.variance, 0) {
		return fmt.Errorf("interpolant: a kinetic energy needs a target of finite variance above 0, not %v in dimension %d", m.variance, m.dim)
	}
	n := len(m.angle)
	if n < 5 || len(m.ratio) != n {
		return fmt.Errorf("interpolant: a table of the mean-square error needs 5 knots and as many values, got %d and %d", n, len(m.ratio))
	}
	for _, b := range m.batches {
		if len(b) != n {
			return fmt.Errorf("interpolant: a batch of the mean-square error has %d values for %d knots", len(b), n)
		}
	}
	logit, fall := make([]float64, n), make([]float64, n)
	for k, r := range m.ratio {
		// Estimates may leave [0, 1] by their noise, exact tables by rounding.
		if !(r > -0.5 && r < 1.5) {
			return fmt.Errorf("interpolant: at s = %.3g the mean-square error is %.3g of that of the best linear denoiser, which is not between 0 and 1", m.snr(m.angle[k]), 1-r)
		}
		r = min(max(r, tinyRatio), 1-1e-16)
		m.ratio[k], logit[k] = r, math.Log(r)-math.Log1p(-r)
		fall[k] = math.Log1p(-r) - log1pExp(2*m.angle[k])
		if k > 0 { // the truth falls, estimates may rise by their noise
			fall[k] = min(fall[k], fall[k-1])
		}
	}
	for k := 1; k < n; k++ {
		if !(m.angle[k] > m.angle[k-1]) {
			return errors.New("interpolant: the knots of the mean-square error must rise")
		}
	}
	if err := m.fall.Fit(m.angle, fall); err != nil {
		return err
	}
	return m.logit.Fit(m.angle, logit)
}

// snr returns the s of log tan θ.
func (m *MMSE) snr(v float64) float64 { return math.Exp(v) * math.Sqrt(float64(m.dim)/m.variance) }

// logTan returns log tan θ of λ = log s.
func (m *MMSE) logTan(logSNR float64) float64 {
	return logSNR + math.Log(m.variance/float64(m.dim))/2
}

// ratioAt returns R at v = log tan θ.
func (m *MMSE) ratioAt(v float64) float64 {
	return 1 / (1 + math.Exp(-m.logit.Predict(m.inside(v))))
}

// Dim returns the dimension d of the target.
func (m *MMSE) Dim() int { return m.dim }

// Variance returns S = E|x₁ - E x₁|², the sum over the coordinates.
func (m *MMSE) Variance() float64 { return m.variance }

// MeanSquare returns |E x₁|².
func (m *MMSE) MeanSquare() float64 { return m.meanSquare }

// Bound returns a lower bound of W₂², the squared Wasserstein distance from N(0, I) to the
// target about its mean, and so of every kinetic energy: the distance from N(0, I) to the
// Gaussian of the same covariance C (Gelbrich 1990, theorem 2.1),
//
//	Σ (√c_i - 1)²,   c_i the eigenvalues of C,
//
// which is W₂² itself if the target is Gaussian; or (√S - √d)², the least of these for all
// C of trace S, where C is not known.
func (m *MMSE) Bound() float64 { return m.bound }

// At returns mmse(s) and its standard error, 0 for exact tables.
func (m *MMSE) At(s float64) (mmse, stderr float64) {
	v := m.logTan(math.Log(s))
	inside := m.inside(v)
	linear := m.variance / (1 + math.Exp(2*v))
	weights := make([]float64, len(m.angle))
	m.spread(weights, v, linear)
	// At the knots' ends mmse/mmse_lin is carried on.
	return linear * math.Exp(m.fall.Predict(inside)+log1pExp(2*inside)), m.stderr(weights)
}

// inside returns v, or the knot at the end beyond which it lies.
func (m *MMSE) inside(v float64) float64 { return min(max(v, m.angle[0]), m.angle[len(m.angle)-1]) }

// spread adds w R(v), as the combination of the R at the knots that is linear between
// them, to the weights of the knots.
func (m *MMSE) spread(weights []float64, v, w float64) {
	v = m.inside(v)
	i := min(sort.SearchFloat64s(m.angle[1:], v), len(m.angle)-2)
	u := (v - m.angle[i]) / (m.angle[i+1] - m.angle[i])
	weights[i] += w * (1 - u)
	weights[i+1] += w * u
}

// stderr returns the standard error of Σ w_k R_k from the spread of the batches, which
// all knots share, so that their correlation counts.
func (m *MMSE) stderr(weights []float64) float64 {
	n := float64(len(m.batches))
	if n < 2 {
		return 0
	}
	var sum, squares float64
	for _, b := range m.batches {
		v := floats.Dot(weights, b)
		sum += v
		squares += v * v
	}
	return math.Sqrt(max(0, squares-sum*sum/n) / (n * (n - 1)))
}

// mmseFile is an MMSE as JSON.
type mmseFile struct {
	Dim        int         `json:"dim"`
	Variance   float64     `json:"variance"`
	MeanSquare float64     `json:"mean_square"`
	Bound      float64     `json:"bound"`
	Knots      []float64   `json:"log_tan"`
	Ratio      []float64   `json:"ratio"`
	Batches    [][]float64 `json:"batches,omitempty"`
}

// MarshalJSON writes the table.
func (m *MMSE) MarshalJSON() ([]byte, error) {
	return json.Marshal(mmseFile{m.dim, m.variance, m.meanSquare, m.bound, m.angle, m.ratio, m.batches})
}

// UnmarshalJSON reads a table that MarshalJSON wrote and checks it.
func (m *MMSE) UnmarshalJSON(text []byte) error {
	var f mmseFile
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*m = MMSE{dim: f.Dim, variance: f.Variance, meanSquare: f.MeanSquare, bound: f.Bound, angle: f.Knots, ratio: f.Ratio, batches: f.Batches}
	return m.fit()
}

func square(x float64) float64 { return x * x }
