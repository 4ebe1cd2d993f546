package nn

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
)

var (
	_ score.Denoiser = (*Model)(nil)
	_ score.JVPer    = (*Model)(nil)
	_ score.Diverger = (*Model)(nil)
	_ score.PerPoint = (*Model)(nil)
)

func model(t testing.TB, s Spec, p Precond) *Model {
	t.Helper()
	m, err := NewModel(s, p, 3)
	require.NoError(t, err)
	return m
}

// TestPrecondInverts: from the true D at (α, σ) follows what the network has to say, by the
// conversions of package score; the coefficients must give D back. The path's own point is
// another multiple of x.
func TestPrecondInverts(t *testing.T) {
	x, d := 1.3, -0.4
	for _, path := range []interpolant.Path{nil, interpolant.CondOT{}, interpolant.VP{}} {
		for _, f := range []float64{1, 0.2} {
			alpha, sigma := 0.6*f, 0.7*f
			x := x * f
			for _, kind := range []Prediction{X0, Noise, Velocity, EDM} {
				if kind == Velocity && path == nil {
					continue
				}
				p := Precond{Kind: kind, Path: path, DataStd: 0.8}
				c := p.At(alpha, sigma)
				var out [1]float64
				switch kind {
				case X0:
					out[0] = d
				case Noise:
					score.NoiseFromDenoised(out[:], []float64{x}, []float64{d}, alpha, sigma)
				case Velocity:
					at := path.At(c.Noise)
					assert.InDelta(t, alpha/sigma, at.Alpha/at.Sigma, 1e-9, "the path's time")
					score.VelocityFromDenoised(out[:], []float64{x * at.Sigma / sigma}, []float64{d}, at)
				case EDM:
					s, y := sigma/alpha, x/alpha // Karras et al., table 1
					norm := s*s + 0.64
					out[0] = (d - 0.64/norm*y) / (s * 0.8 / math.Sqrt(norm))
				}
				assert.InDelta(t, d, c.Skip*x+c.Out*out[0], 1e-12, "%s %v", kind, path)
				assert.InDelta(t, x/alpha/math.Sqrt(math.Pow(sigma/alpha, 2)+0.64), c.In*x, 1e-14)
				if path == nil {
					assert.InDelta(t, math.Log(sigma/alpha)/4, c.Noise, 1e-14)
				}
			}
		}
	}
	c := (&Precond{Kind: EDM, MaxNoise: 80}).At(0, 1)
	assert.Equal(t, Coeffs{In: 1, Skip: 0, Out: 0.5, Noise: math.Log(80) / 4}, c, "no signal at all")
}

func kinds() []Precond {
	return []Precond{{Kind: X0}, {Kind: Noise}, {Kind: EDM}, {Kind: Velocity, Path: interpolant.CondOT{}},
		{Kind: LogDensity}, {Kind: LogDensity, Path: interpolant.CondOT{}}}
}

func specOf(p Precond, d int) Spec {
	s := Spec{Kind: "mlp", Dim: d, Hidden: 24, Depth: 2, Act: Tanh, Features: 4, Top: 2}
	if p.Kind == LogDensity {
		s.Out = 1
	}
	return s
}

// TestModelDerivatives holds JVP and Divergence to differences of D and to each other. Single
// precision: with a step of 0.02 the error of a difference is about 1e-4 and rounding 1e-5.
func TestModelDerivatives(t *testing.T) {
	for _, p := range kinds() {
		for _, d := range []int{1, 3, 20} {
			m := model(t, specOf(p, d), p)
			const n, alpha, sigma, step = 150, 0.6, 0.5, 0.02
			x, v := normals(n*d, 1), normals(n*d, 2)
			a, b := make([]float64, n*d), make([]float64, n*d)
			m.Denoise(a, along(x, v, step), alpha, sigma)
			m.Denoise(b, along(x, v, -step), alpha, sigma)
			for i := range a {
				a[i] = (a[i] - b[i]) / (2 * step)
			}
			m.JVP(b, x, v, alpha, sigma)
			near(t, a, b, 3e-3, string(p.Kind)+": JVP")

			div, want, e := make([]float64, n), make([]float64, n), make([]float64, n*d)
			m.Divergence(div, x, alpha, sigma)
			for j := range d {
				clear(e)
				for i := j; i < len(e); i += d {
					e[i] = 1
				}
				m.JVP(b, x, e, alpha, sigma)
				for i := range want {
					want[i] += b[i*d+j]
				}
			}
			near(t, want, div, 1e-5, string(p.Kind)+": divergence") // rounding in single precision
			require.NoError(t, m.Err())

			// a point by itself, whatever the batch
			one := make([]float64, d)
			m.Denoise(a, x, alpha, sigma)
			m.Denoise(one, x[131*d:132*d], alpha, sigma)
			assert.Equal(t, a[131*d:132*d], one)
		}
	}
}

