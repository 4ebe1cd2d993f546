package nn

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// normals returns n test numbers.
func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 7, stream.Test, 0, index)
	return x
}

// drawn returns the network with weights drawn, those that start constant too.
func drawn(n *Net[float64], seed uint64) *Net[float64] {
	n.Init(seed)
	for i, v := range normals(len(n.W), 900+seed) {
		n.W[i] += 0.1 * v
	}
	return n
}

func network(t testing.TB, s Spec) *Net[float64] {
	t.Helper()
	n, err := New[float64](s)
	require.NoError(t, err)
	return drawn(n, 3)
}

// onlyNorm is a network that is a GroupNorm of an image but for one Dense layer.
func onlyNorm() *Net[float64] {
	n := NewNet[float64](Shape{2, 3, 4})
	n.Output(n.GroupNorm(n.Dense("a", n.X(), 4, true), 2))
	return drawn(n, 1)
}

// nets covers every layer.
func nets(t testing.TB) map[string]*Net[float64] {
	m := map[string]*Net[float64]{
		"residual": network(t, Spec{Kind: "mlp", Dim: 3, Out: 2, Hidden: 5, Depth: 2, Residual: true, Features: 4, Top: 3}),
		"unet":     network(t, Spec{Kind: "unet", Height: 4, Width: 6, Hidden: 8, Levels: 2, Features: 4, Top: 3}),
		"folded":   network(t, Spec{Kind: "unet", Height: 8, Width: 8, Hidden: 6, Levels: 2, Fold: 2, Plain: true, Features: 4, Top: 3}),
		"free":     network(t, Spec{Kind: "unet", Height: 4, Width: 4, Hidden: 3, Levels: 2, Channels: 2, Homogeneous: true}),
		"norm":     onlyNorm(),
	}
	for _, a := range []Activation{SiLU, Softplus, Tanh, ReLU} {
		m[string(a)] = network(t, Spec{Kind: "mlp", Dim: 2, Out: 3, Hidden: 20, Depth: 2, Act: a, Beta: 3})
	}
	return m
}

// near holds got to within tol of want, relative to the largest of all.
func near(t *testing.T, want, got []float64, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	size := 1e-3
	for _, v := range want {
		size = max(size, math.Abs(v))
	}
	for i := range want {
		if !(math.Abs(want[i]-got[i]) <= tol*size) {
			assert.InDelta(t, want[i], got[i], tol*size, "%s, index %d", what, i)
			return
		}
	}
}

// fd is the tolerance of central differences of step 1e-5 in float64: the error of the
// difference is h² times a third derivative, about 1e-9 here, and rounding 1e-16/h = 1e-11.
const (
	fd = 1e-6
	h  = 1e-5
)

func out(tp *Tape[float64], x, t, dx, dt []float64) [][]float64 {
	tp.Forward(x, t, dx, dt)
	var cs [][]float64
	for c := range tp.jet.Channels() {
		y := make([]float64, len(t)*tp.net.Out())
		tp.Out(y, c)
		cs = append(cs, y)
	}
	return cs
}

func along(x, v []float64, f float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] + f*v[i]
	}
	return y
}

// TestJetsAreDerivatives holds the channels to differences of the value and of the first
// derivatives.
func TestJetsAreDerivatives(t *testing.T) {
	for name, n := range nets(t) {
		const rows, dirs = 2, 3
		d := n.In()
		x, tm := normals(rows*d, 1), normals(rows, 2)
		dx, dt := normals(dirs*rows*d, 3), normals(dirs*rows, 4)
		c := out(n.NewTape(rows, Jet{Dirs: dirs, Lap: 2}), x, tm, dx, dt)
		lap := make([]float64, rows*n.Out())
		for i := range dirs {
			vx, vt := dx[i*rows*d:(i+1)*rows*d], dt[i*rows:(i+1)*rows]
			tp := n.NewTape(rows, Jet{Dirs: 1})
			p := out(tp, along(x, vx, h), along(tm, vt, h), vx, vt)
			m := out(tp, along(x, vx, -h), along(tm, vt, -h), vx, vt)
			first := make([]float64, len(lap))
			for j := range first {
				first[j] = (p[0][j] - m[0][j]) / (2 * h)
				if i < 2 {
					lap[j] += (p[1][j] - m[1][j]) / (2 * h)
				}
			}
			near(t, first, c[i+1], fd, name+": first")
		}
		near(t, lap, c[dirs+1], fd, name+": second")
	}
}

