package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"gonum.org/v1/gonum/floats"
)

// A Covariance is a model C of Cov[x₁|x] at the point of a Local. Both methods must be
// safe for concurrent use and allocate nothing; v and z do not overlap dst.
type Covariance interface {
	// Mul writes C v.
	Mul(dst, v []float64, l *Local)
	// Root writes B z with B Bᵀ = C, so that it has the law N(0, C) if z has N(0, I).
	Root(dst, z []float64, l *Local)
}

// A scaler is a Covariance that is a multiple of the identity.
type scaler interface{ scale(l *Local) float64 }

func scaleOf(c Covariance, l *Local) (scale float64, ok bool) {
	s, ok := c.(scaler)
	if !ok {
		return 0, false
	}
	return s.scale(l), true
}

// Tweedie is the covariance of the prior's own posterior, C = (σ²/α) ∂D/∂x, exact if D is;
// a product costs one Jacobian-vector product. Its square root is by the Lanczos process,
// whose error falls like that of conjugate gradients; it keeps a vector of the length of a
// point for each iteration and goroutine.
type Tweedie struct {
	// Lanczos ends the square root: after Iterations (zero means 100) or the dimension,
	// or as two estimates differ by less than RTol (zero means 1e-6) of their length.
	Lanczos Krylov
}

// jacobian is Tweedie with the default root, boxed once.
var jacobian Covariance = Tweedie{}

// Mul writes (σ²/α)(∂D/∂x) v.
func (Tweedie) Mul(dst, v []float64, l *Local) {
	l.JVP(dst, v)
	floats.Scale(l.Sigma*l.Sigma/l.Alpha, dst)
}

// Root writes C^½ z.
func (t Tweedie) Root(dst, z []float64, l *Local) {
	l.root.sqrt(dst, z, jacobian, l, t.Lanczos)
}

// Isotropic is the covariance given x under the prior N(·, S I),
//
//	C = r² I,   r² = σ²S/(σ² + α²S),
//
// which is PiGDM's r² for data of variance S: 1-ᾱ on a variance-preserving path and
// σ²/(σ²+1) on a variance-exploding one for S = 1 (Song, Vahdat, Mardani and Kautz 2023,
// Pseudoinverse-guided diffusion models, ICLR).
type Isotropic struct {
	Data float64 // S; zero means 1
}

func (c Isotropic) scale(l *Local) float64 {
	s := c.Data
	if s == 0 {
		s = 1
	}
	return shrunk(s, l)
}

// shrunk returns (1/s + α²/σ²)⁻¹.
func shrunk(s float64, l *Local) float64 {
	v, a := l.Sigma*l.Sigma, l.Alpha*l.Alpha
	return v * s / (v + a*s)
}

// Mul writes r² v.
func (c Isotropic) Mul(dst, v []float64, l *Local) { floats.ScaleTo(dst, c.scale(l), v) }

// Root writes r z.
func (c Isotropic) Root(dst, z []float64, l *Local) {
	floats.ScaleTo(dst, math.Sqrt(c.scale(l)), z)
}

// Proximal is C = (σ²/α²)/λ I: the covariance given x and no prior at λ = 1.
type Proximal struct {
	Lambda float64 // zero means 1
}

func (c Proximal) scale(l *Local) float64 {
	r := l.NoiseToSignal()
	if c.Lambda == 0 {
		return r * r
	}
	return r * r / c.Lambda
}

// Mul writes C v.
func (c Proximal) Mul(dst, v []float64, l *Local) { floats.ScaleTo(dst, c.scale(l), v) }

// Root writes √C z.
func (c Proximal) Root(dst, z []float64, l *Local) {
	floats.ScaleTo(dst, math.Sqrt(c.scale(l)), z)
}

// Diagonal is the covariance given x under a Gaussian prior whose covariance is diagonal
// in a known basis,
//
//	C = V diag(1/Var_i + α²/σ²)⁻¹ Vᵀ,
//
// such as a power spectrum in the Fourier basis. It needs no derivative of the denoiser.
type Diagonal struct {
	Basis linop.Spectral // lends its V; nil means the coordinates themselves
	Var   []float64      // prior variances ≥ 0, one a coordinate of V
}

func (c Diagonal) check(p *Problem) error {
	_, d := p.Dims()
	if len(c.Var) != d {
		return fmt.Errorf("inverse: %d prior variances for points of dimension %d", len(c.Var), d)
	}
	for i, v := range c.Var {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("inverse: prior variance %d is %g, want a finite number of 0 or more", i, v)
		}
	}
	if c.Basis != nil {
		if _, cols := c.Basis.Dims(); cols != d {
			return fmt.Errorf("inverse: the basis of the prior covariance has dimension %d, the points %d", cols, d)
		}
	}
	return nil
}

// Mul writes C v.
func (c Diagonal) Mul(dst, v []float64, l *Local) { c.turn(dst, v, l, false) }

// Root writes V diag(…)^½ Vᵀ z.
func (c Diagonal) Root(dst, z []float64, l *Local) { c.turn(dst, z, l, true) }

func (c Diagonal) turn(dst, v []float64, l *Local, root bool) {
	w := dst
	if c.Basis != nil {
		c.Basis.VT(dst, v)
		v, w = dst, l.d3
	}
	for i, s := range c.Var {
		f := shrunk(s, l)
		if root {
			f = math.Sqrt(f)
		}
		w[i] = f * v[i]
	}
	if c.Basis != nil {
		c.Basis.V(dst, w)
	}
}
