package nn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

// half is half the squared distance to a target.
func half(target []float64) Curve {
	return func(dy, ddy, y, v []float64) {
		for i := range y {
			dy[i] = y[i] - target[i]
			ddy[i] = v[i]
		}
	}
}

// quartic is Σ y⁴/12, whose second derivative depends on y.
func quartic(dy, ddy, y, v []float64) {
	for i := range y {
		dy[i] = y[i] * y[i] * y[i] / 3
		ddy[i] = y[i] * y[i] * v[i]
	}
}

// fullHessian returns the Hessian, a row a weight, by Hessian-vector products with unit vectors.
func fullHessian(n *Net[float64], x, tm []float64, loss Curve) [][]float64 {
	c := n.NewCurvature(len(tm))
	hs := make([][]float64, len(n.W))
	for i := range hs {
		v := make([]float64, len(n.W))
		v[i] = 1
		hs[i] = make([]float64, len(n.W))
		c.Add(nil, hs[i], v, x, tm, loss)
	}
	return hs
}

// TestHessianOfAQuadratic: for one linear layer and half squares the Hessian is Σ uuᵀ over
// the inputs u = (x, t, 1), one block an output.
func TestHessianOfAQuadratic(t *testing.T) {
	n := NewNet[float64](Shape{1, 1, 2})
	n.Output(n.Dense("a", n.Concat(n.X(), n.T()), 2, true))
	drawn(n, 1)
	x, tm := normals(8, 1), normals(4, 2)
	hs := fullHessian(n, x, tm, half(normals(8, 3)))
	index := func(w int) (unit, in int) {
		if w < 6 {
			return w / 3, w % 3
		}
		return w - 6, 3
	}
	for i := range hs {
		for j := range hs {
			ui, a := index(i)
			uj, b := index(j)
			want := 0.0
			for r := range tm {
				u := []float64{x[2*r], x[2*r+1], tm[r], 1}
				if ui == uj {
					want += u[a] * u[b]
				}
			}
			assert.InDelta(t, want, hs[i][j], 1e-13) // rounding
		}
	}
}

// TestHessianVectorProducts holds them to differences of gradients, exact and by DifferenceHVP.
func TestHessianVectorProducts(t *testing.T) {
	for name, n := range nets(t) {
		const rows = 3
		x, tm := normals(rows*n.In(), 1), normals(rows, 2)
		c := n.NewCurvature(rows)
		p := len(n.W)
		v, zero := normals(p, 5), make([]float64, p)
		hv, g, want, tmp := make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, 2*p)
		c.Add(g, hv, v, x, tm, quartic)
		w := append([]float64(nil), n.W...)
		DifferenceHVP(want, n.W, v, tmp, h/10, func(g []float64) {
			clear(g)
			c.Add(g, make([]float64, p), zero, x, tm, quartic)
		})
		assert.Equal(t, w, n.W, "weights are given back")
		near(t, want, hv, 10*fd, name) // |v| is about √p, so that h² times the third derivative is larger
		// the gradient beside it is the plain one
		tp := n.NewTape(rows, Jet{Back: Weights})
		y := out(tp, x, tm, nil, nil)[0]
		dy, ddy := make([]float64, len(y)), make([]float64, len(y))
		quartic(dy, ddy, y, y)
		plain := make([]float64, p)
		tp.Backward(plain, dy)
		near(t, plain, g, 1e-13, name+": gradient") // rounding, other order of sums
	}
}

// TestHutchinsonDiagonal: z∘Hz over signs z has the mean diag H and the variance Σ_{j≠i} H_ij²,
// on a small network and, where H has no other elements in a row, no variance.
func TestHutchinsonDiagonal(t *testing.T) {
	n := network(t, Spec{Kind: "mlp", Dim: 2, Out: 1, Hidden: 4, Depth: 2, Act: Tanh})
	x, tm := normals(10, 1), normals(5, 2)
	loss := half(normals(5, 3))
	hs := fullHessian(n, x, tm, loss)
	c := n.NewCurvature(5)
	const draws = 4000
	mean, z, hz := make([]float64, len(n.W)), make([]float64, len(n.W)), make([]float64, len(n.W))
	for k := range draws {
		Signs(z, 1, uint64(k))
		clear(hz)
		c.Add(nil, hz, z, x, tm, loss)
		for i := range z {
			mean[i] += z[i] * hz[i] / draws
		}
	}
	for i := range mean {
		v := 0.0
		for j, e := range hs[i] {
			if j != i {
				v += e * e
			}
			assert.InDelta(t, hs[j][i], e, 1e-12, "symmetric")
		}
		// 5 standard errors: 4e-5 false alarms over the 41 weights
		assert.InDelta(t, hs[i][i], mean[i], 5*math.Sqrt(v/draws)+1e-12, "weight %d", i)
	}
}

