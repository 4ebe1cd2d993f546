package interpolant

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

// A DirectMinimum is a Gaussian path found by direct minimisation of the kinetic energy:
// the angle θ and the radius ρ at the times T, in the coordinates of Kinetic.
type DirectMinimum struct {
	Energy        float64
	T, Theta, Rho []float64
	Iterations    int
}

// MinimizeEnergy minimises the kinetic energy of a path for the target over splines, with no
// use of what is known of the optimum: a check of Kinetic and Optimum. The path is cut at
// cells+1 angles θ_j, even in [0, π/2]; between them ρ is linear in θ and θ moves at a
// constant speed, so that cell j is crossed in the time τ_j and costs
//
//	C_j/τ_j,   C_j = (ρ_{j+1} - ρ_j)² + Δθ ∫ R(θ) ρ(θ)² dθ,   Σ τ_j = 1.
//
// The sum is convex in all ρ and τ together. Its minimum is approached by turns: over ρ it
// is a tridiagonal system of equations, over τ it is τ ∝ √C. As every path of this
// family is admissible the energy is an upper bound of the least one; it converges to it
// like cells⁻². The start is a straight line in ρ with τ even. It panics if cells < 2 and
// returns an error if 10,000 turns do not bring the energy to rest within 1e-11.
func (m *MMSE) MinimizeEnergy(cells int) (*DirectMinimum, error) {
	if cells < 2 {
		panic("interpolant: the minimisation of an energy needs two cells")
	}
	n := cells
	width := math.Pi / 2 / float64(n)
	rho, tau, cost := make([]float64, n+1), make([]float64, n), make([]float64, n)
	rootD, rootS := math.Sqrt(float64(m.dim)), math.Sqrt(m.variance)
	for j := range rho {
		rho[j] = rootD + (rootS-rootD)*float64(j)/float64(n)
	}
	for j := range tau {
		tau[j] = 1 / float64(n)
	}
	// A cell is a quadratic form of its two ends: the moments of R with the hat functions.
	const nodes = 4
	u, w := make([]float64, nodes), make([]float64, nodes)
	quad.Legendre{}.FixedLocations(u, w, 0, 1)
	form := make([][3]float64, n)
	for j := range form {
		for q := range nodes {
			r := width * width * w[q] * m.ratioAt(math.Log(math.Tan((float64(j)+u[q])*width)))
			form[j][0] += r * square(1-u[q])
			form[j][1] += r * u[q] * (1 - u[q])
			form[j][2] += r * u[q] * u[q]
		}
	}
	lower, diag, upper := make([]float64, n-2), make([]float64, n-1), make([]float64, n-2)
	right, solution := mat.NewVecDense(n-1, nil), mat.NewVecDense(n-1, nil)
	previous := math.Inf(1)
	for turn := 1; turn <= 10000; turn++ {
		for i := range n - 1 { // the inner knots of ρ
			a, b := form[i], form[i+1]
			diag[i] = (1+a[2])/tau[i] + (1+b[0])/tau[i+1]
			right.SetVec(i, 0)
			if i > 0 {
				lower[i-1] = (a[1] - 1) / tau[i]
				upper[i-1] = lower[i-1]
			}
		}
		right.SetVec(0, (1-form[0][1])/tau[0]*rho[0])
		right.SetVec(n-2, right.AtVec(n-2)+(1-form[n-1][1])/tau[n-1]*rho[n])
		if err := mat.NewTridiag(n-1, lower, diag, upper).SolveVecTo(solution, false, right); err != nil {
			return nil, fmt.Errorf("interpolant: the minimisation of the kinetic energy failed: %w", err)
		}
		var length float64
		for j := range cost {
			if j < n-1 {
				rho[j+1] = solution.AtVec(j)
			}
			a, b := rho[j], rho[j+1]
			cost[j] = square(b-a) + form[j][0]*a*a + 2*form[j][1]*a*b + form[j][2]*b*b
			// A cell of no length at all, as for N(0, I), still takes its time.
			cost[j] = math.Sqrt(cost[j]) + 1e-9*width*rootD
			length += cost[j]
		}
		for j := range tau {
			tau[j] = cost[j] / length
		}
		energy := length * length
		if math.Abs(previous-energy) <= 1e-11*(energy+1e-6) {
			min := &DirectMinimum{Energy: energy, Rho: rho, T: make([]float64, n+1), Theta: make([]float64, n+1), Iterations: turn}
			for j := range tau {
				min.T[j+1] = min.T[j] + tau[j]
				min.Theta[j+1] = float64(j+1) * width
			}
			return min, nil
		}
		previous = energy
	}
	return nil, fmt.Errorf("interpolant: the minimisation of the kinetic energy over %d cells did not come to rest; use fewer", cells)
}
