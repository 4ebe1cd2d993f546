package score

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/stat"

	"github.com/seed-dea4846a/sampler/interpolant"
)

// Guidance steers an unconditional model towards a conditional one (classifier-free
// guidance, Ho and Salimans 2022, arXiv 2207.12598):
//
//	D = D_u + w (D_c - D_u)
//
// The weight has one meaning throughout: w = 0 is the unconditional model, w = 1 the
// conditional one, w > 1 overshoots. Ho and Salimans, and azula, count from the
// conditional model: their weight is w - 1. diffusers' guidance_scale is w, but its
// pipelines turn guidance off, and take the conditional model, at all values up to 1.
//
// Autoguidance (Karras et al. 2024, arXiv 2406.02507) is the same formula with the good
// model in the place of Cond and a worse model of the same law, smaller or less trained,
// in that of Uncond.
//
// For w other than 0 and 1, D is in general the posterior mean of no density: the law of
// the samples is neither p(x|y) nor in proportion to p(x)^(1-w) p(x|y)^w, and it depends on
// the amount of noise of the process. JVP and Divergence are still those of D.
//
// An evaluation costs one of each model, or of one only where w is 0 or 1.
type Guidance struct {
	Cond, Uncond Denoiser
	W            float64
	WOf          func(logSNR float64) float64 // if not nil, w(λ) in place of W, λ = log(α/σ)
}

// Interval returns a weight for Guidance.WOf that is w at noise-to-signal ratios
// lo < σ/α ≤ hi and 1, the conditional model alone, at all others (Kynkäänniemi et al.
// 2024, arXiv 2404.07724).
func Interval(w, lo, hi float64) func(logSNR float64) float64 {
	return func(logSNR float64) float64 {
		if r := math.Exp(-logSNR); lo < r && r <= hi {
			return w
		}
		return 1
	}
}

// CFGPlusPlus returns the guidance under which DDIM on the grid is CFG++ (Chung et al.
// 2024, arXiv 2406.08070), 0 ≤ w ≤ 1. Its step takes the guided denoiser but renoises with
// the unconditional noise,
//
//	x' = α' [D_u + w (D_c - D_u)] + σ' ε_u,   ε_u = (x - αD_u)/σ
//
// which is the DDIM step of classifier-free guidance with the weight
//
//	w(λ) = w/(1 - e^{-h}),   h = λ' - λ
//
// in the step from λ to λ'. So it is a denoiser, but bound to its grid: all λ within a
// step have the weight of the step, and from the last time on the weight is w, which is
// that of the last denoising. As w(λ) grows like 1/h, finer grids guide more, without
// limit: CFG++ is a rule for a number of steps and discretises no differential equation.
func CFGPlusPlus(cond, uncond Denoiser, w float64, p interpolant.Path, grid []float64) *Guidance {
	lambda := make([]float64, len(grid))
	for i, t := range grid {
		lambda[i] = p.At(t).LogSNR()
	}
	// A λ that comes back through Time and At may lie a rounding below its node.
	const slack = 1e-9
	return &Guidance{Cond: cond, Uncond: uncond, WOf: func(logSNR float64) float64 {
		next := sort.Search(len(lambda), func(i int) bool { return lambda[i] > logSNR+slack })
		if next = max(next, 1); next >= len(lambda) {
			return w
		}
		return w / -math.Expm1(lambda[next-1]-lambda[next])
	}}
}

// Dim returns the dimension of a point.
func (g *Guidance) Dim() int { return g.Cond.Dim() }

