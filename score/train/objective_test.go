package train

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/nn"
)

var ctx = context.Background()

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 11, stream.Test, 0, index)
	return x
}

func network(t testing.TB, out int) *nn.Net[float64] {
	t.Helper()
	n, err := nn.New[float64](nn.Spec{Kind: "mlp", Dim: 2, Out: out, Hidden: 6, Depth: 2, Residual: true, Features: 4, Top: 3})
	require.NoError(t, err)
	n.Init(3)
	return n
}

func batch(n int) *Batch {
	return &Batch{X0: normals(2*n, 1), X1: normals(2*n, 2), Seed: 5, Step: 9}
}

// twoSided is an interpolant with noise.
func twoSided(t testing.TB) interpolant.TwoSided {
	t.Helper()
	p, err := interpolant.NewTwoSided("linear", "sqrt", 1)
	require.NoError(t, err)
	return p
}

// sinkhorn is a distance of samples and a Monge gap, as a caller passes them to Map.
func sinkhorn() (fit, gap func(dt, a, b []float64) (float64, error)) {
	o := metric.SinkhornOptions{Epsilon: 0.5, Tol: 1e-13, MaxIter: 20000}
	fit = func(dt, y, x1 []float64) (float64, error) {
		r, err := metric.Divergence(ctx, y, x1, 2, nil, nil, o)
		if err != nil {
			return 0, err
		}
		return r.Value, r.Gradients(ctx, dt, nil)
	}
	gap = func(dt, x0, y []float64) (float64, error) {
		r, err := metric.MongeGapOf(ctx, dt, x0, y, 2, metric.SquaredEuclidean(), o)
		if err != nil {
			return 0, err
		}
		return r.Gap, nil
	}
	return fit, gap
}

type objectiveCase struct {
	out int
	o   Objective
}

func objectives(t testing.TB) map[string]objectiveCase {
	vp := interpolant.VP{}
	times := Times{Path: vp, T0: 0.3, T1: 0.9}
	edm := nn.Precond{Kind: nn.EDM, DataStd: 1.3}
	logp := nn.Precond{Kind: nn.LogDensity, Path: vp}
	m := map[string]objectiveCase{
		"edm":           {2, &Denoising{Precond: edm}},
		"x0":            {2, &Denoising{nn.Precond{Kind: nn.X0}, times, WeightX0, nil}},
		"noise":         {2, &Denoising{nn.Precond{Kind: nn.Noise, Path: vp}, times, WeightNoise, nil}},
		"score":         {1, &Denoising{logp, Times{Path: vp, T0: 0.3, T1: 0.9, A: 2, B: 1}, WeightScore, nil}},
		"taught":        {2, &Denoising{edm, LogUniform{0.1, 3}, WeightEDM, density.Ring(5, 1, 0.4)}},
		"flow":          {2, FlowMatching(interpolant.CondOT{End: 0.05}, 1)},
		"pfgm":          {2, &Poisson{edm, pfgm.Training{D: 8}}},
		"implicit":      {2, &Implicit{Precond: edm, Levels: LogUniform{0.1, 3}}},
		"implicit log":  {1, &Implicit{Precond: logp, Levels: times}},
		"sliced":        {2, &Implicit{edm, times, true}},
		"sliced log":    {1, &Implicit{logp, times, true}},
		"residual":      {2, &FokkerPlanck{Precond: edm, Path: vp, Weight: 0.3, T0: 0.3, T1: 0.9}},
		"residual path": {2, &FokkerPlanck{&Denoising{nn.Precond{Kind: nn.Velocity, Path: vp}, times, WeightVelocity, nil}, nn.Precond{Kind: nn.Velocity, Path: vp}, vp, 0.3, 0.3, 0.9, []float64{-2, -2}, []float64{2, 2}, 3}},
		"residual log":  {1, &FokkerPlanck{&Denoising{logp, times, WeightNoise, nil}, logp, vp, 0.7, 0.3, 0.9, nil, nil, 2}},
	}
	for _, f := range []string{FieldB, FieldV, FieldS, FieldEta} {
		m["interpolant "+f] = objectiveCase{2, &Interpolation{Path: twoSided(t), Field: f, T0: 0.1, T1: 0.9}}
	}
	fit, gap := sinkhorn()
	m["map"] = objectiveCase{2, &Map{fit, gap, 0.4}}
	return m
}

