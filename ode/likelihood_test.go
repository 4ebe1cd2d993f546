package ode

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// linearField is x' = cos(t) A x.
type linearField struct{ a *mat.Dense }

func (f linearField) Dim() int { r, _ := f.a.Dims(); return r }

func (f linearField) Eval(dst, x []float64, t float64) { f.JVP(dst, x, x, t) }

func (f linearField) JVP(dst, _, v []float64, t float64) {
	d := f.Dim()
	for lo := 0; lo < len(v); lo += d {
		for i := range d {
			sum := 0.0
			for j, a := range f.a.RawRowView(i) {
				sum += a * v[lo+j]
			}
			dst[lo+i] = math.Cos(t) * sum
		}
	}
}

// known is a linearField that knows its divergence.
type known struct{ linearField }

func (f known) Divergence(dst, _ []float64, t float64) {
	for i := range dst {
		dst[i] = math.Cos(t) * mat.Trace(f.a)
	}
}

var linear2 = linearField{mat.NewDense(2, 2, []float64{0.3, -1, 0.5, 0.8})}

// linear8 is not symmetric and has a nonzero trace.
func linear8() linearField {
	a := mat.NewDense(8, 8, cloud(8, 8))
	a.Scale(0.3, a)
	for i := range 8 {
		a.Set(i, i, a.At(i, i)+0.4)
	}
	return linearField{a}
}

// normalBase is the standard normal log-density in d dimensions.
func normalBase(d int) func(dst, x []float64) {
	return func(dst, x []float64) {
		for i := range dst {
			v := x[i*d : (i+1)*d]
			dst[i] = -floats.Dot(v, v)/2 - float64(d)/2*math.Log(2*math.Pi)
		}
	}
}

// truth is the log-density at time a of the points x when that at time b is standard normal:
// x_b = M x_a with M = exp(A (sin b - sin a)), so x_a ~ N(0, (MᵀM)⁻¹).
func truth(f linearField, x []float64, a, b float64) []float64 {
	d := f.Dim()
	var m, s mat.Dense
	s.Scale(math.Sin(b)-math.Sin(a), f.a)
	m.Exp(&s)
	logDet, _ := mat.LogDet(&m)
	out, y := make([]float64, len(x)/d), mat.NewVecDense(d, nil)
	for i := range out {
		y.MulVec(&m, mat.NewVecDense(d, x[i*d:(i+1)*d]))
		out[i] = logDet - mat.Dot(y, y)/2 - float64(d)/2*math.Log(2*math.Pi)
	}
	return out
}

func TestLogDensityExact(t *testing.T) {
	f := linear8()
	for _, ends := range [][2]float64{{0, 1.2}, {1.2, 0}} {
		want := truth(f, cloud(5, 8), ends[0], ends[1])
		for _, g := range []Field{f, known{f}} {
			for _, c := range []struct {
				s    Solver
				grid []float64
				tol  float64
			}{
				{Adaptive{Tableau: DormandPrince853, RTol: 1e-11}, ends[:], 1e-9}, // the tolerance times the steps
				{Fixed(RK4), uniform(ends[0], ends[1], 200), 1e-7},                // h⁴ ≈ 1e-9 times the growth
				{Fixed(AdamsBashforth(4)), uniform(ends[0], ends[1], 400), 1e-6},  // likewise
			} {
				x := cloud(5, 8)
				logp, stderr, res, err := LogDensity(context.Background(), g, x, normalBase(8), c.grid, c.s, Exact{}, nil)
				require.NoError(t, err)
				assert.InDeltaSlice(t, want, logp, c.tol)
				assert.Equal(t, make([]float64, 5), stderr)
				assert.Equal(t, 5, res.Points)
				// x has moved to the end.
				end := solve(t, DormandPrince853, f, cloud(5, 8), uniform(ends[0], ends[1], 30))
				assert.InDeltaSlice(t, end, x, c.tol)
			}
		}
	}
}