// TestAdaHessianOfADiagonalQuadratic: with inputs (x, t, 1) that are orthogonal over the batch the
// Hessian of a linear layer is diagonal, so that one probe gives its diagonal exactly, D = rows
// times the mean squares, and one step at the rate 1 without bias ends at the minimum.
func TestAdaHessianOfADiagonalQuadratic(t *testing.T) {
	n := NewNet[float64](Shape{1, 1, 2})
	n.Output(n.Dense("a", n.Concat(n.X(), n.T()), 2, true))
	drawn(n, 1)
	// columns of a Hadamard matrix, the first two scaled
	x := []float64{3, 0.5, 3, -0.5, -3, 0.5, -3, -0.5}
	tm := []float64{1, -1, -1, 1}
	target := normals(8, 3)
	diag := []float64{36, 1, 4, 36, 1, 4, 4, 4}
	c := n.NewCurvature(4)
	p := len(n.W)
	z, g, hz, m := make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)
	Signs(z, 1, 2)
	c.Add(g, hz, z, x, tm, half(target))
	for i := range z {
		hz[i] *= z[i]
		m[i] = hz[i]
	}
	assert.InDeltaSlice(t, diag, m, 1e-13) // rounding
	o := &AdaHessian[float64]{Eps: 1e-12}
	o.Step(n.W, g, hz, 1)
	for i, d := range diag {
		assert.InEpsilon(t, d*d, o.V[i]/(1-0.999), 1e-12) // 1 - 0.999 loses three digits
	}
	clear(g)
	c.Add(g, make([]float64, p), z, x, tm, half(target))
	// gradients of some 30 at first; Eps over D is 1e-12
	assert.InDeltaSlice(t, make([]float64, p), g, 1e-10)
}

// TestAdaHessianSeesRows: on a Hessian that is not diagonal the mean of (z∘Hz)_i² over probes is
// H_ii² + Σ_{j≠i} H_ij², the square of the row's norm, and that is what AdaHessian's v estimates,
// not H_ii². In a small network the two differ by a factor.
func TestAdaHessianSeesRows(t *testing.T) {
	n := network(t, Spec{Kind: "mlp", Dim: 2, Out: 1, Hidden: 4, Depth: 2, Act: Tanh})
	x, tm := normals(10, 1), normals(5, 2)
	loss := half(normals(5, 3))
	hs := fullHessian(n, x, tm, loss)
	c := n.NewCurvature(5)
	const draws = 4000
	p := len(n.W)
	mean, second, z, hz := make([]float64, p), make([]float64, p), make([]float64, p), make([]float64, p)
	for k := range draws {
		Signs(z, 1, uint64(k))
		clear(hz)
		c.Add(nil, hz, z, x, tm, loss)
		for i, v := range hz {
			mean[i] += v * v / draws
			second[i] += v * v * v * v / draws
		}
	}
	ratio := 0.0
	for i, row := range hs {
		want := 0.0
		for _, v := range row {
			want += v * v
		}
		// 5 standard errors of the mean of squares
		assert.InDelta(t, want, mean[i], 5*math.Sqrt((second[i]-mean[i]*mean[i])/draws), "weight %d", i)
		ratio = max(ratio, want/(row[i]*row[i]))
	}
	assert.Greater(t, ratio, 4.0) // D is more than twice the diagonal somewhere
}

func TestSigns(t *testing.T) {
	z := make([]float32, 1000)
	Signs(z, 1, 2)
	sum := 0.0
	for _, v := range z {
		assert.Equal(t, float32(1), v*v)
		sum += float64(v)
	}
	assert.Less(t, math.Abs(sum), 5*math.Sqrt(1000)) // 5 standard deviations
	other := make([]float32, 1000)
	Signs(other, 1, 3)
	assert.NotEqual(t, z, other)
}
