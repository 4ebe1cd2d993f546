package prior

import (
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/score"
)

var (
	_ score.Denoiser   = (*Patches)(nil)
	_ score.Linearizer = (*Patches)(nil)
)

// PatchOptions are the settings of Model.New. The zero value means the documented
// defaults.
type PatchOptions struct {
	// Stride is the distance of neighbouring patches, 1 or, for even sides, 2: a
	// quarter of the work, and 0.1 to 0.4 dB less of denoising at s = 0.01 to 0.1. 0
	// means 2 for even sides.
	Stride int
}

// Patches is the patch-mixture prior of pictures of one size. It is not the posterior mean
// of any one law of pictures but a combination of posterior means, which is what patch
// priors are used as (Zoran and Weiss 2011, ICCV). In y = x/α with the noise s = σ/α,
//
//	D = β W(y) + (1-β) [M(y) + R(y)]
//	R = 1/N Σ_p ω_p E_pᵀ Q r(Qᵀ E_p y)
//	M = μ + V^½ [1/N Σ_p ω_p E_pᵀ (11ᵀ/b²) E_p] V^½ (y - μ),   W = μ + V (y - μ)
//
// over all patches p of b×b pixels, overlapping and overhanging the mirrored edges
// (E_p y shows one), each pixel with the total weight N. R denoises what a patch has
// beside its mean, Q being an orthonormal basis of that: r is the exact posterior
// mean under the Gaussian mixture (patchWork). The mean of a patch, which the mixture
// does not know, is that of the stationary Gaussian prior of the same pictures under
// Mirror, whose Wiener filter V = diag(S/(S+s²)) draws on the whole picture; split in
// two halves, it leaves the Jacobian symmetric. Where the noise drowns patches, more
// context counts than the mixture's shape does, and β(s), fitted to the training
// pictures, blends the Gaussian posterior mean W in. From s = 0.5 on that is about all
// there is: D knows no edges longer than a patch, and total variation with the best λ, which
// does, denoises photographs 1 dB better there.
//
// What is left out of r changes it little: components that are unlikely given a
// patch's 16 leading coordinates (probability below 10⁻³ of the likeliest's, and all but
// the 6 likeliest); directions of a component with variance below 10⁻³ s² share a
// variance. JVP and Divergence are exact for the map that is left, which jumps by as
// little as that where a component enters or leaves. The Jacobian is symmetric.
//
// Above σ/α = 10⁴, and at α = 0, D is W alone. Work is shared among GOMAXPROCS goroutines
// with results that do not depend on their number. Once warm, nothing is allocated for
// pictures of up to 64² pixels, and for larger ones the few small objects that start these.
type Patches struct {
	rows, cols int
	model      *Model
	c          *compiled
	row, col   *tiling
	context    *Gaussian // of zero mean
	bands      []band
	chunks     int       // of all bands
	runs       sync.Pool // of *patchRun
	trace      func() []float64
}

// A band is a range of rows of patches, whose sum is formed in its own part of a buffer,
// so that the order of summation does not depend on the workers.
type band struct {
	lo, hi int // patch rows row.start[lo:hi]
	first  int // image row, before mirroring, of its first buffer row
	height int
	at     int // offset in the buffer
	chunk  int // number of its first chunk of patches
}

const bandRows = 16

// A patchRun is the working memory of one call.
type patchRun struct {
	y, v, sum []float64 // pictures
	buffer    []float64
	traces    []float64 // one a band
}

// New returns the prior for pictures of rows×cols pixels. It panics if these are fewer
// than a patch has or the stride is not 1, nor 2 with an even side.
func (p *Model) New(rows, cols int, opt *PatchOptions) *Patches {
	b := p.Side
	stride := 1
	if b%2 == 0 {
		stride = 2
	}
	if opt != nil && opt.Stride != 0 {
		stride = opt.Stride
	}
	if stride != 1 && (stride != 2 || b%2 != 0) {
		panic("prior: the stride must be 1, or 2 where the side of the patches is even")
	}
	if rows < b || cols < b {
		panic("prior: a picture needs at least as many rows and columns as a patch")
	}
	c, err := p.compiled()
	if err != nil {
		panic(err.Error())
	}
	d := &Patches{rows: rows, cols: cols, model: p, c: c, row: newTiling(rows, b, stride), col: newTiling(cols, b, stride)}
	d.context = NewGaussian(rows, cols, Spectrum{MeanVar: p.MeanVar, Power: p.Power.Power}, Mirror)
	size := 0
	for lo := 0; lo < len(d.row.start); lo += bandRows {
		hi := min(lo+bandRows, len(d.row.start))
		first := d.row.start[lo]
		h := d.row.start[hi-1] + b - first
		d.bands = append(d.bands, band{lo: lo, hi: hi, first: first, height: h, at: size, chunk: d.chunks})
		size += h * cols
		d.chunks += ((hi-lo)*len(d.col.start) + chunk - 1) / chunk
	}
	d.runs.New = func() any {
		n := rows * cols
		return &patchRun{y: make([]float64, n), v: make([]float64, n), sum: make([]float64, n),
			buffer: make([]float64, size), traces: make([]float64, len(d.bands))}
	}
	d.trace = sync.OnceValue(func() []float64 { // tᵀ B t of each mode
		r, c := d.row.spectrum(), d.col.spectrum()
		t := make([]float64, 0, rows*cols)
		for _, a := range r {
			for _, b := range c {
				t = append(t, a*b)
			}
		}
		return t
	})
	return d
}