// TestBackwardIsTheGradient takes the loss Σ_c a_c·y_c + y_c³/3 on all channels y_c of the
// jet, so that Backward is third order in the network, and holds its gradient in the weights,
// the inputs and the directions to differences.
func TestBackwardIsTheGradient(t *testing.T) {
	for name, n := range nets(t) {
		for _, j := range []Jet{{}, {Dirs: 2}, {Dirs: 3, Lap: 2}} {
			j.Back = All
			const rows = 2
			d := n.In()
			x, tm := normals(rows*d, 1), normals(rows, 2)
			dx, dt := normals(j.Dirs*rows*d, 3), normals(j.Dirs*rows, 4)
			if j.Dirs == 0 {
				dx, dt = nil, nil
			}
			tp := n.NewTape(rows, j)
			a := make([][]float64, j.Channels())
			for c := range a {
				a[c] = normals(rows*n.Out(), 10+uint64(c))
			}
			loss := func() float64 {
				sum := 0.0
				for c, y := range out(tp, x, tm, dx, dt) {
					for i, v := range y {
						sum += a[c][i]*v + v*v*v/3
					}
				}
				return sum
			}
			cs := out(tp, x, tm, dx, dt)
			for c := range cs {
				for i, v := range cs[c] {
					cs[c][i] = a[c][i] + v*v
				}
			}
			g := make([]float64, len(n.W))
			tp.Backward(g, cs...)
			gx, gt := make([]float64, len(x)), make([]float64, len(tm))
			tp.InputGrad(gx, gt, 0)
			var gd []float64
			if j.Dirs > 0 {
				gd = make([]float64, len(x))
				tp.InputGrad(gd, nil, 1)
			}
			what := fmt.Sprintf("%s %+v ", name, j)
			slope := func(v []float64) []float64 {
				s := make([]float64, len(v))
				for i := range v {
					keep := v[i]
					v[i] = keep + h
					p := loss()
					v[i] = keep - h
					s[i] = (p - loss()) / (2 * h)
					v[i] = keep
				}
				return s
			}
			// of many weights a random 150, of fixed seed, are enough
			w := n.W
			if len(w) > 150 {
				pick := stream.New().At(1, stream.Test, 0, 0).Perm(len(w))[:150]
				want, got := make([]float64, 150), make([]float64, 150)
				for k, i := range pick {
					want[k], got[k] = slope(w[i : i+1])[0], g[i]
				}
				near(t, want, got, fd, what+"weights")
			} else {
				near(t, slope(w), g, fd, what+"weights")
			}
			near(t, slope(x), gx, fd, what+"points")
			near(t, slope(tm), gt, fd, what+"times")
			if gd != nil {
				near(t, slope(dx[:len(x)]), gd, fd, what+"directions")
			}
		}
	}
}

// TestResidualGradient is the same for the loss that it all is for: the mean square of the
// Fokker-Planck residual of the Ornstein-Uhlenbeck process dX = -X dt + dW for a scalar
// network, R = ∂_t φ - d - x·∇φ - (Δφ + |∇φ|²)/2, and of the score less a target.
func TestResidualGradient(t *testing.T) {
	const rows, d = 3, 2
	for _, s := range []Spec{
		{Kind: "mlp", Dim: d, Out: 1, Hidden: 6, Depth: 3, Act: Softplus, Beta: 4},
		{Kind: "mlp", Dim: d, Out: 1, Hidden: 6, Depth: 2, Act: SiLU, Features: 4, Top: 4, Residual: true},
	} {
		n := network(t, s)
		x, tm, target := normals(rows*d, 1), normals(rows, 2), normals(rows*d, 3)
		tp := n.NewTape(rows, Jet{Dirs: d + 1, Lap: d, Back: Weights})
		residual := func(dy [][]float64) float64 {
			c := out(tp, x, tm, nil, nil) // ∂φ/∂x₁, ∂φ/∂x₂, ∂φ/∂t, Δφ
			sum := 0.0
			for r := range rows {
				res := c[d+1][r] - d - c[d+2][r]/2
				for i := range d {
					res -= (x[r*d+i] + c[i+1][r]/2) * c[i+1][r]
				}
				sum += res * res
				for i := range d {
					e := c[i+1][r] - target[r*d+i]
					sum += e * e
					if dy != nil {
						dy[i+1][r] = -2*res*(x[r*d+i]+c[i+1][r]) + 2*e
					}
				}
				if dy != nil {
					dy[d+1][r], dy[d+2][r] = 2*res, -res
				}
			}
			return sum
		}
		dy := make([][]float64, d+3)
		for c := range dy {
			dy[c] = make([]float64, rows)
		}
		residual(dy)
		g := make([]float64, len(n.W))
		tp.Backward(g, dy...)
		want := make([]float64, len(g))
		for i := range n.W {
			keep := n.W[i]
			n.W[i] = keep + h
			p := residual(nil)
			n.W[i] = keep - h
			want[i] = (p - residual(nil)) / (2 * h)
			n.W[i] = keep
		}
		near(t, want, g, fd, "residual")
	}
}

