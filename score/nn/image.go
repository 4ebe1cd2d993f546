package nn

import "github.com/seed-dea4846a/sampler/internal/gemm"

// Conv adds a 3×3 convolution with zeros outside the image. Its weights are NAME.weight, of
// shape (out, 3, 3, in), and, if bias is set, NAME.bias.
func (n *Net[T]) Conv(name string, in Value, out int, bias bool) Value {
	s := n.shapes[in]
	l := &conv[T]{in: in, nout: out, b: -1}
	l.w = n.param(name+".weight", 9*s.C, 0, out, 3, 3, s.C)
	if bias {
		l.b = n.param(name+".bias", 9*s.C, 0, out)
	}
	return n.add(l, Shape{s.H, s.W, out}, true, in)
}

// A conv is the product of the weights with the matrix of all 3×3 neighbourhoods, one a
// row (im2col), a strip of image rows at a time to stay in cache.
type conv[T Float] struct {
	in   Value
	nout int
	w, b int
}

func (l *conv[T]) aux(*Net[T], Jet) int { return 0 }

// strip returns the number of pixels of a strip.
func (l *conv[T]) strip(n *Net[T]) int {
	s := n.shapes[l.in]
	const values = 1 << 16
	return s.W * max(1, min(s.H, values/(9*s.C*s.W)))
}

func (l *conv[T]) forward(tp *Tape[T], id Value) {
	l.apply(tp, tp.allVal(id), tp.allVal(l.in), tp.weights(l.w, l.size(tp)), 0)
	if v := tp.tangent(l.w, l.size(tp)); v != nil {
		l.apply(tp, tp.val(id, 1), tp.val(l.in, 0), v, 1)
	}
	if l.b >= 0 {
		tp.addBias(id, l.b, l.nout)
	}
}

func (l *conv[T]) size(tp *Tape[T]) int { return 9 * tp.net.shapes[l.in].C * l.nout }

// apply computes y = w * x + βy for a number of images.
func (l *conv[T]) apply(tp *Tape[T], y, x, w []T, beta T) {
	s, k := tp.net.shapes[l.in], 9*tp.net.shapes[l.in].C
	step := l.strip(tp.net) / s.W
	for ; len(x) > 0; x, y = x[s.Len():], y[s.H*s.W*l.nout:] {
		for r := 0; r < s.H; r += step {
			end := min(r+step, s.H)
			m := (end - r) * s.W
			col := tp.col[:m*k]
			neighbours(col, x[:s.Len()], s, r, end)
			gemm.Mul(y[r*s.W*l.nout:], 1, col, false, w, true, beta, m, l.nout, k, 1)
		}
	}
}

func (l *conv[T]) backward(tp *Tape[T], id Value) {
	s, k := tp.net.shapes[l.in], 9*tp.net.shapes[l.in].C
	if g := tp.grad(l.w, l.size(tp)); g != nil {
		x, dy := tp.allVal(l.in), tp.allAdj(id)
		step := l.strip(tp.net) / s.W
		for ; len(x) > 0; x, dy = x[s.Len():], dy[s.H*s.W*l.nout:] {
			for r := 0; r < s.H; r += step {
				end := min(r+step, s.H)
				m := (end - r) * s.W
				col := tp.col[:m*k]
				neighbours(col, x[:s.Len()], s, r, end)
				gemm.Mul(g, 1, dy[r*s.W*l.nout:], true, col, false, 1, l.nout, k, m, 1)
			}
		}
		if l.b >= 0 {
			tp.biasGrad(id, l.b, l.nout)
		}
	}
	if dx := tp.allAdj(l.in); dx != nil {
		l.transpose(tp, dx, tp.allAdj(id), tp.weights(l.w, l.size(tp)))
		if v := tp.tangent(l.w, l.size(tp)); v != nil {
			l.transpose(tp, tp.adj(l.in, 0), tp.adj(id, 1), v)
		}
	}
}

