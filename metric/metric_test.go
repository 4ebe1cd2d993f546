package metric

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
)

// Every result is the same to the bit for any number of workers, and for the same
// seed; the inputs stay as they were.
func TestWorkersSameBits(t *testing.T) {
	for _, d := range []int{1, 2, 5} {
		x, y := normals(0, 3000*d), gaussian(1, 2500, make([]float64, d), slices.Repeat([]float64{1.2}, d))
		keepX, keepY := slices.Clone(x), slices.Clone(y)
		for _, m := range All() {
			if m.Name == "w2" && d > 1 {
				continue
			}
			want, err := m.Compute(x, y, d, Options{Seed: 3, Workers: 1, MaxPoints: 1100})
			require.NoError(t, err)
			for _, w := range []int{2, 7, 0} {
				got, err := m.Compute(x, y, d, Options{Seed: 3, Workers: w, MaxPoints: 1100})
				require.NoError(t, err)
				assert.Equal(t, want, got, "%s, d = %d, %d workers", m.Name, d, w)
			}
			if m.Name == "mmd" || d > 1 && m.Name != "frechet" && m.Name != "max_sliced_w2" {
				got, err := m.Compute(x, y, d, Options{Seed: 4, MaxPoints: 1100})
				require.NoError(t, err)
				assert.NotEqual(t, want.Value, got.Value, "%s does not use its seed", m.Name)
			}
		}
		wantM, err := MomentsOf(x, d, Options{Workers: 1})
		require.NoError(t, err)
		wantC, err := CountModes(x, d, []float64{0.5, 0.5}, normals(2, 2*d), 1, Options{Workers: 1})
		require.NoError(t, err)
		for _, w := range []int{2, 7} {
			gotM, err := MomentsOf(x, d, Options{Workers: w})
			require.NoError(t, err)
			assert.Equal(t, wantM, gotM)
			gotC, err := CountModes(x, d, []float64{0.5, 0.5}, normals(2, 2*d), 1, Options{Workers: w})
			require.NoError(t, err)
			assert.Equal(t, wantC, gotC)
		}
		assert.Equal(t, keepX, x)
		assert.Equal(t, keepY, y)
	}
}

func TestErrors(t *testing.T) {
	ok := []float64{1, 2, 3, 4}
	for _, m := range All() {
		dim := 2
		if m.Name == "w2" {
			dim = 1
		}
		compute := func(x, y []float64) error {
			_, err := m.Compute(x, y, dim, Options{})
			return err
		}
		require.NoError(t, compute(ok, ok), m.Name)
		assert.EqualError(t, compute(nil, ok), "metric: sample x is empty")
		assert.EqualError(t, compute(ok, []float64{}), "metric: sample y is empty")
		bad := slices.Clone(ok)
		bad[3] = math.NaN()
		if dim == 1 {
			assert.EqualError(t, compute(bad, ok), "metric: sample x, point 3, coordinate 0 is NaN")
			continue
		}
		assert.EqualError(t, compute(bad, ok), "metric: sample x, point 1, coordinate 1 is NaN")
		bad[3] = math.Inf(-1)
		assert.EqualError(t, compute(ok, bad), "metric: sample y, point 1, coordinate 1 is -Inf")
		assert.EqualError(t, compute(ok, ok[:3]), "metric: sample y has 3 values, which is not a whole number of points of dimension 2")
		if m.Name == "energy" || m.Name == "mmd" {
			assert.EqualError(t, compute(ok, ok[:2]), "metric: 1 points are too few: each sample needs at least 2")
		}
	}
	_, err := W2(ok, ok, 2, Options{})
	assert.EqualError(t, err, "metric: w2 is for dimension 1 only; use sliced_w2")
	huge := []float64{1e200, -1e200, 1e200, 1e200}
	for _, f := range []func(x, y []float64, dim int, o Options) (Value, error){SlicedW2, Energy} {
		_, err = f(ok, huge, 2, Options{})
		assert.ErrorContains(t, err, "overflow")
	}
	_, err = MomentsOf(ok, 3, Options{})
	assert.ErrorContains(t, err, "not a whole number")
	_, err = MomentsOf(ok, 4, Options{})
	assert.ErrorContains(t, err, "too few")
	_, err = CountModes(nil, 2, []float64{1}, ok[:2], 1, Options{})
	assert.ErrorContains(t, err, "empty")
	_, err = MedianBandwidth(nil, 2, 0)
	assert.ErrorContains(t, err, "empty")
	for _, f := range []func(){
		func() { _, _ = Wasserstein1D(ok, ok, 0.5) },
		func() { _, _ = Wasserstein1D(ok, ok, math.NaN()) },
		func() { _, _ = SlicedW2(ok, ok, 0, Options{}) },
		func() { _, _ = Energy(ok, ok, 0, Options{}) },
		func() { _, _ = MMD(ok, ok, 0, Options{}) },
		func() { _, _ = SlicedW2(ok, ok, 2, Options{Projections: -1}) },
		func() { _, _ = MMD(ok, ok, 2, Options{Bandwidth: -1}) },
		func() { _, _ = Energy(ok, ok, 2, Options{MaxPoints: 1}) },
		func() { _, _ = CountModes(ok, 2, []float64{0.5, 0.6}, ok, 1, Options{}) },
		func() { _, _ = CountModes(ok, 2, []float64{1, 0}, ok, 1, Options{}) },
		func() { _, _ = CountModes(ok, 2, []float64{1}, ok, 1, Options{}) },
		func() { (&Moments{Dim: 2}).MaxZ(ok, ok) },
		func() { _, _ = Floor(nil, nil, 1, 1, 1, Options{}) },
	} {
		assert.Panics(t, f)
	}
}

