package sde_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/sde"
)

// Every coefficient that has a weight is held by some condition: a change of it is
// noticed, and so are the reversed sign of β² (torchsde's sra2 and sra3) and a wrong
// shape.
func TestTables(t *testing.T) {
	for _, m := range []*sde.SRA{sde.SRA1, sde.SRA2, sde.SRA3} {
		require.NoError(t, m.Validate())
		free := unnoticed(m.Validate, m.A, m.B, [][]float64{m.Alpha, m.Beta1, m.Beta2, m.C0, m.C1})
		want := 0
		if m == sde.SRA3 {
			want = 1 // c¹₃, the time of a g without weight
		}
		assert.Equal(t, want, free, m.Label)
		wrong := *m
		wrong.Beta2 = nil
		for _, b := range m.Beta2 {
			wrong.Beta2 = append(wrong.Beta2, -b)
		}
		assert.ErrorContains(t, wrong.Validate(), "β²·c¹ = 1")
		panics(t, func() { wrong.NewStepper(swirl, nil, 1) })
		wrong.Beta2 = m.Beta2[1:]
		assert.ErrorContains(t, wrong.Validate(), "entries")
		wrong.Beta2, wrong.A = m.Beta2, m.A[1:]
		assert.ErrorContains(t, wrong.Validate(), "rows")
	}
	for _, m := range []*sde.SRI{sde.SRIW1, sde.SRID2} {
		require.NoError(t, m.Validate())
		free := unnoticed(m.Validate, m.A0, m.A1, m.B0, m.B1,
			[][]float64{m.Alpha, m.Beta1, m.Beta2, m.Beta3, m.Beta4, m.C0, m.C1})
		// Changes that keep all sums but one.
		wrong := *m
		wrong.A1 = [][]float64{{}, {1. / 2}, {1, 0}, {0, 0, 1. / 4}}
		wrong.C1 = []float64{0, 1. / 2, 1, 1. / 4}
		assert.ErrorContains(t, wrong.Validate(), "β¹·A¹𝟏")
		wrong = *m
		wrong.B1 = append([][]float64{}, m.B1...)
		wrong.B1[3] = []float64{m.B1[3][0], m.B1[3][1] + 1, m.B1[3][2] - 1}
		assert.ErrorContains(t, wrong.Validate(), "β⁴·B¹B¹𝟏")

		want := 3 // row 4 of B⁰: the stage is not used
		if m == sde.SRIW1 {
			want = 5 // row 3 too: its f reaches x' at order 2 and above
		}
		assert.Equal(t, want, free, m.Label)
		wrong = *m
		wrong.Alpha = []float64{1, 0, 0, 0}
		assert.Error(t, wrong.Validate())
		panics(t, func() { wrong.NewStepper(swirl, nil, 1) })
	}
	assert.Error(t, new(sde.SRA).Validate())
	square := *sde.SRA1
	square.Alpha, square.C0 = []float64{1. / 2, 1. / 2}, []float64{0, 1}
	square.A, square.B = [][]float64{{}, {1}}, [][]float64{{}, {2}}
	assert.ErrorContains(t, square.Validate(), "α·(B𝟏)²")
	implicit := *sde.SRA1
	implicit.A = [][]float64{{0}, {3. / 4, 0}}
	assert.ErrorContains(t, implicit.Validate(), "explicit")
}

// unnoticed counts the entries whose change passes.
func unnoticed(validate func() error, parts ...[][]float64) (n int) {
	for _, m := range parts {
		for _, row := range m {
			for j, was := range row {
				row[j] += 1e-6
				if validate() == nil {
					n++
				}
				row[j] = was
			}
		}
	}
	return n
}
