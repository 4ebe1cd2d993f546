package prior

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// A Mixture is a mixture of K zero-mean Gaussians for the patches of Side×Side pixels
// without their mean, in the m = Side²-1 orthonormal cosine coordinates of a patch.
type Mixture struct {
	Side    int
	Weights []float64 // K, sum 1
	Cov     []float64 // K·m·m
}

func (mix *Mixture) check() error {
	b, k := mix.Side, len(mix.Weights)
	if b < 3 || b > 16 {
		return fmt.Errorf("prior: patches of side %d: it must be 3 to 16", b)
	}
	m := b*b - 1
	if k == 0 || len(mix.Cov) != k*m*m {
		return fmt.Errorf("prior: %d weights and %d covariance entries, of which %d components of patches of side %d have %d",
			k, len(mix.Cov), k, b, k*m*m)
	}
	sum := 0.0
	for i, w := range mix.Weights {
		if !(w > 0) {
			return fmt.Errorf("prior: the weight of component %d is %g: it must be positive", i, w)
		}
		sum += w
	}
	if math.Abs(sum-1) > 1e-6 { // they are stored to 1e-7
		return fmt.Errorf("prior: the weights of the components sum to %g, not 1", sum)
	}
	if !finite(mix.Cov) {
		return errors.New("prior: a covariance holds values that are not finite")
	}
	return nil
}

// gateCoords is the number q of principal coordinates that the components of a patch are
// chosen by.
const gateCoords = 16

// A compiled mixture is one whose leading q coordinates are those of its own covariance
// Σ w_k C_k, with each C_k and the leading q×q block of each diagonalised.
type compiled struct {
	b, n, m, k, q int       // n = b² pixels of a patch, m = n - 1
	terms         int       // of the gate: q(q+1)/2 products and 1
	lead          []float64 // n×padded(q): leading coordinates zᵀ lead of a patch
	logW          []float64
	lam           []float64 // K·m, descending
	u             []float64 // K·m·n: eigenvectors as rows, in pixels
	gateLam       []float64 // K·q
	gateU         []float64 // K·q·q, as columns
	levels        levels
	pool          sync.Pool // of *patchWork
}

func compile(mix *Mixture) (*compiled, error) {
	if err := mix.check(); err != nil {
		return nil, err
	}
	b, k := mix.Side, len(mix.Weights)
	m := b*b - 1
	n := b * b
	q := min(gateCoords, m)
	c := &compiled{
		b: b, n: n, m: m, k: k, q: q, terms: q*(q+1)/2 + 1,
		lead: make([]float64, n*padded(q)), logW: make([]float64, k), lam: make([]float64, k*m), u: make([]float64, k*m*n),
		gateLam: make([]float64, k*q), gateU: make([]float64, k*q*q),
	}
	c.pool.New = func() any { return newPatchWork(c) }

	total := make([]float64, m*m)
	for i, w := range mix.Weights {
		for j, v := range mix.Cov[i*m*m : (i+1)*m*m] {
			total[j] += w * v
		}
	}
	values, axes := make([]float64, m), make([]float64, m*m)
	if err := eigen(values, axes, total, m); err != nil {
		return nil, err
	}
	toZ := make([]float64, n*m) // z = pᵀ toZ
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dense(cosines(b), n, m), dense(axes, m, m), 0, dense(toZ, n, m))
	for i := range n {
		copy(c.lead[i*padded(q):][:q], toZ[i*m:])
	}

	tmp, cov, lead := make([]float64, m*m), make([]float64, m*m), make([]float64, q*q)
	for i, w := range mix.Weights {
		c.logW[i] = math.Log(w)
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, dense(mix.Cov[i*m*m:(i+1)*m*m], m, m), dense(axes, m, m), 0, dense(tmp, m, m))
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, dense(axes, m, m), dense(tmp, m, m), 0, dense(cov, m, m))
		lam, u := c.lam[i*m:(i+1)*m], tmp
		if err := eigen(lam, u, cov, m); err != nil {
			return nil, err
		}
		if lam[m-1] < -1e-6*lam[0] { // covariances are stored to 1e-7
			return nil, fmt.Errorf("prior: the covariance of component %d has the negative eigenvalue %g", i, lam[m-1])
		}
		for j := range lam {
			lam[j] = max(lam[j], 0)
		}
		blas64.Gemm(blas.Trans, blas.Trans, 1, dense(u, m, m), dense(toZ, n, m), 0, dense(c.u[i*m*n:(i+1)*m*n], m, n))
		for r := range q {
			copy(lead[r*q:(r+1)*q], cov[r*m:])
		}
		if err := eigen(c.gateLam[i*q:(i+1)*q], c.gateU[i*q*q:(i+1)*q*q], lead, q); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// eigen writes the eigenvalues of the symmetric n×n matrix a, descending, and its
// eigenvectors as columns of u.
func eigen(values, u, a []float64, n int) error {
	var eig mat.EigenSym
	if !eig.Factorize(mat.NewSymDense(n, a), true) {
		return errors.New("prior: the eigenvalues of a covariance could not be computed")
	}
	var v mat.Dense
	eig.VectorsTo(&v)
	asc := eig.Values(nil)
	for j := range n {
		values[j] = asc[n-1-j]
		for i := range n {
			u[i*n+j] = v.At(i, n-1-j)
		}
	}
	return nil
}