// Two points, identical samples, samples collapsed to a point: values, no NaN.
func TestSmallAndDegenerate(t *testing.T) {
	for _, d := range []int{1, 2, 3} {
		two, far := normals(0, 2*d), slices.Repeat([]float64{3}, 2*d)
		for _, m := range All() {
			if m.Name == "w2" && d > 1 {
				continue
			}
			for _, c := range [][2][]float64{{two, two}, {two, far}, {far, two}, {far, far}} {
				v, err := m.Compute(c[0], c[1], d, Options{})
				require.NoError(t, err, m.Name)
				assert.False(t, math.IsNaN(v.Value+v.StdErr+v.NullErr), "%s %+v", m.Name, v)
			}
			v, err := m.Compute(far, far, d, Options{})
			require.NoError(t, err)
			assert.Equal(t, Value{NX: 2, NY: 2}, v, m.Name)
		}
	}
}

func TestFloor(t *testing.T) {
	const n, reps = 200, 300
	draw := func(dst []float64, i uint64) { copy(dst, normals(i, len(dst))) }
	gap := Metric{Name: "gap", Compute: func(x, y []float64, _ int, _ Options) (Value, error) {
		return Value{Value: stat.Mean(x, nil) - stat.Mean(y, nil)}, nil
	}}
	f, err := Floor(append(All(), gap), draw, n, 1, reps, Options{})
	require.NoError(t, err)
	t.Logf("%+v", f)
	for _, v := range f {
		if !slices.Contains([]string{"energy", "mmd", "gap"}, v.Name) {
			continue
		}
		// These have mean 0; 4 standard errors.
		assert.InDelta(t, 0, v.Mean, 4*v.SD/math.Sqrt(reps), v.Name)
	}
	// sd of a difference of means √(2/n), known to 1/√(2·reps); 4 of these.
	assert.InEpsilon(t, math.Sqrt(2./n), f[len(f)-1].SD, 4/math.Sqrt(2*reps))
	assert.Equal(t, 2., FloorValue{Mean: 1, SD: 0.5}.Z(2))

	broken := Metric{Name: "broken", Compute: func([]float64, []float64, int, Options) (Value, error) {
		return Value{}, errors.New("no")
	}}
	_, err = Floor([]Metric{broken}, draw, n, 1, 2, Options{})
	assert.EqualError(t, err, "floor of broken: no")
}