// TestDenoiseEach: at noise levels of their own points have the bits that they have alone.
func TestDenoiseEach(t *testing.T) {
	for _, p := range kinds() {
		for _, mean := range [][]float64{nil, {0.3, -1, 2}} {
			const n, d = 150, 3 // more than a batch
			m := model(t, specOf(p, d), p)
			m.Mean = mean
			x, alpha, sigma := normals(n*d, 1), normals(n, 2), normals(n, 3)
			want, got := make([]float64, n*d), make([]float64, n*d)
			for i := range n {
				alpha[i], sigma[i] = math.Exp(alpha[i]), math.Exp(sigma[i])
				m.Denoise(want[i*d:(i+1)*d], x[i*d:(i+1)*d], alpha[i], sigma[i])
			}
			m.DenoiseEach(got, x, alpha, sigma)
			assert.Equal(t, want, got, string(p.Kind))
			assert.NoError(t, m.Err())
		}
	}
	u := model(t, Spec{Kind: "unet", Height: 4, Width: 4, Hidden: 8, Levels: 2}, Precond{Kind: EDM})
	x, alpha, sigma := normals(3*16, 4), []float64{1, 0.5, 0.1}, []float64{0.2, 1, 3}
	want, got := make([]float64, len(x)), make([]float64, len(x))
	for i := range alpha {
		u.Denoise(want[i*16:(i+1)*16], x[i*16:(i+1)*16], alpha[i], sigma[i])
	}
	u.DenoiseEach(got, x, alpha, sigma)
	assert.Equal(t, want, got, "unet")
	assert.Panics(t, func() { u.DenoiseEach(got, x, alpha, sigma[:2]) })
	if !raceEnabled {
		assert.Zero(t, testing.AllocsPerRun(5, func() { u.DenoiseEach(got, x, alpha, sigma) }))
	}
}

// TestScoreIsTheGradient: the denoiser of a log-density network gives back ∇φ, and a point
// (α, σ) off the path is the path's up to scale.
func TestScoreIsTheGradient(t *testing.T) {
	p := Precond{Kind: LogDensity, Path: interpolant.CondOT{}}
	m := model(t, specOf(p, 2), p)
	x := normals(2, 1)
	d, d2, s := make([]float64, 2), make([]float64, 2), make([]float64, 2)
	m.Denoise(d, x, 0.3, 0.7)
	score.FromDenoised(s, x, d, 0.3, 0.7)
	for j := range s {
		const step = 0.02
		v := make([]float64, 2)
		v[j] = 1
		var a, b [1]float64
		m.Eval(a[:], along(x, v, step), 0.3)
		m.Eval(b[:], along(x, v, -step), 0.3)
		assert.InDelta(t, (a[0]-b[0])/(2*step), s[j], 1e-3) // step² and single precision
	}
	m.Denoise(d2, along(x, x, 1), 0.6, 1.4)
	near(t, d, d2, 1e-5, "twice as large") // the path's time is found to rounding, then float32
}