// TestGradients holds the gradient of every objective to central differences in float64. Their
// step 1e-5 leaves h²/6 times a third derivative, some 1e-9 of the largest entry, and rounding
// 1e-16/h = 1e-11; the Sinkhorn terms add their own tolerance, 1e-13/h = 1e-8.
func TestGradients(t *testing.T) {
	for name, c := range objectives(t) {
		net := network(t, c.out)
		e, err := NewEvaluator(net, c.o, 10, 1)
		require.NoError(t, err, name)
		b := batch(10)
		g, hv, g1 := make([]float64, len(net.W)), make([]float64, len(net.W)), make([]float64, len(net.W))
		base, err := e.Loss(ctx, b, g)
		require.NoError(t, err, name)
		require.NotZero(t, base, name)
		for k := range uint64(2) {
			v := normals(len(net.W), 20+k)
			want := 0.0
			for i, u := range v {
				want += u * g[i]
			}
			keep := append([]float64(nil), net.W...)
			const h = 1e-5
			at := func(f float64) (loss float64, grad []float64) {
				for i, u := range v {
					net.W[i] = keep[i] + f*u
				}
				grad = make([]float64, len(v))
				loss, err := e.Loss(ctx, b, grad)
				require.NoError(t, err)
				return loss, grad
			}
			up, gup := at(h)
			down, gdown := at(-h)
			copy(net.W, keep)
			assert.InEpsilon(t, want, (up-down)/(2*h), 1e-6, name)
			if name == "map" {
				continue // Danskin's gradient is differentiated at a tolerance of its own
			}
			again, err := e.HVP(ctx, b, g1, hv, v)
			require.NoError(t, err)
			// one sum in another order
			assert.InEpsilon(t, base, again, 1e-12, name)
			size := 0.0
			for i := range hv {
				size = max(size, math.Abs(hv[i]))
			}
			for i := range hv {
				if !assert.InDelta(t, (gup[i]-gdown[i])/(2*h), hv[i], 1e-6*size, "%s: HVP %d", name, i) {
					break
				}
			}
		}
	}
}

// TestLossIsTheSameForAnyWorkers holds loss and gradient to the bit, and to no allocation once
// warm on one worker but for those of goroutines.
func TestLossIsTheSameForAnyWorkers(t *testing.T) {
	for name, c := range objectives(t) {
		net := network(t, c.out)
		var first []float64
		loss := 0.0
		for _, workers := range []int{1, 3} {
			e, err := NewEvaluator(net, c.o, 40, workers)
			require.NoError(t, err)
			g := make([]float64, len(net.W))
			l, err := e.Loss(ctx, batch(40), g)
			require.NoError(t, err)
			if first == nil {
				first, loss = g, l
			}
			assert.Equal(t, loss, l, name)
			assert.Equal(t, first, g, name)
		}
	}
}

// TestInterpolantLossesAreThePapers holds the losses to package interpolant's integrands.
func TestInterpolantLossesAreThePapers(t *testing.T) {
	p, b, const0 := twoSided(t), batch(6), 0.35
	for _, field := range []string{FieldB, FieldV, FieldS, FieldEta} {
		for _, single := range []bool{false, true} {
			o := &Interpolation{Path: p, Field: field, T0: const0, T1: const0, Single: single}
			net := network(t, 2)
			e, err := NewEvaluator(net, o, 6, 1)
			require.NoError(t, err)
			got, err := e.Loss(ctx, b, nil)
			require.NoError(t, err)
			want := 0.0
			tp := net.NewTape(1, nn.Jet{})
			c := p.At(const0)
			for row := range 6 {
				rng := stream.New().At(b.Seed, stream.Step, uint64(row), b.Step)
				rng.Float64()
				z := []float64{rng.NormFloat64(), rng.NormFloat64()}
				x, rate := make([]float64, 2), make([]float64, 2)
				f := func(sign float64) (y, s []float64) {
					y, s = make([]float64, 2), []float64{sign * z[0], sign * z[1]}
					interpolant.Interpolate(x, rate, b.X0[2*row:2*row+2], b.X1[2*row:2*row+2], s, c)
					tp.Forward(x, []float64{const0}, nil, nil)
					tp.Out(y, 0)
					return y, s
				}
				one := func(y, z []float64) float64 {
					switch field {
					case FieldB:
						return interpolant.LossVelocity(y, rate, z, c)
					case FieldV:
						return interpolant.LossMeanVelocity(y, rate)
					case FieldS:
						return interpolant.LossScore(y, z, c)
					}
					return interpolant.LossNoise(y, z)
				}
				plus, _ := f(1)
				l := one(plus, z)
				if !single {
					minus, z1 := f(-1)
					l = (l + one(minus, z1)) / 2
					if field == FieldB {
						assert.InDelta(t, interpolant.LossVelocityPair(plus, minus, rate, z, c), l, 1e-13) // rounding
					}
				}
				want += l / 6
			}
			assert.InDelta(t, want, got, 1e-13, "%s %v", field, single) // rounding
		}
	}
}

