package linop

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/floats"
)

// Box is the downsampling of an image by an integer factor f that averages its blocks
// of f by f pixels. Blocks at the lower and right border are cut where f does not
// divide the size, and average what they hold; so the result has ⌈rows/f⌉ by ⌈cols/f⌉
// pixels. It is Spectral: a block of n pixels has the singular value 1/√n.
type Box struct {
	rows, cols, f int
	singular      []float64
}

// NewBox returns the block average of an image of rows by cols.
func NewBox(rows, cols, f int) *Box {
	mustPositive(rows, cols, f)
	b := &Box{rows: rows, cols: cols, f: f}
	h, w := ceilDiv(rows, f), ceilDiv(cols, f)
	b.singular = make([]float64, h*w)
	for k := range b.singular {
		r0, r1, c0, c1 := b.block(k/w, k%w)
		b.singular[k] = 1 / math.Sqrt(float64((r1-r0)*(c1-c0)))
	}
	return b
}

func ceilDiv(n, f int) int { return (n + f - 1) / f }

// block returns the pixels r0 ≤ r < r1, c0 ≤ c < c1 of block (i, j).
func (b *Box) block(i, j int) (r0, r1, c0, c1 int) {
	return i * b.f, min((i+1)*b.f, b.rows), j * b.f, min((j+1)*b.f, b.cols)
}

func (b *Box) Dims() (rows, cols int) { return len(b.singular), b.rows * b.cols }
func (b *Box) DomainShape() []int     { return []int{b.rows, b.cols} }
func (b *Box) RangeShape() []int      { return []int{ceilDiv(b.rows, b.f), ceilDiv(b.cols, b.f)} }
func (b *Box) Singular() []float64    { return b.singular }

func (b *Box) Apply(dst, x []float64) {
	mustVectors(dst, len(b.singular), x, b.rows*b.cols)
	w := ceilDiv(b.cols, b.f)
	for k := range dst {
		r0, r1, c0, c1 := b.block(k/w, k%w)
		sum := 0.0
		for r := r0; r < r1; r++ {
			for _, v := range x[r*b.cols+c0 : r*b.cols+c1] {
				sum += v
			}
		}
		dst[k] = sum / float64((r1-r0)*(c1-c0))
	}
}

func (b *Box) Adjoint(dst, y []float64) {
	mustVectors(dst, b.rows*b.cols, y, len(b.singular))
	w := ceilDiv(b.cols, b.f)
	for k, v := range y {
		r0, r1, c0, c1 := b.block(k/w, k%w)
		v /= float64((r1 - r0) * (c1 - c0))
		for r := r0; r < r1; r++ {
			row := dst[r*b.cols+c0 : r*b.cols+c1]
			for c := range row {
				row[c] = v
			}
		}
	}
}

// V holds, for each block, the Householder reflection that maps the first unit vector
// to the constant one,
//
//	H = I − u uᵀ/(1 − c),  u = e₁ − c (1, …, 1),  c = 1/√n.
//
// The first coordinates of all blocks come first, as Spectral asks.
func (b *Box) V(dst, v []float64) { b.reflect(dst, v, true) }

func (b *Box) VT(dst, x []float64) { b.reflect(dst, x, false) }

func (b *Box) reflect(dst, x []float64, fromSpectral bool) {
	mustVectors(dst, b.rows*b.cols, x, b.rows*b.cols)
	w, rest := ceilDiv(b.cols, b.f), len(b.singular)
	for k, c := range b.singular {
		r0, r1, c0, c1 := b.block(k/w, k%w)
		// Where the block's pixel (r, col) is in x and in dst: in image order on one
		// side, in spectral order on the other.
		at := func(r, col int) (in, out int) {
			in, out = r*b.cols+col, k
			if r != r0 || col != c0 {
				out = rest + (r-r0)*(c1-c0) + col - c0 - 1
			}
			if fromSpectral {
				in, out = out, in
			}
			return in, out
		}
		in, out := at(r0, c0)
		sum, first := 0.0, x[in]
		for r := r0; r < r1; r++ {
			for col := c0; col < c1; col++ {
				in, _ := at(r, col)
				sum += x[in]
			}
		}
		n := (r1 - r0) * (c1 - c0)
		t := 0.0 // uᵀx/(1 − c); H is the identity for one pixel
		if n > 1 {
			t = (first - c*sum) / (1 - c)
		}
		for r := r0; r < r1; r++ {
			for col := c0; col < c1; col++ {
				in, out := at(r, col)
				dst[out] = x[in] + t*c
			}
		}
		dst[out] -= t
		rest += n - 1
	}
}

func (b *Box) U(dst, u []float64) {
	mustVectors(dst, len(b.singular), u, len(b.singular))
	copy(dst, u)
}

func (b *Box) UT(dst, y []float64) { b.U(dst, y) }

// An Edge says what a downsampling kernel reads beyond the border.
type Edge int

const (
	EdgeReflect Edge = iota // the image mirrored at its border, the border pixel twice
	EdgeClamp               // the border pixel
)

// A Kernel is an interpolation kernel k(t) that vanishes for |t| ≥ Radius.
type Kernel struct {
	Radius float64
	At     func(t float64) float64
}

// Bicubic is the cubic convolution kernel of Keys (1981), equation 4 with a = −1/2.
func Bicubic() Kernel {
	return Kernel{2, func(t float64) float64 {
		t = math.Abs(t)
		if t < 1 {
			return (1.5*t-2.5)*t*t + 1
		}
		return ((-0.5*t+2.5)*t-4)*t + 2
	}}
}

