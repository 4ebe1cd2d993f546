package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"gonum.org/v1/gonum/floats"
)

// Each column of a batch is that of CG alone to the last bit, in number of iterations
// and status too, though the columns differ in difficulty.
func TestCGBatch(t *testing.T) {
	const n, k = 20, 5
	s := withSpectrum(logspaced(n, 1, 100), 77)
	batch := Batch(s, k)
	b, x := gaussian(n*k, 78), gaussian(n*k, 79)
	clear(x[n : 2*n])
	clear(b[n : 2*n]) // at the solution from the start
	one := withColumn(s, 3)
	copy(b[2*n:3*n], one) // an eigenvector: one iteration
	clear(x[2*n : 3*n])
	b[3*n] = math.NaN()
	precond := func(dst, r []float64) { floats.ScaleTo(dst, 0.5, r) }
	for _, o := range []KrylovOptions{{RTol: 1e-10}, {MaxIter: 7}, {RTol: 1e-6, Precond: precond}} {
		got, res := append([]float64(nil), x...), make([]Result, k)
		var worst []float64
		o.Trace = func(iter int, r float64) { worst = append(worst, r) }
		calls := 0
		CGBatch(got, func(dst, v []float64) {
			batch.Apply(dst, v)
			if calls++; calls > 2 && o.RTol > 0 {
				assert.Zero(t, floats.Norm(v[2*n:3*n], 2), "a column that is done is zero")
			}
		}, b, res, &o)
		o.Trace = nil
		longest := 0
		for c := range k {
			want := append([]float64(nil), x[c*n:(c+1)*n]...)
			alone := CG(want, s.Apply, b[c*n:(c+1)*n], &o)
			assert.True(t, floats.Equal(want, got[c*n:(c+1)*n]), "column %d", c)
			if c != 3 {
				assert.Equal(t, alone, res[c])
			}
			longest = max(longest, alone.Iterations)
		}
		assert.Equal(t, NonFinite, res[3].Status)
		assert.Equal(t, 0, res[1].Iterations)
		if o.RTol > 0 {
			assert.Equal(t, 1, res[2].Iterations)
		}
		assert.Len(t, worst, longest+1)
	}
	assert.Panics(t, func() { CGBatch(make([]float64, 7), batch.Apply, make([]float64, 7), make([]Result, 2), nil) })
}

// withColumn returns an eigenvector of a symmetric matrix.
func withColumn(s *Matrix, j int) []float64 {
	e := make([]float64, cap(s.Singular()))
	e[j] = 1
	v := make([]float64, len(e))
	s.V(v, e)
	return v
}

// The solvers allocate nothing with a Work that has grown.
func TestKrylovAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const n = 50
	s := withSpectrum(logspaced(n, 1, 100), 80)
	apply, b, x := s.Apply, gaussian(n, 81), make([]float64, n)
	batch := Batch(s, 2).Apply
	b2, x2, res := gaussian(2*n, 82), make([]float64, 2*n), make([]Result, 2)
	var op Operator = s
	o := &KrylovOptions{MaxIter: 8, Work: new(Work)}
	pre := &KrylovOptions{MaxIter: 8, Work: new(Work), Precond: func(dst, r []float64) { copy(dst, r) }}
	for name, f := range map[string]func(){
		"CG": func() { CG(x, apply, b, o) }, "preconditioned CG": func() { CG(x, apply, b, pre) },
		"CGBatch": func() { CGBatch(x2, batch, b2, res, o) },
		"CGLS":    func() { CGLS(x, op, b, 0.1, o) }, "LSQR": func() { LSQR(x, op, b, 0.1, o) }, "LSMR": func() { LSMR(x, op, b, 0.1, o) },
		"MINRES": func() { MINRES(x, apply, b, o) }, "GMRES": func() { GMRES(x, apply, b, 5, pre) },
	} {
		assert.Zero(t, testing.AllocsPerRun(5, f), name)
	}
}
