package nn

import "github.com/seed-dea4846a/sampler/internal/simd"

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

// A conv works on copies with margins of zeros, a strip of image rows at a time to stay in
// cache, in which rows have a multiple of simd.TileRows pixels and pixels a multiple of
// simd.TileColumns channels. In these a pixel and its neighbours in a row are consecutive, so
// that all sums are of the form of simd.Tile and no matrix of neighbourhoods is made.
type conv[T Float] struct {
	in   Value
	nout int
	w, b int
}

func (l *conv[T]) aux(*Net[T], Jet) int { return 0 }

func (l *conv[T]) forward(tp *Tape[T], id Value) {
	s := l.scratch(tp)
	s.apply(tp.allVal(id), tp.allVal(l.in), tp.weights(l.w, l.size(tp)), false)
	if v := tp.tangent(l.w, l.size(tp)); v != nil {
		s.apply(tp.val(id, 1), tp.val(l.in, 0), v, true)
	}
	if l.b >= 0 {
		tp.addBias(id, l.b, l.nout)
	}
}

func (l *conv[T]) size(tp *Tape[T]) int { return 9 * tp.net.shapes[l.in].C * l.nout }

func (l *conv[T]) backward(tp *Tape[T], id Value) {
	s := l.scratch(tp)
	if g := tp.grad(l.w, l.size(tp)); g != nil {
		s.gradient(g, tp.allVal(l.in), tp.allAdj(id))
		if l.b >= 0 {
			tp.biasGrad(id, l.b, l.nout)
		}
	}
	if dx := tp.allAdj(l.in); dx != nil {
		s.transpose(dx, tp.allAdj(id), tp.weights(l.w, l.size(tp)))
		if v := tp.tangent(l.w, l.size(tp)); v != nil {
			s.transpose(tp.adj(l.in, 0), tp.adj(id, 1), v)
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
	pairs(small, large, s, func(a, b simd.Rows[T]) { simd.AddProduct(a, s.W, s.C, 0, f, b) })
}

func repeat[T Float](large, small []T, s Shape, f T) {
	pairs(small, large, s, func(a, b simd.Rows[T]) { simd.AddProduct(b, s.W, s.C, 0, f, a) })
}

// pairs calls f with each line of pixels of small images of shape s and, four times, the
// pixels of the large ones that belong to it.
func pairs[T Float](small, large []T, s Shape, f func(small, large simd.Rows[T])) {
	w := s.W * s.C
	for ; len(small) > 0; small, large = small[w:], large[4*w:] {
		for _, at := range [4]int{0, s.C, 2 * w, 2*w + s.C} {
			f(simd.Rows[T]{X: small, Stride: s.C}, simd.Rows[T]{X: large[at:], Stride: 2 * s.C})
		}
	}
}

// Fold adds the image of a k-th of the height and width whose pixels are the k×k squares of
// pixels, row after row, one channel after the other; Unfold undoes it. With k = 1 either is
// its input.
func (n *Net[T]) Fold(in Value, k int) Value {
	s := n.shapes[in]
	if k < 1 || s.H%k != 0 || s.W%k != 0 {
		panic("nn: the side of folded squares divides height and width")
	}
	if k == 1 {
		return in
	}
	return n.add(&fold[T]{in, k, true}, Shape{s.H / k, s.W / k, s.C * k * k}, false, in)
}

// Unfold adds the image that Fold makes into its input.
func (n *Net[T]) Unfold(in Value, k int) Value {
	s := n.shapes[in]
	if k < 1 || s.C%(k*k) != 0 {
		panic("nn: unfolded channels are squares")
	}
	if k == 1 {
		return in
	}
	return n.add(&fold[T]{in, k, false}, Shape{s.H * k, s.W * k, s.C / (k * k)}, false, in)
}

type fold[T Float] struct {
	in   Value
	k    int
	fold bool
}

func (l *fold[T]) aux(*Net[T], Jet) int { return 0 }

// runs calls f with the places in large and folded images of each run of k pixels in a row.
func (l *fold[T]) runs(tp *Tape[T], id Value, f func(large, small, n int)) {
	s := tp.net.shapes[id] // of the folded image
	if !l.fold {
		s = tp.net.shapes[l.in]
	}
	n := s.C / l.k
	images := len(tp.allVal(id)) / s.Len()
	for r := range images * s.H * l.k {
		for c := range s.W {
			f((r*s.W+c)*n, (r/l.k*s.W+c)*s.C+r%l.k*n, n)
		}
	}
}

func (l *fold[T]) forward(tp *Tape[T], id Value) {
	y, x := tp.allVal(id), tp.allVal(l.in)
	l.runs(tp, id, func(large, small, n int) {
		if l.fold {
			copy(y[small:small+n], x[large:])
		} else {
			copy(y[large:large+n], x[small:])
		}
	})
}

func (l *fold[T]) backward(tp *Tape[T], id Value) {
	dx, dy := tp.allAdj(l.in), tp.allAdj(id)
	if dx == nil {
		return
	}
	l.runs(tp, id, func(large, small, n int) {
		from, to := small, large
		if !l.fold {
			from, to = large, small
		}
		for j, v := range dy[from : from+n] {
			dx[to+j] += v
		}
	})
}
