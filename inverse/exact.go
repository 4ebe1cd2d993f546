package inverse

import (
	"errors"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score/density"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A Posterior is the exact law of x₁ given y. It is a density.Target, so its denoiser
// E[x₁|x, y] drives the exact conditional sampler, and knows moments and modes.
type Posterior struct {
	Exact
	LogEvidence float64 // log p(y) in nats
}

// An Exact target knows its moments, modes and clean density.
type Exact interface {
	density.Target
	density.Momenter
	density.Moder
	density.CleanLogProber
}

var errNoiseless = errors.New("inverse: the exact posterior needs noise of positive variance in every measurement; for coordinates known without noise use score.NewObserved")

func positiveNoise(p *Problem) error {
	for i := range p.y {
		if !(p.Variance(i) > 0) {
			return errNoiseless
		}
	}
	return nil
}

// MixturePosterior is the posterior of a mixture prior Σ w_k N(μ_k, C_k), a mixture too:
//
//	C_k' = C_k - C_kAᵀS_k⁻¹A C_k,   μ_k' = μ_k + C_kAᵀS_k⁻¹(y - Aμ_k),
//	w_k' ∝ w_k N(y; Aμ_k, S_k),     S_k = A C_kAᵀ + R.
//
// It forms d×d matrices, one a component. For isotropic components in many dimensions use
// IsotropicPosterior.
func MixturePosterior(p *Problem, prior *density.Mixture) (*Posterior, error) {
	m, d := p.Dims()
	if prior.Dim() != d {
		return nil, fmt.Errorf("inverse: the operator acts on %d values, but the prior's points have %d", d, prior.Dim())
	}
	if err := positiveNoise(p); err != nil {
		return nil, err
	}
	a := linop.Dense(p.a)
	weights, means, covs := prior.Components()
	logw := make([]float64, len(weights))
	var chol mat.Cholesky
	var s, ca, gain, drop mat.Dense
	for k := range weights {
		c := mat.NewDense(d, d, covs[k*d*d:(k+1)*d*d])
		mu := mat.NewVecDense(d, means[k*d:(k+1)*d])
		ca.Mul(c, a.T())
		s.Mul(a, &ca)
		sym := mat.NewSymDense(m, nil)
		for i := range m {
			for j := range i + 1 {
				sym.SetSym(i, j, (s.At(i, j)+s.At(j, i))/2)
			}
			sym.SetSym(i, i, sym.At(i, i)+p.Variance(i))
		}
		if !chol.Factorize(sym) {
			return nil, fmt.Errorf("inverse: the covariance of the data under component %d is singular to rounding", k)
		}
		r := mat.NewVecDense(m, append([]float64(nil), p.y...))
		var amu, u mat.VecDense
		amu.MulVec(a, mu)
		r.SubVec(r, &amu)
		if err := chol.SolveVecTo(&u, r); err != nil {
			return nil, fmt.Errorf("inverse: the data under component %d: %w", k, err)
		}
		logw[k] = math.Log(weights[k]) - (mat.Dot(r, &u)+chol.LogDet()+float64(m)*math.Log(2*math.Pi))/2
		var shift mat.VecDense
		shift.MulVec(&ca, &u)
		mu.AddVec(mu, &shift)
		if err := chol.SolveTo(&gain, ca.T()); err != nil {
			return nil, fmt.Errorf("inverse: the data under component %d: %w", k, err)
		}
		drop.Mul(&ca, &gain)
		c.Sub(c, &drop)
		symmetrise(covs[k*d*d:(k+1)*d*d], d)
		ca.Reset()
		s.Reset()
		gain.Reset()
		drop.Reset()
	}
	logp := normalise(logw)
	post, err := density.NewMixture(logw, means, covs, d)
	if err != nil {
		return nil, fmt.Errorf("inverse: posterior: %w", err)
	}
	return &Posterior{post, logp}, nil
}

func symmetrise(c []float64, d int) {
	for i := range d {
		for j := range i {
			v := (c[i*d+j] + c[j*d+i]) / 2
			c[i*d+j], c[j*d+i] = v, v
		}
	}
}

// normalise turns log-weights into weights and returns the log of their sum.
func normalise(logw []float64) float64 {
	sum := floats.LogSumExp(logw)
	for k, l := range logw {
		logw[k] = math.Exp(l - sum)
	}
	return sum
}

// IsotropicPosterior is the posterior of the mixture of density.NewIsotropicMixture,
// whose arguments it takes. All posterior covariances are diagonal in the singular
// coordinates of R^{-½}A = U diag(s) Vᵀ, with c_k/(c_k s_i² + 1) in place of c_k, so a
// point costs that of a diagonal mixture and 4dm more: the m×d matrix and no larger one is
// formed. With more than 64 measurements of white noise and a linop.Spectral operator its
// own transforms are used and no matrix is formed.
func IsotropicPosterior(p *Problem, weights, means, stds []float64) (*Posterior, error) {
	_, d := p.Dims()
	if len(means) == 0 || len(means)%d != 0 {
		return nil, fmt.Errorf("inverse: the means hold %d values, not a positive number of points of dimension %d", len(means), d)
	}
	k := len(means) / d
	if len(stds) != k && len(stds) != 1 {
		return nil, fmt.Errorf("inverse: %d standard deviations for %d components", len(stds), k)
	}
	vars := make([]float64, len(means))
	for i := range vars {
		s := stds[i/d%len(stds)]
		vars[i] = s * s
	}
	if weights == nil {
		weights = make([]float64, k)
		for i := range weights {
			weights[i] = 1
		}
	}
	if len(weights) != k {
		return nil, fmt.Errorf("inverse: %d weights for %d components", len(weights), k)
	}
	if err := positiveNoise(p); err != nil {
		return nil, err
	}
	var (
		b    basis
		s, y []float64
	)
	if a, ok := p.spectral(); ok && len(p.y) > 64 {
		b, s, y = knownBasis(p, a)
	} else {
		b, s, y = formedBasis(p)
	}
	return diagonalPosterior(b, s, y, p, weights, means, vars)
}

// Stationary is the Gaussian N(mean, V diag(power) Vᵀ), V the right singular basis of an
// operator: with the Fourier basis of a circular convolution the stationary prior of that
// power spectrum, exact at any size. power > 0 has one value a coordinate of V.
func Stationary(b linop.Spectral, mean, power []float64) (Exact, error) {
	_, d := b.Dims()
	if err := checkPower(d, mean, power); err != nil {
		return nil, err
	}
	centre, stds := make([]float64, d), make([]float64, d)
	b.VT(centre, mean)
	for i, v := range power {
		stds[i] = math.Sqrt(v)
	}
	mix, err := density.NewDiagonalMixture(nil, centre, stds, d)
	if err != nil {
		return nil, fmt.Errorf("inverse: stationary prior: %w", err)
	}
	return newRotated(mix, b), nil
}

func checkPower(d int, mean, power []float64) error {
	if len(mean) != d || len(power) != d {
		return fmt.Errorf("inverse: a mean of %d values and a power spectrum of %d for points of dimension %d", len(mean), len(power), d)
	}
	for i, v := range power {
		if !(v > 0) || math.IsInf(v, 1) {
			return fmt.Errorf("inverse: the power spectrum has the value %g at coordinate %d, want a finite number above 0", v, i)
		}
	}
	return nil
}

// StationaryPosterior is the posterior of the prior Stationary(A, mean, power), A the
// problem's own operator. For a circular convolution its mean is Wiener's filter.
func StationaryPosterior(p *Problem, mean, power []float64) (*Posterior, error) {
	if err := needSpectral(p, "the stationary posterior"); err != nil {
		return nil, err
	}
	_, d := p.Dims()
	if err := checkPower(d, mean, power); err != nil {
		return nil, err
	}
	if err := positiveNoise(p); err != nil {
		return nil, err
	}
	a, _ := p.spectral()
	b, s, y := knownBasis(p, a)
	return diagonalPosterior(b, s, y, p, []float64{1}, mean, power)
}

// diagonalPosterior is the posterior of components whose covariances are diagonal in a
// basis, with the variances vars, given data s_i ξ_i + N(0, 1) = y_i of the coordinates.
// What the data hold outside the range of A, and the scale of the noise, enter the
// evidence alone.
func diagonalPosterior(b basis, s, y []float64, p *Problem, weights, means, vars []float64) (*Posterior, error) {
	m, d := p.Dims()
	sum := floats.Sum(weights)
	centres := make([]float64, len(means))
	stds := make([]float64, len(means))
	logw := make([]float64, len(weights))
	rest := 0.0
	for i := range m {
		rest -= math.Log(2*math.Pi*p.Variance(i)) / 2
		rest -= p.y[i] * p.y[i] / p.Variance(i) / 2
	}
	for _, v := range y {
		rest += v * v / 2
	}
	for k := range weights {
		mu := centres[k*d : (k+1)*d]
		b.VT(mu, means[k*d:(k+1)*d])
		logw[k] = math.Log(weights[k]/sum) + rest
		for i := range mu {
			v := vars[k*d+i]
			if i < len(s) {
				r, noise := y[i]-s[i]*mu[i], v*s[i]*s[i]+1
				logw[k] -= (r*r/noise + math.Log(noise)) / 2
				mu[i] += v * s[i] * r / noise
				v /= noise
			}
			stds[k*d+i] = math.Sqrt(v)
		}
	}
	logp := normalise(logw)
	mix, err := density.NewDiagonalMixture(logw, centres, stds, d)
	if err != nil {
		return nil, fmt.Errorf("inverse: posterior: %w", err)
	}
	return &Posterior{newRotated(mix, b), logp}, nil
}

// knownBasis returns the coordinates V in which R^{-½}A is diag(s), and the data there.
func knownBasis(p *Problem, a linop.Spectral) (b basis, s, y []float64) {
	y = make([]float64, len(p.y))
	a.UT(y, p.y)
	s = append(s, a.Singular()...)
	y = y[:len(s)]
	floats.Scale(1/p.std, s)
	floats.Scale(1/p.std, y)
	return a, s, y
}

// formedBasis does so from the m×d matrix.
func formedBasis(p *Problem) (b basis, s, y []float64) {
	m, d := p.Dims()
	// (R^{-½}A)ᵀ = V diag(s) Uᵀ, a row of A at a time.
	at := mat.NewDense(d, m, nil)
	unit, row := make([]float64, m), make([]float64, d)
	white := mat.NewVecDense(m, nil)
	for i := range m {
		std := math.Sqrt(p.Variance(i))
		unit[i] = 1 / std
		p.a.Adjoint(row, unit)
		unit[i] = 0
		at.SetCol(i, row)
		white.SetVec(i, p.y[i]/std)
	}
	var svd mat.SVD
	if !svd.Factorize(at, mat.SVDThin) {
		panic("inverse: the singular value decomposition of the operator did not converge")
	}
	var u, v mat.Dense
	svd.UTo(&v)
	svd.VTo(&u)
	var uty mat.VecDense
	uty.MulVec(u.T(), white)
	return newReflectors(&v), svd.Values(nil), uty.RawVector().Data
}
