package interpolant

import (
	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/ode"
)

// TrajectoryEnergies measures the trajectories of a trace, one value each: the energy and
// the distance from straightness (Liu, Gong and Liu 2023, arXiv 2209.03003, section 3.2)
//
//	E = ∫ |Ẋ|² dt,   S = ∫ |Ẋ - (X_b - X_a)/(b-a)|² dt = E - |X_b - X_a|²/(b-a)
//
// over the times a = grid[0] to b of the grid, of dimension dim. The trajectories are taken
// as straight between grid times, so that both are lower bounds of those of the flow and
// converge to them like the square of the steps. The mean of E over exact trajectories of
// the probability flow is the kinetic energy of the path, Value + Shift of MMSE.Energy; S
// is 0 for a straight trajectory at constant speed. It panics unless the trace fits the
// grid and the grid has two times at least and rises.
func TrajectoryEnergies(tr *ode.Trace, grid []float64, dim int) (energy, straightness []float64) {
	k := len(grid)
	if k < 2 || dim < 1 || len(tr.X) != tr.Rows*k*dim {
		panic("interpolant: a trace of trajectories must fit its grid of two times or more")
	}
	energy, straightness = make([]float64, tr.Rows), make([]float64, tr.Rows)
	for j := 1; j < k; j++ {
		if !(grid[j] > grid[j-1]) {
			panic("interpolant: the grid of a trace must rise")
		}
	}
	for i := range tr.Rows {
		at := func(j int) []float64 { return tr.X[(i*k+j)*dim : (i*k+j+1)*dim] }
		first, last := at(0), at(k-1)
		span := grid[k-1] - grid[0]
		for j := 1; j < k; j++ {
			h := grid[j] - grid[j-1]
			a, b := at(j-1), at(j)
			energy[i] += square(floats.Distance(a, b, 2)) / h
			for c := range a { // not E less the chord, which cancels for straight ones
				straightness[i] += square((b[c]-a[c])/h-(last[c]-first[c])/span) * h
			}
		}
	}
	return energy, straightness
}
