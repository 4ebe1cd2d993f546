package inverse

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/interpolant"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
)

// problem25 is a problem on 25 unit modes at (8i, 8j), i, j = -2…2, repeated d/2 times, with m
// random measurements whose singular values are uniform in (0, 1). That of Boys et al. (2023)
// has equal modes and unit noise; that of MCGdiff (Cardoso et al. 2023, arXiv 2308.07983)
// has random weights, and noise uniform below the largest singular value.
func problem25(t testing.TB, d, m int, seed uint64, mcgdiff bool) (*Problem, *density.Mixture, *Posterior) {
	means := make([]float64, 0, 25*d)
	for i := -2; i <= 2; i++ {
		for j := -2; j <= 2; j++ {
			for range d / 2 {
				means = append(means, float64(8*i), float64(8*j))
			}
		}
	}
	src := stream.New()
	g := mat.NewDense(m, d, nil)
	src.Normals(g.RawMatrix().Data, seed, stream.Test, uint64(d), uint64(m))
	var svd mat.SVD
	svd.Factorize(g, mat.SVDThin)
	var u, v, us, a mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	rng := src.At(seed, stream.Test, uint64(d), uint64(100+m))
	s := make([]float64, m)
	for i := range s {
		s[i] = rng.Float64()
	}
	slices.SortFunc(s, func(a, b float64) int { return -int(math.Copysign(1, a-b)) })
	noise := 1.0
	var weights []float64
	if mcgdiff {
		noise = s[0] * rng.Float64()
		weights = make([]float64, 25)
		for i := range weights {
			w := rng.NormFloat64()
			weights[i] = w * w
		}
	}
	prior, err := density.NewIsotropicMixture(weights, means, []float64{1}, d)
	require.NoError(t, err)
	us.Mul(&u, mat.NewDiagDense(m, s))
	a.Mul(&us, v.T())
	x, y := make([]float64, d), make([]float64, m)
	prior.Rand(x, rng)
	dense{&a}.Apply(y, x)
	for i := range y {
		y[i] += noise * rng.NormFloat64()
	}
	p, err := New(newSpectrum(&a), y, noise)
	require.NoError(t, err)
	post, err := IsotropicPosterior(p, weights, means, []float64{1})
	require.NoError(t, err)
	return p, prior, post
}

// levels are the path and times of the studies: 100 even in α, or 1000 even in t.
func levels(mcgdiff bool) (interpolant.Path, []float64) {
	if !mcgdiff {
		grid := make([]float64, 1000)
		for i := range grid {
			grid[i] = float64(i) / 1000
		}
		return interpolant.VP{BetaMin: 0.1, BetaMax: 25}, grid
	}
	path, grid := interpolant.VP{}, make([]float64, 100)
	const first = 0.0064 // √ᾱ after all 999 steps
	for i := range grid {
		a := first + (1-first)*float64(i)/100
		grid[i] = path.Time(math.Log(a / math.Sqrt(1-a*a)))
	}
	return path, grid
}

// TestMixtureStudies holds DPS and STSL to what an independent program found on other
// draws of the same studies: means over the problems, with 95 % half-widths.
func TestMixtureStudies(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of thousands of trajectories")
	}
	const d = 8
	type figure struct{ mean, half float64 }
	for _, study := range []struct {
		mcgdiff  bool
		n, seeds int
		dps      DPS
		wantDPS  map[int]figure
		wantSTSL map[int]figure
	}{
		{true, 400, 10, DPS{Zeta: .1, Form: TwiceNorm, Eta: .85},
			map[int]figure{1: {3.36, 1.23}, 2: {3.41, .81}, 4: {.90, .31}},
			map[int]figure{1: {5.65, 1.30}, 2: {6.60, .94}, 4: {5.22, 1.11}}},
		{false, 200, 5, DPS{Zeta: .05, Eta: .85},
			map[int]figure{1: {1.50, .43}, 2: {3.80, 2.14}, 4: {.69, .16}},
			map[int]figure{1: {1.44, .56}, 2: {1.85, .69}, 4: {.55, .16}}},
	} {
		path, grid := levels(study.mcgdiff)
		for _, m := range []int{1, 2, 4} {
			var dps, stsl, none, floor []float64
			for seed := range uint64(study.seeds) {
				p, prior, post := problem25(t, d, m, seed, study.mcgdiff)
				truth := density.Sample(post, study.n, 7, 1, 2)
				s := score.Sampler{Path: path, Grid: grid, Model: guidedBy(t, p, prior), Seed: seed}
				away := func(s *score.Sampler) float64 {
					x, _, err := s.Draw(context.Background(), study.n, nil)
					require.NoError(t, err)
					return slicedW1(t, x, truth, d, 200)
				}
				s.Solver = study.dps.Solver()
				dps = append(dps, away(&s))
				stsl = append(stsl, away(STSL{Zeta: .05, Nu: .02, Eta: .85}.Sampler(s)))
				none = append(none, slicedW1(t, density.Sample(prior, study.n, 7, 3, 2), truth, d, 200))
				floor = append(floor, slicedW1(t, density.Sample(post, study.n, 7, 2, 2), truth, d, 200))
			}
			holds := func(name string, got []float64, want figure) {
				mean, std := stat.MeanStdDev(got, nil)
				nu := float64(study.seeds - 1)
				half := distuv.StudentsT{Sigma: 1, Nu: nu}.Quantile(0.975) * std / math.Sqrt(nu+1)
				t.Logf("%-4s d_y = %d: %.2f ± %.2f, independently %.2f ± %.2f; prior %.2f, floor %.2f",
					name, m, mean, half, want.mean, want.half, stat.Mean(none, nil), stat.Mean(floor, nil))
				// The difference of two means: intervals of 95 % that do not meet, ours by Student's t
				// since the problems are few and unlike, are a deviation of 2.8 standard errors or more.
				assert.LessOrEqual(t, math.Abs(mean-want.mean), half+want.half, "%s, d_y = %d", name, m)
				assert.Less(t, mean, stat.Mean(none, nil), "no better than the prior")
			}
			holds("DPS", dps, study.wantDPS[m])
			holds("STSL", stsl, study.wantSTSL[m])
		}
	}
}
