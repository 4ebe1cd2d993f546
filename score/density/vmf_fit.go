package density

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/special"
	"gonum.org/v1/gonum/floats"
)

// FitVMF returns the maximum-likelihood mean direction and concentration of a von
// Mises-Fisher distribution in R^dim for the points in x, flat, of any length above 0:
// their directions u_i count. With ū the mean of the u_i,
//
//	μ = ū/|ū|,   ρ(κ) = |ū|,   ρ = I_{d/2}(κ)/I_{d/2-1}(κ)
//
// The equation is solved to rounding by Newton's method on log(ρ/√(1-ρ²)) in log κ,
// from the start of Banerjee et al. (2005, Journal of Machine Learning Research 6,
// 1345-1382, equation 4.4); 1 - |ū|² is taken as the mean of |u_i - ū|² and 1 - ρ² as
// ρ' + (d-1)ρ/κ, so that nothing cancels at any concentration. It is an error if a point
// is 0 or not finite, if ū is 0, or if the points coincide to rounding.
func FitVMF(x []float64, dim int) (mu []float64, kappa float64, err error) {
	u, err := directions(x, dim)
	if err != nil {
		return nil, 0, err
	}
	r := make([]float64, len(u)/dim)
	for i := range r {
		r[i] = 1
	}
	mu = make([]float64, dim)
	if kappa, err = fitWeighted(mu, u, r, 1); err != nil {
		return nil, 0, fmt.Errorf("density: %w", err)
	}
	return mu, kappa, nil
}

// directions returns the points divided by their lengths.
func directions(x []float64, dim int) ([]float64, error) {
	if dim < 1 || len(x) == 0 || len(x)%dim != 0 {
		return nil, fmt.Errorf("density: %d values are not a positive number of points of dimension %d", len(x), dim)
	}
	u := append([]float64(nil), x...)
	for i := range len(x) / dim {
		p := u[i*dim : (i+1)*dim]
		l := length(p)
		if !(l > 0) || math.IsInf(l, 1) {
			return nil, fmt.Errorf("density: point %d has length %g, want a finite length above 0", i, l)
		}
		for j := range p {
			p[j] /= l
		}
	}
	return u, nil
}

// fitWeighted fills mu and returns the concentration for the unit vectors u with the
// weights r[0], r[stride], ...
func fitWeighted(mu, u, r []float64, stride int) (kappa float64, err error) {
	dim := len(mu)
	clear(mu)
	sum := 0.0
	for i := range len(u) / dim {
		floats.AddScaled(mu, r[i*stride], u[i*dim:(i+1)*dim])
		sum += r[i*stride]
	}
	floats.Scale(1/sum, mu)
	spread := 0.0
	for i := range len(u) / dim {
		if w := r[i*stride]; w > 0 {
			l := floats.Distance(u[i*dim:(i+1)*dim], mu, 2)
			spread += w / sum * l * l
		}
	}
	mean := length(mu)
	switch {
	case !(mean > 0):
		return 0, errors.New("the points have no mean direction")
	case spread < 1e-30: // rounding of coordinates of size 1
		return 0, errors.New("the points coincide, their concentration is infinite")
	}
	floats.Scale(1/mean, mu)
	return concentration(mean, spread, dim)
}

// concentration solves ρ(κ) = mean, where spread is 1 - mean².
func concentration(mean, spread float64, dim int) (float64, error) {
	if dim == 1 {
		return math.Asinh(mean / math.Sqrt(spread)), nil // ρ = tanh κ
	}
	n := float64(dim)
	kappa := mean * (n - 1 + spread) / spread // Banerjee's, above 0
	want := math.Log(mean) - math.Log(spread)/2
	for range 50 {
		rho, slope := special.RatioI(n/2-1, kappa)
		rest := slope + (n-1)*rho/kappa // 1 - ρ²
		// The derivative of log(ρ/√(1-ρ²)) in log κ is κρ'/(ρ(1-ρ²)), from 1 to about 1/2.
		step := (want - math.Log(rho) + math.Log(rest)/2) * rho * rest / (kappa * slope)
		kappa *= math.Exp(step)
		if math.Abs(step) < 1e-9 { // its square is left
			return kappa, nil
		}
	}
	return 0, fmt.Errorf("the concentration of mean length %g in dimension %d was not found", mean, dim)
}

// FitVMFMixture fits a mixture of k von Mises-Fisher distributions to the directions of
// the points in x by expectation maximisation (Banerjee et al. 2005, section 5), from
// centres spread out by rng (k-means++), and returns it with the mean log-likelihood of
// a point, over the uniform distribution on the sphere. It stops when an iteration gains
// less than 1e-9. The result is a local maximum: a caller may take the best of several.
// It is an error if a component closes in on coinciding points, or if 1,000 iterations
// do not suffice.
func FitVMFMixture(x []float64, dim, k int, rng *rand.Rand) (fit *VMF, logLik float64, err error) {
	u, err := directions(x, dim)
	if err != nil {
		return nil, 0, err
	}
	n := len(u) / dim
	if k < 1 || k > n {
		return nil, 0, fmt.Errorf("density: %d components for %d points", k, n)
	}
	r := spreadCentres(u, dim, k, rng)
	w, mu, kappa, norm := make([]float64, k), make([]float64, k*dim), make([]float64, k), make([]float64, k)
	for last, iter := math.Inf(-1), 0; iter < 1000; iter++ {
		for c := range k {
			w[c] = 0
			for i := range n {
				w[c] += r[i*k+c] / float64(n)
			}
			if kappa[c], err = fitWeighted(mu[c*dim:(c+1)*dim], u, r[c:], k); err != nil {
				return nil, 0, fmt.Errorf("density: component %d: %w", c, err)
			}
			norm[c] = special.LogSphere(float64(dim)/2-1, kappa[c])
		}
		logLik = 0
		for i := range n {
			row := r[i*k : (i+1)*k]
			for c := range row {
				// κμ·u - log M(κ), of |u - μ|² = 2 - 2μ·u.
				l := floats.Distance(u[i*dim:(i+1)*dim], mu[c*dim:(c+1)*dim], 2)
				row[c] = math.Log(w[c]) - kappa[c]*l*l/2 - norm[c]
			}
			l := floats.LogSumExp(row)
			logLik += l / float64(n)
			for c := range row {
				row[c] = math.Exp(row[c] - l)
			}
		}
		if logLik-last < 1e-9 {
			fit, err = NewVMF(w, mu, kappa, dim)
			return fit, logLik, err
		}
		last = logLik
	}
	return nil, 0, errors.New("density: expectation maximisation has not converged in 1000 iterations")
}

// spreadCentres draws k of the points, each with probability proportional to its squared
// distance to those before (Arthur and Vassilvitskii 2007), and returns n×k weights: 1
// for the centre nearest to a point.
func spreadCentres(u []float64, dim, k int, rng *rand.Rand) []float64 {
	n := len(u) / dim
	nearest, owner, cum := make([]float64, n), make([]int, n), make([]float64, n)
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	pick := rng.IntN(n)
	for c := range k {
		for i := range n {
			l := floats.Distance(u[i*dim:(i+1)*dim], u[pick*dim:(pick+1)*dim], 2)
			if l*l < nearest[i] {
				nearest[i], owner[i] = l*l, c
			}
		}
		floats.CumSum(cum, nearest)
		pick = search(cum, rng.Float64())
	}
	r := make([]float64, n*k)
	for i, c := range owner {
		r[i*k+c] = 1
	}
	return r
}
