package train

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score"
)

// NTK is the neural tangent kernel of a wide two-layer ReLU network m^{-1/2} Σ a_r (w_r·u)₊
// of which only the w_r ~ N(0, I) are trained, a_r = ±1 (Jacot, Gabriel and Hongler 2018,
// arXiv 1806.07572; Han, Razaviyayn and Xu 2024, arXiv 2401.15604, section 4):
//
//	K(u, u') = u·u' (π - θ)/2π,   θ the angle between u and u'
func NTK(u, v []float64) float64 {
	uv, uu, vv := 0.0, 0.0, 0.0
	for i, a := range u {
		uv += a * v[i]
		uu += a * a
		vv += v[i] * v[i]
	}
	if uu == 0 || vv == 0 {
		return 0
	}
	c := min(max(uv/math.Sqrt(uu*vv), -1), 1)
	return uv * (math.Pi - math.Acos(c)) / (2 * math.Pi)
}

// A Kernel is the regression of clean points on noisy ones by gradient descent on the loss
// 1/2n Σ|f(u_i) - x₁_i|² of a network so wide that its tangent kernel stands still. With
// steps so small that they are a flow of time τ, from f = 0, and K/n = U diag(μ) Uᵀ,
//
//	f_τ(u) = 1/n Σ_i K(u, u_i) c_i,   c = U diag((1 - e^{-τμ})/μ) Uᵀ x₁
//
// in closed form: τ → ∞ interpolates the labels, which are noisy, and the best τ lies before.
// The input is u = (c_in x, ln(σ/α)/4, 1), EDM's, with the data's standard deviation.
type Kernel struct {
	Dim    int
	Bound  float64 // of the coordinates of the clean points, to which outputs are cut
	std    float64
	u      []float64 // n inputs
	mu     []float64 // eigenvalues of K/n, ascending
	vec    mat.Dense // eigenvectors, a column each
	labels mat.Dense // Uᵀ x₁
}

// NewKernel returns the regression on n clean points x1 and the points x that have the noise
// α, σ, one value a point. Its cost grows as n³: a thousand points take about a second.
func NewKernel(x1, x, alpha, sigma []float64, dim int) (*Kernel, error) {
	n := len(alpha)
	if n == 0 || len(x1) != n*dim || len(x) != n*dim || len(sigma) != n {
		panic("train: lengths of points and noise levels do not agree")
	}
	k := &Kernel{Dim: dim, std: DataStd(x1, dim)}
	for _, v := range x1 {
		k.Bound = max(k.Bound, math.Abs(v))
	}
	if !(k.std > 0) || math.IsInf(k.std, 0) {
		return nil, fmt.Errorf("train: the clean points of a kernel regression are all alike or not finite")
	}
	size := dim + 2
	k.u = make([]float64, n*size)
	for i := range n {
		k.input(k.u[i*size:(i+1)*size], x[i*dim:(i+1)*dim], alpha[i], sigma[i])
	}
	gram := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			gram.SetSym(i, j, NTK(k.u[i*size:(i+1)*size], k.u[j*size:(j+1)*size])/float64(n))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(gram, true) {
		return nil, fmt.Errorf("train: the eigenvalues of the kernel matrix were not found: are the points finite?")
	}
	k.mu = eig.Values(nil)
	for i, v := range k.mu {
		k.mu[i] = max(v, 0) // of a positive semidefinite matrix, to rounding
	}
	eig.VectorsTo(&k.vec)
	k.labels.Mul(k.vec.T(), mat.NewDense(n, dim, x1))
	return k, nil
}

// Eigenvalues returns those of K/n, ascending.
func (k *Kernel) Eigenvalues() []float64 { return k.mu }

// Norm returns the norm, in the kernel's space, of the function of least norm that has the
// values f at the noisy points, Dim values each: (Σ f_jᵀK⁻¹f_j)^{1/2} over the coordinates j.
// Eigenvalues below 1e-12 of the largest are left out. From the exact denoiser's values it
// grows with n towards that of the denoiser.
func (k *Kernel) Norm(f []float64) float64 {
	n := len(k.mu)
	if len(f) != n*k.Dim {
		panic("train: a norm needs the values at all points")
	}
	var c mat.Dense
	c.Mul(k.vec.T(), mat.NewDense(n, k.Dim, f))
	sum := 0.0
	for i, mu := range k.mu {
		if mu > 1e-12*k.mu[n-1] {
			for j := range k.Dim {
				sum += c.At(i, j) * c.At(i, j) / (float64(n) * mu)
			}
		}
	}
	return math.Sqrt(sum)
}

func (k *Kernel) input(u, x []float64, alpha, sigma float64) {
	in := 1 / math.Hypot(alpha*k.std, sigma)
	for j, v := range x {
		u[j] = in * v
	}
	u[len(x)], u[len(x)+1] = math.Log(sigma/alpha)/4, 1
}

