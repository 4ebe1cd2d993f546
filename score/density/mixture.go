package density

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// A Mixture is a mixture of K Gaussians,
//
//	p₁ = Σ w_k N(μ_k, C_k).
//
// Under noise it stays one: with S_k = α²C_k + σ²I and the responsibilities
// r_k ∝ w_k N(x; αμ_k, S_k),
//
//	D(x)      = Σ r_k m_k,   m_k = μ_k + αC_kS_k⁻¹(x - αμ_k)
//	∇ log p   = Σ r_k S_k⁻¹(αμ_k - x)
//	∂D/∂x     = α Σ r_k C_kS_k⁻¹ + (α/σ²) Σ r_k (m_k - D)(m_k - D)ᵀ
//
// Every term is computed as it stands, so nothing cancels for small or large σ/α.
// A point costs O(Kd) when the covariances are isotropic or diagonal and O(Kd²) when
// they are full; components whose responsibility is below e⁻⁶⁰ of the largest may be left
// out of the sums, which is far below the rounding. The bits of a point's results do not
// depend on the points beside it.
type Mixture struct{ *gaussians }

// NewIsotropicMixture returns Σ w_k N(μ_k, std_k² I). The means are flat, a component
// after the other, K·dim values; stds has K values, or one for all. weights has K
// values of any sum > 0, or is nil for equal weights. Components of weight zero are
// dropped.
func NewIsotropicMixture(weights, means, stds []float64, dim int) (*Mixture, error) {
	keep, logW, err := components(weights, means, dim)
	if err != nil {
		return nil, err
	}
	k := len(means) / dim
	if len(stds) != k && len(stds) != 1 {
		return nil, fmt.Errorf("density: %d standard deviations for %d components", len(stds), k)
	}
	vars, err := squares(stds)
	if err != nil {
		return nil, err
	}
	if floats.Min(vars) == floats.Max(vars) {
		vars = vars[:1]
	} else {
		vars = pick(vars, keep, 1)
	}
	return &Mixture{newIsotropic(dim, logW, pick(means, keep, dim), vars)}, nil
}

// NewDiagonalMixture returns Σ w_k N(μ_k, diag(std_k²)); stds is flat like means, and
// the rest is as for NewIsotropicMixture.
func NewDiagonalMixture(weights, means, stds []float64, dim int) (*Mixture, error) {
	keep, logW, err := components(weights, means, dim)
	if err != nil {
		return nil, err
	}
	if len(stds) != len(means) {
		return nil, fmt.Errorf("density: %d standard deviations for %d components of dimension %d", len(stds), len(means)/dim, dim)
	}
	vars, err := squares(stds)
	if err != nil {
		return nil, err
	}
	return &Mixture{newWide(dim, logW, pick(means, keep, dim), pick(vars, keep, dim), nil)}, nil
}

// NewMixture returns Σ w_k N(μ_k, C_k) with symmetric positive definite covariances;
// covs is flat, K·dim·dim values, and the rest is as for NewIsotropicMixture. Each
// covariance is decomposed once. If all are diagonal, or multiples of the identity,
// the faster forms are used.
func NewMixture(weights, means, covs []float64, dim int) (*Mixture, error) {
	keep, logW, err := components(weights, means, dim)
	if err != nil {
		return nil, err
	}
	k := len(means) / dim
	if len(covs) != k*dim*dim {
		return nil, fmt.Errorf("density: covariances hold %d values, want %d×%d×%d", len(covs), k, dim, dim)
	}
	var (
		eig, vec  = make([]float64, k*dim), make([]float64, len(covs))
		stds      = make([]float64, 0, k*dim)
		sym       = mat.NewSymDense(dim, nil)
		es        mat.EigenSym
		q         mat.Dense
		diag, iso = true, true
	)
	for c := range k {
		cov := covs[c*dim*dim : (c+1)*dim*dim]
		if !finite(cov) {
			return nil, fmt.Errorf("density: covariance %d is not finite", c)
		}
		for i := range dim {
			stds = append(stds, math.Sqrt(cov[i*dim+i]))
			iso = iso && cov[i*dim+i] == cov[0]
			for j := range i {
				u, v := cov[i*dim+j], cov[j*dim+i]
				if math.Abs(u-v) > 1e-9*math.Sqrt(math.Abs(cov[i*dim+i]*cov[j*dim+j])) {
					return nil, fmt.Errorf("density: covariance %d is not symmetric", c)
				}
				diag = diag && u == 0 && v == 0
			}
		}
		for i := range dim {
			for j := range i + 1 {
				sym.SetSym(i, j, (cov[i*dim+j]+cov[j*dim+i])/2)
			}
		}
		if !es.Factorize(sym, true) {
			return nil, fmt.Errorf("density: covariance %d has no eigendecomposition", c)
		}
		e := es.Values(eig[c*dim : (c+1)*dim])
		// Eigenvalues carry an error of about dim·eps of the largest.
		if e[0] <= float64(dim)*1e-16*e[dim-1] || e[dim-1] <= 0 {
			return nil, fmt.Errorf("density: covariance %d is not positive definite", c)
		}
		es.VectorsTo(&q)
		for i := range dim {
			mat.Col(vec[(c*dim+i)*dim:(c*dim+i+1)*dim], i, &q)
		}
		q.Reset()
	}
	switch {
	case diag && iso:
		first := make([]float64, k)
		for c := range first {
			first[c] = stds[c*dim]
		}
		return NewIsotropicMixture(weights, means, first, dim)
	case diag:
		return NewDiagonalMixture(weights, means, stds, dim)
	}
	return &Mixture{newWide(dim, logW, pick(means, keep, dim), pick(eig, keep, dim), pick(vec, keep, dim*dim))}, nil
}

