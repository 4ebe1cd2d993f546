package linop

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// An operatorRow is an operator that TestConformance holds to the contracts of this package.
// Each family of operators registers its rows in an init function of its test file.
type operatorRow struct {
	name string
	make func() Operator
	norm float64 // known norm, 0 if there is none
	tol  float64 // of the dot test and of linearity; 0 is 1e-13
}

var operatorRows []operatorRow

func register(rows ...operatorRow) { operatorRows = append(operatorRows, rows...) }

// gaussian returns n standard normals, the same for the same numbers.
func gaussian(n int, sample uint64) []float64 {
	v := make([]float64, n)
	stream.New().Normals(v, 7, stream.Test, sample, 0)
	return v
}

func TestConformance(t *testing.T) {
	for _, r := range operatorRows {
		t.Run(r.name, func(t *testing.T) {
			op := r.make()
			// Rounding of sums of up to 10⁴ terms, which grow like √n 1e-16.
			tol := r.tol
			if tol == 0 {
				tol = 1e-13
			}
			testShapes(t, op)
			assert.LessOrEqual(t, DotTest(op, 1), tol, "dot test")
			testLinear(t, op, tol)
			testNorm(t, op, r.norm)
			testUse(t, op)
			if s, ok := op.(Spectral); ok {
				testSpectral(t, s)
			}
			if q, ok := op.(Orthogonal); ok {
				rows, cols := op.Dims()
				require.Equal(t, rows, cols)
				testInverse(t, q.Adjoint, q.Apply, gaussian(cols, 1))
				testInverse(t, q.Apply, q.Adjoint, gaussian(cols, 1))
			}
		})
	}
}

func testShapes(t *testing.T, op Operator) {
	rows, cols := op.Dims()
	require.Positive(t, rows)
	require.Positive(t, cols)
	for _, s := range []struct {
		shape []int
		size  int
	}{{DomainShape(op), cols}, {RangeShape(op), rows}} {
		size := 1
		for _, n := range s.shape {
			size *= n
		}
		assert.Equal(t, s.size, size, "shape %v", s.shape)
	}
	x, y := make([]float64, cols), make([]float64, rows)
	assert.Panics(t, func() { op.Apply(y, make([]float64, cols+1)) })
	assert.Panics(t, func() { op.Apply(make([]float64, rows+1), x) })
	assert.Panics(t, func() { op.Adjoint(x, make([]float64, rows+1)) })
	assert.Panics(t, func() { op.Adjoint(make([]float64, cols+1), y) })
	assert.Panics(t, func() { op.Apply(y[:rows-1], x) })
	assert.Panics(t, func() { op.Adjoint(x[:cols-1], y) })
}

// testLinear checks A(ax + by) = aAx + bAy for both products, that they overwrite
// whatever the output holds and leave the input alone.
func testLinear(t *testing.T, op Operator, tol float64) {
	rows, cols := op.Dims()
	for name, f := range map[string]func(dst, x []float64){"apply": op.Apply, "adjoint": op.Adjoint} {
		x, y := gaussian(cols, 1), gaussian(cols, 2)
		m := rows
		if name == "adjoint" {
			x, y, m = gaussian(rows, 1), gaussian(rows, 2), cols
		}
		fx, fy, fxy, want := filled(m), filled(m), filled(m), make([]float64, m)
		copyX := append([]float64(nil), x...)
		f(fx, x)
		f(fy, y)
		assert.Equal(t, copyX, x, "%s changes its input", name)
		xy := floats.AddScaledTo(make([]float64, len(x)), x, -2.5, y)
		f(fxy, xy)
		floats.AddScaledTo(want, fx, -2.5, fy)
		size := floats.Norm(fx, 2) + 2.5*floats.Norm(fy, 2)
		assert.LessOrEqual(t, floats.Distance(want, fxy, 2), tol*size, "%s is not linear", name)
	}
}