// At returns the denoiser at the time τ of the gradient flow.
func (k *Kernel) At(tau float64) score.Denoiser {
	n := len(k.mu)
	var scaled, c mat.Dense
	scaled.CloneFrom(&k.labels)
	for i, mu := range k.mu {
		f := tau // the limit of μ → 0
		if tau*mu > 1e-12 {
			f = -math.Expm1(-tau*mu) / mu
		}
		for j := range k.Dim {
			scaled.Set(i, j, f/float64(n)*scaled.At(i, j))
		}
	}
	c.Mul(&k.vec, &scaled)
	return &kernelDenoiser{k, c.RawMatrix().Data}
}

// Risk returns Mallows' estimate of the mean square error of f_τ at the noisy points, a
// coordinate, for labels whose noise has the standard deviation s (Mallows 1973, Technometrics
// 15, 661; Stein's unbiased risk for the linear map 1 - e^{-τK/n}):
//
//	1/n |x₁ - f_τ|² + 2s²/n Σ (1 - e^{-τμ_i}) - s²
func (k *Kernel) Risk(tau, s float64) float64 {
	n, sum := float64(len(k.mu)), 0.0
	for i, mu := range k.mu {
		left := math.Exp(-tau * mu)
		for j := range k.Dim {
			l := k.labels.At(i, j)
			sum += left * left * l * l / float64(k.Dim)
		}
		sum += 2 * s * s * (1 - left)
	}
	return sum/n - s*s
}

// RiskTime returns the τ of least Risk among ten a decade between 1/μ_max and 1e8/μ_max.
func (k *Kernel) RiskTime(s float64) float64 {
	best, at := math.Inf(1), 0.0
	for i := range 81 {
		tau := math.Pow(10, float64(i)/10) / k.mu[len(k.mu)-1]
		if r := k.Risk(tau, s); r < best {
			best, at = r, tau
		}
	}
	return at
}

type kernelDenoiser struct {
	k *Kernel
	c []float64
}

// Dim returns the dimension of a point.
func (m *kernelDenoiser) Dim() int { return m.k.Dim }

// Denoise writes f_τ, cut to the bound of the data.
func (m *kernelDenoiser) Denoise(dst, x []float64, alpha, sigma float64) {
	d := m.k.Dim
	size := d + 2
	u := make([]float64, size)
	for i := range len(x) / d {
		m.k.input(u, x[i*d:(i+1)*d], alpha, sigma)
		out := dst[i*d : (i+1)*d]
		clear(out)
		for j := range len(m.k.mu) {
			v := NTK(u, m.k.u[j*size:(j+1)*size])
			for l := range out {
				out[l] += v * m.c[j*d+l]
			}
		}
		for l, v := range out {
			out[l] = min(max(v, -m.k.Bound), m.k.Bound)
		}
	}
}

// StopTime returns when gradient descent on a kernel regression should stop: at the first τ,
// the sum of the step sizes, at which the local empirical complexity of the kernel exceeds
//
//	√(1/n Σ min(μ_i, 1/τ)) > 1/(2e s τ)
//
// (Raskutti, Wainwright and Yu 2014, J. Mach. Learn. Res. 15, 335, equation 6). mu are the
// eigenvalues of K/n, s the standard deviation of the noise in the labels per unit of the
// target's norm in the kernel's space, whose ball of radius 1 the rule assumes. It is infinite
// if all eigenvalues or s are 0.
//
// The rule has the best rate in n. With the deviation of the labels alone for s, as if the target
// had the norm 1, it stops too early: on two modes on the line, whose denoiser has the norm 4
// (Kernel.Norm), at 3 to 5 times the least error, and at 1.3 to 1.7 times with s over that norm
// (docs/LEARNED.md). Kernel.RiskTime, which needs no norm, comes to 1.0 to 1.2 times.
func StopTime(mu []float64, s float64) float64 {
	// τ times the complexity increases with τ, so there is one crossing
	excess := func(tau float64) float64 {
		sum := 0.0
		for _, m := range mu {
			sum += min(max(m, 0), 1/tau)
		}
		return 2*math.E*s*tau*math.Sqrt(sum/float64(len(mu))) - 1
	}
	lo, hi := 1.0, 1.0
	for excess(lo) > 0 && lo > 1e-300 {
		lo /= 2
	}
	for excess(hi) <= 0 {
		if hi *= 2; hi > 1e300 {
			return math.Inf(1)
		}
	}
	for hi > lo*(1+1e-12) {
		mid := math.Sqrt(lo) * math.Sqrt(hi)
		if mid <= lo || mid >= hi {
			break
		}
		if excess(mid) > 0 {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// StopStep returns the number of steps of the given sizes that StopTime allows.
func StopStep(mu []float64, s float64, rates []float64) int {
	limit, sum := StopTime(mu, s), 0.0
	for k, r := range rates {
		if sum += r; sum > limit {
			return k
		}
	}
	return len(rates)
}