// The random estimates are unbiased with an honest standard error: over n points with
// independent probes z = (estimate - truth)/stderr has mean square near that of Student's t
// and the mean error is within 4 of its standard deviations.
func TestLogDensityRandom(t *testing.T) {
	const n, d = 400, 8
	f := linear8()
	x := make([]float64, 0, n*d)
	for range n {
		x = append(x, cloud(1, d)...)
	}
	want := truth(f, x[:d], 0.1, 1)[0]
	variance := map[string]float64{}
	for name, div := range map[string]Divergence{
		"rademacher": Hutchinson{Probes: 12, Seed: 1},
		"gaussian":   Hutchinson{Probes: 12, Law: Gaussian, Seed: 2},
		"hutch++":    HutchPP{Probes: 2, Repeats: 12, Seed: 3},
	} {
		y := append([]float64{}, x...)
		logp, stderr, _, err := LogDensity(context.Background(), f, y, normalBase(d), uniform(0.1, 1, 8), Fixed(DormandPrince853), div, nil)
		require.NoError(t, err)
		mean, square, z2 := 0.0, 0.0, 0.0
		for i, v := range logp {
			e := v - want
			mean += e / n
			square += e * e / n
			z2 += e * e / (stderr[i] * stderr[i]) / n
		}
		variance[name] = square
		t.Logf("%-10s bias %.4f ± %.4f, mean z² %.3f", name, mean, math.Sqrt(square/n), z2)
		assert.Less(t, math.Abs(mean), 4*math.Sqrt(square/n), name) // 4 standard errors, n = 400
		// E z² = ν/(ν-2) = 1.22 for ν = 11; its spread over 400 points is about 0.11.
		assert.InDelta(t, 1.22, z2, 0.45, name)
	}
	// The variances with the integral S of the symmetric part: 2‖S‖² and 2(‖S‖² - ‖diag S‖²),
	// divided by the probes; 400 points show a variance to 7%, 4 of which are 28%.
	var s mat.Dense
	s.Scale((math.Sin(1)-math.Sin(0.1))/2, f.a)
	all, diag := 0.0, 0.0
	for i := range d {
		for j := range d {
			v := s.At(i, j) + s.At(j, i)
			all += v * v
			if i == j {
				diag += v * v
			}
		}
	}
	assert.InEpsilon(t, 2*all/12, variance["gaussian"], 0.28)
	assert.InEpsilon(t, 2*(all-diag)/12, variance["rademacher"], 0.28)
}

// Hutch++ is exact on a matrix of rank no more than its probes; Hutchinson is not.
func TestHutchPPLowRank(t *testing.T) {
	u, v := mat.NewDense(8, 2, cloud(8, 2)), mat.NewDense(2, 8, cloud(10, 2)[4:])
	var a mat.Dense
	a.Mul(u, v)
	f := linearField{&a}
	for _, div := range []Divergence{HutchPP{Probes: 2}, HutchPP{Probes: 5}, HutchPP{Probes: 100}} {
		x := cloud(3, 8)
		logp, stderr, _, err := LogDensity(context.Background(), f, x, normalBase(8), []float64{0, 0.3}, Adaptive{RTol: 1e-9}, div, nil)
		require.NoError(t, err)
		assert.InDeltaSlice(t, truth(f, cloud(3, 8), 0, 0.3), logp, 1e-6) // the tolerance
		assert.InDeltaSlice(t, make([]float64, 3), stderr, 1e-9)          // rounding
	}
}

