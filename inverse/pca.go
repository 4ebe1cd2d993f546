package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score/density"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// A PCA is the linear autoencoder of principal components,
//
//	ℰ(x) = Bᵀ(x - μ),   𝒟(z) = μ + B z,   BᵀB = I,
//
// of all linear ones the one that loses least of its training points in the mean square.
// Basis holds Bᵀ: the components, orthonormal, each a row of len(Mean) values.
type PCA struct {
	Mean  []float64
	Basis []float64
}

// FitPCA returns the k leading components of the points in x, flat, of dimension dim. It
// returns an error if there are too few points or values that are not finite.
func FitPCA(x []float64, dim, k int) (*PCA, error) {
	if dim < 1 || len(x) == 0 || len(x)%dim != 0 {
		return nil, fmt.Errorf("inverse: %d values are not a positive number of points of dimension %d", len(x), dim)
	}
	n := len(x) / dim
	if k < 1 || k > min(n, dim) {
		return nil, fmt.Errorf("inverse: %d components of %d points of dimension %d, want 1 to %d", k, n, dim, min(n, dim))
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("inverse: value %d of point %d is %v", i%dim, i/dim, v)
		}
	}
	points := mat.NewDense(n, dim, x)
	var pc stat.PC
	if !pc.PrincipalComponents(points, nil) {
		return nil, fmt.Errorf("inverse: the singular value decomposition of the points did not converge")
	}
	p := &PCA{Mean: make([]float64, dim), Basis: make([]float64, k*dim)}
	for i := range n {
		floats.AddScaled(p.Mean, 1/float64(n), points.RawRowView(i))
	}
	var v mat.Dense
	pc.VectorsTo(&v)
	for j := range k {
		mat.Col(p.Basis[j*dim:(j+1)*dim], j, &v)
	}
	return p, nil
}

// Dims returns the dimension of a latent point and of a point.
func (p *PCA) Dims() (latent, dim int) {
	dim = len(p.Mean)
	if dim == 0 || len(p.Basis) == 0 || len(p.Basis)%dim != 0 {
		panic(fmt.Sprintf("inverse: a PCA with a mean of %d values and a basis of %d", dim, len(p.Basis)))
	}
	return len(p.Basis) / dim, dim
}

// Encode writes ℰ(x) for each point of x.
func (p *PCA) Encode(dst, x []float64) {
	k, d := p.lengths(len(dst), len(x))
	for lo := 0; len(dst) > 0; lo += d {
		for j := range k {
			sum := 0.0
			for i, b := range p.Basis[j*d : (j+1)*d] {
				sum += b * (x[lo+i] - p.Mean[i])
			}
			dst[j] = sum
		}
		dst = dst[k:]
	}
}

// Decode writes 𝒟(z) for each point of z.
func (p *PCA) Decode(dst, z []float64) {
	k, d := p.lengths(len(z), len(dst))
	for lo := 0; len(z) > 0; lo += d {
		row := dst[lo : lo+d]
		copy(row, p.Mean)
		for j, v := range z[:k] {
			floats.AddScaled(row, v, p.Basis[j*d:(j+1)*d])
		}
		z = z[k:]
	}
}

func (p *PCA) lengths(latent, points int) (k, d int) {
	k, d = p.Dims()
	if latent%k != 0 || points%d != 0 || latent/k != points/d {
		panic(fmt.Sprintf("inverse: %d latent values and %d values are not as many points of %d and %d", latent, points, k, d))
	}
	return k, d
}

// decoder returns B.
func (p *PCA) decoder() *mat.Dense {
	k, d := p.Dims()
	return mat.DenseCopyOf(mat.NewDense(k, d, p.Basis).T())
}

// Problem returns the problem of z: the data y - Aμ, the operator AB and the same noise.
// What of x₁ lies outside the range of B it leaves out. It returns an error if the
// dimensions differ or the data see nothing of the range.
func (p *PCA) Problem(q *Problem) (*Problem, error) {
	_, d := p.Dims()
	if _, cols := q.Dims(); cols != d {
		return nil, fmt.Errorf("inverse: the operator acts on %d values, but the autoencoder's points have %d", cols, d)
	}
	y := make([]float64, len(q.y))
	q.a.Apply(y, p.Mean)
	floats.SubTo(y, q.y, y)
	return newProblem(linop.Compose(q.a, linop.NewMatrix(p.decoder())), y, q.std, q.vs)
}

// Mixture returns the exact law of ℰ(x₁) for a mixture prior of x₁: a mixture of
// N(ℰ(μ_k), BᵀC_kB).
func (p *PCA) Mixture(prior *density.Mixture) (*density.Mixture, error) {
	k, d := p.Dims()
	if prior.Dim() != d {
		return nil, fmt.Errorf("inverse: the autoencoder's points have %d values, but the prior's %d", d, prior.Dim())
	}
	weights, means, covs := prior.Components()
	latent, spread := make([]float64, len(weights)*k), make([]float64, len(weights)*k*k)
	p.Encode(latent, means)
	b := p.decoder()
	var half mat.Dense
	for j := range weights {
		half.Mul(b.T(), mat.NewDense(d, d, covs[j*d*d:(j+1)*d*d]))
		cov := spread[j*k*k : (j+1)*k*k]
		mat.NewDense(k, k, cov).Mul(&half, b)
		symmetrise(cov, k)
	}
	m, err := density.NewMixture(weights, latent, spread, k)
	if err != nil {
		return nil, fmt.Errorf("inverse: latent prior: %w", err)
	}
	return m, nil
}
