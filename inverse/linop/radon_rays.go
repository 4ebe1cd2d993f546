package linop

import "math"

// Positions along an image line are fixed-point numbers with fracBits binary places, so
// that walking a ray is one integer addition, exact whatever the cut of the image into
// bands: the forward projection and its adjoint meet the same weights. The rounding of a
// slope displaces a ray by less than 1e-12 pixel per line.
const (
	fracBits = 40
	fracUnit = 1.0 / (1 << fracBits)
	fracMask = 1<<fracBits - 1

	band   = 16       // image lines that a kernel crosses at a time, to stay in cache
	margin = band + 1 // zero columns on each side: a ray that enters or leaves a band needs no test
)

// A pair holds a pixel v[m] and the step v[m+1] − v[m] to the next one, the two numbers of
// a linear interpolation.
type pair [2]float64

// A track is a ray in a plane: where it crosses the middle of the plane, half of what it
// moves from one line to the next, and the length of its path between two lines.
type track struct {
	centre, half int64
	weight       float64
}

// A segment is a run of rays of one view, ordered by their position: the j-th is
// tracks[first+j] and cell sino + step·j of the sinogram.
type segment struct{ first, n, sino, step int }

// A plane is the image as a set of lines: its rows for the rays that are steeper than
// 45°, its columns for the others. Joseph's projector (1982, IEEE Trans. Med. Imaging 1,
// 192) steps such a ray from line to line and interpolates between two pixels of a line.
type plane struct {
	lines, width, stride int
	tracks               []track
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
			g := segment{first: len(pl.tracks), sino: v*s.Detectors + k, step: 1}
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
			g.n = len(pl.tracks) - g.first
			// Along a row x grows with the cell number for upward rays, cos θ > 0;
			// down a column the row number does for rays to the right, sin θ < 0.
			sin, cos := math.Sincos(theta)
			if side == 0 && cos < 0 || side == 1 && sin > 0 {
				t := pl.tracks[g.first:]
				for a, b := 0, len(t)-1; a < b; a, b = a+1, b-1 {
					t[a], t[b] = t[b], t[a]
				}
				g.sino, g.step = g.sino+g.n-1, -1
			}
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

// add appends a track that crosses the plane's middle at the given distance from its
// centre, in pixels, and moves by slope pixels a line. A ray that misses the plane is
// brought near enough for the fixed point.
func (p *plane) add(at, slope, weight float64) {
	far := float64(p.width + p.lines + 4*margin)
	at = max(-far, min(far, at))
	p.tracks = append(p.tracks, track{
		centre: int64(math.Round(at*(1<<fracBits))) + int64(2*margin+p.width-1)<<(fracBits-1),
		half:   int64(math.Round(slope / 2 * (1 << fracBits))),
		weight: weight,
	})
}

// bands returns the number of bands of lines.
func (p *plane) bands() int { return (p.lines + band - 1) / band }

// offset returns twice the distance of line i from the middle of the plane: a track is
// at centre + offset·half there.
func (p *plane) offset(i int) int64 { return int64(2*i - (p.lines - 1)) }

// hits returns the tracks lo ≤ j < hi of a segment that touch a pixel on some line of
// band b. The positions do not decrease with j.
func (p *plane) hits(t []track, b int) (lo, hi int) {
	d0 := p.offset(b * band)
	d1 := d0 + 2*(band-1)
	const left = (margin - 1) << fracBits
	right := int64(margin+p.width) << fracBits
	end := len(t)
	for lo < end {
		if m := (lo + end) / 2; max(t[m].centre+d0*t[m].half, t[m].centre+d1*t[m].half) > left {
			end = m
		} else {
			lo = m + 1
		}
	}
	hi, end = lo, len(t)
	for hi < end {
		if m := (hi + end) / 2; min(t[m].centre+d0*t[m].half, t[m].centre+d1*t[m].half) >= right {
			end = m
		} else {
			hi = m + 1
		}
	}
	return lo, hi
}

// project adds the contribution of band b to the line integrals of a segment.
func (p *plane) project(sino []float64, g segment, lines []pair, b int) {
	t := p.tracks[g.first : g.first+g.n]
	lines = lines[b*band*p.stride : (b+1)*band*p.stride]
	lo, hi := p.hits(t, b)
	d := p.offset(b * band)
	at := g.sino + lo*g.step
	for _, r := range t[lo:hi] {
		pos := uint64(r.centre + d*r.half)
		next := uint64(2*r.half + int64(p.stride)<<fracBits)
		var s0, s1 float64
		for range band {
			e := &lines[pos>>fracBits]
			s0 += e[0]
			s1 += float64(int64(pos&fracMask)) * e[1]
			pos += next
		}
		sino[at] += r.weight * (s0 + fracUnit*s1)
		at += g.step
	}
}

// spread adds to band b what the line integrals of a segment put there: the transpose of
// project.
func (p *plane) spread(lines []pair, sino []float64, g segment, b int) {
	t := p.tracks[g.first : g.first+g.n]
	lines = lines[b*band*p.stride : (b+1)*band*p.stride]
	lo, hi := p.hits(t, b)
	d := p.offset(b * band)
	at := g.sino + lo*g.step
	for _, r := range t[lo:hi] {
		pos := uint64(r.centre + d*r.half)
		next := uint64(2*r.half + int64(p.stride)<<fracBits)
		y := r.weight * sino[at]
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