// Lanczos is the windowed sinc sinc(t) sinc(t/lobes) (Duchon 1979); 3 lobes are usual.
func Lanczos(lobes int) Kernel {
	mustPositive(lobes)
	sinc := func(t float64) float64 {
		if t == 0 {
			return 1
		}
		return math.Sin(math.Pi*t) / (math.Pi * t)
	}
	a := float64(lobes)
	return Kernel{a, func(t float64) float64 { return sinc(t) * sinc(t/a) }}
}

// Downsample is the antialiased downsampling of an image by an integer factor f with an
// interpolation kernel stretched by f. Along each axis the output pixel i has its centre
// at that of the input pixels i f to i f + f − 1,
//
//	(A x)_i = Σ_j w_ij x_j / Σ_j w_ij,   w_ij = k((j + ½)/f − i − ½),
//
// and the result has ⌈rows/f⌉ by ⌈cols/f⌉ pixels.
type Downsample struct {
	rows, cols *Sparse // along the columns (index of the row) and along the rows
	buffers    *sync.Pool
}

// NewDownsample returns the downsampling of an image of rows by cols.
func NewDownsample(rows, cols, f int, k Kernel, e Edge) *Downsample {
	mustPositive(rows, cols, f)
	d := &Downsample{rows: resampling(rows, f, k, e), cols: resampling(cols, f, k, e)}
	d.buffers = newBuffers(rows * ceilDiv(cols, f))
	return d
}

// resampling returns the matrix of Downsample along one axis.
func resampling(n, f int, k Kernel, e Edge) *Sparse {
	var entries []Entry
	scale := float64(f)
	for i := range ceilDiv(n, f) {
		centre := (float64(i)+0.5)*scale - 0.5
		first := len(entries)
		sum := 0.0
		for j := int(math.Ceil(centre - k.Radius*scale)); float64(j) < centre+k.Radius*scale; j++ {
			t := (float64(j) - centre) / scale
			if math.Abs(t) >= k.Radius {
				continue
			}
			v := k.At(t)
			entries = append(entries, Entry{i, e.fold(j, n), v})
			sum += v
		}
		for k := first; k < len(entries); k++ {
			entries[k].Value /= sum
		}
	}
	return NewSparse(ceilDiv(n, f), n, entries)
}

// fold maps an index beyond 0..n-1 to the one whose pixel is read.
func (e Edge) fold(j, n int) int {
	if e == EdgeClamp {
		return min(max(j, 0), n-1)
	}
	j %= 2 * n
	if j < 0 {
		j += 2 * n
	}
	return min(j, 2*n-1-j)
}

func (d *Downsample) Dims() (rows, cols int) {
	h, H := d.rows.Dims()
	w, W := d.cols.Dims()
	return h * w, H * W
}

func (d *Downsample) DomainShape() []int {
	_, H := d.rows.Dims()
	_, W := d.cols.Dims()
	return []int{H, W}
}

func (d *Downsample) RangeShape() []int {
	h, _ := d.rows.Dims()
	w, _ := d.cols.Dims()
	return []int{h, w}
}

func (d *Downsample) Apply(dst, x []float64) {
	rows, cols := d.Dims()
	mustVectors(dst, rows, x, cols)
	w, W := d.cols.Dims()
	t := d.buffers.Get().(*buffer)
	d.cols.byRow.alongRows(t.v, x, w, W)
	d.rows.byRow.acrossRows(dst, t.v, w)
	d.buffers.Put(t)
}

func (d *Downsample) Adjoint(dst, y []float64) {
	rows, cols := d.Dims()
	mustVectors(dst, cols, y, rows)
	w, W := d.cols.Dims()
	t := d.buffers.Get().(*buffer)
	d.rows.byCol.acrossRows(t.v, y, w)
	d.cols.byCol.alongRows(dst, t.v, W, w)
	d.buffers.Put(t)
}

// alongRows applies the matrix to each row of an image, to four at a time: an entry is read once
// for them, and their sums do not wait for each other.
func (c *compressed) alongRows(dst, x []float64, rows, cols int) {
	for ; len(x) >= 4*cols; dst, x = dst[4*rows:], x[4*cols:] {
		x0, x1, x2, x3 := x[:cols], x[cols:2*cols], x[2*cols:3*cols], x[3*cols:4*cols]
		d0, d1, d2, d3 := dst[:rows], dst[rows:2*rows], dst[2*rows:3*rows], dst[3*rows:4*rows]
		for i := range d0 {
			var s0, s1, s2, s3 float64
			lo, hi := c.start[i], c.start[i+1]
			index := c.index[lo:hi]
			for k, v := range c.value[lo:hi] {
				j := index[k]
				s0 += v * x0[j]
				s1 += v * x1[j]
				s2 += v * x2[j]
				s3 += v * x3[j]
			}
			d0[i], d1[i], d2[i], d3[i] = s0, s1, s2, s3
		}
	}
	for ; len(x) > 0; dst, x = dst[rows:], x[cols:] {
		c.apply(dst[:rows], x[:cols], cols)
	}
}

// acrossRows combines the rows, each of this width, of an image by the matrix.
func (c *compressed) acrossRows(dst, x []float64, width int) {
	for i := range len(c.start) - 1 {
		row := dst[i*width : (i+1)*width]
		clear(row)
		for k := c.start[i]; k < c.start[i+1]; k++ {
			j := c.index[k]
			floats.AddScaled(row, c.value[k], x[j*width:(j+1)*width])
		}
	}
}
