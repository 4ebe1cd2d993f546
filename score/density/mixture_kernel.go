package density

import (
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// gaussians is a mixture of Gaussians, of width zero or more, and the work that is
// common to Mixture, Points and Curve. Its covariances take one of three forms:
//
//	isotropic   vars: one variance for all, or one a component
//	diagonal    eig: d variances a component
//	full        eig and vec: eigenvalues, and eigenvectors as rows
type gaussians struct {
	d, k   int
	mu     []float64 // means, k×d
	logW   []float64 // log-weights, normalised
	cum    []float64 // running sums of the weights
	norm2  []float64 // |μ_k|², and its largest
	most2  float64
	vars   []float64
	eig    []float64
	vec    []float64
	back   []float64 // of full components, the transposes of vec
	outer  []float64 // of full components in few dimensions, products of each eigenvector with itself
	packed []float64 // components in the order of the kernels: few's, many's or affine's
	block  int       // components handled at a time, so that their means stay in cache
	balls  []float64 // centres of balls around the blocks' means, d×(blocks rounded up to eight)
	radii  []float64
	pool   sync.Pool
}

// tile is the number of points that share a block of components while it is in cache.
const tile = 32

// A quantity is what a pass over the components is to give.
type quantity int

const (
	density  quantity = iota // the log-density only
	denoiser                 // and E[x₁ | x]
	gradient                 // and ∇ log p
)

// work is the scratch of one call.
type work struct {
	// What (α, σ) fix.
	alpha, sigma float64
	s2           float64    // the variance of S: of all, or the least
	prec         []float64  // 1/S, one, or a component, or a component and direction (see place)
	det          []float64  // of wide components: factors of the determinants of S
	logC         []float64  // logits are logC - (squared distance)/2S
	balls        simd.Balls // of the blocks, if there are several

	// Of each point of the tile: the largest logit and, relative to it, the sums of e,
	// e/S and eC/S.
	top, z, prs, gain [tile]float64
	peak              [tile]float64 // the block's largest logit
	floor             [tile]float64 // what the largest logit is sure to reach
	reach             []float64     // tile×blocks: what the logits of a block do not exceed
	products          simd.Products
	from, to          [1][]float64  // a row of its factors and results
	expand            [tile]bool    // whether |x - αμ|² may be expanded
	sq                [tile]float64 // |x|²
	mean              []float64     // tile×d, the denoiser's values
	acc               []float64     // tile×width, the sums of vectors

	few  *few
	many *many
}

// newIsotropic returns a mixture of dimension dim with one variance, or one a component.
func newIsotropic(dim int, logW, mu, vars []float64) *gaussians {
	g := newGaussians(dim, logW, mu)
	g.vars = vars
	g.bound()
	if g.isFew() {
		g.packFew()
	} else {
		g.packMany()
	}
	return g
}

// newWide returns a mixture of dimension dim with covariances QᵀΛQ, or Λ if vec is nil.
func newWide(dim int, logW, mu, eig, vec []float64) *gaussians {
	g := newGaussians(dim, logW, mu)
	g.eig, g.vec = eig, vec
	g.bound()
	if g.isAffine() {
		g.packAffine()
	} else {
		g.turnFull()
	}
	return g
}

// newGaussians returns a mixture of dimension dim that lacks its covariances.
func newGaussians(dim int, logW, mu []float64) *gaussians {
	k := len(logW)
	g := &gaussians{d: dim, k: k, mu: mu, logW: logW, norm2: make([]float64, k), cum: make([]float64, k)}
	total := 0.0
	for k := range g.k {
		for _, m := range mu[k*dim : (k+1)*dim] {
			g.norm2[k] += m * m
		}
		total += math.Exp(logW[k])
		g.cum[k] = total
	}
	g.most2 = slices.Max(g.norm2)
	g.pool.New = func() any {
		w := &work{
			prec: make([]float64, max(len(g.vars), len(g.eig))),
			logC: g.logW,
			mean: make([]float64, tile*dim), acc: make([]float64, tile*g.width()),
		}
		if len(g.vars) != 1 {
			w.logC = make([]float64, g.k)
		}
		if g.eig != nil {
			w.det = make([]float64, k)
		}
		if g.isAffine() {
			w.prec = make([]float64, round8(g.k)*dim)
		}
		if n := len(g.radii); n > 0 {
			w.reach = make([]float64, tile*n)
			w.balls = simd.Balls{R: g.radii, Hi: make([]float64, n), Near: make([]float64, n), Lo: make([]float64, n), Far: make([]float64, n)}
			for b := range n {
				w.balls.Hi[b], w.balls.Lo[b] = math.Inf(-1), math.Inf(-1)
				if b < g.blocks() {
					c := g.logW[b*g.block : min((b+1)*g.block, g.k)]
					w.balls.Lo[b], w.balls.Hi[b] = slices.Min(c), slices.Max(c)
				}
			}
		}
		if g.isFew() {
			w.few = &few{blocks: g.packed}
			w.few.D, w.few.Varied = g.d, len(g.vars) > 1
			if w.few.Varied {
				w.few.blocks = slices.Clone(g.packed)
			}
		} else {
			w.many = g.newMany()
		}
		return w
	}
	return g
}

func blockSize(dim int) int { return min(max(1<<13/dim, 16), 64) &^ 7 }

// width returns the number of values of a point's sums.
func (g *gaussians) width() int {
	if g.isAffine() {
		return g.affineWidth()
	}
	return g.d
}

// blocks returns the number of blocks that may be passed over: 0 if there is but one.
func (g *gaussians) blocks() int {
	if g.radii == nil {
		return 0
	}
	return (g.k + g.block - 1) / g.block
}

// bound cuts the components into blocks and puts a ball around each, if there are several.
func (g *gaussians) bound() {
	g.block = blockSize(g.d)
	if g.isFull() {
		g.block = fullBlock(g.d)
	}
	if g.k <= g.block {
		return
	}
	n := round8((g.k + g.block - 1) / g.block)
	g.balls, g.radii = make([]float64, g.d*n), make([]float64, n)
	centre := make([]float64, g.d)
	for lo := 0; lo < g.k; lo += g.block {
		hi, b := min(lo+g.block, g.k), lo/g.block
		clear(centre)
		for k := lo; k < hi; k++ {
			floats.AddScaled(centre, 1/float64(hi-lo), g.mu[k*g.d:(k+1)*g.d])
		}
		for k := lo; k < hi; k++ {
			g.radii[b] = max(g.radii[b], floats.Distance(centre, g.mu[k*g.d:(k+1)*g.d], 2))
		}
		for j, c := range centre {
			g.balls[j*n+b] = c
		}
	}
}

// Dim returns the dimension d.
func (g *gaussians) Dim() int { return g.d }

// begin checks the arguments of a call, whose dst has size values a point, and returns
// a workspace with what (α, σ) fix.
func (g *gaussians) begin(dst, x []float64, size int, alpha, sigma float64) *work {
	checkBatch(g.d, size, dst, x)
	w := g.pool.Get().(*work)
	g.fix(w, alpha, sigma)
	return w
}

// fix sets what (α, σ) fix.
func (g *gaussians) fix(w *work, alpha, sigma float64) {
	w.alpha, w.sigma = alpha, sigma
	w.s2 = math.Inf(1)
	a2, b2 := alpha*alpha, sigma*sigma
	if g.eig == nil {
		for k, v := range g.vars {
			s2 := a2*v + b2
			w.s2 = min(w.s2, s2)
			w.prec[k] = 1 / s2
			if len(g.vars) > 1 {
				w.logC[k] = s2
			}
		}
		if len(g.vars) > 1 {
			simd.Log(w.logC, w.logC)
			for k, l := range w.logC {
				w.logC[k] = g.logW[k] - float64(g.d)/2*l
			}
		}
	} else {
		g.fixWide(w, a2, b2)
	}
	if w.many != nil {
		g.prepareMany(w)
	}
	for b := range g.blocks() {
		if len(g.vars) == 1 {
			w.balls.Near[b], w.balls.Far[b] = w.prec[0]/2, w.prec[0]/2
			continue
		}
		lo, hi := b*g.block, min((b+1)*g.block, g.k)
		c, p := w.logC[lo:hi], g.precisions(w, lo)
		w.balls.Lo[b], w.balls.Hi[b] = slices.Min(c), slices.Max(c)
		w.balls.Near[b], w.balls.Far[b] = slices.Min(p)/2, slices.Max(p)/2
	}
}

// fixWide is the part of wide components.
func (g *gaussians) fixWide(w *work, a2, b2 float64) {
	clear(w.logC)
	// Four factors of a determinant at a time: few logarithms, no overflow.
	for lo := 0; lo < g.d; lo += 4 {
		hi := min(lo+4, g.d)
		for k := range w.det {
			at, step := g.place(k)
			det := 1.0
			for i := lo; i < hi; i++ {
				s2 := a2*g.eig[k*g.d+i] + b2
				w.prec[at+i*step] = 1 / s2
				det *= s2
			}
			w.det[k] = det
		}
		simd.Log(w.det, w.det)
		for k, l := range w.det {
			w.logC[k] += l
		}
	}
	for k, l := range w.logC {
		w.logC[k] = g.logW[k] - l/2
	}
}

// precisions returns those of the block from lo on.
func (g *gaussians) precisions(w *work, lo int) []float64 {
	per := 1
	if g.eig != nil {
		per = g.d
	}
	return w.prec[lo*per : min((lo+g.block)*per, len(w.prec))]
}

// place returns where the first precision of a wide component stands, and the step to the next:
// components after each other, or as the kernels of affine ones read them.
func (g *gaussians) place(k int) (at, step int) {
	if !g.isAffine() {
		return k * g.d, 1
	}
	lo := 0
	if k >= g.block { // mostly not, and a division would cost as much as the rest
		lo = k / g.block * g.block
	}
	return lo*g.d + k - lo, g.blockWidth(lo)
}

// blockWidth returns the number of components of the block from lo on, rounded up to eight.
func (g *gaussians) blockWidth(lo int) int { return min(g.block, round8(g.k-lo)) }