// TestDenoisingLossIsTheWeightedError holds the losses of all predictions, gradients of
// log-densities among them, to w|D_θ - x₁|² of the model as a denoiser.
func TestDenoisingLossIsTheWeightedError(t *testing.T) {
	vp := interpolant.VP{}
	const at = 0.6
	c := vp.At(at)
	s := c.Sigma / c.Alpha
	for weight, w := range map[Weighting]float64{
		WeightEDM: (s*s + 1.69) / (s * s * 1.69), WeightNoise: 1 / (s * s), WeightX0: 1, WeightScore: c.Alpha * c.Alpha / math.Pow(c.Sigma, 4),
		WeightVelocity: math.Pow(c.DAlpha-c.Alpha*c.DSigma/c.Sigma, 2),
	} {
		for _, kind := range []nn.Prediction{nn.X0, nn.Noise, nn.EDM, nn.Velocity, nn.LogDensity} {
			out := 2
			if kind == nn.LogDensity {
				out = 1
			}
			pre, net, b := nn.Precond{Kind: kind, DataStd: 1.3, Path: vp}, network(t, out), batch(5)
			e, err := NewEvaluator(net, &Denoising{pre, Times{Path: vp, T0: at, T1: at}, weight, nil}, 5, 1)
			require.NoError(t, err)
			got, err := e.Loss(ctx, b, nil)
			require.NoError(t, err)
			x, d, want := make([]float64, 10), make([]float64, 10), 0.0
			for i := range x {
				x[i] = c.Alpha*b.X1[i] + c.Sigma*b.X0[i]
			}
			doubled{net, pre}.Denoise(d, x, c.Alpha, c.Sigma)
			for i, v := range d {
				want += w * (v - b.X1[i]) * (v - b.X1[i]) / 5
			}
			assert.InEpsilon(t, want, got, 1e-10, "%s %s", kind, weight) // rounding, and that of Path.Time
		}
	}
}

// TestCollocationPointsAreAMean holds the residual's share of the loss to its mean over the
// points, however many rows share one.
func TestCollocationPointsAreAMean(t *testing.T) {
	o := FokkerPlanck{Precond: nn.Precond{Kind: nn.EDM}, Path: interpolant.VP{}, Weight: 0.3, T0: 0.3, T1: 0.9, Lo: []float64{-2, -2}, Hi: []float64{2, 2}}
	net := network(t, 2)
	loss := func(n, every int) float64 {
		o := o
		o.Every = every
		e, err := NewEvaluator(net, &o, n, 1)
		require.NoError(t, err)
		l, err := e.Loss(ctx, batch(n), nil)
		require.NoError(t, err)
		return l
	}
	assert.InEpsilon(t, loss(1, 1), loss(10, 10), 1e-12) // one point, rounding
	assert.InEpsilon(t, loss(1, 1), loss(7, 10), 1e-12)
}

// linearNet is F = Wx + b.
func linearNet() *nn.Net[float64] {
	n := nn.NewNet[float64](nn.Shape{H: 1, W: 1, C: 2})
	n.Output(n.Dense("a", n.X(), 2, true))
	n.Init(1)
	return n
}

// TestDenoisingMinimiserIsTheDenoiser finds the minimum of the loss over linear networks, on a
// Gaussian target: the normal equations of a fixed sample, by Newton's method, which is exact in
// one step for a quadratic loss. The exact denoiser is D = m + αC S⁻¹(x - αm).
func TestDenoisingMinimiserIsTheDenoiser(t *testing.T) {
	mean, cov := []float64{0.7, -0.4}, []float64{1.5, 0.6, 0.6, 0.8}
	target, err := density.Gaussian(mean, cov)
	require.NoError(t, err)
	const n, alpha, sigma = 1 << 16, 0.8, 0.6
	path := levelPath{alpha, sigma}
	b := &Batch{X0: make([]float64, 2*n), X1: make([]float64, 2*n), Seed: 3}
	require.NoError(t, Target{target}.Draw(b.X0, b.X1, 3, 0))
	for _, kind := range []nn.Prediction{nn.X0, nn.Noise, nn.EDM, nn.Velocity} {
		pre := nn.Precond{Kind: kind, DataStd: 0.9, Path: path}
		net := linearNet()
		e, err := NewEvaluator(net, &Denoising{pre, Times{Path: path, T0: 0.5, T1: 0.5}, WeightNoise, nil}, n, 0)
		require.NoError(t, err)
		newton(t, e, net, b)
		x, want := []float64{0.3, 1.1, -2, 0.4}, make([]float64, 4)
		target.Denoise(want, x, alpha, sigma)
		got := denoise(net, pre, x, alpha, sigma)
		// The sampling error of a regression on 65,536 points with residual variance below
		// 1 is 1/256 a coefficient; 5 of these, for points of size 2 with 3 coefficients.
		assert.InDeltaSlice(t, want, got, 5*math.Sqrt(3)*2/256, "%s", kind)
	}
	// Implicit score matching has the same minimum, of another sample variance.
	for _, sliced := range []bool{false, true} {
		pre := nn.Precond{Kind: nn.EDM, DataStd: 0.9, Path: path}
		net := linearNet()
		e, err := NewEvaluator(net, &Implicit{pre, Times{Path: path, T0: 0.5, T1: 0.5}, sliced}, n, 0)
		require.NoError(t, err)
		newton(t, e, net, b)
		x, want := []float64{0.3, 1.1, -1, 0.4}, make([]float64, 4)
		target.Denoise(want, x, alpha, sigma)
		assert.InDeltaSlice(t, want, denoise(net, pre, x, alpha, sigma), 0.1, "sliced %v", sliced) // as above
		// There the loss is -½σ²E|s*|² = -½σ² tr S⁻¹: its terms, of order 1, have standard errors
		// of a few 1/256.
		loss, err := e.Loss(ctx, b, nil)
		require.NoError(t, err)
		s := []float64{alpha*alpha*cov[0] + sigma*sigma, alpha * alpha * cov[1], alpha*alpha*cov[3] + sigma*sigma}
		assert.InDelta(t, -sigma*sigma/2*(s[0]+s[2])/(s[0]*s[2]-s[1]*s[1]), loss, 0.02, "sliced %v", sliced)
	}
}