// TestHutchinsonDivergence: the estimate's mean over sets of probes is the trace; here the
// linear map is known, D = c_out F with F = Wx.
func TestHutchinsonDivergence(t *testing.T) {
	m := model(t, Spec{Kind: "mlp", Dim: 70, Hidden: 80, Depth: 1, Act: Tanh}, Precond{Kind: X0})
	m.Probes = 400
	x, got, want := normals(70, 1), make([]float64, 1), 0.0
	m.Divergence(got, x, 1, 1)
	e, j, sq := make([]float64, 70), make([]float64, 70), 0.0
	for i := range e {
		clear(e)
		e[i] = 1
		m.JVP(j, x, e, 1, 1)
		want += j[i]
		for _, v := range j {
			sq += v * v
		}
	}
	// the variance of a probe is at most 2|J|²; 5 standard errors
	assert.InDelta(t, want, got[0], 5*math.Sqrt(2*sq/400))
}

func TestModelErr(t *testing.T) {
	m := model(t, Spec{Kind: "mlp", Dim: 1, Hidden: 2}, Precond{Kind: EDM})
	dst := make([]float64, 2)
	m.Denoise(dst, []float64{math.Inf(1), 0.5}, 1, 1)
	assert.ErrorContains(t, m.Err(), "not finite")
	assert.True(t, math.IsNaN(dst[0]))
	assert.False(t, math.IsNaN(dst[1]), "the other point is untouched")
}

