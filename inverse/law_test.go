package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

// dense is a matrix as an operator.
type dense struct{ *mat.Dense }

func (a dense) Apply(dst, x []float64) {
	for i := range dst {
		dst[i] = floats.Dot(a.RawRowView(i), x)
	}
}

func (a dense) Adjoint(dst, y []float64) {
	clear(dst)
	for i, v := range y {
		floats.AddScaled(dst, v, a.RawRowView(i))
	}
}

// spectrum is a diagonal operator of m rows between two orthogonal matrices.
type spectrum struct {
	dense
	s    []float64
	u, v *mat.Dense
}

func newSpectrum(a *mat.Dense) spectrum {
	var svd mat.SVD
	svd.Factorize(a, mat.SVDFull)
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	return spectrum{dense{a}, svd.Values(nil), &u, &v}
}

func (a spectrum) Singular() []float64 { return a.s }
func (a spectrum) V(dst, v []float64)  { dense{a.v}.Apply(dst, v) }
func (a spectrum) VT(dst, x []float64) { dense{a.v}.Adjoint(dst, x) }
func (a spectrum) U(dst, u []float64)  { dense{a.u}.Apply(dst, u) }
func (a spectrum) UT(dst, y []float64) { dense{a.u}.Adjoint(dst, y) }

var _ linop.Spectral = spectrum{}

// A law is a mean and a covariance.
type law struct {
	mean *mat.VecDense
	cov  *mat.Dense
}

// isotropicLaw is N(0, v I).
func isotropicLaw(d int, v float64) law {
	l := law{mat.NewVecDense(d, nil), mat.NewDense(d, d, nil)}
	for i := range d {
		l.cov.Set(i, i, v)
	}
	return l
}

// probe is a noise that is one unit normal in each of the rows from first on, all of them
// in the last row, and nothing before.
type probe struct{ dim, first int }

func (p *probe) NewNoise(dim, _ int) sde.Noise { p.dim = dim; return p }
func (p *probe) Begin(_, _ int)                {}
func (p *probe) Increment(dw []float64, t0, t1 float64) {
	clear(dw)
	rows := len(dw) / p.dim
	for j := range p.dim {
		if r := p.first + j; r < rows-1 {
			dw[r*p.dim+j] = math.Sqrt(math.Abs(t1 - t0))
		}
		dw[(rows-1)*p.dim+j] = math.Sqrt(math.Abs(t1 - t0))
	}
}
func (p *probe) IncrementArea(_, _ []float64, _, _ float64) { panic("not used") }

// propagate returns the exact law after the steps. The code itself is run on probes: at
// an affine step x' = c + M x + B z the rows are c, c + M e_i, c + B e_j and, to see that
// the step is affine, c + M 1 + B 1. The laws of the start and of all noises then give
// the law of the end, without a sample.
func propagate(t *testing.T, s *score.Sampler, steps score.Steps, grid []float64, l law) law {
	d := s.Model.Dim()
	p := &probe{first: 1 + d}
	steps(s, p, 1)
	rows := 2 + d + p.dim
	st := steps(s, p, rows)
	st.Begin(0, rows)
	for k := 1; k < len(grid); k++ {
		l = l.through(t, rows, func(x []float64) { st.Step(x, grid[k-1], grid[k]) })
	}
	return l
}

// through returns the law after one affine step.
func (l law) through(t *testing.T, rows int, step func(x []float64)) law {
	d := l.mean.Len()
	x := make([]float64, rows*d)
	for i := range d {
		x[(1+i)*d+i], x[(rows-1)*d+i] = 1, 1
	}
	step(x)
	row := func(r int) []float64 { return x[r*d : (r+1)*d] }
	out := law{mat.NewVecDense(d, append([]float64(nil), row(0)...)), mat.NewDense(d, d, nil)}
	m, all, size := mat.NewDense(d, d, nil), append([]float64(nil), row(0)...), 0.0
	for r := 1; r < rows-1; r++ {
		col := row(r)
		for i := range col {
			col[i] -= x[i]
			all[i] += col[i]
			size = max(size, math.Abs(col[i]), math.Abs(x[i]))
		}
		v := mat.NewVecDense(d, col)
		if r <= d {
			m.SetCol(r-1, col)
		} else {
			out.cov.RankOne(out.cov, 1, v, v)
		}
	}
	// Rounding of a sum of rows differences.
	require.InDeltaSlice(t, row(rows-1), all, 1e-10*(1+size)*float64(rows), "the step is not affine")
	var c mat.Dense
	c.Mul(m, l.cov)
	c.Mul(&c, m.T())
	out.cov.Add(out.cov, &c)
	var mean mat.VecDense
	mean.MulVec(m, l.mean)
	out.mean.AddVec(out.mean, &mean)
	return out
}

// denoised returns the law of D(x) at the end of the grid.
func (l law) denoised(t *testing.T, s *score.Sampler) law {
	d := l.mean.Len()
	c := s.Path.At(s.Grid[len(s.Grid)-1])
	return l.through(t, 2+d, func(x []float64) {
		in := append([]float64(nil), x...)
		s.Model.Denoise(x, in, c.Alpha, c.Sigma)
	})
}

// linearBetas is DDPM's path and its grid of n times.
func linearBetas(t testing.TB, n int) (*interpolant.Discrete, []float64) {
	p, err := interpolant.FromBetas(interpolant.LinearBetas(1000, 1e-4, 0.02))
	require.NoError(t, err)
	grid := make([]float64, n)
	for i := range grid {
		k := math.Round(999 * float64(n-1-i) / float64(max(1, n-1)))
		if n == 1 {
			k = 999
		}
		grid[i] = p.Index(k)
	}
	return p, grid
}

var _ ode.Stepper = (*recursion)(nil)
