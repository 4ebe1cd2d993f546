package linop

import (
	"sync"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Radon is the X-ray transform of a Scan,
//
//	(A f)(ray) = ∫ f dl ≈ Σ_lines w [(1−a) f_m + a f_{m+1}]
//
// by Joseph's projector (1982, IEEE Trans. Med. Imaging 1, 192): the integral along the
// ray of the image interpolated linearly on each row (steep rays) or column (flat rays), w
// being the path between two of them. Outside the image f is 0. Adjoint spreads with the
// same weights and is the transpose to rounding; it is the unfiltered back-projection
// without the angular step. No matrix is kept: three numbers a ray.
//
// An image is Rows×Cols and its sinogram views×Detectors, both row by row, stacks slice
// by slice. Work runs on GOMAXPROCS goroutines: over views, over bands of the image in
// Adjoint, over slices when there are many.
type Radon struct {
	scan   Scan
	planes [2]plane
	pool   sync.Pool // of *radonWork
}

var (
	_ Operator = (*Radon)(nil)
	_ Shaper   = (*Radon)(nil)
)

// NewRadon returns the transform of a scan, or the error of Validate.
func NewRadon(s Scan) (*Radon, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s.Angles = append([]float64(nil), s.Angles...)
	r := &Radon{scan: s, planes: planes(&s)}
	r.pool.New = func() any { return newRadonWork(r) }
	return r, nil
}

// Dims returns the number of rays and the number of pixels.
func (r *Radon) Dims() (rows, cols int) {
	n := r.scan.slices()
	return n * len(r.scan.Angles) * r.scan.Detectors, n * r.scan.Rows * r.scan.Cols
}

func (r *Radon) DomainShape() []int { return r.scan.ImageShape() }
func (r *Radon) RangeShape() []int  { return r.scan.SinogramShape() }

// Apply writes the sinogram of x.
func (r *Radon) Apply(dst, x []float64) {
	rows, cols := r.Dims()
	mustVectors(dst, rows, x, cols)
	r.run(dst, x, false)
}

// Adjoint writes the back-projection of y.
func (r *Radon) Adjoint(dst, y []float64) {
	rows, cols := r.Dims()
	mustVectors(dst, cols, y, rows)
	r.run(dst, y, true)
}

func (r *Radon) run(dst, src []float64, adjoint bool) {
	w := r.pool.Get().(*radonWork)
	n := r.scan.slices()
	w.all, w.from, w.adjoint = dst, src, adjoint
	if n >= 2*w.crew.workers() {
		w.phase = radonSlice
		w.crew.run(n)
	} else {
		for i := range n {
			w.slice(i, w.crew.run)
		}
	}
	w.all, w.from, w.dst, w.src = nil, nil, nil, nil
	r.pool.Put(w)
}

// radonWork holds what one Apply or Adjoint needs: the image as two planes, with margins
// that stay 0, and the goroutines.
type radonWork struct {
	r         *Radon
	crew      *crew
	lines     [2][]float64 // of Apply
	sums      [2][]pair    // of Adjoint
	all, from []float64    // dst and src of the whole stack
	dst, src  []float64    // of the slice at work
	adjoint   bool
	phase     radonPhase
}

type radonPhase int

const (
	radonSlice   radonPhase = iota // a whole slice, on this goroutine alone
	radonPack                      // bands of the image into lines
	radonProject                   // groups of views
	radonSpread                    // views into bands of pairs
	radonMerge                     // pairs into rows of the image
)

func newRadonWork(r *Radon) *radonWork {
	w := &radonWork{r: r}
	for i := range w.lines {
		p := &r.planes[i]
		w.lines[i] = make([]float64, p.bands()*band*p.stride+simd.FixedPad)
		w.sums[i] = make([]pair, p.bands()*band*p.stride)
	}
	w.crew = newCrew(w.task)
	return w
}

// slice transforms slice i, its phases run by the given runner.
func (w *radonWork) slice(i int, run func(tasks int)) {
	s := &w.r.scan
	pixels, rays := s.Rows*s.Cols, len(s.Angles)*s.Detectors
	bands := w.r.planes[0].bands() + w.r.planes[1].bands()
	if w.adjoint {
		w.dst, w.src = w.all[i*pixels:(i+1)*pixels], w.from[i*rays:(i+1)*rays]
		w.phase = radonSpread
		run(bands)
		w.phase = radonMerge
		run(w.r.planes[0].bands())
		return
	}
	w.dst, w.src = w.all[i*rays:(i+1)*rays], w.from[i*pixels:(i+1)*pixels]
	w.phase = radonPack
	run(bands)
	w.phase = radonProject
	run((len(s.Angles) + viewGroup - 1) / viewGroup)
}

// viewGroup is the number of views that cross a band while it is in cache.
const viewGroup = 4

func (w *radonWork) task(i int) {
	switch w.phase {
	case radonSlice:
		o := w.r.pool.Get().(*radonWork)
		o.all, o.from, o.adjoint = w.all, w.from, w.adjoint
		o.slice(i, o.crew.alone)
		o.all, o.from, o.dst, o.src = nil, nil, nil, nil
		w.r.pool.Put(o)
	case radonPack:
		w.pack(w.bandOf(i))
	case radonProject:
		w.project(i*viewGroup, min((i+1)*viewGroup, len(w.r.scan.Angles)))
	case radonSpread:
		w.spread(w.bandOf(i))
	case radonMerge:
		w.merge(i)
	}
}

// bandOf returns the plane and the band of the i-th band of both planes.
func (w *radonWork) bandOf(i int) (side, b int) {
	if n := w.r.planes[0].bands(); i >= n {
		return 1, i - n
	}
	return 0, i
}

func (w *radonWork) project(v0, v1 int) {
	n := w.r.scan.Detectors
	clear(w.dst[v0*n : v1*n])
	for side := range w.lines {
		p := &w.r.planes[side]
		segments := p.segments[p.start[v0]:p.start[v1]]
		for b := range p.bands() {
			for _, g := range segments {
				p.project(w.dst, g, w.lines[side], b)
			}
		}
	}
}

func (w *radonWork) spread(side, b int) {
	p := &w.r.planes[side]
	clear(w.sums[side][b*band*p.stride : (b+1)*band*p.stride])
	for _, g := range p.segments {
		p.spread(w.sums[side], w.src, g, b)
	}
}

// pack writes a band of the image, or of its transpose, to the plane.
func (w *radonWork) pack(side, b int) {
	p := &w.r.planes[side]
	rows, cols := w.r.scan.Rows, w.r.scan.Cols
	lo, hi := b*band, min((b+1)*band, p.lines)
	lines := w.lines[side][b*band*p.stride : (b+1)*band*p.stride]
	if side == 0 {
		for i := lo; i < hi; i++ {
			copy(lines[(i-lo)*p.stride+margin:], w.src[i*cols:][:cols])
		}
		return
	}
	for m := range rows {
		for i, v := range w.src[m*cols+lo : m*cols+hi] {
			lines[i*p.stride+margin+m] = v
		}
	}
}

// merge writes a band of rows of the image from both planes: the transpose of pack. A
// pixel gets what fell on it, less what its own step took on, plus the step before it.
func (w *radonWork) merge(b int) {
	rows, cols := w.r.scan.Rows, w.r.scan.Cols
	lo, hi := b*band, min((b+1)*band, rows)
	p := &w.r.planes[0]
	for i := lo; i < hi; i++ {
		line := w.sums[0][i*p.stride+margin-1:][:cols+1]
		out := w.dst[i*cols:][:cols]
		for m := range out {
			out[m] = line[m+1][0] - line[m+1][1] + line[m][1]
		}
	}
	p = &w.r.planes[1]
	for m := range cols {
		line := w.sums[1][m*p.stride+margin-1+lo:][:hi-lo+1]
		for i := range hi - lo {
			w.dst[(lo+i)*cols+m] += line[i+1][0] - line[i+1][1] + line[i][1]
		}
	}
}
