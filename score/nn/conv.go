package nn

import "github.com/seed-dea4846a/sampler/internal/simd"

// stripValues is about the number of values of a strip.
const stripValues = 1 << 16

// A convScratch is the working memory of a convolution of images of H×W pixels from c to nout
// channels.
type convScratch[T Float] struct {
	h, w, c, nout   int
	pw, pc, pn      int // w, c and nout rounded up
	rows            int // of a strip
	x, y, kernel, g []T // inputs and outputs with margins, weights, sums
}

func up(n, unit int) int { return (n + unit - 1) / unit * unit }

func (l *conv[T]) scratch(tp *Tape[T]) convScratch[T] {
	s, _ := l.layout(tp.net, tp.col)
	return s
}

// layout divides the memory m and returns how many values that takes; nil is only counted.
func (l *conv[T]) layout(n *Net[T], m []T) (convScratch[T], int) {
	in := n.shapes[l.in]
	s := convScratch[T]{h: in.H, w: in.W, c: in.C, nout: l.nout}
	unit := simd.TileColumns
	if _, double := any(m).([]float64); double {
		unit = simd.TileRows // the twin in Go takes any number of columns
	}
	s.pw, s.pc, s.pn = up(s.w, simd.TileRows), up(s.c, unit), up(s.nout, unit)
	s.rows = max(1, min(s.h, stripValues/(s.pw*max(s.pc, s.pn))))
	size := 0
	take := func(n int) []T {
		size += n
		if m == nil {
			return nil
		}
		return m[size-n : size]
	}
	s.x = take((s.rows + 2) * (s.pw + 2) * s.pc)
	s.y = take((s.rows + 2) * (s.pw + 2) * s.pn)
	s.kernel = take(9 * s.pc * s.pn)
	s.g = take(max(s.rows*s.pw*max(s.pc, s.pn), 9*s.pc*s.pn))
	return s, size
}

// strips calls f with the first row, and the row after the last, of each strip.
func (s *convScratch[T]) strips(f func(lo, hi int)) {
	for lo := 0; lo < s.h; lo += s.rows {
		f(lo, min(lo+s.rows, s.h))
	}
}

// tile is simd.Tile in either precision.
func tile[T Float](c, a, b []T, columns int, s *simd.Strides) {
	if c, ok := any(c).([]float32); ok {
		simd.Tile(c, any(a).([]float32), any(b).([]float32), columns, s)
		return
	}
	simd.TileGo(c, a, b, columns, s)
}

// fill clears the weights where there are margins.
func (s *convScratch[T]) fill() {
	if s.pc != s.c || s.pn != s.nout {
		clear(s.kernel)
	}
}

// apply writes the convolution of images x with the weights w to y, or adds it.
func (s *convScratch[T]) apply(y, x, w []T, add bool) {
	s.fill()
	for p := range 9 {
		for o := range s.nout {
			to := s.kernel[p*s.pc*s.pn+o:]
			for i, v := range w[(o*9+p)*s.c : (o*9+p+1)*s.c] {
				to[i*s.pn] = v
			}
		}
	}
	size, out := s.h*s.w*s.c, s.h*s.w*s.nout
	for ; len(x) > 0; x, y = x[size:], y[out:] {
		s.strips(func(lo, hi int) {
			s.margins(s.x, x[:size], lo, hi, s.c, s.pc)
			s.products(y[lo*s.w*s.nout:hi*s.w*s.nout], s.x, hi-lo, s.pc, s.nout, s.pn, add)
		})
	}
}

// transpose adds the transpose of apply to dx: the convolution with the weights turned by
// half a turn.
func (s *convScratch[T]) transpose(dx, dy, w []T) {
	s.fill()
	for o := range s.nout {
		for p := range 9 {
			copy(s.kernel[((8-p)*s.pn+o)*s.pc:], w[(o*9+p)*s.c:(o*9+p+1)*s.c])
		}
	}
	size, out := s.h*s.w*s.c, s.h*s.w*s.nout
	for ; len(dx) > 0; dx, dy = dx[size:], dy[out:] {
		s.strips(func(lo, hi int) {
			s.margins(s.y, dy[:out], lo, hi, s.nout, s.pn)
			s.products(dx[lo*s.w*s.c:hi*s.w*s.c], s.y, hi-lo, s.pn, s.c, s.pc, true)
		})
	}
}