func TestBadModels(t *testing.T) {
	mlp := Spec{Kind: "mlp", Dim: 2}
	for want, c := range map[string]struct {
		s Spec
		p Precond
	}{
		"no architecture": {Spec{Kind: "cnn"}, Precond{Kind: EDM}},
		"dimension":       {Spec{Kind: "mlp"}, Precond{Kind: EDM}},
		"no prediction":   {mlp, Precond{Kind: "x1"}},
		"needs the path":  {mlp, Precond{Kind: Velocity}},
		"one output":      {mlp, Precond{Kind: LogDensity}},
		"as many outputs": {Spec{Kind: "mlp", Dim: 2, Out: 1}, Precond{Kind: EDM}},
		"no activation":   {Spec{Kind: "mlp", Dim: 2, Act: "gelu"}, Precond{Kind: EDM}},
		"too large":       {Spec{Kind: "mlp", Dim: 2, Hidden: 1 << 40}, Precond{Kind: EDM}},
		"multiples of 4":  {Spec{Kind: "unet", Height: 6, Width: 8}, Precond{Kind: EDM}},
		"multiple of 8":   {Spec{Kind: "unet", Height: 8, Width: 8, Hidden: 12}, Precond{Kind: EDM}},
		"range of noise":  {mlp, Precond{Kind: EDM, MinNoise: 2, MaxNoise: 1}},
		"a unet needs":    {Spec{Kind: "unet"}, Precond{Kind: EDM}},
		"even number":     {Spec{Kind: "mlp", Dim: 2, Features: 3}, Precond{Kind: EDM}},
		"more than":       {Spec{Kind: "mlp", Dim: 2, Hidden: 1 << 20}, Precond{Kind: EDM}},
	} {
		_, err := NewModel(c.s, c.p, 0)
		assert.ErrorContains(t, err, want)
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	paths := func(name string) (interpolant.Path, error) {
		if name != "condot" {
			return nil, errors.New("unknown")
		}
		return interpolant.CondOT{}, nil
	}
	ps := append(kinds(), Precond{Kind: EDM, DataStd: 0.7, MinNoise: 0.002, MaxNoise: 80})
	for _, p := range ps {
		m := model(t, specOf(p, 2), p)
		name := filepath.Join(dir, "m.safetensors")
		if p.Path != nil {
			assert.ErrorContains(t, m.Save(name), "without a name")
			m.Meta["path"] = "condot"
		}
		m.Meta["training"] = `{"steps":3}`
		require.NoError(t, m.Save(name))
		l, err := Load(name, paths)
		require.NoError(t, err)
		assert.Equal(t, m.Meta, l.Meta)
		assert.Equal(t, m.Spec, l.Spec)
		assert.Equal(t, m.Precond, l.Precond)
		x, a, b := normals(6, 1), make([]float64, 6), make([]float64, 6)
		m.Denoise(a, x, 0.5, 0.5)
		l.Denoise(b, x, 0.5, 0.5)
		assert.Equal(t, a, b)
	}
	m := model(t, Spec{Kind: "mlp", Dim: 2}, Precond{Kind: EDM})
	var b bytes.Buffer
	require.NoError(t, m.Write(&b))
	s := b.String()
	for want, bad := range map[string]string{
		"depth":             strings.Replace(s, `depth\":3`, `depth\":x`, 1),
		"tensors, the":      strings.Replace(s, `depth\":3`, `depth\":2`, 1),
		"is missing":        strings.Replace(s, `depth\":3`, `depth\":4`, 1),
		"names no":          strings.Replace(s, `architecture`, `architecturE`, 1),
		"no prediction":     strings.Replace(s, `\"edm\"`, `\"edn\"`, 1),
		"not finite":        s[:len(s)-4] + "\x00\x00\xc0\x7f",
		"the file ends":     s[:len(s)-4],
		"ends within its h": s[:20],
	} {
		_, err := Read(strings.NewReader(bad), nil)
		if want == "depth" {
			assert.ErrorContains(t, err, "its architecture")
			continue
		}
		assert.ErrorContains(t, err, want)
	}
	_, err := Load(filepath.Join(dir, "none"), nil)
	assert.ErrorIs(t, err, os.ErrNotExist)
	m.Meta["path"] = "nowhere"
	b.Reset()
	assert.ErrorContains(t, m.Write(&b), "the model has none")
	m.Precond.Path = interpolant.CondOT{}
	b.Reset()
	require.NoError(t, m.Write(&b))
	_, err = Read(bytes.NewReader(b.Bytes()), nil)
	assert.ErrorContains(t, err, "nothing here can look up")
	_, err = Read(bytes.NewReader(b.Bytes()), paths)
	assert.ErrorContains(t, err, "unknown")
}

func TestUNet(t *testing.T) {
	m := model(t, Spec{Kind: "unet", Height: 16, Width: 24}, Precond{Kind: EDM})
	assert.Less(t, len(m.Net.W), 1_000_000)
	big, err := m.Sized(32, 32)
	require.NoError(t, err)
	assert.Equal(t, &m.Net.W[0], &big.Net.W[0], "the weights are shared")
	x := normals(16*24, 1)
	v, a, b := normals(16*24, 2), make([]float64, 16*24), make([]float64, 16*24)
	m.Denoise(a, along(x, v, 0.02), 1, 0.5)
	m.Denoise(b, along(x, v, -0.02), 1, 0.5)
	for i := range a {
		a[i] = (a[i] - b[i]) / 0.04
	}
	m.JVP(b, x, v, 1, 0.5)
	near(t, a, b, 5e-3, "JVP") // as TestModelDerivatives
	_, err = m.Sized(30, 32)
	assert.ErrorContains(t, err, "multiples of 4")
	_, err = model(t, Spec{Kind: "mlp", Dim: 2}, Precond{Kind: EDM}).Sized(4, 4)
	assert.ErrorContains(t, err, "only a unet")
}

func TestModelIsSafeForConcurrentUse(t *testing.T) {
	m := model(t, Spec{Kind: "mlp", Dim: 2}, Precond{Kind: EDM})
	x, want := normals(600, 1), make([]float64, 600)
	m.Denoise(want, x, 1, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := make([]float64, 600)
			m.Denoise(got, x, 1, 1)
			assert.Equal(t, want, got)
		})
	}
	wg.Wait()
}

func TestModelAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, p := range kinds() {
		m := model(t, specOf(p, 2), p)
		x, dst, div := normals(600, 1), make([]float64, 600), make([]float64, 300)
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			m.Denoise(dst, x, 0.5, 0.5)
			m.JVP(dst, x, x, 0.5, 0.5)
			m.Divergence(div, x, 0.5, 0.5)
		}), p.Kind)
	}
}

