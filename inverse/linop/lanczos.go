package linop

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A lanczos reduces a symmetric S to a tridiagonal T, S V = V T + β v eᵀ, one column a
// step (Lanczos 1950).
type lanczos struct {
	apply      func(dst, x []float64)
	v, old, q  []float64
	alpha, off []float64 // diagonal and off-diagonal of T
	beta       float64   // norm of what is left; 0 when the space is exhausted
}

// newLanczos takes over the start, any vector but zero.
func newLanczos(start []float64, apply func(dst, x []float64)) *lanczos {
	normalise(start)
	return &lanczos{apply: apply, v: start, old: make([]float64, len(start)), q: make([]float64, len(start))}
}

// step adds a column. Vectors made before lose their orthogonality as Ritz values
// converge; what is found then are copies of Ritz values, and no false ones (Paige 1980).
func (l *lanczos) step() {
	if len(l.alpha) > 0 {
		l.off = append(l.off, l.beta)
	}
	l.apply(l.q, l.v)
	floats.AddScaled(l.q, -l.beta, l.old)
	alpha := floats.Dot(l.q, l.v)
	floats.AddScaled(l.q, -alpha, l.v)
	l.alpha = append(l.alpha, alpha)
	size := math.Abs(alpha) + l.beta
	l.beta = norm(l.q)
	if l.beta <= unitRoundoff*size { // rounding of the line above
		l.beta = 0
		return
	}
	l.old, l.v, l.q = l.v, l.q, l.old
	floats.Scale(1/l.beta, l.v)
}

// ritz returns the eigenvalues of T in increasing order and its eigenvectors.
func (l *lanczos) ritz() ([]float64, *mat.Dense) {
	k := len(l.alpha)
	t := mat.NewSymDense(k, nil)
	for i, a := range l.alpha {
		t.SetSym(i, i, a)
		if i > 0 {
			t.SetSym(i-1, i, l.off[i-1])
		}
	}
	var e mat.EigenSym
	if !e.Factorize(t, true) {
		panic("linop: the eigenvalues of a finite tridiagonal matrix did not converge")
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	return e.Values(nil), &vectors
}

// A Quadrature sets the effort of Trace and LogDet; zero fields stand for the default.
type Quadrature struct {
	Probes int // random vectors, 32
	Steps  int // Lanczos steps for each, 32
	Seed   uint64
}

// Trace estimates tr f(S) for a symmetric n by n matrix S by stochastic Lanczos
// quadrature (Ubaru, Chen and Saad 2017, SIAM Journal on Matrix Analysis and
// Applications 38),
//
//	tr f(S) = E zᵀ f(S) z,   zᵀ f(S) z ≈ n Σ_j τ_j² f(θ_j),
//
// with z random signs, θ_j the eigenvalues of the Lanczos matrix started at z and τ_j the
// first numbers of its eigenvectors. The quadrature is exact for polynomials of degree
// 2 Steps − 1. stderr is the standard error of the mean over the probes, NaN for one;
// the error of the quadrature comes on top. The estimate fails if S or f gives a value
// that is not finite.
func Trace(n int, apply func(dst, x []float64), f func(lambda float64) float64, q Quadrature) (value, stderr float64, err error) {
	mustPositive(n)
	if q.Probes < 0 || q.Steps < 0 {
		panic("linop: a negative number of probes or Lanczos steps")
	}
	if q.Probes == 0 {
		q.Probes = 32
	}
	if q.Steps == 0 {
		q.Steps = 32
	}
	src := stream.New()
	sums := make([]float64, q.Probes)
	for p := range sums {
		z := make([]float64, n)
		src.Signs(z, q.Seed, stream.Probe, uint64(p), 0)
		l := newLanczos(z, apply)
		for range min(q.Steps, n) {
			l.step()
			if !finite(l.beta) {
				return 0, 0, fmt.Errorf("linop: the operator gave a NaN or an infinity")
			}
			if l.beta == 0 {
				break
			}
		}
		theta, vectors := l.ritz()
		for j, t := range theta {
			v := f(t)
			if !finite(v) {
				return 0, 0, fmt.Errorf("linop: f is %g at the Ritz value %g", v, t)
			}
			tau := vectors.At(0, j)
			sums[p] += float64(n) * tau * tau * v
		}
	}
	mean, std := stat.MeanStdDev(sums, nil)
	return mean, std / math.Sqrt(float64(q.Probes)), nil
}

// LogDet estimates log det S = tr log S of a symmetric positive definite matrix. It fails
// if a Ritz value is not positive.
func LogDet(n int, apply func(dst, x []float64), q Quadrature) (value, stderr float64, err error) {
	value, stderr, err = Trace(n, apply, math.Log, q)
	if err != nil {
		err = fmt.Errorf("linop: the matrix is not positive definite: %w", err)
	}
	return value, stderr, err
}
