package nn

// A Jet says which derivatives a Tape carries beside the value of a network. Its channels
// are numbered: 0 the value, 1 … Dirs the derivatives along Dirs directions, and, if Lap > 0,
// Dirs+1 the sum of the second derivatives along the first Lap directions.
type Jet struct {
	Dirs int
	Lap  int
	Back Back
}

// Channels returns the number of channels.
func (j Jet) Channels() int {
	if j.Lap > 0 {
		return j.Dirs + 2
	}
	return j.Dirs + 1
}

// order is that of the highest derivative of an activation that is needed.
func (j Jet) order() int {
	k := min(j.Dirs, 1)
	if j.Lap > 0 {
		k = 2
	}
	if j.Back != NoBack {
		k++
	}
	return k
}

// Back says what Tape.Backward is asked for.
type Back int

const (
	NoBack  Back = iota // nothing: the tape is for Forward only
	Weights             // the gradient in the weights
	All                 // also the gradient in the inputs
)

// A Tape evaluates a network on batches and differentiates what it computed. It belongs to
// one goroutine and allocates only when it is made.
type Tape[T Float] struct {
	// Tangent, if not nil, is a direction in weight space: the first direction of the jet
	// then moves the weights as well as the inputs. Lap must be 0.
	Tangent []T

	net   *Net[T]
	jet   Jet
	rows  int // of the present batch
	max   int
	ch    int
	y, dy [][]T // values and adjoints: channel, row, sample
	aux   [][]T
	g     []T // where Backward adds up
	col   []T // scratch space of convolutions
}

// NewTape returns a tape for batches of at most the given number of rows.
func (n *Net[T]) NewTape(rows int, j Jet) *Tape[T] {
	if rows < 1 || j.Dirs < 0 || j.Lap < 0 || j.Lap > j.Dirs {
		panic("nn: a tape needs rows, and no more second derivatives than directions")
	}
	if len(n.W) != n.size {
		panic("nn: the network has no weights: call Init")
	}
	tp := &Tape[T]{net: n, jet: j, max: rows, ch: j.Channels()}
	for id, l := range n.layers {
		size := tp.ch * rows * n.shapes[id].Len()
		tp.y = append(tp.y, make([]T, size))
		var dy []T
		if j.Back == All || j.Back == Weights && n.trains[id] {
			dy = make([]T, size)
		}
		tp.dy = append(tp.dy, dy)
		tp.aux = append(tp.aux, make([]T, rows*l.aux(n, j)))
		if c, ok := l.(*conv[T]); ok {
			_, size := c.layout(n, nil)
			tp.col = grow(tp.col, size)
		}
	}
	return tp
}

func grow[T Float](s []T, n int) []T {
	if len(s) < n {
		return make([]T, n)
	}
	return s
}

// Rows returns the greatest number of rows of a batch.
func (tp *Tape[T]) Rows() int { return tp.max }

// Jet returns the jet that the tape carries.
func (tp *Tape[T]) Jet() Jet { return tp.jet }

// Forward evaluates the network at the points x, n·d values, and numbers t, n values. The
// directions are dx, Dirs·n·d values, and dt, Dirs·n; one that is nil is zero. If both are nil
// and there is no Tangent, direction i is that of coordinate i of x, and after the last
// coordinate that of t.
func (tp *Tape[T]) Forward(x, t, dx, dt []float64) {
	n, d, k := len(t), tp.net.In(), tp.jet.Dirs
	if n < 1 || n > tp.max || len(x) != n*d || dx != nil && len(dx) != k*n*d || dt != nil && len(dt) != k*n {
		panic("nn: points, times and directions do not fit the tape")
	}
	if tp.Tangent != nil && (len(tp.Tangent) != len(tp.net.W) || k == 0 || tp.jet.Lap > 0) {
		panic("nn: a tangent needs a value for each weight, one direction and no second derivatives")
	}
	units := dx == nil && dt == nil && tp.Tangent == nil
	if units && k > d+1 {
		panic("nn: more directions than coordinates")
	}
	tp.rows = n
	put(tp.val(0, 0), x)
	put(tp.val(1, 0), t)
	for i := range tp.ch - 1 {
		vx, vt := tp.val(0, i+1), tp.val(1, i+1)
		clear(vx)
		clear(vt)
		switch {
		case i >= k: // the second derivatives of the inputs
		case units && i < d:
			for r := range n {
				vx[r*d+i] = 1
			}
		case units:
			for r := range vt {
				vt[r] = 1
			}
		default:
			if dx != nil {
				put(vx, dx[i*n*d:])
			}
			if dt != nil {
				put(vt, dt[i*n:])
			}
		}
	}
	for id, l := range tp.net.layers {
		l.forward(tp, Value(id))
	}
}