// The transpose of the Jacobian against the Jacobian, for networks whose Jacobian is not symmetric.
func TestVJP(t *testing.T) {
	for name, s := range map[string]Spec{
		"mlp":        {Kind: "mlp", Dim: 5, Hidden: 12},
		"unet":       {Kind: "unet", Height: 8, Width: 12, Hidden: 8, Levels: 2, Fold: 2, Plain: true},
		"logdensity": {Kind: "mlp", Dim: 5, Out: 1, Hidden: 12},
	} {
		kind := EDM
		if name == "logdensity" {
			kind = LogDensity
		}
		m := model(t, s, Precond{Kind: kind})
		n := 3 * m.Dim()
		x, v, u := normals(n, 1), normals(n, 2), normals(n, 3)
		jv, ju := make([]float64, n), make([]float64, n)
		m.JVP(jv, x, v, 0.8, 0.5)
		m.VJP(ju, x, u, 0.8, 0.5)
		a, b, size := 0.0, 0.0, 0.0
		for i := range n {
			a, b, size = a+jv[i]*u[i], b+ju[i]*v[i], size+math.Abs(jv[i]*u[i])
		}
		assert.InDelta(t, a, b, 1e-5*size, "%s: float32 in some ten layers", name)
	}
}

// Folding is what it says, and unfolding undoes it.
func TestFold(t *testing.T) {
	n := NewNet[float64](Shape{4, 6, 2})
	f := n.Fold(n.X(), 2)
	require.Equal(t, Shape{2, 3, 8}, n.Shape(f))
	n.Output(n.Unfold(f, 2))
	n.Init(1)
	tp := n.NewTape(2, Jet{})
	x, y := normals(2*48, 1), make([]float64, 2*48)
	tp.Forward(x, []float64{0, 0}, nil, nil)
	tp.Out(y, 0)
	assert.Equal(t, x, y)
	folded := tp.val(f, 0)
	// image 1, square (1, 2): its pixel (1, 0) is in the channels 4 and 5
	at := 48 + (1*3+2)*8
	assert.Equal(t, x[48+(3*6+4)*2:][:2], folded[at+4:at+6])
}

// TestMeanMovesTheModel: D(x) = Mean + D₀(x - α Mean), with the derivatives of D₀ there, and the
// mean goes through the file.
func TestMeanMovesTheModel(t *testing.T) {
	const alpha, sigma = 0.7, 0.4
	mean := []float64{40, -3}
	for _, kind := range []Prediction{X0, Noise, Velocity, EDM, LogDensity} {
		p := Precond{Kind: kind, DataStd: 1.2}
		out := 2
		if kind == LogDensity {
			out = 1
		}
		if kind == Velocity {
			p.Path = interpolant.CondOT{}
		}
		m := model(t, Spec{Kind: "mlp", Dim: 2, Out: out, Hidden: 8, Depth: 2}, p)
		x, y, v := normals(6, 1), make([]float64, 6), normals(6, 2)
		for i := range x {
			y[i] = x[i] + alpha*mean[i%2]
		}
		want, jv, div := make([]float64, 6), make([]float64, 6), make([]float64, 3)
		m.Denoise(want, x, alpha, sigma)
		m.JVP(jv, x, v, alpha, sigma)
		m.Divergence(div, x, alpha, sigma)
		m.Mean = mean
		if p.Path != nil {
			m.Meta["path"] = "condot"
		}
		var file bytes.Buffer
		require.NoError(t, m.Write(&file))
		again, err := Read(&file, func(string) (interpolant.Path, error) { return interpolant.CondOT{}, nil })
		require.NoError(t, err)
		got, gotJV, gotDiv := make([]float64, 6), make([]float64, 6), make([]float64, 3)
		again.Denoise(got, y, alpha, sigma)
		again.JVP(gotJV, y, v, alpha, sigma)
		again.Divergence(gotDiv, y, alpha, sigma)
		for i := range want {
			want[i] += mean[i%2]
		}
		// inputs that differ by the rounding of 40, in float32 6e-8 of a value of size 1
		assert.InDeltaSlice(t, want, got, 1e-5, "%s", kind)
		assert.InDeltaSlice(t, jv, gotJV, 1e-5, "%s", kind)
		assert.InDeltaSlice(t, div, gotDiv, 1e-5, "%s", kind)
	}
}
