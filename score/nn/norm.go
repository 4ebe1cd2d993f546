package nn

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// normEps is added to the variance, as in PyTorch's GroupNorm.
const normEps = 1e-5

// GroupNorm adds the image whose channels, in equal groups, have mean 0 and variance 1 over
// a group of an image (Wu and He 2018, arXiv 1803.08494); Scale can follow it.
func (n *Net[T]) GroupNorm(in Value, groups int) Value {
	s := n.shapes[in]
	if groups < 1 || s.C%groups != 0 {
		panic("nn: the groups of a GroupNorm divide its channels")
	}
	ones := make([]T, s.C/groups)
	for i := range ones {
		ones[i] = 1
	}
	return n.add(&norm[T]{in, groups, ones}, s, false, in)
}

// With a dot for the derivative along a direction and L for the sum of second ones, N the
// size of a group and c = x less its mean, the layer is
//
//	q = Σc²/N + ε      q̇ = 2Σcċ/N      Lq = 2Σ(c Lc + Σ_v ċ²)/N
//	r = q^(-1/2)       ṙ = r'q̇         Lr = r' Lq + r'' Σ_v q̇²
//	y = rc             ẏ = ṙc + rċ     Ly = Lr c + 2Σ_v ṙċ + r Lc
type norm[T Float] struct {
	in     Value
	groups int
	ones   []T // one run
}

// aux keeps c, and q and r of each group, in all channels.
func (l *norm[T]) aux(n *Net[T], j Jet) int {
	return j.Channels() * (n.shapes[l.in].Len() + 2*l.groups)
}

// A group is where one group of one row lies in a channel: runs of C/groups values, one a
// pixel, C apart.
type group struct{ first, last, stride, run int }

func (l *norm[T]) each(tp *Tape[T], f func(group, int)) {
	s := tp.net.shapes[l.in]
	run := s.C / l.groups
	for r := range tp.rows {
		for k := range l.groups {
			f(group{r*s.Len() + k*run, (r + 1) * s.Len(), s.C, run}, r*l.groups+k)
		}
	}
}

func (g group) count() int { return (g.last - g.first + g.stride - 1) / g.stride }

// of returns the runs of x.
func of[T Float](g group, x []T) simd.Rows[T] {
	return simd.Rows[T]{X: x[g.first:g.last], Stride: g.stride}
}

func dot[T Float](g group, a, b []T) float64 {
	return simd.Dot(of(g, a), of(g, b), g.count(), g.run)
}

// axpy adds f·x to y.
func axpy[T Float](g group, y, x []T, f float64) {
	simd.AddProduct(of(g, y), g.count(), g.run, 0, T(f), of(g, x))
}

// centre adds f times what remains of x without its mean to y.
func (l *norm[T]) centre(g group, y, x []T, f float64) {
	n := g.count()
	mean := simd.Dot(of(g, x), simd.Row(l.ones), n, g.run) / float64(n*g.run)
	simd.AddProduct(of(g, y), n, g.run, T(-f*mean), T(f), of(g, x))
}

// c returns c of a channel, qr q and r of a group in all channels.
func (l *norm[T]) c(tp *Tape[T], id Value, channel int) []T {
	n := tp.rows * tp.net.shapes[id].Len()
	return tp.aux[id][channel*n : (channel+1)*n]
}

func (l *norm[T]) qr(tp *Tape[T], id Value, index int) (q, r []T) {
	at := tp.ch * (tp.rows*tp.net.shapes[id].Len() + 2*index)
	s := tp.aux[id][at : at+2*tp.ch]
	return s[:tp.ch], s[tp.ch:]
}

// rPrimes returns q^(-1/2) and its first three derivatives.
func rPrimes(q float64) (r, r1, r2, r3 float64) {
	r = 1 / math.Sqrt(q)
	r1 = -r / (2 * q)
	r2 = -3 * r1 / (2 * q)
	r3 = -5 * r2 / (2 * q)
	return
}