// Signs are ±1 and normals standard, without correlation between coordinates or vectors, and
// the two sets of Hutch++ have addresses of their own.
func TestProbes(t *testing.T) {
	const count, d, rows = 3, 130, 50
	for _, law := range []ProbeLaw{Rademacher, Gaussian} {
		p := newProbes(count, d, rows, law, 1, 0)
		p.begin(0, rows)
		sum, square, next, other, n := 0.0, 0.0, 0.0, 0.0, 0.0
		for i := range d*rows - 1 {
			v := p.v[0][i]
			sum, square, n = sum+v, square+v*v, n+1
			next += v * p.v[0][i+1]
			other += v * p.v[1][i]
			if law == Rademacher {
				require.Equal(t, 1., math.Abs(v))
			}
		}
		k := 4 / math.Sqrt(n) // 4 standard deviations of a mean of n terms of variance 1
		assert.InDelta(t, 0, sum/n, k)
		assert.InDelta(t, 1, square/n, k*math.Sqrt2) // Var v² = 2 for normals
		assert.InDelta(t, 0, next/n, k)
		assert.InDelta(t, 0, other/n, k)
	}
	e := HutchPP{Probes: 3, Repeats: 5}.newTrace(linear8(), 1).(*hutchPP)
	assert.EqualValues(t, len(e.s.v), e.g.index-e.s.index)
}

// Columns that are nearly dependent come out orthonormal to rounding, dependent ones as 0.
func TestOrthonormalize(t *testing.T) {
	e := HutchPP{Probes: 3}.newTrace(linear8(), 2).(*hutchPP)
	for c, q := range e.q {
		for i := range q {
			q[i] = float64(i%8+1) + 1e-7*math.Sin(float64(i*i*(c+1)))
		}
	}
	copy(e.q[2][8:], e.q[0][8:]) // the second row's third column repeats the first
	for c, q := range e.q {
		e.orthonormalize(q, c)
	}
	for row := range 2 {
		for i := range 3 {
			for j := range 3 {
				want := 0.0
				if i == j && (i < 2 || row == 0) {
					want = 1
				}
				got := floats.Dot(e.q[i][row*8:row*8+8], e.q[j][row*8:row*8+8])
				assert.InDelta(t, want, got, 1e-15*8) // rounding of 8 terms
			}
		}
	}
}

// Probes belong to points: the bytes do not depend on workers, groups or shards, and the
// trace holds the points.
func TestLogDensitySameBytes(t *testing.T) {
	const n = 11
	f := linear8()
	for _, div := range []Divergence{Exact{}, Hutchinson{Probes: 3}, HutchPP{Probes: 2, Repeats: 2}} {
		for _, s := range []Solver{Fixed(RK4), Adaptive{RTol: 1e-4}} {
			run := func(x []float64, set *Settings) ([]float64, []float64) {
				logp, stderr, _, err := LogDensity(context.Background(), f, x, normalBase(8), uniform(0, 1, 6), s, div, set)
				require.NoError(t, err)
				return logp, stderr
			}
			logp, stderr := run(cloud(n, 8), nil)
			for _, set := range []Settings{{Workers: 1}, {Workers: 2, Rows: 1}, {Workers: 7, Rows: 5}, {Rows: 1024}} {
				l, e := run(cloud(n, 8), &set)
				require.Equal(t, logp, l)
				require.Equal(t, stderr, e)
			}
			shard, _ := run(cloud(n, 8)[3*8:], &Settings{First: 3})
			require.Equal(t, logp[3:], shard)
			if _, exact := div.(Exact); !exact {
				other, _ := run(cloud(n, 8)[3*8:], &Settings{First: 4})
				require.NotEqual(t, shard, other)
			}
			tr, x := &Trace{Rows: 2}, cloud(n, 8)
			run(x, &Settings{Trace: tr})
			require.Len(t, tr.X, 2*7*8)
			require.Equal(t, cloud(n, 8)[:8], tr.X[:8])
			require.Equal(t, x[:8], tr.X[6*8:7*8])
			require.Equal(t, x[8:16], tr.X[13*8:])
		}
	}
	assert.PanicsWithValue(t, "ode: the divergence of the field needs its JVP", func() {
		_, _, _, _ = LogDensity(context.Background(), pendulum(), nil, normalBase(2), []float64{0, 1}, Adaptive{}, Exact{}, nil)
	})
	_, stderr, _, err := LogDensity(context.Background(), f, cloud(1, 8), normalBase(8), []float64{0, 1}, Adaptive{}, Hutchinson{Probes: 1}, nil)
	require.NoError(t, err)
	assert.True(t, math.IsNaN(stderr[0]))
}