// transpose adds the transpose of apply, without β, to dx.
func (l *conv[T]) transpose(tp *Tape[T], dx, dy, w []T) {
	s, k := tp.net.shapes[l.in], 9*tp.net.shapes[l.in].C
	step := l.strip(tp.net) / s.W
	for ; len(dx) > 0; dx, dy = dx[s.Len():], dy[s.H*s.W*l.nout:] {
		for r := 0; r < s.H; r += step {
			end := min(r+step, s.H)
			m := (end - r) * s.W
			col := tp.col[:m*k]
			gemm.Mul(col, 1, dy[r*s.W*l.nout:], false, w, false, 0, m, k, l.nout, 1)
			scatter(dx[:s.Len()], col, s, r, end)
		}
	}
}

// neighbours writes the 3×3 neighbourhoods of the pixels of rows lo … hi-1 of an image,
// scatter adds them back to their pixels.
func neighbours[T Float](col, x []T, s Shape, lo, hi int) {
	for r := lo; r < hi; r++ {
		for c := range s.W {
			for dr := -1; dr <= 1; dr++ {
				for dc := -1; dc <= 1; dc++ {
					p, q := r+dr, c+dc
					if p < 0 || p >= s.H || q < 0 || q >= s.W {
						clear(col[:s.C])
					} else {
						copy(col[:s.C], x[(p*s.W+q)*s.C:])
					}
					col = col[s.C:]
				}
			}
		}
	}
}

func scatter[T Float](x, col []T, s Shape, lo, hi int) {
	for r := lo; r < hi; r++ {
		for c := range s.W {
			for dr := -1; dr <= 1; dr++ {
				for dc := -1; dc <= 1; dc++ {
					p, q := r+dr, c+dc
					if p >= 0 && p < s.H && q >= 0 && q < s.W {
						y := x[(p*s.W+q)*s.C:]
						for j, v := range col[:s.C] {
							y[j] += v
						}
					}
					col = col[s.C:]
				}
			}
		}
	}
}

// Down adds the image of half the height and width whose pixels are the means of 2×2.
func (n *Net[T]) Down(in Value) Value {
	s := n.shapes[in]
	if s.H%2 != 0 || s.W%2 != 0 {
		panic("nn: only an image of even height and width can be halved")
	}
	return n.add(&resize[T]{in, true}, Shape{s.H / 2, s.W / 2, s.C}, false, in)
}

// Up adds the image of twice the height and width that repeats each pixel.
func (n *Net[T]) Up(in Value) Value {
	s := n.shapes[in]
	return n.add(&resize[T]{in, false}, Shape{2 * s.H, 2 * s.W, s.C}, false, in)
}

// A resize is Down or Up: each is four times, or a quarter, the other's transpose.
type resize[T Float] struct {
	in   Value
	down bool
}

func (l *resize[T]) aux(*Net[T], Jet) int { return 0 }

func (l *resize[T]) forward(tp *Tape[T], id Value) {
	y, x := tp.allVal(id), tp.allVal(l.in)
	clear(y)
	if l.down {
		pool(y, x, tp.net.shapes[id], 0.25)
	} else {
		repeat(y, x, tp.net.shapes[l.in], 1)
	}
}

func (l *resize[T]) backward(tp *Tape[T], id Value) {
	dx := tp.allAdj(l.in)
	switch {
	case dx == nil:
	case l.down:
		repeat(dx, tp.allAdj(id), tp.net.shapes[id], 0.25)
	default:
		pool(dx, tp.allAdj(id), tp.net.shapes[l.in], 1)
	}
}

// pool adds f times the sums of 2×2 pixels to images of shape s, repeat f times each pixel
// of images of shape s to 2×2.
func pool[T Float](small, large []T, s Shape, f T) {
	for ; len(small) > 0; small, large = small[s.Len():], large[4*s.Len():] {
		for p := range 4 * s.H * s.W {
			r, c := p/(2*s.W), p%(2*s.W)
			dst := small[(r/2*s.W+c/2)*s.C:]
			for j, v := range large[p*s.C : (p+1)*s.C] {
				dst[j] += f * v
			}
		}
	}
}

func repeat[T Float](large, small []T, s Shape, f T) {
	for ; len(small) > 0; small, large = small[s.Len():], large[4*s.Len():] {
		for p := range 4 * s.H * s.W {
			r, c := p/(2*s.W), p%(2*s.W)
			src := small[(r/2*s.W+c/2)*s.C:]
			dst := large[p*s.C : (p+1)*s.C]
			for j := range dst {
				dst[j] += f * src[j]
			}
		}
	}
}
