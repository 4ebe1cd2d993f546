package metric

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// BuresW2 returns the 2-Wasserstein distance of two Gaussians, given their means and
// covariances (d×d values, row after row), which may be singular:
//
//	W2² = |m - n|² + tr(A + B - 2 (A^½ B A^½)^½)
//	    = |m - n|² + min_U ‖F - G U‖²,   A = F Fᵀ, B = G Gᵀ, U orthogonal
//
// (Dowson and Landau 1982, J. Multivar. Anal. 12, 450; Bhatia, Jain and Lim 2019,
// Expo. Math. 37, 165, theorem 1). The second form is computed: it has no
// cancellation, so W2 is right to some 1e-15 of the deviations even where A ≈ B. The
// cost is O(d³). It returns an error if a value is not finite or a matrix is not
// symmetric and positive semidefinite, to 1e-10 of its largest entry.
func BuresW2(meanA, covA, meanB, covB []float64) (float64, error) {
	a, err := newGaussian("first", meanA, covA)
	if err != nil {
		return 0, err
	}
	b, err := newGaussian("second", meanB, covB)
	if err != nil {
		return 0, err
	}
	w, _ := a.distance(b)
	return w, nil
}

// A gaussianLaw is N(mean, Q diag(std²) Qᵀ).
type gaussianLaw struct {
	mean, std []float64
	q, f      mat.Dense // f = Q diag(std)
}

// covTolerance bounds asymmetry and negative eigenvalues, relative to the largest
// entry. Covariances computed from samples are within 1e-13.
const covTolerance = 1e-10

func newGaussian(name string, mean, cov []float64) (*gaussianLaw, error) {
	d := len(mean)
	if d == 0 || len(cov) != d*d {
		panic("metric: a Gaussian needs d means and d×d covariances")
	}
	scale := floats.Norm(cov, math.Inf(1))
	if s := scale + floats.Norm(mean, math.Inf(1)); math.IsNaN(s) || math.IsInf(s, 0) || floats.HasNaN(cov) || floats.HasNaN(mean) {
		return nil, fmt.Errorf("metric: the moments of the %s Gaussian are not finite", name)
	}
	sym := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			u, v := cov[i*d+j], cov[j*d+i]
			if math.Abs(u-v) > covTolerance*scale {
				return nil, fmt.Errorf("metric: the covariance of the %s Gaussian is not symmetric at %d, %d", name, i, j)
			}
			sym.SetSym(i, j, (u+v)/2)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(sym, true) {
		return nil, fmt.Errorf("metric: no eigenvalues of the covariance of the %s Gaussian", name)
	}
	g := &gaussianLaw{mean: mean, std: eig.Values(nil)}
	eig.VectorsTo(&g.q)
	for i, v := range g.std {
		if v < -covTolerance*scale {
			return nil, fmt.Errorf("metric: the covariance of the %s Gaussian has the negative eigenvalue %v", name, v)
		}
		g.std[i] = math.Sqrt(max(0, v))
	}
	g.f.Mul(&g.q, mat.NewDiagDense(d, g.std))
	return g, nil
}

// distance returns W2 and G U, the factor of b nearest to that of a.
func (a *gaussianLaw) distance(b *gaussianLaw) (w float64, near *mat.Dense) {
	// The U that maximises tr(Fᵀ G U) is W Vᵀ for the singular value decomposition
	// Gᵀ F = W S Vᵀ.
	var gf, w0, v, u mat.Dense
	gf.Mul(b.f.T(), &a.f)
	var svd mat.SVD
	if !svd.Factorize(&gf, mat.SVDFull) {
		panic("metric: no singular values of a finite matrix")
	}
	svd.UTo(&w0)
	svd.VTo(&v)
	u.Mul(&w0, v.T())
	near = new(mat.Dense)
	near.Mul(&b.f, &u)
	var diff mat.Dense
	diff.Sub(&a.f, near)
	return math.Hypot(floats.Distance(a.mean, b.mean, 2), mat.Norm(&diff, 2)), near
}

