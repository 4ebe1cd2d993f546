package linop

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// dotProbes is the number of random pairs of DotTest: enough for one to meet a fault
// that touches a few coordinates only.
const dotProbes = 8

// DotTest measures how far Adjoint is from the transpose of Apply,
//
//	max |⟨A x, y⟩ − ⟨x, Aᵀ y⟩| / (‖A x‖ ‖y‖)
//
// over eight pairs of standard normal x and y drawn from the seed. The denominator is
// no inner product, which could be near zero by chance. An exact pair gives a small
// multiple of the unit roundoff. The value is NaN if either product is.
func DotTest(op Operator, seed uint64) float64 {
	rows, cols := op.Dims()
	x, y := make([]float64, cols), make([]float64, rows)
	ax, aty := make([]float64, rows), make([]float64, cols)
	src := stream.New()
	worst := 0.0
	for k := range uint64(dotProbes) {
		src.Normals(x, seed, stream.Probe, k, 0)
		src.Normals(y, seed, stream.Probe, k, 1)
		op.Apply(ax, x)
		op.Adjoint(aty, y)
		gap := math.Abs(floats.Dot(ax, y) - floats.Dot(x, aty))
		if gap != 0 { // 0/0 for the zero operator
			gap /= norm(ax) * norm(y)
		}
		worst = max(worst, gap) // max keeps a NaN
	}
	return worst
}

// Norm estimates the largest singular value of A by the Lanczos process on AᵀA from a
// fixed random start. With θ the largest Ritz value and v its vector, of unit norm, it
// stops when ‖AᵀA v − θ v‖ ≤ RTol θ, which puts θ within that distance of an eigenvalue
// of AᵀA; the estimate √θ never exceeds the norm beyond rounding. The error of θ itself
// is of the order of RTol² θ once its eigenvalue is the one found. Of the options it uses
// MaxIter (0: 200), RTol and Trace; nil stands for {RTol: 1e-4}. The Residual of the
// result is ‖AᵀA v − θ v‖/θ.
func Norm(op Operator, o *KrylovOptions) (float64, Result) {
	o.noPrecond()
	rows, cols := op.Dims()
	if o == nil {
		o = &KrylovOptions{RTol: 1e-4}
	}
	c := o.prepare(100, 0)
	u, start := make([]float64, rows), make([]float64, cols)
	stream.New().Normals(start, 1, stream.Probe, 0, 0)
	l := newLanczos(start, func(dst, x []float64) {
		op.Apply(u, x)
		op.Adjoint(dst, u)
	})
	var res Result
	var theta float64
	for res.Status == 0 {
		l.step()
		res.Iterations++
		if last := l.alpha[len(l.alpha)-1] + l.beta; !finite(last) {
			return math.NaN(), Result{res.Iterations, math.NaN(), NonFinite}
		}
		// The small problem grows as the cube of its size: later not each time.
		if k := res.Iterations; k > 20 && k%5 != 0 && k != c.MaxIter && l.beta > 0 {
			continue
		}
		values, vectors := l.ritz()
		k := len(values)
		theta = max(values[k-1], 0)
		res.Residual = 0
		if r := l.beta * math.Abs(vectors.At(k-1, k-1)); r > 0 {
			res.Residual = r / theta
		}
		c.trace(res.Iterations, res.Residual)
		switch {
		case res.Residual <= c.RTol || l.beta == 0:
			res.Status = Converged
		case res.Iterations == c.MaxIter:
			res.Status = IterationLimit
		}
	}
	return math.Sqrt(theta), res
}

// Dense forms the matrix of an operator, column by column: for small operators and for
// tests.
func Dense(op Operator) *mat.Dense {
	rows, cols := op.Dims()
	m := mat.NewDense(rows, cols, nil)
	x, col := make([]float64, cols), make([]float64, rows)
	for j := range cols {
		x[j] = 1
		op.Apply(col, x)
		x[j] = 0
		m.SetCol(j, col)
	}
	return m
}