// TestSinglePrecisionAgrees holds the float32 networks to the float64 ones.
func TestSinglePrecisionAgrees(t *testing.T) {
	for _, s := range []Spec{
		{Kind: "mlp", Dim: 3, Hidden: 32, Act: Tanh, Features: 6},
		{Kind: "unet", Height: 8, Width: 8, Hidden: 8, Levels: 2},
	} {
		n := network(t, s)
		f, err := New[float32](s)
		require.NoError(t, err)
		f.Init(0)
		put(f.W, n.W)
		x, tm := normals(4*n.In(), 1), normals(4, 2)
		j := Jet{Dirs: 1, Back: Weights}
		a, b := n.NewTape(4, j), f.NewTape(4, j)
		dx := normals(len(x), 3)
		a.Forward(x, tm, dx, nil)
		b.Forward(x, tm, dx, nil)
		ya, yb := make([]float64, 4*n.Out()), make([]float64, 4*n.Out())
		g, gf := make([]float64, len(n.W)), make([]float32, len(n.W))
		gb := make([]float64, len(n.W))
		for c := range 2 {
			a.Out(ya, c)
			b.Out(yb, c)
			// rounding 6e-8 grows through some ten layers of up to 300 terms
			near(t, ya, yb, 2e-5, "output")
			a.Backward(g, ya, ya)
			b.Backward(gf, ya, ya)
		}
		take(gb, gf)
		near(t, g, gb, 1e-4, "gradient") // the same, over sums of all pixels
	}
}

func TestTapeAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, n := range nets(t) {
		for _, j := range []Jet{{Back: All}, {Dirs: 2, Lap: 2, Back: Weights}} {
			tp := n.NewTape(3, j)
			x, tm, y := normals(3*n.In(), 1), normals(3, 2), make([]float64, 3*n.Out())
			g := make([]float64, len(n.W))
			assert.Zero(t, testing.AllocsPerRun(5, func() {
				tp.Forward(x, tm, nil, nil)
				tp.Out(y, 0)
				tp.Backward(g, y)
			}), name)
		}
	}
}

func TestRowsDoNotDependOnEachOther(t *testing.T) {
	n := network(t, Spec{Kind: "mlp", Dim: 2, Hidden: 70})
	x, tm := normals(200, 1), normals(100, 2)
	tp := n.NewTape(100, Jet{Dirs: 2, Lap: 2})
	all := out(tp, x, tm, nil, nil)
	for _, r := range []int{0, 63, 64, 99} {
		for c, y := range out(tp, x[2*r:2*r+2], tm[r:r+1], nil, nil) {
			assert.Equal(t, all[c][2*r:2*r+2], y)
		}
	}
}

// TestHomogeneous: without constants a ReLU network commutes with positive factors.
func TestHomogeneous(t *testing.T) {
	n := network(t, Spec{Kind: "unet", Height: 4, Width: 4, Hidden: 3, Levels: 2, Homogeneous: true})
	x := normals(16, 1)
	tp := n.NewTape(1, Jet{})
	y := out(tp, x, []float64{1}, nil, nil)[0]
	z := out(tp, along(x, x, 2), []float64{9}, nil, nil)[0]
	near(t, along(y, y, 2), z, 1e-13, "three times") // rounding
}

func TestActivationsFarOut(t *testing.T) {
	for _, kind := range []Activation{SiLU, Softplus, Tanh, ReLU} {
		l := &act[float64]{kind: kind, beta: 100}
		x := []float64{-1e6, -800, -40, 0, 40, 800, 1e6}
		y := make([]float64, len(x))
		d := [3][]float64{make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))}
		l.eval(y, d, x)
		for i, v := range x {
			want := max(v, 0)
			if kind == Tanh {
				want = math.Tanh(v)
			}
			if v != 0 {
				// at 40 the tails are e^-40 ≈ 4e-18 times 40
				assert.InDelta(t, want, y[i], 1e-15*max(1, math.Abs(v)), "%s(%g)", kind, v)
			}
			for k := range d {
				assert.False(t, math.IsNaN(d[k][i]), "%s derivative %d at %g", kind, k+1, v)
			}
		}
	}
}