// Frechet returns the Fréchet distance of two samples, the W2 of the Gaussians with
// their means and covariances (BuresW2), in the units of the samples. Its square is
// what image work calls FID when the points are Inception features. It is 0 for
// different laws with equal moments, and too large by chance by about d²/n in its
// square. Each sample needs at least 2 points; the cost is O(nd² + d³).
//
// StdErr is that of the square by the Gaussians' optimal duals as influence functions,
//
//	φ(x) = 2 (m_x - m_y)·(x - m_x) + (x - m_x)ᵀ (I - T)(x - m_x),   T A T = B,
//
// carried to the distance; it is for laws whose moments differ.
func Frechet(x, y []float64, dim int, o Options) (Value, error) {
	if err := checkPair(x, y, dim, 2); err != nil {
		return Value{}, err
	}
	var laws [2]*gaussianLaw
	for i, s := range [][]float64{x, y} {
		m, err := MomentsOf(s, dim, o)
		if err != nil {
			return Value{}, err
		}
		if laws[i], err = newGaussian([...]string{"first", "second"}[i], m.Mean, m.Cov); err != nil {
			return Value{}, errors.New("metric: the points are so far apart that their covariances overflow")
		}
	}
	w, near := laws[0].distance(laws[1])
	out := Value{Value: w, NX: len(x) / dim, NY: len(y) / dim}
	if w > 0 {
		_, sx := meanErr(laws[0].influence(x, laws[1], near))
		_, near = laws[1].distance(laws[0])
		_, sy := meanErr(laws[1].influence(y, laws[0], near))
		out.StdErr = math.Hypot(sx, sy) / (2 * w)
	}
	return finite(out)
}

// influence returns φ at the points of x, a sample of a, near being the factor of b
// nearest to that of a. T = near·F⁺, where directions without variance have no share.
func (a *gaussianLaw) influence(x []float64, b *gaussianLaw, near *mat.Dense) []float64 {
	d := len(a.mean)
	inverse := make([]float64, d)
	for i, s := range a.std {
		if s > 1e-7*floats.Max(a.std) { // roundoff of a variance, 1e-16, gives 1e-8
			inverse[i] = 1 / s
		}
	}
	var pinv, t mat.Dense
	pinv.Mul(mat.NewDiagDense(d, inverse), a.q.T())
	t.Mul(near, &pinv)
	out, c := make([]float64, len(x)/d), make([]float64, d)
	for i := range out {
		floats.SubTo(c, x[i*d:(i+1)*d], a.mean)
		for r, v := range c {
			out[i] += v * (2*(a.mean[r]-b.mean[r]) + v - floats.Dot(t.RawRowView(r), c))
		}
	}
	return out
}

// Gaussians is a mixture of K Gaussians in dimension d: K weights of sum 1, K·d means
// and K·d·d covariances, row after row.
type Gaussians struct {
	Weights, Means, Covs []float64
}

// MixtureW2 returns the distance MW2 of two Gaussian mixtures, the transport between
// their components at Bures costs,
//
//	MW2² = min_P Σ_kl P_kl W2²(N_k, N_l),
//
// an upper bound on their W2, and the least one whose coupling is itself a Gaussian
// mixture (Delon and Desolneux 2020, SIAM J. Imaging Sci. 13, 936, proposition 4). The
// plan is between the components.
func MixtureW2(a, b Gaussians, dim int) (float64, *Plan, error) {
	la, err := a.laws("first", dim)
	if err != nil {
		return 0, nil, err
	}
	lb, err := b.laws("second", dim)
	if err != nil {
		return 0, nil, err
	}
	cost := make([]float64, 0, len(la)*len(lb))
	for _, g := range la {
		for _, h := range lb {
			w, _ := g.distance(h)
			cost = append(cost, w*w)
		}
	}
	p, err := Transport(a.Weights, b.Weights, MatrixCost(cost, len(lb)), TransportOptions{})
	if err != nil {
		return 0, nil, err
	}
	return math.Sqrt(max(0, p.Cost)), p, nil
}

// laws returns the components.
func (g Gaussians) laws(name string, dim int) ([]*gaussianLaw, error) {
	k := len(g.Weights)
	if dim < 1 || k < 1 || len(g.Means) != k*dim || len(g.Covs) != k*dim*dim {
		panic("metric: a mixture needs K ≥ 1 weights, K·d means and K·d·d covariances")
	}
	out := make([]*gaussianLaw, k)
	for i := range out {
		var err error
		label := fmt.Sprintf("%s mixture's %d.", name, i)
		if out[i], err = newGaussian(label, g.Means[i*dim:(i+1)*dim], g.Covs[i*dim*dim:(i+1)*dim*dim]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
