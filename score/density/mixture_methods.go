package density

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// checkBatch panics unless x is whole points of dimension d and dst has size values
// for each.
func checkBatch(d, size int, dst, x []float64) {
	if len(x)%d != 0 {
		panic("density: x is not a whole number of points")
	}
	if len(dst) != len(x)/d*size {
		panic("density: dst does not fit the points")
	}
}

// Denoise writes E[x₁ | x].
func (g *gaussians) Denoise(dst, x []float64, alpha, sigma float64) {
	g.average(dst, x, alpha, sigma, denoiser)
}

// Score writes ∇ log p(x).
func (g *gaussians) Score(dst, x []float64, alpha, sigma float64) {
	g.average(dst, x, alpha, sigma, gradient)
}

func (g *gaussians) average(dst, x []float64, alpha, sigma float64, what quantity) {
	w := g.begin(dst, x, g.d, alpha, sigma)
	g.averages(w, dst, x, what)
	g.pool.Put(w)
}

// DenoiseEach writes E[x₁ | x] at a noise level for each point, the bits of Denoise.
func (g *gaussians) DenoiseEach(dst, x, alpha, sigma []float64) {
	checkBatch(g.d, g.d, dst, x)
	if n := len(x) / g.d; len(alpha) != n || len(sigma) != n {
		panic("density: one noise level a point is needed")
	}
	w := g.pool.Get().(*work)
	defer g.pool.Put(w)
	if g.isFew() && len(g.vars) == 1 && g.k <= simd.PosteriorBlock {
		f := w.few
		f.MeansEach(dst, x, alpha, sigma, g.vars[0], g.fewBlock(f, 0), &f.sums)
		return
	}
	for lo := 0; lo < len(alpha); {
		hi := lo + 1
		for hi < len(alpha) && alpha[hi] == alpha[lo] && sigma[hi] == sigma[lo] {
			hi++
		}
		g.fix(w, alpha[lo], sigma[lo])
		g.averages(w, dst[lo*g.d:hi*g.d], x[lo*g.d:hi*g.d], denoiser)
		lo = hi
	}
}

func (g *gaussians) averages(w *work, dst, x []float64, what quantity) {
	if g.isFew() {
		g.fewMeans(w, dst, x, what)
		return
	}
	for lo := 0; lo < len(x); lo += tile * g.d {
		hi := min(lo+tile*g.d, len(x))
		g.pass(w, dst[lo:hi], x[lo:hi], what)
	}
}

// LogProb writes log p(x), one value a point.
func (g *gaussians) LogProb(dst, x []float64, alpha, sigma float64) {
	w := g.begin(dst, x, 1, alpha, sigma)
	// What the logits leave out.
	c := -float64(g.d) / 2 * math.Log(2*math.Pi)
	if len(g.vars) == 1 {
		c -= float64(g.d) / 2 * math.Log(w.s2)
	}
	if g.isFew() {
		g.fewLogProb(w, dst, x, c)
		g.pool.Put(w)
		return
	}
	for lo := 0; lo < len(dst); lo += tile {
		hi := min(lo+tile, len(dst))
		g.pass(w, nil, x[lo*g.d:hi*g.d], density)
		for i := range dst[lo:hi] {
			dst[lo+i] = c + w.top[i] + math.Log(w.z[i])
		}
	}
	g.pool.Put(w)
}

// JVP writes (∂D/∂x) v.
func (g *gaussians) JVP(dst, x, v []float64, alpha, sigma float64) {
	if len(v) != len(x) {
		panic("density: v and x differ in length")
	}
	w := g.begin(dst, x, g.d, alpha, sigma)
	defer g.pool.Put(w)
	if g.isFew() {
		g.fewJacobian(w, dst, x, v)
		return
	}
	for lo := 0; lo < len(x); lo += tile * g.d {
		hi := min(lo+tile*g.d, len(x))
		g.pass(w, w.mean[:hi-lo], x[lo:hi], denoiser)
		g.jacobian(w, dst[lo:hi], x[lo:hi], v[lo:hi])
	}
}

// Divergence writes tr ∂D/∂x, one value a point.
func (g *gaussians) Divergence(dst, x []float64, alpha, sigma float64) {
	w := g.begin(dst, x, 1, alpha, sigma)
	defer g.pool.Put(w)
	if g.isFew() {
		g.fewJacobian(w, dst, x, nil)
		return
	}
	for lo := 0; lo < len(dst); lo += tile {
		hi := min(lo+tile, len(dst))
		xt := x[lo*g.d : hi*g.d]
		g.pass(w, w.mean[:len(xt)], xt, denoiser)
		g.jacobian(w, dst[lo:hi], xt, nil)
	}
}
