package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// Values and gradients of two convolutions of one input against sums by the definition, at every
// level: sizes with and without margins to fill up, several strips, several images.
func TestConv(t *testing.T) {
	for _, c := range []struct {
		shape Shape
		out   int
	}{
		{Shape{5, 7, 3}, 2},
		{Shape{4, 8, 16}, 48},
		{Shape{3, 16, 32}, 64},
		{Shape{70, 61, 2}, 16},
		{Shape{1, 1, 16}, 8},
	} {
		n := NewNet[float32](c.shape)
		n.Output(n.Add(n.Conv("c", n.X(), c.out, true), n.Conv("d", n.X(), c.out, true)))
		n.Init(3)
		rows := 2
		x, dy := normals(rows*n.In(), 1), normals(rows*n.Out(), 2)
		y, dx, g := make([]float64, rows*n.Out()), make([]float64, rows*n.In()), make([]float64, len(n.W))
		s := c.shape
		for i := range 2 * rows * s.H * s.W {
			r, p, offset := i/2/(s.H*s.W), i/2%(s.H*s.W), i%2*(9*s.C+1)*c.out
			for o := range c.out {
				at := (r*s.H*s.W+p)*c.out + o
				bias := offset + 9*s.C*c.out + o
				y[at] += float64(n.W[bias])
				g[bias] += dy[at]
				for k := range 9 {
					i, j := p/s.W+k/3-1, p%s.W+k%3-1
					if i < 0 || i >= s.H || j < 0 || j >= s.W {
						continue
					}
					from := r*n.In() + (i*s.W+j)*s.C
					for ch := range s.C {
						w := offset + (o*9+k)*s.C + ch
						y[at] += float64(n.W[w]) * x[from+ch]
						dx[from+ch] += float64(n.W[w]) * dy[at]
						g[w] += x[from+ch] * dy[at]
					}
				}
			}
		}
		for _, lv := range simd.Levels() {
			t.Run(fmt.Sprint(lv, c), func(t *testing.T) {
				defer simd.Use(lv)()
				tp := n.NewTape(rows, Jet{Back: All})
				gy, gx, gg := make([]float64, len(y)), make([]float64, len(dx)), make([]float32, len(g))
				tp.Forward(x, make([]float64, rows), nil, nil)
				tp.Out(gy, 0)
				tp.Backward(gg, dy)
				tp.InputGrad(gx, nil, 0)
				// sums of up to 600 terms of size 0.1 in float32, of 9000 of size 1 in the weights'
				closeTo(t, y, gy, 1e-5)
				closeTo(t, dx, gx, 1e-5)
				wide := make([]float64, len(g))
				for i, v := range gg {
					wide[i] = float64(v)
				}
				closeTo(t, g, wide, 5e-4)
			})
		}
	}
}

// closeTo asks for values within tol of those that are wanted.
func closeTo(t *testing.T, want, got []float64, tol float64) {
	t.Helper()
	require.Len(t, got, len(want))
	worst := 0.0
	for i, v := range want {
		worst = math.Max(worst, math.Abs(v-got[i]))
	}
	assert.Less(t, worst, tol)
}