// Denoise writes D_u + w (D_c - D_u).
func (g *Guidance) Denoise(dst, x []float64, alpha, sigma float64) {
	w := g.weight(alpha, sigma)
	if m := g.single(w); m != nil {
		m.Denoise(dst, x, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.a = grow(s.a, len(dst))
	g.Uncond.Denoise(s.a, x, alpha, sigma)
	g.Cond.Denoise(dst, x, alpha, sigma)
	extrapolate(dst, s.a, w)
	scratches.Put(s)
}

// JVP writes (∂D/∂x) v, which has the form of D. If a model is no JVPer its part is the
// difference of Flow.JVP.
func (g *Guidance) JVP(dst, x, v []float64, alpha, sigma float64) {
	w := g.weight(alpha, sigma)
	if m := g.single(w); m != nil {
		jvp(m, dst, x, v, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.a = grow(s.a, len(dst))
	jvp(g.Uncond, s.a, x, v, alpha, sigma)
	jvp(g.Cond, dst, x, v, alpha, sigma)
	extrapolate(dst, s.a, w)
	scratches.Put(s)
}

// Divergence writes tr ∂D/∂x, which has the form of D. If a model is no Diverger its part
// is the sum of d Jacobian-vector products.
func (g *Guidance) Divergence(dst, x []float64, alpha, sigma float64) {
	w := g.weight(alpha, sigma)
	if m := g.single(w); m != nil {
		traceJacobian(m, dst, x, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.a = grow(s.a, len(dst))
	traceJacobian(g.Uncond, s.a, x, alpha, sigma)
	traceJacobian(g.Cond, dst, x, alpha, sigma)
	extrapolate(dst, s.a, w)
	scratches.Put(s)
}

// Err returns the first error of the models that keep one.
func (g *Guidance) Err() error {
	if err := modelErr(g.Cond); err != nil {
		return err
	}
	return modelErr(g.Uncond)
}

func (g *Guidance) weight(alpha, sigma float64) float64 {
	if g.WOf != nil {
		return g.WOf(math.Log(alpha) - math.Log(sigma))
	}
	return g.W
}

// single returns the model that stands alone at the weight w, or nil.
func (g *Guidance) single(w float64) Denoiser {
	switch w {
	case 0:
		return g.Uncond
	case 1:
		return g.Cond
	}
	return nil
}

// extrapolate writes u + w (c - u) over c.
func extrapolate(c, u []float64, w float64) {
	for i, ui := range u {
		c[i] = ui + w*(c[i]-ui)
	}
}

// Rescaled is guidance whose overexposure is taken back (Lin et al. 2023, arXiv
// 2305.08891, section 3.4, applied to the denoiser): with the standard deviation over the
// d coordinates of a point,
//
//	D = φ (std D_c/std D_g) D_g + (1 - φ) D_g,   D_g the guided denoiser.
//
// It leaves D_g where its coordinates are all equal, and always for d = 1.
type Rescaled struct {
	Guide *Guidance
	Phi   float64 // φ in [0, 1]; the paper recommends 0.7
}

// Dim returns the dimension of a point.
func (r *Rescaled) Dim() int { return r.Guide.Dim() }

// Denoise writes D.
func (r *Rescaled) Denoise(dst, x []float64, alpha, sigma float64) {
	w, d := r.Guide.weight(alpha, sigma), r.Dim()
	if w == 1 || r.Phi == 0 || d == 1 {
		r.Guide.Denoise(dst, x, alpha, sigma)
		return
	}
	s := scratches.Get().(*scratch)
	s.a, s.b = grow(s.a, len(x)), grow(s.b, len(x))
	r.Guide.Uncond.Denoise(s.a, x, alpha, sigma)
	r.Guide.Cond.Denoise(s.b, x, alpha, sigma)
	copy(dst, s.b)
	extrapolate(dst, s.a, w)
	for i := 0; i < len(x); i += d {
		row := dst[i : i+d]
		if sd := stat.StdDev(row, nil); sd > 0 {
			f := r.Phi*stat.StdDev(s.b[i:i+d], nil)/sd + 1 - r.Phi
			for k := range row {
				row[k] *= f
			}
		}
	}
	scratches.Put(s)
}

// Err returns the first error of the models that keep one.
func (r *Rescaled) Err() error { return r.Guide.Err() }

// Classifier steers a model by the gradient of a classifier that knows the noise
// (Dhariwal and Nichol 2021, arXiv 2105.05233, section 4.2):
//
//	D = D_u + w (σ²/α) ∇_x log p(y|x; α, σ)
//
// With the exact gradient, w = 1 is the exact conditional denoiser, by Bayes' rule for
// the score, and other w have the meaning that they have in Guidance. It needs α > 0.
type Classifier struct {
	Model Denoiser
	// Grad writes ∇_x log p(y|x; α, σ) for each point under the rules of Denoise.
	Grad func(dst, x []float64, alpha, sigma float64)
	W    float64
}

// Dim returns the dimension of a point.
func (c *Classifier) Dim() int { return c.Model.Dim() }

// Denoise writes D.
func (c *Classifier) Denoise(dst, x []float64, alpha, sigma float64) {
	c.Model.Denoise(dst, x, alpha, sigma)
	if c.W == 0 {
		return
	}
	s := scratches.Get().(*scratch)
	s.a = grow(s.a, len(x))
	c.Grad(s.a, x, alpha, sigma)
	f := c.W * sigma * sigma / alpha
	for i, g := range s.a {
		dst[i] += f * g
	}
	scratches.Put(s)
}

// Err returns the model's first error if it keeps one.
func (c *Classifier) Err() error { return modelErr(c.Model) }
