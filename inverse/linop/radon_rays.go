package linop

import (
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Positions along an image line are fixed-point numbers with fracBits binary places, so
// that walking a ray is one integer addition, exact whatever the cut of the image into
// bands: the forward projection and its adjoint meet the same weights. The rounding of a
// slope displaces a ray by less than 1e-12 pixel per line.
const (
	fracBits = simd.FixedBits
	fracUnit = 1.0 / (1 << fracBits)
	fracMask = 1<<fracBits - 1

	band   = 16       // image lines that a kernel crosses at a time, to stay in cache
	margin = band + 1 // zero columns on each side: a ray that enters or leaves a band needs no test
)

// A pair holds what falls on a pixel v[m] and on the step v[m+1] − v[m] to the next one, the
// two numbers of a linear interpolation.
type pair [2]float64

// A segment is a run of rays of one view, ordered by their position: the j-th is ray first+j
// of its plane and cell sino + step·j of the sinogram. They may be close, see
// simd.FixedClose.
type segment struct {
	first, n, sino, step int
	close                bool
}

// A plane is the image as a set of lines: its rows for the rays that are steeper than
// 45°, its columns for the others. Joseph's projector (1982, IEEE Trans. Med. Imaging 1,
// 192) steps such a ray from line to line and interpolates between two pixels of a line.
//
// Ray j crosses the middle of the plane at centre[j], moves by twice half[j] from one line to
// the next, and has a path of length weight[j] between two lines.
type plane struct {
	lines, width, stride int
	centre, half         []int64
	weight               []float64
	segments             []segment
	start                []int // segments of view v: start[v] to start[v+1]
}

// planes lays the rays of a scan out: by rows in the first plane, by columns in the
// second.
func planes(s *Scan) [2]plane {
	p := [2]plane{{lines: s.Rows, width: s.Cols}, {lines: s.Cols, width: s.Rows}}
	for i := range p {
		p[i].stride = p[i].width + 2*margin
		p[i].start = make([]int, 1, len(s.Angles)+1)
	}
	h := s.pixel()
	for v := range s.Angles {
		for k := 0; k < s.Detectors; {
			theta, _ := s.Ray(v, k)
			side := along(theta)
			pl := &p[side]
			g := segment{first: len(pl.centre), sino: v*s.Detectors + k, step: 1}
			for ; k < s.Detectors; k++ {
				theta, dist := s.Ray(v, k)
				if along(theta) != side {
					break
				}
				sin, cos := math.Sincos(theta)
				if side == 0 {
					pl.add(((dist-s.CentreY*sin)/cos-s.CentreX)/h, sin/cos, h/math.Abs(cos))
				} else {
					pl.add((s.CentreY-(dist-s.CentreX*cos)/sin)/h, cos/sin, h/math.Abs(sin))
				}
			}
			g.n = len(pl.centre) - g.first
			// Along a row x grows with the cell number for upward rays, cos θ > 0;
			// down a column the row number does for rays to the right, sin θ < 0.
			sin, cos := math.Sincos(theta)
			if side == 0 && cos < 0 || side == 1 && sin > 0 {
				slices.Reverse(pl.centre[g.first:])
				slices.Reverse(pl.half[g.first:])
				slices.Reverse(pl.weight[g.first:])
				g.sino, g.step = g.sino+g.n-1, -1
			}
			g.close = simd.FixedClose(pl.centre[g.first:], pl.half[g.first:], int64(pl.lines+2*band))
			pl.segments = append(pl.segments, g)
		}
		for i := range p {
			p[i].start = append(p[i].start, len(p[i].segments))
		}
	}
	return p
}

// along returns the plane of a ray of normal angle theta: 0 if it crosses the rows at
// 45° or more. At 45° both planes give the same sum, over two diagonals of pixels.
func along(theta float64) int {
	sin, cos := math.Sincos(theta)
	if math.Abs(cos) >= math.Abs(sin) {
		return 0
	}
	return 1
}

// add appends a ray that crosses the plane's middle at the given distance from its
// centre, in pixels, and moves by slope pixels a line. A ray that misses the plane is
// brought near enough for the fixed point.
func (p *plane) add(at, slope, weight float64) {
	far := float64(p.width + p.lines + 4*margin)
	at = max(-far, min(far, at))
	p.centre = append(p.centre, int64(math.Round(at*(1<<fracBits)))+int64(2*margin+p.width-1)<<(fracBits-1))
	p.half = append(p.half, int64(math.Round(slope/2*(1<<fracBits))))
	p.weight = append(p.weight, weight)
}

// bands returns the number of bands of lines.
func (p *plane) bands() int { return (p.lines + band - 1) / band }

// offset returns twice the distance of line i from the middle of the plane: a ray is at
// centre + offset·half there.
func (p *plane) offset(i int) int64 { return int64(2*i - (p.lines - 1)) }

// hits returns the rays lo ≤ j < hi of a segment that touch a pixel on some line of band b.
// The positions do not decrease with j.
func (p *plane) hits(g segment, b int) (lo, hi int) {
	d0 := p.offset(b * band)
	d1 := d0 + 2*(band-1)
	const left = (margin - 1) << fracBits
	right := int64(margin+p.width) << fracBits
	centre, half := p.centre[g.first:], p.half[g.first:]
	end := g.n
	for lo < end {
		if m := (lo + end) / 2; max(centre[m]+d0*half[m], centre[m]+d1*half[m]) > left {
			end = m
		} else {
			lo = m + 1
		}
	}
	hi, end = lo, g.n
	for hi < end {
		if m := (hi + end) / 2; min(centre[m]+d0*half[m], centre[m]+d1*half[m]) >= right {
			end = m
		} else {
			hi = m + 1
		}
	}
	return lo, hi
}

// project adds the contribution of band b to the line integrals of a segment.
func (p *plane) project(sino []float64, g segment, lines []float64, b int) {
	var sums [64]float64
	lines = lines[b*band*p.stride:]
	lo, hi := p.hits(g, b)
	d := p.offset(b * band)
	for ; lo < hi; lo += len(sums) {
		n := min(len(sums), hi-lo)
		first := g.first + lo
		simd.FixedSums(sums[:n], lines, p.centre[first:], p.half[first:], d, int64(p.stride), band, g.close)
		at := g.sino + lo*g.step
		for j, w := range p.weight[first:][:n] {
			sino[at] += w * sums[j]
			at += g.step
		}
	}
}

// spread adds to band b what the line integrals of a segment put there: the transpose of
// project.
func (p *plane) spread(lines []pair, sino []float64, g segment, b int) {
	lines = lines[b*band*p.stride : (b+1)*band*p.stride]
	lo, hi := p.hits(g, b)
	d := p.offset(b * band)
	at := g.sino + lo*g.step
	for j := g.first + lo; j < g.first+hi; j++ {
		pos := uint64(p.centre[j] + d*p.half[j])
		next := uint64(2*p.half[j] + int64(p.stride)<<fracBits)
		y := p.weight[j] * sino[at]
		fy := fracUnit * y
		for range band {
			e := &lines[pos>>fracBits]
			e[0] += y
			e[1] += float64(int64(pos&fracMask)) * fy
			pos += next
		}
		at += g.step
	}
}
