package ode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var tableaux = []*Tableau{
	Euler, Midpoint, Heun, Ralston, Kutta3, RK4,
	BogackiShampine32, DormandPrince54, Tsitouras54, DormandPrince853,
}

func TestTableaux(t *testing.T) {
	for _, tab := range tableaux {
		assert.NoError(t, tab.Validate())
		assert.Equal(t, tab.Label == "bs32" || tab.OrderB >= 5, tab.FSAL(), tab.Label)
	}
}

// The number of rooted trees with 1 to 8 vertices (OEIS A000081), and the densities of the
// two that are simple: n for the bush and n! for the tall tree.
func TestTrees(t *testing.T) {
	trees := RK4.trees(8)
	count := make([]int, 9)
	for _, τ := range trees {
		count[τ.order]++
	}
	assert.Equal(t, []int{0, 1, 1, 2, 4, 9, 20, 48, 115}, count)
	assert.Equal(t, 8., trees[len(trees)-115].gamma)
	assert.Equal(t, 40320., trees[len(trees)-1].gamma)
}

// Validate refuses a change of any coefficient, zeros included, by 1e-10; by 1e-8 in
// dense output, whose tolerance is wider.
func TestValidateSees(t *testing.T) {
	for _, tab := range tableaux {
		rows := append([][]float64{tab.B, tab.C, tab.E, tab.E2}, append(tab.A, tab.P...)...)
		for r, row := range rows {
			for i, v := range row {
				size := 1e-10
				if r >= 4+len(tab.A) {
					size = 1e-8
				}
				row[i] += size * max(1, math.Abs(v))
				require.Error(t, tab.Validate(), "%s row %d, %d", tab.Label, r, i)
				row[i] = v
			}
		}
		require.NoError(t, tab.Validate())
	}
	bad := *Heun
	bad.E = []float64{0, 0}
	assert.ErrorContains(t, bad.Validate(), "sees no error")
	bad = *Heun
	bad.A = [][]float64{{}, {1, 0}}
	assert.ErrorContains(t, bad.Validate(), "row 1 of A has 2 entries")
	bad = *Heun
	bad.OrderB = 3
	assert.ErrorContains(t, bad.Validate(), "B fails tree 2")
}
