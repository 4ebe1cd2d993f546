package density

import "math"

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
	defer g.pool.Put(w)
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
