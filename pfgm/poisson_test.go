package pfgm_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/pfgm"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// TestElectricFieldIsCoulombs sums the field of point charges as it is defined.
func TestElectricFieldIsCoulombs(t *testing.T) {
	data := []float64{0, 0, 1, 2, -1, 0.5, 3, 3}
	f := &pfgm.Poisson{Model: pfgm.NewPoints(data, 2, 1)}
	x := []float64{0.3, 0.4, 0.2, -5, 2, 7, 1.1, 2, 0.02}
	got := make([]float64, len(x))
	f.Electric(got, x)
	for i := 0; i < len(x); i += 3 {
		want := make([]float64, 3)
		for k := 0; k < len(data); k += 2 {
			diff := []float64{x[i] - data[k], x[i+1] - data[k+1], x[i+2]}
			r2 := diff[0]*diff[0] + diff[1]*diff[1] + diff[2]*diff[2]
			for j, v := range diff {
				want[j] += v / math.Pow(r2, 1.5) / (4 * math.Pi) / 4 // the sphere of R³; four charges of 1/4
			}
		}
		assert.InEpsilonSlice(t, want, got[i:i+3], 1e-11) // rounding of x - D
	}
}

// TestElectricFieldIsSolenoidalAndConservative holds the field of a density to Maxwell's
// equations in the space without charge, ∇·E = 0 and ∇×E = 0, by central differences of
// step 1e-3, of error 1e-6 here.
func TestElectricFieldIsSolenoidalAndConservative(t *testing.T) {
	f := &pfgm.Poisson{Model: pfgm.New(density.Ring(8, 4, 0.3), 1, 0)}
	const h = 1e-3
	for _, x := range [][]float64{{0.5, 3, 1}, {4, 0.3, 0.6}, {-7, 2, 5}} {
		size := make([]float64, 3)
		f.Electric(size, x)
		scale := math.Hypot(math.Hypot(size[0], size[1]), size[2])
		var jac [3][3]float64 // jac[i][j] = ∂E_j/∂x_i
		for i := range x {
			a, b := append([]float64(nil), x...), append([]float64(nil), x...)
			a[i] -= h
			b[i] += h
			ea, eb := make([]float64, 3), make([]float64, 3)
			f.Electric(ea, a)
			f.Electric(eb, b)
			for j := range ea {
				jac[i][j] = (eb[j] - ea[j]) / (2 * h * scale)
			}
		}
		assert.InDelta(t, 0, jac[0][0]+jac[1][1]+jac[2][2], 1e-5)
		for i := range 3 {
			for j := range i {
				assert.InDelta(t, jac[i][j], jac[j][i], 1e-5)
			}
		}
	}
}

// TestFieldLinesAreTheFlow follows the same starts by PFGM's equation in z, in ln z, and by the
// flow of PFGM++ on the path EDM: at D = 1, r = σ = z, the points agree all along.
func TestFieldLinesAreTheFlow(t *testing.T) {
	ctx, n := context.Background(), 32
	for name, m := range map[string]pfgm.Model{
		"density": pfgm.New(density.Ring(8, 4, 0.3), 1, 1e-13),
		"points":  pfgm.NewPoints([]float64{0, 0, 1, 2, -1, 0.5, 3, 3}, 2, 1),
	} {
		start := draws(pfgm.Prior(interpolant.EDM{}, 0, 1), n, 2)
		flow := append([]float64(nil), start...)
		path := interpolant.EDM{}
		end := path.Time(-math.Log(0.05))
		a := ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-10}
		_, err := ode.SolveAdaptive(ctx, &score.Flow{Path: path, Model: m}, flow, []float64{0, end}, a, nil)
		require.NoError(t, err)
		for _, log := range []bool{false, true} {
			x := make([]float64, 0, 3*n)
			for i := range n {
				x = append(x, start[2*i], start[2*i+1], 80)
			}
			grid := []float64{80, 0.05}
			if log {
				grid = []float64{math.Log(80), math.Log(0.05)}
			}
			_, err := ode.SolveAdaptive(ctx, &pfgm.Poisson{Model: m, LogZ: log}, x, grid, a, nil)
			require.NoError(t, err)
			for i := range n {
				// The solver's tolerance times the stretching of the flow, some 1e2.
				assert.InDelta(t, flow[2*i], x[3*i], 1e-7, "%s log %v", name, log)
				assert.InDelta(t, flow[2*i+1], x[3*i+1], 1e-7, "%s log %v", name, log)
				assert.InEpsilon(t, 0.05, x[3*i+2], 1e-8)
			}
		}
	}
}
