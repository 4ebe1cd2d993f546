package prior

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// emBlock is the number of patches of one matrix product, few enough that gonum does
// not split the product among goroutines of its own.
const emBlock = 192

// An em holds n patches z (rows of m coordinates), the current mixture, and the
// responsibilities resp[k·n+i].
type em struct {
	s       *PatchFit
	n, m    int
	z, resp []float64
	weights []float64
	cov     []float64 // K·m·m
	root    []float64 // K·m·m: L⁻ᵀ of C = L Lᵀ, upper triangular, so that |L⁻¹z|² = |zᵀ root|²
	offset  []float64 // log w - ½ log det C - m/2 log 2π
}

func newEM(z []float64, s *PatchFit) *em {
	m, k := s.Side*s.Side-1, s.Components
	e := &em{s: s, m: m, weights: make([]float64, k), cov: make([]float64, k*m*m), root: make([]float64, k*m*m), offset: make([]float64, k)}
	e.load(z)
	return e
}

func (e *em) load(z []float64) {
	e.z, e.n = z, len(z)/e.m
	if len(e.resp) < e.n*len(e.weights) {
		e.resp = make([]float64, e.n*len(e.weights))
	}
}

// start makes a component of each of K patches x chosen at random,
// ½ x xᵀ + ½ |x|²/tr Σ Σ, Σ the covariance of all patches.
func (e *em) start() error {
	m := e.m
	sum := mat.NewSymDense(m, nil)
	blas64.Syrk(blas.Trans, 1/float64(e.n), dense(e.z, e.n, m), 0, sum.RawSymmetric())
	trace := mat.Trace(sum)
	if trace < 1e-12 {
		return errors.New("prior: the pictures have no contrast: there is nothing to fit")
	}
	perm := stream.New().At(e.s.Seed, stream.Target, 0, 2).Perm(e.n)
	c := mat.NewSymDense(m, nil)
	for k := range e.weights {
		x := e.z[perm[k]*m : (perm[k]+1)*m]
		// A flat patch would start without width.
		size := max(floats.Dot(x, x), 1e-4*trace)
		c.ScaleSym(0.5*size/trace, sum)
		c.SymRankOne(c, 0.5, mat.NewVecDense(m, x))
		e.weights[k] = 1 / float64(len(e.weights))
		if err := e.set(k, c); err != nil {
			return err
		}
	}
	return nil
}

// set makes c, clipped, the covariance of component k.
func (e *em) set(k int, c *mat.SymDense) error {
	m := e.m
	var eig mat.EigenSym
	if !eig.Factorize(c, true) {
		return errors.New("prior: an eigenvalue problem of the fit did not converge")
	}
	if values := eig.Values(nil); values[0] < e.s.Floor {
		var u, f mat.Dense
		eig.VectorsTo(&u)
		f.Apply(func(_, j int, v float64) float64 { return v * math.Sqrt(max(values[j], e.s.Floor)) }, &u)
		c.SymOuterK(1, &f)
	}
	var chol mat.Cholesky
	if !chol.Factorize(c) {
		return errors.New("prior: a covariance of the fit is singular: raise Floor")
	}
	var inv mat.TriDense
	chol.UTo(&inv) // C = UᵀU, so L⁻ᵀ = U⁻¹
	if err := inv.InverseTri(&inv); err != nil {
		if _, badly := err.(mat.Condition); !badly {
			return err
		}
	}
	for i := range m {
		for j := range m {
			e.cov[(k*m+i)*m+j] = c.At(i, j)
			e.root[(k*m+i)*m+j] = inv.At(i, j)
		}
	}
	e.offset[k] = math.Log(e.weights[k]) - chol.LogDet()/2 - float64(m)/2*math.Log(2*math.Pi)
	return nil
}

// expect fills the responsibilities and returns the mean log-likelihood.
func (e *em) expect(ctx context.Context) (float64, error) {
	k, m := len(e.weights), e.m
	blocks := (e.n + emBlock - 1) / emBlock
	lls := make([]float64, blocks)
	work := make([][]float64, par.Workers(e.s.Workers))
	err := par.Rows(ctx, e.n, emBlock, e.s.Workers, func(w, lo, hi int) error {
		if work[w] == nil {
			work[w] = make([]float64, emBlock*m)
		}
		y := work[w]
		n := hi - lo
		for c := range k {
			root := e.root[c*m*m : (c+1)*m*m]
			// Rows from half on have nothing to the left of half in an upper triangle.
			half := m / 2
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1,
				blas64.General{Rows: n, Cols: half, Stride: m, Data: e.z[lo*m:]}, dense(root, half, m), 0, dense(y, n, m))
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1,
				blas64.General{Rows: n, Cols: m - half, Stride: m, Data: e.z[lo*m+half:]},
				blas64.General{Rows: m - half, Cols: m - half, Stride: m, Data: root[half*m+half:]},
				1, blas64.General{Rows: n, Cols: m - half, Stride: m, Data: y[half:]})
			out := e.resp[c*e.n+lo : c*e.n+hi]
			for i := range out {
				row := y[i*m : (i+1)*m]
				out[i] = e.offset[c] - 0.5*floats.Dot(row, row)
			}
		}
		sum := 0.0
		for i := lo; i < hi; i++ {
			top := math.Inf(-1)
			for c := range k {
				top = max(top, e.resp[c*e.n+i])
			}
			s := 0.0
			for c := range k {
				v := math.Exp(e.resp[c*e.n+i] - top)
				e.resp[c*e.n+i] = v
				s += v
			}
			for c := range k {
				e.resp[c*e.n+i] /= s
			}
			sum += top + math.Log(s)
		}
		lls[lo/emBlock] = sum
		return nil
	})
	return floats.Sum(lls) / float64(e.n), err
}

// maximise refits every component. One that has too few patches to have a covariance
// keeps what it has.
func (e *em) maximise(ctx context.Context) error {
	m := e.m
	return par.Rows(ctx, len(e.weights), 1, e.s.Workers, func(_, k, _ int) error {
		c := mat.NewSymDense(m, nil)
		buf := make([]float64, 0, emBlock*m)
		flush := func() {
			if len(buf) > 0 {
				blas64.Syrk(blas.Trans, 1, dense(buf, len(buf)/m, m), 1, c.RawSymmetric())
				buf = buf[:0]
			}
		}
		total := 0.0
		for i, r := range e.resp[k*e.n : (k+1)*e.n] {
			total += r
			if r < 1e-12 { // the sum of what is left out is below the rounding
				continue
			}
			root := math.Sqrt(r)
			for _, v := range e.z[i*m : (i+1)*m] {
				buf = append(buf, root*v)
			}
			if len(buf) == cap(buf) {
				flush()
			}
		}
		flush()
		// Without a patch's weight per coordinate the estimate would be mostly floor.
		if total < float64(m)/4 {
			for i := range m {
				for j := i; j < m; j++ {
					c.SetSym(i, j, e.cov[(k*m+i)*m+j])
				}
			}
		} else {
			c.ScaleSym(1/total, c)
		}
		e.weights[k] = max(total, 1e-9) / float64(e.n)
		return e.set(k, c)
	})
}
