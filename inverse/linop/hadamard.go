package linop

import (
	"fmt"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// Hadamard measures m random rows of a scrambled Walsh-Hadamard transform, the standard
// compressed-sensing matrix that applies in n log n operations:
//
//	A = P H D,
//
// with D random signs, H the Hadamard matrix over √n (orthogonal and symmetric) and P
// the choice of m of its rows. The rows of A are orthonormal, so it is Spectral with all
// singular values 1.
type Hadamard struct {
	sign    []float64 // D/√n
	order   []int     // rows of H: the m measured, then the others
	ones    []float64
	buffers *sync.Pool
}

// NewHadamard returns m measurements of R^n with the signs and rows drawn from the
// seed. It panics unless n is a power of two and 1 ≤ m ≤ n.
func NewHadamard(n, m int, seed uint64) *Hadamard {
	mustPositive(n, m)
	if n&(n-1) != 0 || m > n {
		panic(fmt.Sprintf("linop: %d Hadamard measurements of %d numbers; want a power of two and no more measurements", m, n))
	}
	r := stream.New().At(seed, stream.Target, 0, 1)
	h := &Hadamard{sign: make([]float64, n), order: r.Perm(n), ones: make([]float64, m), buffers: newBuffers(n)}
	for i := range h.sign {
		h.sign[i] = math.Copysign(1/math.Sqrt(float64(n)), float64(r.Uint64()>>63)-0.5)
	}
	for i := range h.ones {
		h.ones[i] = 1
	}
	return h
}

func (h *Hadamard) Dims() (rows, cols int)   { return len(h.ones), len(h.sign) }
func (h *Hadamard) Singular() []float64      { return h.ones }
func (h *Hadamard) Apply(dst, x []float64)   { h.forward(dst, x, len(h.ones)) }
func (h *Hadamard) Adjoint(dst, y []float64) { h.backward(dst, y, len(h.ones)) }
func (h *Hadamard) V(dst, v []float64)       { h.backward(dst, v, len(h.sign)) }
func (h *Hadamard) VT(dst, x []float64)      { h.forward(dst, x, len(h.sign)) }
func (h *Hadamard) UT(dst, y []float64)      { h.U(dst, y) }
func (h *Hadamard) U(dst, u []float64) {
	mustVectors(dst, len(h.ones), u, len(h.ones))
	copy(dst, u)
}

// forward writes the first m coordinates of all rows in order.
func (h *Hadamard) forward(dst, x []float64, m int) {
	mustVectors(dst, m, x, len(h.sign))
	t := h.buffers.Get().(*buffer)
	for i, s := range h.sign {
		t.v[i] = s * x[i]
	}
	walshHadamard(t.v)
	for i, j := range h.order[:m] {
		dst[i] = t.v[j]
	}
	h.buffers.Put(t)
}

// backward is the transpose of forward.
func (h *Hadamard) backward(dst, y []float64, m int) {
	mustVectors(dst, len(h.sign), y, m)
	clear(dst)
	for i, j := range h.order[:m] {
		dst[j] = y[i]
	}
	walshHadamard(dst)
	for i, s := range h.sign {
		dst[i] *= s
	}
}

// walshHadamard transforms x in place, without scaling, in the natural order. Halves are
// done to the end before they are combined, so that most of the work stays in cache.
func walshHadamard(x []float64) {
	const block = 1 << 12
	if len(x) > block {
		walshHadamard(x[:len(x)/2])
		walshHadamard(x[len(x)/2:])
		butterflies(x, len(x)/2)
		return
	}
	for h := 1; h < len(x); h *= 2 {
		butterflies(x, h)
	}
}

// butterflies combines neighbouring runs of h numbers.
func butterflies(x []float64, h int) {
	for i := 0; i < len(x); i += 2 * h {
		a, b := x[i:i+h], x[i+h:i+2*h]
		for k, v := range a {
			a[k], b[k] = v+b[k], v-b[k]
		}
	}
}
