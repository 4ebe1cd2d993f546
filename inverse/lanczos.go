package inverse

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack"
	lapackgo "gonum.org/v1/gonum/lapack/gonum"
)

// lanczos is the memory of a matrix square root: with V an orthonormal basis of the
// Krylov space of C and z, and T = VᵀCV tridiagonal,
//
//	C^½ z ≈ |z| V T^½ e₁
//
// (Chow and Saad 2014, SIAM J. Sci. Comput. 36, section 2). Nothing but products with C
// is needed, and the result is exact after as many steps as C has distinct eigenvalues.
// The basis takes 8·d bytes a step, up to 100 steps by default, for each goroutine.
type lanczos struct {
	v           [][]float64 // the basis, made as far as it is needed
	a, b        []float64   // diagonal and off-diagonal of T
	ev, off, z  []float64   // eigenvalues, a copy of b, eigenvectors
	work        []float64
	coef, older []float64 // |z| T^½ e₁ of this step and of the one before
}

// What Tweedie.Lanczos stands for if it is zero: the steps are enough for a condition
// number of 1e4 at this tolerance.
const (
	lanczosSteps = 100
	lanczosRTol  = 1e-6
)

func (k *lanczos) grow(n, d int) {
	if len(k.a) >= n {
		return
	}
	k.v = append(k.v, make([][]float64, n-len(k.v))...)
	k.z = make([]float64, n*n)
	k.work = make([]float64, 2*n)
	for _, s := range []*[]float64{&k.a, &k.b, &k.ev, &k.off, &k.coef, &k.older} {
		*s = make([]float64, n)
	}
}

// basis returns vector i of the basis.
func (k *lanczos) basis(i, d int) []float64 {
	if len(k.v[i]) < d {
		k.v[i] = make([]float64, d)
	}
	return k.v[i][:d]
}

// sqrt writes C^½ z.
func (k *lanczos) sqrt(dst, z []float64, c Covariance, l *Local, o Krylov) {
	d, size := len(z), floats.Norm(z, 2)
	clear(dst)
	if size == 0 {
		return
	}
	steps, tol := o.Iterations, o.RTol
	if steps == 0 {
		steps = lanczosSteps
	}
	if tol == 0 {
		tol = lanczosRTol
	}
	steps = min(steps, d)
	k.grow(steps, d)
	l.counts.Solves++
	floats.ScaleTo(k.basis(0, d), 1/size, z)
	largest, seen, n := 0.0, 0, 0
	for done := false; !done; {
		v, w := k.basis(n, d), dst
		c.Mul(w, v, l)
		k.a[n] = floats.Dot(v, w)
		// Orthogonal to all before, twice, for the loss that Lanczos suffers.
		for range 2 {
			for i := 0; i <= n; i++ {
				q := k.basis(i, d)
				floats.AddScaled(w, -floats.Dot(q, w), q)
			}
		}
		k.b[n] = floats.Norm(w, 2)
		largest = max(largest, math.Abs(k.a[n])+k.b[n])
		full := k.b[n] <= 1e-14*largest // the space is invariant: no error is left
		n++
		// T^½ costs n³: look after an eighth more steps.
		if full || n == steps || n >= seen+1+seen/8 {
			k.root(n, size)
			done = full || k.change(n, seen) <= tol*floats.Norm(k.coef[:n], 2)
			seen = n
		}
		if !done && n == steps {
			if n < d {
				l.counts.Unfinished++
			}
			break
		}
		if !done {
			floats.ScaleTo(k.basis(n, d), 1/k.b[n-1], w)
		}
	}
	clear(dst)
	for i, f := range k.coef[:n] {
		floats.AddScaled(dst, f, k.basis(i, d))
	}
}

// change returns the distance of the estimate after n steps from that after seen.
func (k *lanczos) change(n, seen int) float64 {
	if seen == 0 {
		return math.Inf(1)
	}
	s := 0.0
	for i, c := range k.coef[:n] {
		if i < seen {
			c -= k.older[i]
		}
		s += c * c
	}
	return math.Sqrt(s)
}

// root writes size T^½ e₁ of the leading n×n part of T into coef.
func (k *lanczos) root(n int, size float64) {
	k.coef, k.older = k.older, k.coef
	copy(k.ev, k.a[:n])
	copy(k.off, k.b[:n])
	ok := lapackgo.Implementation{}.Dsteqr(lapack.EVTridiag, n, k.ev[:n], k.off[:n-1], k.z[:n*n], n, k.work[:max(1, 2*n-2)])
	clear(k.coef[:n])
	for e, v := range k.ev[:n] {
		// A negative eigenvalue is rounding, or the model's own error.
		f := size * math.Sqrt(max(0, v)) * k.z[e]
		if !ok || math.IsNaN(v) {
			f = math.NaN()
		}
		for i := range n {
			k.coef[i] += f * k.z[i*n+e]
		}
	}
}