// levelPath is near one noise level at all times.
type levelPath struct{ alpha, sigma float64 }

func (p levelPath) At(t float64) interpolant.Coeffs {
	return interpolant.Coeffs{Alpha: p.alpha, Sigma: p.sigma, DAlpha: 1, DSigma: -1}
}
func (levelPath) Time(float64) float64     { return 0.5 }
func (levelPath) Span() (float64, float64) { return 0, 1 }

func denoise(net *nn.Net[float64], pre nn.Precond, x []float64, alpha, sigma float64) []float64 {
	c := pre.At(alpha, sigma)
	in, y := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		in[i] = c.In * v
	}
	tp := net.NewTape(2, nn.Jet{})
	tp.Forward(in, []float64{c.Noise, c.Noise}, nil, nil)
	tp.Out(y, 0)
	for i, v := range x {
		y[i] = c.Skip*v + c.Out*y[i]
	}
	return y
}

// newton solves for the minimum of a quadratic loss of 6 weights.
func newton(t *testing.T, e *Evaluator[float64], net *nn.Net[float64], b *Batch) {
	t.Helper()
	k := len(net.W)
	g, hv := make([]float64, k), make([]float64, k)
	h := make([]float64, k*k)
	for j := range k {
		v := make([]float64, k)
		v[j] = 1
		_, err := e.HVP(ctx, b, g, hv, v)
		require.NoError(t, err)
		copy(h[j*k:], hv)
	}
	var step mat.VecDense
	require.NoError(t, step.SolveVec(mat.NewDense(k, k, h), mat.NewVecDense(k, g)))
	for i := range net.W {
		net.W[i] -= step.AtVec(i)
	}
	_, err := e.Loss(ctx, b, g)
	require.NoError(t, err)
	for _, v := range g {
		// a quadratic's gradient at its minimum: rounding, and 1e-10 of differenced Hessians
		require.InDelta(t, 0, v, 1e-7)
	}
}

// TestChecksSayWhatIsWrong covers the combinations that cannot be trained.
func TestChecksSayWhatIsWrong(t *testing.T) {
	none, err := interpolant.NewTwoSided("one-sided", "none", 0)
	require.NoError(t, err)
	edm := nn.Precond{Kind: nn.EDM}
	for i, o := range []Objective{
		&Denoising{Precond: edm, Weight: "heavy"},
		&Denoising{Precond: edm, Weight: WeightVelocity},
		&Denoising{Precond: nn.Precond{Kind: nn.Raw}},
		&Denoising{Precond: nn.Precond{Kind: nn.LogDensity}},
		&Poisson{Precond: edm},
		&Implicit{Precond: nn.Precond{Kind: nn.Raw}},
		&Interpolation{Path: none, Field: FieldS},
		&Interpolation{Path: none, Field: "w"},
		&FokkerPlanck{Precond: edm},
		&FokkerPlanck{Precond: edm, Path: interpolant.CondOT{}},
		&FokkerPlanck{Precond: nn.Precond{Kind: nn.Raw}, Path: interpolant.VP{}},
		&Map{},
	} {
		assert.Error(t, o.Check(2, 2), fmt.Sprint(i))
	}
}
