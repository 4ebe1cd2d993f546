package inverse

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/sde"
)

func guidedBy(t testing.TB, data Data, prior score.Denoiser) *Guided {
	g, err := NewGuided(data, prior)
	require.NoError(t, err)
	return g
}

// oneStep is a step in the middle of a path.
var oneStep = []float64{0.5, 0.62}

// onePath is far from the ends at both.
var onePath = interpolant.VP{BetaMax: 6}

// take makes one step of a method from x, and returns the normals of the step beside its
// end, size of them a point.
func take(t testing.TB, m guide, model score.Denoiser, x []float64) (end, z []float64, size int) {
	s := &score.Sampler{Path: onePath, Grid: oneStep, Model: model, Seed: 4}
	d := model.Dim()
	rows := len(x) / d
	st := m.NewStepper(s, sde.Independent{Seed: s.Seed}, rows)
	st.Begin(0, rows)
	end = append([]float64(nil), x...)
	st.Step(end, oneStep[0], oneStep[1])
	switch st := st.(type) {
	case *descent:
		z, size = st.z, st.size
	case *mcg:
		z, size = st.z, st.size
	case *stsl:
		z, size = st.z, st.descent.size
	}
	return end, z, size
}

// ddim is the step without data, written out.
func ddim(prior score.Denoiser, x, z []float64, eta float64) []float64 {
	a, b := onePath.At(oneStep[0]), onePath.At(oneStep[1])
	mean := make([]float64, len(x))
	prior.Denoise(mean, x, a.Alpha, a.Sigma)
	fresh := eta * math.Sqrt(1-math.Pow(b.Sigma*a.Alpha/(b.Alpha*a.Sigma), 2))
	for i, m := range mean {
		mean[i] = b.Alpha*m + b.Sigma*(math.Sqrt(1-fresh*fresh)*(x[i]-a.Alpha*m)/a.Sigma+fresh*z[i])
	}
	return mean
}

// matchedStep is κ at oneStep.
func matchedStep(eta float64) float64 {
	a, b := onePath.At(oneStep[0]), onePath.At(oneStep[1])
	fresh := eta * math.Sqrt(1-math.Pow(b.Sigma*a.Alpha/(b.Alpha*a.Sigma), 2))
	return (b.Alpha - b.Sigma*math.Sqrt(1-fresh*fresh)*a.Alpha/a.Sigma) * a.Sigma * a.Sigma / a.Alpha
}

// descends holds a step from each of two points to DDIM less κ times the gradient of a
// loss, which is differenced as a function of x.
func descends(t *testing.T, m guide, g *Guided, eta, kappa float64, loss func(x, z []float64) float64, name string) {
	t.Helper()
	d := g.Dim()
	x := randoms(2*d, 200)
	got, z, size := take(t, m, g, x)
	for r := range 2 {
		row, zr := x[r*d:(r+1)*d], z[r*size:(r+1)*size]
		grad := fd.Gradient(nil, func(x []float64) float64 { return loss(x, zr) }, row, &fd.Settings{Formula: fd.Central, Step: 1e-5})
		want := floats.AddScaledTo(make([]float64, d), ddim(g.Prior(), row, zr, eta), -kappa, grad)
		require.Greater(t, floats.Norm(grad, 2), 1e-3, name)
		// Central differences: 1e-10 of third derivatives, and rounding of losses up to 1e2
		// by 1e-16/1e-5; steps of up to 1e4 by their own size.
		assert.InDeltaSlice(t, want, got[r*d:(r+1)*d], 1e-7*(1+kappa)+1e-9*floats.Norm(want, 2), name)
	}
}

// residualAt returns y - f(D(x)).
func residualAt(g *Guided, x []float64) (r, mean []float64) {
	a := onePath.At(oneStep[0])
	mean = make([]float64, len(x))
	g.Prior().Denoise(mean, x, a.Alpha, a.Sigma)
	return away(g.Data(), mean), mean
}

func away(data Data, mean []float64) []float64 {
	r := make([]float64, len(data.Y()))
	data.forward().Apply(r, mean)
	floats.SubTo(r, data.Y(), r)
	return r
}

// mahalanobis is rᵀR⁻¹r.
func mahalanobis(data Data, r []float64) float64 {
	sum := 0.0
	for i, v := range r {
		sum += v * v / data.Variance(i)
	}
	return sum
}