// filled returns n NaNs, for outputs that must be overwritten.
func filled(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

func testNorm(t *testing.T, op Operator, known float64) {
	rows, cols := op.Dims()
	norm, res := Norm(op, &KrylovOptions{RTol: 1e-6, MaxIter: 300})
	require.NoError(t, res.Status.Err())
	if known > 0 {
		// The eigenvalue's error is of second order in RTol; 1e-9 leaves room.
		assert.InEpsilon(t, known, norm, 1e-9)
	}
	x, y := gaussian(cols, 3), filled(rows)
	op.Apply(y, x)
	// The Ritz value is off by 1e-6 at most, unless MaxIter came first.
	assert.LessOrEqual(t, floats.Norm(y, 2), norm*(1+1e-5)*floats.Norm(x, 2))
	if rows*cols <= 1e5 {
		var svd mat.SVD
		require.True(t, svd.Factorize(Dense(op), mat.SVDNone))
		want := svd.Values(nil)[0]
		assert.InDelta(t, want, norm, 1e-6*want, "norm against the SVD")
	}
}

// testUse checks that both products allocate nothing and give the same bits on any
// number of processors and from several goroutines at once.
func testUse(t *testing.T, op Operator) {
	rows, cols := op.Dims()
	x, y := gaussian(cols, 4), gaussian(rows, 5)
	ax, aty := filled(rows), filled(cols)
	old := runtime.GOMAXPROCS(1)
	op.Apply(ax, x)
	op.Adjoint(aty, y)
	if !raceEnabled {
		assert.Zero(t, testing.AllocsPerRun(5, func() { op.Apply(ax, x) }), "Apply allocates")
		assert.Zero(t, testing.AllocsPerRun(5, func() { op.Adjoint(aty, y) }), "Adjoint allocates")
	}
	runtime.GOMAXPROCS(4)
	defer runtime.GOMAXPROCS(old)
	var wg sync.WaitGroup
	same := [4]bool{}
	for g := range same {
		wg.Go(func() {
			bx, bty := filled(rows), filled(cols)
			for range 3 {
				op.Apply(bx, x)
				op.Adjoint(bty, y)
			}
			same[g] = floats.Equal(ax, bx) && floats.Equal(aty, bty)
		})
	}
	wg.Wait()
	assert.Equal(t, [4]bool{true, true, true, true}, same, "bits differ between goroutines or processors")
}

// testSpectral checks A = U S Vᵀ, Aᵀ = V Sᵀ Uᵀ and that U and V are orthogonal.
func testSpectral(t *testing.T, op Spectral) {
	rows, cols := op.Dims()
	s := op.Singular()
	require.Len(t, s, min(rows, cols))
	for _, v := range s {
		require.GreaterOrEqual(t, v, 0.0)
	}
	// An SVD by gonum is orthogonal to about n 1e-16.
	const tol = 1e-12
	x, y := gaussian(cols, 6), gaussian(rows, 7)
	testInverse(t, op.V, op.VT, x)
	testInverse(t, op.VT, op.V, x)
	testInverse(t, op.U, op.UT, y)
	testInverse(t, op.UT, op.U, y)

	vx, su := filled(cols), make([]float64, rows)
	op.VT(vx, x)
	floats.MulTo(su[:len(s)], s, vx[:len(s)])
	got, want := filled(rows), filled(rows)
	op.U(got, su)
	op.Apply(want, x)
	assert.LessOrEqual(t, floats.Distance(got, want, 2), tol*floats.Norm(x, 2)*floats.Max(s), "A ≠ U S Vᵀ")

	u, sv := filled(rows), make([]float64, cols)
	op.UT(u, y)
	floats.MulTo(sv[:len(s)], s, u[:len(s)])
	got, want = filled(cols), filled(cols)
	op.V(got, sv)
	op.Adjoint(want, y)
	assert.LessOrEqual(t, floats.Distance(got, want, 2), tol*floats.Norm(y, 2)*floats.Max(s), "Aᵀ ≠ V Sᵀ Uᵀ")

	for name, f := range map[string]func(dst, x []float64){"V": op.V, "VT": op.VT} {
		assert.Panics(t, func() { f(make([]float64, cols+1), x) }, name)
		assert.Panics(t, func() { f(vx, make([]float64, cols+1)) }, name)
		if !raceEnabled {
			assert.Zero(t, testing.AllocsPerRun(5, func() { f(vx, x) }), "%s allocates", name)
		}
	}
	for name, f := range map[string]func(dst, x []float64){"U": op.U, "UT": op.UT} {
		assert.Panics(t, func() { f(make([]float64, rows+1), y) }, name)
		assert.Panics(t, func() { f(u, make([]float64, rows+1)) }, name)
		if !raceEnabled {
			assert.Zero(t, testing.AllocsPerRun(5, func() { f(u, y) }), "%s allocates", name)
		}
	}
}

// testInverse checks that g(f(x)) = x and that f keeps the norm: f is orthogonal and g
// its transpose.
func testInverse(t *testing.T, f, g func(dst, x []float64), x []float64) {
	fx, gfx := filled(len(x)), filled(len(x))
	f(fx, x)
	g(gfx, fx)
	size := floats.Norm(x, 2)
	assert.InEpsilon(t, size, floats.Norm(fx, 2), 1e-12, "not an isometry")
	assert.LessOrEqual(t, floats.Distance(x, gfx, 2), 1e-12*size, "not the inverse")
}

// matrix returns a rows by cols matrix of normals.
func matrix(rows, cols int, sample uint64) *mat.Dense {
	return mat.NewDense(rows, cols, gaussian(rows*cols, sample))
}

// must drops a nil error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("test set-up: ", err))
	}
	return v
}
