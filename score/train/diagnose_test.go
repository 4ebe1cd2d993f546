package train

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// doubled is a network in float64 as a denoiser.
type doubled struct {
	net *nn.Net[float64]
	pre nn.Precond
}

func (m doubled) Dim() int { return m.net.In() }

func (m doubled) Denoise(dst, x []float64, alpha, sigma float64) {
	d, c := m.Dim(), m.pre.At(alpha, sigma)
	n := len(x) / d
	in, t := make([]float64, len(x)), make([]float64, n)
	for i, v := range x {
		in[i] = c.In * v
	}
	for i := range t {
		t[i] = c.Noise
	}
	if m.pre.Kind != nn.LogDensity {
		tp := m.net.NewTape(n, nn.Jet{})
		tp.Forward(in, t, nil, nil)
		tp.Out(dst, 0)
		for i, v := range x {
			dst[i] = c.Skip*v + c.Out*dst[i]
		}
		return
	}
	tp := m.net.NewTape(n, nn.Jet{Dirs: d})
	tp.Forward(in, t, nil, nil)
	g := make([]float64, n)
	for j := range d {
		tp.Out(g, j+1)
		for i := range n {
			dst[i*d+j] = (x[i*d+j] + sigma*sigma*c.In*g[i]) / alpha
		}
	}
}

// logResidual is R of a log-density by differences of step 1e-4: errors of 1e-8 of the fourth
// derivatives, and rounding 1e-16/1e-8.
func logResidual(phi func(x []float64, t float64) float64, p interpolant.Path, x []float64, t float64) float64 {
	const h = 1e-4
	c := p.At(t)
	f := c.DAlpha / c.Alpha
	g := c.Sigma * (c.Sigma*f - c.DSigma)
	mid := phi(x, t)
	r := (phi(x, t+h)-phi(x, t-h))/(2*h) + float64(len(x))*f
	for j := range x {
		y := append([]float64(nil), x...)
		y[j] += h
		up := phi(y, t)
		y[j] -= 2 * h
		down := phi(y, t)
		d := (up - down) / (2 * h)
		r += d*(f*x[j]+g*d) + g*(up-2*mid+down)/(h*h)
	}
	return r
}

func TestResidualVanishesForExactModels(t *testing.T) {
	target := density.Ring(5, 1, 0.4)
	x := normals(12, 40)
	for _, p := range []interpolant.Path{interpolant.VP{}, OU{Horizon: 3}, interpolant.EDM{SigmaMax: 3}, interpolant.CondOT{}} {
		const at = 0.6
		c := p.At(at)
		r, s, d := make([]float64, 12), make([]float64, 12), make([]float64, 12)
		ResidualByDifferences(r, x, target, p, at, 0)
		target.Denoise(d, x, c.Alpha, c.Sigma)
		score.FromDenoised(s, x, d, c.Alpha, c.Sigma)
		for i := range r {
			// differences over 1e-3 of a score of size |s|/σ² a second derivative
			assert.InDelta(t, 0, r[i], 1e-3, "%T", p)
		}
		lr := logResidual(func(x []float64, t float64) float64 {
			c, v := p.At(t), make([]float64, 1)
			target.LogProb(v, x, c.Alpha, c.Sigma)
			return v[0]
		}, p, x[:2], at)
		assert.InDelta(t, 0, lr, 1e-5, "%T", p) // as logResidual says, fourth derivatives up to 1e3
		wrong := &Misled{Exact: target, Error: func(dst, x []float64, _, _ float64) {
			for i, v := range x {
				dst[i] = 0.1 * v
			}
		}}
		ResidualByDifferences(r, x, wrong, p, at, 0)
		assert.Greater(t, norm(r), 0.1, "%T", p)
	}
}

func norm(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s)
}