// allData are linear and nonlinear problems of dimension d.
func allData(t *testing.T, d int) map[string]Data {
	out := map[string]Data{}
	for name, p := range problems(t, d) {
		out[name] = p
	}
	a := dense{randomMatrix(2*d, d, 210)}
	magnitude := linop.NewMagnitude(a)
	y := randoms(d, 211)
	for i := range y {
		y[i] = math.Abs(y[i])
	}
	p, err := NewNonlinear(magnitude, y, 0.4)
	require.NoError(t, err)
	out["magnitude"] = p
	counts := linop.NewTransmission(dense{randomMatrix(4, d, 212)}, 20)
	v := []float64{22, 11, 30, 18}
	p, err = NewNonlinearVar(counts, v, v)
	require.NoError(t, err)
	out["transmission, counts"] = p
	p, err = NewNonlinear(linop.NewClip(d, 1.1, -1, 1), randoms(d, 213), 0.2)
	require.NoError(t, err)
	out["clip"] = p
	return out
}

func TestNoGuidanceIsThePrior(t *testing.T) {
	const d, eta = 6, 0.5
	prior := testMixture(t, d)
	g := guidedBy(t, problems(t, d)["wide, variances"], prior)
	x := randoms(2*d, 230)
	for _, m := range []guide{
		DPS{Eta: eta}, DPS{Eta: eta, Form: Likelihood}, LGD{Eta: eta}, STSL{Eta: eta, Inner: 3}, PSLD{Eta: eta},
	} {
		got, z, size := take(t, m, g, x)
		for r := range 2 {
			assert.InDeltaSlice(t, ddim(prior, x[r*d:(r+1)*d], z[r*size:], eta), got[r*d:(r+1)*d], 1e-13, "%T", m) // rounding
		}
	}
	// The law on a Gaussian prior is DDIM's.
	gauss := testGaussian(t, d)
	s := sampler(t, guidedBy(t, problems(t, d)["wide"], gauss), 9)
	got := propagate(t, s, DPS{Eta: eta}.NewStepper, s.Grid, baseLaw(s)).denoised(t, s)
	s.Model = gauss
	want := propagate(t, s, score.SDESteps(sde.DDIM, eta), s.Grid, baseLaw(s)).denoised(t, s)
	sameLaw(t, want, got, 1e-9, "DDIM") // rounding over nine steps
}

// turned is D(x) = M x with a Jacobian M that is not symmetric, as a network's.
type turned struct{ dense }

func (m turned) Dim() int { n, _ := m.Dims(); return n }
func (m turned) Denoise(dst, x []float64, _, _ float64) {
	for d, lo := m.Dim(), 0; lo < len(x); lo += d {
		m.Apply(dst[lo:lo+d], x[lo:lo+d])
	}
}
func (m turned) VJP(dst, _, u []float64, _, _ float64) {
	for d, lo := m.Dim(), 0; lo < len(u); lo += d {
		m.Adjoint(dst[lo:lo+d], u[lo:lo+d])
	}
}

func TestUnsymmetricJacobiansAreTransposed(t *testing.T) {
	const d = 5
	prior := turned{dense{randomMatrix(d, d, 270)}}
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	g := guidedBy(t, p, prior)
	descends(t, DPS{Zeta: 0.5, Eta: 1}, g, 1, 1, func(x, _ []float64) float64 {
		r, _ := residualAt(g, x)
		return 0.5 * floats.Norm(r, 2)
	}, "VJP")
	x := randoms(d, 271)
	right, _, _ := take(t, DPS{Zeta: 0.5}, g, x)
	wrong, _, _ := take(t, DPS{Zeta: 0.5}, guidedBy(t, p, struct{ score.Denoiser }{prior}), x)
	assert.Greater(t, floats.Distance(right, wrong, 2), 1e-2)
	// Of a posterior mean, differences of D serve as well.
	soft := testMixture(t, d)
	right, _, _ = take(t, DPS{Zeta: 0.5}, guidedBy(t, p, soft), x)
	wrong, _, _ = take(t, DPS{Zeta: 0.5}, guidedBy(t, p, blind{soft}), x)
	assert.InDeltaSlice(t, right, wrong, 1e-8) // the stated error of tweedie.Differences
}

func TestLinearMapsAreLinearProblems(t *testing.T) {
	const d = 5
	p, err := New(dense{randomMatrix(3, d, 1)}, randoms(3, 3), 0.3)
	require.NoError(t, err)
	q, err := NewNonlinear(linop.Linear(p.A()), p.Y(), 0.3)
	require.NoError(t, err)
	prior, x := testMixture(t, d), randoms(2*d, 280)
	for _, m := range []guide{DPS{Zeta: 1, Form: Likelihood}, LGD{Zeta: 1}, STSL{Zeta: 1, Nu: 0.1}} {
		want, _, _ := take(t, m, guidedBy(t, p, prior), x)
		got, _, _ := take(t, m, guidedBy(t, q, prior), x)
		assert.Equal(t, want, got, "%T", m)
	}
}