// Out copies a channel of the output, n·Out() values.
func (tp *Tape[T]) Out(dst []float64, channel int) {
	take(dst, tp.val(tp.net.out, channel))
}

// Backward takes the derivatives of a loss with respect to the channels of the output, in
// their order, n·Out() values each; nil, or one left out, means zero. It adds the gradient of
// the loss in the weights to g, unless that is nil. It can be called again after one Forward.
func (tp *Tape[T]) Backward(g []T, dy ...[]float64) {
	if tp.jet.Back == NoBack {
		panic("nn: the tape was made without Back")
	}
	if len(dy) > tp.ch || g != nil && len(g) != len(tp.net.W) {
		panic("nn: more derivatives than channels, or a gradient of the wrong length")
	}
	for id, a := range tp.dy {
		clear(a[:min(len(a), tp.ch*tp.rows*tp.net.shapes[id].Len())])
	}
	if tp.dy[tp.net.out] == nil {
		return
	}
	for c, v := range dy {
		if v == nil {
			continue
		}
		a := tp.adj(tp.net.out, c)
		if len(v) != len(a) {
			panic("nn: derivatives of the wrong length")
		}
		put(a, v)
	}
	tp.g = g
	for id := len(tp.net.layers) - 1; id >= 0; id-- {
		if tp.dy[id] != nil {
			tp.net.layers[id].backward(tp, Value(id))
		}
	}
	tp.g = nil
}

// InputGrad copies the derivatives of the loss of the last Backward with respect to a channel
// of x, n·d values, and of t, n values; either may be nil. The tape needs Back = All.
func (tp *Tape[T]) InputGrad(dx, dt []float64, channel int) {
	if tp.jet.Back != All {
		panic("nn: the tape was made without Back = All")
	}
	if dx != nil {
		take(dx, tp.adj(0, channel))
	}
	if dt != nil {
		take(dt, tp.adj(1, channel))
	}
}

// val and adj return channel c of a value and of its adjoint, nil if that is not needed.
func (tp *Tape[T]) val(v Value, c int) []T { return tp.channel(tp.y[v], v, c) }
func (tp *Tape[T]) adj(v Value, c int) []T { return tp.channel(tp.dy[v], v, c) }

func (tp *Tape[T]) channel(s []T, v Value, c int) []T {
	if s == nil {
		return nil
	}
	n := tp.rows * tp.net.shapes[v].Len()
	return s[c*n : (c+1)*n]
}

// allVal and allAdj return all channels.
func (tp *Tape[T]) allVal(v Value) []T { return tp.y[v][:tp.ch*tp.rows*tp.net.shapes[v].Len()] }

func (tp *Tape[T]) allAdj(v Value) []T {
	if tp.dy[v] == nil {
		return nil
	}
	return tp.dy[v][:tp.ch*tp.rows*tp.net.shapes[v].Len()]
}

// weights, tangent and grad return n weights from an offset, of the last two nil if there
// is none.
func (tp *Tape[T]) weights(off, n int) []T { return tp.net.W[off : off+n] }

func (tp *Tape[T]) tangent(off, n int) []T {
	if tp.Tangent == nil {
		return nil
	}
	return tp.Tangent[off : off+n]
}

func (tp *Tape[T]) grad(off, n int) []T {
	if tp.g == nil {
		return nil
	}
	return tp.g[off : off+n]
}

func put[T Float](dst []T, src []float64) {
	for i := range dst {
		dst[i] = T(src[i])
	}
}

func take[T Float](dst []float64, src []T) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}