// gradient adds the gradient in the weights to g.
func (s *convScratch[T]) gradient(g, x, dy []T) {
	sum := g
	direct := s.pc == s.c && s.nout%simd.TileRows == 0
	if !direct {
		sum = s.g[:9*s.pc*s.pn]
		clear(sum)
	}
	size, out := s.h*s.w*s.c, s.h*s.w*s.nout
	line, pixels := 3*s.pc, s.pw+2
	// so many image rows in a sum that reading and writing it costs little
	const terms = 64
	block := max(1, terms/s.pw)
	for ; len(x) > 0; x, dy = x[size:], dy[out:] {
		s.strips(func(lo, hi int) {
			s.margins(s.x, x[:size], lo, hi, s.c, s.pc)
			s.margins(s.y, dy[:out], lo, hi, s.nout, s.pn)
			for r := 0; r < hi-lo; r += block {
				st := simd.Strides{K: s.pw, L: min(block, hi-lo-r), C: 3 * line,
					A: 1, AK: s.pn, AL: pixels * s.pn, BK: s.pc, BL: pixels * s.pc}
				for dr := range 3 {
					for j := 0; j < line; j += 48 {
						for o := 0; o < s.nout; o += simd.TileRows {
							tile(sum[o*3*line+dr*line+j:], s.y[((r+1)*pixels+1)*s.pn+o:], s.x[(r+dr)*pixels*s.pc+j:], min(48, line-j), &st)
						}
					}
				}
			}
		})
	}
	if direct {
		return
	}
	for o := range s.nout {
		for p := range 9 {
			from := sum[(o*9+p)*s.pc:]
			for i := range g[(o*9+p)*s.c : (o*9+p+1)*s.c] {
				g[(o*9+p)*s.c+i] += from[i]
			}
		}
	}
}

// margins copies the rows lo-1 … hi of an image of c channels to dst, of pc channels, with a
// pixel more on the left and one or more on the right.
func (s *convScratch[T]) margins(dst, x []T, lo, hi, c, pc int) {
	row := (s.pw + 2) * pc
	for r := lo - 1; r <= hi; r++ {
		to := dst[(r-lo+1)*row:][:row]
		if r < 0 || r >= s.h {
			clear(to)
			continue
		}
		from := x[r*s.w*c : (r+1)*s.w*c]
		clear(to[:pc])
		clear(to[(s.w+1)*pc:])
		if c == pc {
			copy(to[pc:], from)
			continue
		}
		clear(to[pc : (s.w+1)*pc])
		for q := range s.w {
			copy(to[(q+1)*pc:], from[q*c:(q+1)*c])
		}
	}
}

// products writes the convolution of rows image rows with margins, of pc channels, to y, of n
// channels, or adds it; the weights are s.kernel, of shape (3, 3, pc, pn).
func (s *convScratch[T]) products(y, x []T, rows, pc, n, pn int, add bool) {
	to := y
	direct := s.pw == s.w && pn == n
	if !direct {
		to = s.g[:rows*s.pw*pn]
	}
	st := simd.Strides{K: 3 * pc, L: 1, C: pn, A: pc, AK: 1, BK: pn}
	for j, columns := 0, 0; j < pn; j += columns {
		columns = 48
		if (pn-j)%48 != 0 {
			columns = min(32, pn-j)
		}
		for dr := range 3 {
			st.Set = dr == 0 && !(direct && add)
			for r := range rows {
				for q := 0; q < s.pw; q += simd.TileRows {
					tile(to[(r*s.pw+q)*pn+j:], x[((r+dr)*(s.pw+2)+q)*pc:], s.kernel[dr*3*pc*pn+j:], columns, &st)
				}
			}
		}
	}
	if direct {
		return
	}
	for r := range rows {
		for q := range s.w {
			from := to[(r*s.pw+q)*pn:]
			at := y[(r*s.w+q)*n:][:n]
			if !add {
				copy(at, from)
				continue
			}
			for i := range at {
				at[i] += from[i]
			}
		}
	}
}
