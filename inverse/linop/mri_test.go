package linop

import (
	"fmt"
	"math"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

// someMask keeps the points whose normal is positive, at least the first.
func someMask(rows, cols int) SamplingMask {
	m := SamplingMask{rows, cols, make([]bool, rows*cols)}
	for i, v := range gaussian(rows*cols, 40) {
		m.Keep[i] = v > 0 || i == 0
	}
	return m
}

func fullMask(rows, cols int) SamplingMask {
	return must(UniformMask(rows, cols, 1, 0))
}

func init() {
	for _, s := range [][2]int{{6, 8}, {7, 5}, {1, 4}, {3, 1}} {
		rows, cols := s[0], s[1]
		name := fmt.Sprintf(" %dx%d", rows, cols)
		register(
			operatorRow{name: "mri single" + name, make: func() Operator { return must(NewMRI(someMask(rows, cols), nil)) }, norm: 1},
			operatorRow{name: "mri full" + name, make: func() Operator { return must(NewMRI(fullMask(rows, cols), BirdcageMaps(3, rows, cols))) }, norm: 1},
			operatorRow{name: "mri maps" + name, make: func() Operator { return must(NewMRI(someMask(rows, cols), gaussian(4*rows*cols, 41))) }},
		)
	}
	register(
		operatorRow{name: "mri lines", make: func() Operator {
			return must(NewMRI(must(UniformMask(12, 16, 4, 0.125)), BirdcageMaps(4, 12, 16)))
		}},
		operatorRow{name: "mri radial", make: func() Operator {
			return must(NewNonCartesianMRI(9, 8, RadialTrajectory(7, 18, true), BirdcageMaps(2, 9, 8)))
		}},
		operatorRow{name: "mri radial single", make: func() Operator {
			return must(NewNonCartesianMRI(8, 8, RadialTrajectory(5, 16, false), nil))
		}},
	)
}

// The encoding against the sums of its definition, on the grid and off it.
func TestMRIAgainstSums(t *testing.T) {
	for _, s := range [][2]int{{4, 3}, {5, 4}, {3, 7}} {
		rows, cols := s[0], s[1]
		n := rows * cols
		const coils = 2
		maps, x := gaussian(2*coils*n, 1), gaussian(2*n, 2)
		mask := someMask(rows, cols)
		all := fourierGrid(rows, cols)
		var points []float64
		for i, k := range mask.Keep {
			if k {
				points = append(points, all[2*i], all[2*i+1])
			}
		}
		radial := RadialTrajectory(4, 9, true)
		sums := func(points []float64) (want []float64) {
			for c := range coils {
				image := make([]float64, 2*n)
				for i := range n {
					fft.Complex(image)[i] = fft.Complex(maps)[c*n+i] * fft.Complex(x)[i]
				}
				want = append(want, fourierSum(image, rows, cols, points)...)
			}
			return want
		}
		m := must(NewMRI(mask, maps))
		require.Equal(t, []int{coils, len(points) / 2, 2}, m.RangeShape())
		require.Equal(t, coils, m.Coils())
		want := sums(points)
		got := make([]float64, len(want))
		m.Apply(got, x)
		assert.InDeltaSlice(t, want, got, 1e-13, "%v", s) // sums of tens of terms of about 1

		r := must(NewNonCartesianMRI(rows, cols, radial, maps))
		want = sums(radial)
		got = make([]float64, len(want))
		r.Apply(got, x)
		// The NUFFT's 1e-6 of the norm of a coil image, which is below 20.
		assert.InDeltaSlice(t, want, got, 2e-5, "%v", s)
	}
}

// With Σ|S|² = 1 the full encoding is an isometry and a masked one no longer than it.
func TestCoilNorm(t *testing.T) {
	const rows, cols = 10, 9
	maps := BirdcageMaps(5, rows, cols)
	m := must(NewMRI(fullMask(rows, cols), maps))
	x, y, back := gaussian(2*rows*cols, 3), make([]float64, 2*5*rows*cols), make([]float64, 2*rows*cols)
	m.Apply(y, x)
	assert.InEpsilon(t, floats.Norm(x, 2), floats.Norm(y, 2), 1e-13)
	m.Adjoint(back, y)
	assert.InDeltaSlice(t, x, back, 1e-13)
	norm, res := Norm(must(NewMRI(someMask(rows, cols), maps)), nil)
	require.NoError(t, res.Status.Err())
	assert.Less(t, norm, 1.)
	assert.Greater(t, norm, 0.5)
}

// Images beyond serialWork go through the parallel branches: the same bits on any number
// of processors, and a transpose.
func TestLargeMRI(t *testing.T) {
	const rows, cols = 270, 256
	m := must(NewMRI(must(UniformMask(rows, cols, 4, 0.1)), BirdcageMaps(2, rows, cols)))
	assert.LessOrEqual(t, DotTest(m, 2), 1e-13)
	testUse(t, m)
}

func TestGridOfSamples(t *testing.T) {
	const rows, cols = 4, 5
	m := must(NewMRI(someMask(rows, cols), BirdcageMaps(2, rows, cols)))
	k, _ := m.Dims()
	y, grid, back := gaussian(k, 4), filled(2*2*rows*cols), filled(k)
	m.ToGrid(grid, y)
	for i, v := range grid {
		if !someMask(rows, cols).Keep[i/2%(rows*cols)] {
			assert.Zero(t, v)
		}
	}
	assert.Equal(t, floats.Norm(y, 2), floats.Norm(grid, 2))
	m.FromGrid(back, grid)
	assert.Equal(t, y, back)
	r := must(NewNonCartesianMRI(4, 4, []float64{0, 0}, nil))
	assert.Panics(t, func() { r.ToGrid(make([]float64, 32), make([]float64, 2)) })
}

func TestMRIErrors(t *testing.T) {
	_, err := NewMRI(SamplingMask{2, 3, make([]bool, 6)}, nil)
	assert.ErrorContains(t, err, "the mask of 2×3 keeps no sample")
	_, err = NewMRI(SamplingMask{2, 3, make([]bool, 5)}, nil)
	assert.ErrorContains(t, err, "5 values for a mask of 2×3")
	_, err = NewMRI(fullMask(2, 3), make([]float64, 13))
	assert.ErrorContains(t, err, "13 numbers for coil maps, want a multiple of 2×3×2")
	_, err = NewMRI(fullMask(2, 3), []float64{11: math.NaN()})
	assert.ErrorContains(t, err, "coil map 0 holds NaN")
	_, err = NewNonCartesianMRI(2, 3, nil, nil)
	assert.Error(t, err)
}

// 8 coils, 256², uniform acceleration 4 with 24 centre lines.
func BenchmarkSENSE256(b *testing.B) {
	m := must(NewMRI(must(UniformMask(256, 256, 4, 24./256)), BirdcageMaps(8, 256, 256)))
	rows, cols := m.Dims()
	x, y := gaussian(cols, 0), make([]float64, rows)
	b.ReportAllocs()
	for b.Loop() {
		m.Apply(y, x)
		m.Adjoint(x, y)
	}
}