// Dim returns rows·cols.
func (d *Patches) Dim() int { return d.rows * d.cols }

// Context returns the stationary Gaussian prior, less its mean, that the patches' means have.
func (d *Patches) Context() *Gaussian { return d.context }

const contextOnly = 1e4 // σ/α from which D is W alone

// Denoise writes D of each picture of x.
func (d *Patches) Denoise(dst, x []float64, alpha, sigma float64) {
	d.denoise(dst, x, alpha, sigma, nil)
}

// JVP writes (∂D/∂x) v.
func (d *Patches) JVP(dst, x, v []float64, alpha, sigma float64) { d.jvp(dst, x, v, alpha, sigma, nil) }

// denoise fills kept, one choice a chunk of patches, as far as that goes; dst may be nil.
func (d *Patches) denoise(dst, x []float64, alpha, sigma float64, kept []choice) {
	n := d.Dim()
	if dst != nil {
		rowsOf(dst, x, n)
	}
	if sigma >= contextOnly*alpha {
		if dst == nil {
			return
		}
		d.context.affine(dst, x, alpha*d.model.Mean, d.model.Mean, func(s float64) float64 { return alpha * s / (alpha*alpha*s + sigma*sigma) })
		return
	}
	run := d.runs.Get().(*patchRun)
	for at := 0; at < len(x); at += n {
		for i, v := range x[at : at+n] {
			run.y[i] = v/alpha - d.model.Mean
		}
		d.patches(run, sigma/alpha, false, d.keptOf(kept, at/n))
		if dst == nil {
			continue
		}
		d.finish(dst[at:at+n], run, run.y, sigma/alpha)
		for i := range n {
			dst[at+i] += d.model.Mean
		}
	}
	d.runs.Put(run)
}

// jvp takes the choices of denoise at the same x, as far as they go.
func (d *Patches) jvp(dst, x, v []float64, alpha, sigma float64, kept []choice) {
	n := d.Dim()
	rowsOf(dst, x, n)
	rowsOf(dst, v, n)
	if sigma >= contextOnly*alpha {
		d.context.JVP(dst, x, v, alpha, sigma)
		return
	}
	run := d.runs.Get().(*patchRun)
	for at := 0; at < len(x); at += n {
		for i, u := range x[at : at+n] {
			run.y[i] = u/alpha - d.model.Mean
			run.v[i] = v[at+i] / alpha
		}
		d.patches(run, sigma/alpha, true, d.keptOf(kept, at/n))
		d.finish(dst[at:at+n], run, run.v, sigma/alpha)
	}
	d.runs.Put(run)
}

// finish writes the linear parts applied to y and adds the patches' part.
func (d *Patches) finish(dst []float64, run *patchRun, y []float64, s float64) {
	n, s2 := d.Dim(), s*s
	beta := d.model.blend(s)
	power := d.context.power
	copy(dst, y)
	d.context.basis.to(dst)
	wiener := run.y // no longer needed
	for i, p := range power {
		wiener[i] = beta * p / (p + s2) * dst[i]
		dst[i] *= math.Sqrt(p / (p + s2))
	}
	d.context.basis.from(dst)
	d.average(dst, run.v)
	d.context.basis.to(dst)
	for i, p := range power {
		dst[i] = (1-beta)*math.Sqrt(p/(p+s2))*dst[i] + wiener[i]
	}
	d.context.basis.from(dst)
	for i := range n {
		dst[i] += (1 - beta) * run.sum[i]
	}
}

// average replaces x by what the means of its patches say of it; tmp is scratch.
func (d *Patches) average(x, tmp []float64) {
	for r := range d.rows {
		d.col.average(tmp[r*d.cols:(r+1)*d.cols], x[r*d.cols:(r+1)*d.cols])
	}
	// Columns together, a row of pixels at a time.
	clear(x)
	t := d.row
	scale := float64(t.stride) / float64(t.b*t.b)
	for i, a := range t.start {
		show := t.shows(a)
		for c := range d.cols {
			sum := 0.0
			for _, p := range show {
				sum += tmp[p*d.cols+c]
			}
			sum *= scale * t.weight[i]
			for _, p := range show {
				x[p*d.cols+c] += sum
			}
		}
	}
}

// Divergence writes tr ∂D/∂x, one value a picture.
func (d *Patches) Divergence(dst, x []float64, alpha, sigma float64) {
	n := d.Dim()
	perRow(dst, x, n)
	if sigma >= contextOnly*alpha {
		d.context.Divergence(dst, x, alpha, sigma)
		return
	}
	s := sigma / alpha
	beta := d.model.blend(s)
	linear := 0.0
	for i, p := range d.context.power {
		linear += (beta + (1-beta)*d.trace()[i]) * p / (p + s*s)
	}
	run := d.runs.Get().(*patchRun)
	for at := range dst {
		for i, v := range x[at*n : (at+1)*n] {
			run.y[i] = v/alpha - d.model.Mean
		}
		if n <= serialSize {
			for i := range d.bands {
				d.traceBand(run, i, s)
			}
		} else {
			group(len(d.bands), 1, func(i, _ int) { d.traceBand(run, i, s) })
		}
		sum := 0.0
		for _, v := range run.traces {
			sum += v
		}
		dst[at] = (linear + (1-beta)*sum) / alpha
	}
	d.runs.Put(run)
}