func (l *norm[T]) forward(tp *Tape[T], id Value) {
	k, lap, top := tp.jet.Dirs, tp.jet.Lap, tp.ch-1
	clear(tp.aux[id])
	clear(tp.allVal(id))
	l.each(tp, func(g group, index int) {
		n := float64(g.count() * g.run)
		for ch := range tp.ch {
			l.centre(g, l.c(tp, id, ch), tp.val(l.in, ch), 1)
		}
		c := l.c(tp, id, 0)
		q, r := l.qr(tp, id, index)
		q0 := dot(g, c, c)/n + normEps
		r0, r1, r2, _ := rPrimes(q0)
		q[0], r[0] = T(q0), T(r0)
		axpy(g, tp.val(id, 0), c, r0)
		sum, sumq := 0.0, 0.0
		for i := 1; i <= k; i++ {
			ci := l.c(tp, id, i)
			qi := 2 * dot(g, c, ci) / n
			q[i], r[i] = T(qi), T(r1*qi)
			axpy(g, tp.val(id, i), c, r1*qi)
			axpy(g, tp.val(id, i), ci, r0)
			if i <= lap {
				sum += dot(g, ci, ci)
				sumq += qi * qi
				axpy(g, tp.val(id, top), ci, 2*r1*qi)
			}
		}
		if lap > 0 {
			cl := l.c(tp, id, top)
			ql := 2 * (dot(g, c, cl) + sum) / n
			rl := r1*ql + r2*sumq
			q[top], r[top] = T(ql), T(rl)
			axpy(g, tp.val(id, top), c, rl)
			axpy(g, tp.val(id, top), cl, r0)
		}
	})
}

// backward is the transpose, line by line. The adjoint of x is that of c less its mean; what
// is a multiple of c has none.
func (l *norm[T]) backward(tp *Tape[T], id Value) {
	if tp.dy[l.in] == nil {
		return
	}
	k, lap, top := tp.jet.Dirs, tp.jet.Lap, tp.ch-1
	l.each(tp, func(g group, index int) {
		n := float64(g.count() * g.run)
		q, r := l.qr(tp, id, index)
		_, r1, r2, r3 := rPrimes(float64(q[0]))
		c, dy, dx := l.c(tp, id, 0), tp.adj(id, 0), tp.adj(l.in, 0)
		var dyl, cl []T
		dl := 0.0 // the adjoint of Lr
		if lap > 0 {
			dyl, cl = tp.adj(id, top), l.c(tp, id, top)
			dl = dot(g, c, dyl)
		}
		ql := dl * r1       // the adjoint of Lq
		dr := dot(g, c, dy) // of r
		dq := 0.0           // of q, but for r
		l.centre(g, dx, dy, float64(r[0]))
		for i := 1; i <= k; i++ {
			ci, dyi, dxi := l.c(tp, id, i), tp.adj(id, i), tp.adj(l.in, i)
			qi := float64(q[i])
			dri := dot(g, c, dyi)
			dr += dot(g, ci, dyi)
			l.centre(g, dx, dyi, float64(r[i]))
			l.centre(g, dxi, dyi, float64(r[0]))
			if i > lap {
				dq += dri * r2 * qi
				axpy(g, dxi, c, 2/n*dri*r1)
				axpy(g, dx, ci, 2/n*dri*r1)
				continue
			}
			dri += 2 * dot(g, ci, dyl)
			dqi := dri*r1 + 2*dl*r2*qi
			dq += dri*r2*qi + dl*r3*qi*qi
			l.centre(g, dxi, dyl, 2*float64(r[i]))
			axpy(g, dxi, c, 2/n*dqi)
			axpy(g, dxi, ci, 4/n*ql)
			axpy(g, dx, ci, 2/n*dqi)
		}
		if lap > 0 {
			dr += dot(g, cl, dyl)
			dq += dl * r2 * float64(q[top])
			dxl := tp.adj(l.in, top)
			l.centre(g, dx, dyl, float64(r[top]))
			axpy(g, dx, cl, 2/n*ql)
			l.centre(g, dxl, dyl, float64(r[0]))
			axpy(g, dxl, c, 2/n*ql)
		}
		dq += dr * r1
		axpy(g, dx, c, 2/n*dq)
	})
}