// Gaussian returns N(mean, cov), cov flat and symmetric positive definite.
func Gaussian(mean, cov []float64) (*Mixture, error) {
	return NewMixture(nil, mean, cov, len(mean))
}

// Normal returns N(0, std² I) in dimension dim. It panics unless dim ≥ 1 and std > 0.
func Normal(dim int, std float64) *Mixture {
	if dim < 1 {
		panic("density: Normal needs a dimension of at least 1")
	}
	return must(NewIsotropicMixture(nil, make([]float64, dim), []float64{std}, dim))
}

// Ring returns a mixture of equal Gaussians of the given standard deviation, evenly
// spaced on a circle, the first on the positive x axis. It panics unless modes ≥ 1
// and std > 0.
func Ring(modes int, radius, std float64) *Mixture {
	if modes < 1 {
		panic("density: Ring needs at least one mode")
	}
	means := make([]float64, 0, 2*modes)
	for k := range modes {
		s, c := math.Sincos(2 * math.Pi * float64(k) / float64(modes))
		means = append(means, radius*c, radius*s)
	}
	return must(NewIsotropicMixture(nil, means, []float64{std}, 2))
}

// Grid returns a mixture of side×side equal Gaussians of the given standard deviation
// on a centred square lattice. It panics unless side ≥ 1 and std > 0.
func Grid(side int, spacing, std float64) *Mixture {
	if side < 1 {
		panic("density: Grid needs at least one mode")
	}
	means := make([]float64, 0, 2*side*side)
	mid := float64(side-1) / 2
	for i := range side {
		for j := range side {
			means = append(means, spacing*(float64(j)-mid), spacing*(float64(i)-mid))
		}
	}
	return must(NewIsotropicMixture(nil, means, []float64{std}, 2))
}

// CleanLogProb writes log p₁(x), one value a point.
func (m *Mixture) CleanLogProb(dst, x []float64) { m.LogProb(dst, x, 1, 0) }

// Modes returns the weights and means of the components, those of weight zero left
// out. The radius is (√d + 3) times the largest standard deviation along any
// direction: a component's draw lies outside with probability at most e^(-9/2), by
// Gaussian concentration of the norm.
func (m *Mixture) Modes() (weights, centres []float64, radius float64) {
	weights = make([]float64, m.k)
	for k := range weights {
		weights[k] = math.Exp(m.logW[k])
	}
	v := m.vars
	if v == nil {
		v = m.eig
	}
	centres = append(centres, m.mu...)
	return weights, centres, (math.Sqrt(float64(m.d)) + 3) * math.Sqrt(floats.Max(v))
}

// Components returns the weights (K, sum 1), means (K×d) and covariances (K×d×d) of
// the components, flat, those of weight zero left out.
func (m *Mixture) Components() (weights, means, covs []float64) {
	weights, means, _ = m.Modes()
	covs = make([]float64, m.k*m.d*m.d)
	for k := range m.k {
		m.addCov(covs[k*m.d*m.d:(k+1)*m.d*m.d], k, 1)
	}
	return weights, means, covs
}

// components checks weights and means and returns the indices of the components of
// positive weight and their normalised log-weights.
func components(weights, means []float64, dim int) (keep []int, logW []float64, err error) {
	if dim < 1 || len(means) == 0 || len(means)%dim != 0 {
		return nil, nil, fmt.Errorf("density: %d values are not a positive number of points of dimension %d", len(means), dim)
	}
	if !finite(means) {
		return nil, nil, fmt.Errorf("density: a mean or point is not finite")
	}
	k := len(means) / dim
	if weights != nil && len(weights) != k {
		return nil, nil, fmt.Errorf("density: %d weights for %d components", len(weights), k)
	}
	sum := float64(k)
	if weights != nil {
		sum = floats.Sum(weights)
	}
	for c := range k {
		w := 1.0
		if weights != nil {
			w = weights[c]
		}
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, nil, fmt.Errorf("density: weight %d is %g, want a finite number ≥ 0", c, w)
		}
		if w > 0 {
			keep = append(keep, c)
			logW = append(logW, math.Log(w)-math.Log(sum))
		}
	}
	if len(keep) == 0 || math.IsInf(sum, 1) {
		return nil, nil, fmt.Errorf("density: the weights sum to %g, want a finite number > 0", sum)
	}
	return keep, logW, nil
}

// squares returns the variances of positive finite standard deviations.
func squares(stds []float64) ([]float64, error) {
	vars := make([]float64, len(stds))
	for i, s := range stds {
		vars[i] = s * s
		if !(s > 0) || vars[i] == 0 || math.IsInf(vars[i], 1) {
			return nil, fmt.Errorf("density: standard deviation %d is %g, want a number > 0 with a finite square", i, s)
		}
	}
	return vars, nil
}

// pick returns a copy of the rows keep, of size values each.
func pick(rows []float64, keep []int, size int) []float64 {
	out := make([]float64, 0, len(keep)*size)
	for _, k := range keep {
		out = append(out, rows[k*size:(k+1)*size]...)
	}
	return out
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

func must(m *Mixture, err error) *Mixture {
	if err != nil {
		panic(err.Error())
	}
	return m
}