// TestResidualOfNetworks holds the residual by jets to differences, the log form to its
// definition, and the score form to the gradient of the log form.
func TestResidualOfNetworks(t *testing.T) {
	vp := interpolant.VP{}
	x, at := normals(6, 41), []float64{0.5, 0.5, 0.5}
	for _, kind := range []nn.Prediction{nn.X0, nn.EDM, nn.Velocity, nn.Noise} {
		pre := nn.Precond{Kind: kind, Path: vp}
		if kind == nn.EDM {
			pre.Path = nil
		}
		net := network(t, 2)
		r := residual{vp, &pre}
		w, _ := newWork(net, 3, []nn.Jet{residualJet(2, nn.NoBack)})
		got := r.eval(w, x, at).r
		want := make([]float64, 6)
		ResidualByDifferences(want, x, doubled{net, pre}, vp, 0.5, 0)
		// For a network that is no gradient ∇ div s is not Δs; the residual has Δs, as the
		// differences have. They are of order 1e-6 of third derivatives over scales σ.
		assert.InDeltaSlice(t, want, got, 1e-5*(1+norm(want)), "%s", kind)
	}
	pre := nn.Precond{Kind: nn.LogDensity, Path: vp}
	net := network(t, 1)
	r := residual{vp, &pre}
	w, _ := newWork(net, 3, []nn.Jet{residualJet(2, nn.NoBack)})
	got := append([]float64(nil), r.eval(w, x, at).r...)
	tp := net.NewTape(1, nn.Jet{})
	for i := range got {
		want := logResidual(func(x []float64, t float64) float64 {
			v := make([]float64, 1)
			tp.Forward(x, []float64{t}, nil, nil)
			tp.Out(v, 0)
			return v[0]
		}, vp, x[2*i:2*i+2], at[i])
		assert.InDelta(t, want, got[i], 1e-6*(1+math.Abs(want))) // as logResidual says
	}
	grad := make([]float64, 6)
	const h = 1e-5
	for j := range 6 {
		y := append([]float64(nil), x...)
		y[j] += h
		up := append([]float64(nil), r.eval(w, y, at).r...)
		y[j] -= 2 * h
		down := r.eval(w, y, at).r
		grad[j] = (up[j/2] - down[j/2]) / (2 * h)
	}
	want := make([]float64, 6)
	ResidualByDifferences(want, x, doubled{net, pre}, vp, 0.5, 0)
	assert.InDeltaSlice(t, want, grad, 1e-5*(1+norm(want))) // as above

	// and a model in float32
	m, err := nn.NewModel(nn.Spec{Kind: "mlp", Dim: 2, Out: 1, Hidden: 6, Depth: 2, Residual: true, Features: 4, Top: 3}, pre, 3)
	require.NoError(t, err)
	single, err := Residual(m, vp, x, at)
	require.NoError(t, err)
	assert.InDeltaSlice(t, got, single, 1e-4) // float32, 6e-8, through second derivatives of size 100
}

// TestScoreError recovers the error that was put in: E|0.1x|² = 0.01 (α² E|x₁|² + 2σ²).
func TestScoreError(t *testing.T) {
	target := density.Normal(2, 1.5)
	m := &Misled{Exact: target, Error: func(dst, x []float64, _, _ float64) {
		for i, v := range x {
			dst[i] = 0.1 * v
		}
	}}
	p := interpolant.VP{}
	got, err := ScoreError(ctx, m, target, p, []float64{0.2, 0.5, 0.9}, 4000, 7)
	require.NoError(t, err)
	for _, e := range got {
		c := p.At(e.Time)
		want := 0.02 * (c.Alpha*c.Alpha*2.25 + c.Sigma*c.Sigma)
		assert.InDelta(t, want, e.Mean, 4*e.StdErr) // 4 standard errors: one in 16,000
		assert.Less(t, e.StdErr, 0.05*want)
	}
}

func TestOneSidedLipschitz(t *testing.T) {
	// u = Ax with A = [[1, 2], [0, -1]]: the symmetric part has the eigenvalues ±√2
	k, err := OneSidedLipschitz(linearField{1, 2, 0, -1}, normals(10, 3), 0.5, 0)
	require.NoError(t, err)
	assert.InDelta(t, math.Sqrt2, k, 1e-10) // differences of a linear map: rounding over 1e-4
}

type linearField [4]float64

func (linearField) Dim() int { return 2 }

func (a linearField) Eval(dst, x []float64, _ float64) {
	for i := 0; i < len(x); i += 2 {
		dst[i], dst[i+1] = a[0]*x[i]+a[1]*x[i+1], a[2]*x[i]+a[3]*x[i+1]
	}
}
