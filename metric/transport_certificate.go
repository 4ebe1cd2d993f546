package metric

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A Certificate bounds how far a transport plan and its duals are from optimal. By
// weak duality a plan with all three at 0 is optimal, whatever found it. Costs are
// relative to the largest |c(i, j)|, or absolute if all costs are 0; masses are
// relative to the total.
type Certificate struct {
	Infeasibility float64 // max(0, U_i + V_j - c(i, j)) over all pairs
	Gap           float64 // |cost - (Σ a_i U_i + Σ b_j V_j)| per unit of mass
	Marginal      float64 // the largest error of a source's or a target's mass
}

// Certificate reads all costs to check the plan against weights and costs.
func (p *Plan) Certificate(a, b []float64, cost Cost) Certificate {
	n, m := len(p.U), len(p.V)
	if len(a) != n || len(b) != m {
		panic("metric: the weights are not those of the plan")
	}
	left, short := make([]float64, n), make([]float64, m)
	copy(left, a)
	total := floats.Sum(a)
	floats.AddScaled(short, total/floats.Sum(b), b)
	var primal, scale float64
	var out Certificate
	row, next := make([]float64, m), 0
	for i, u := range p.U {
		cost(row, i)
		for j, c := range row {
			scale = max(scale, math.Abs(c))
			out.Infeasibility = max(out.Infeasibility, u+p.V[j]-c)
		}
		for ; next < len(p.Flows) && p.Flows[next].From == i; next++ {
			f := p.Flows[next]
			primal += f.Mass * row[f.To]
			left[i] -= f.Mass
			short[f.To] -= f.Mass
		}
	}
	if scale == 0 {
		scale = 1
	}
	dual := floats.Dot(a, p.U) + floats.Dot(b, p.V)
	out.Infeasibility /= scale
	out.Gap = math.Abs(primal-dual) / (scale * total)
	out.Marginal = max(floats.Norm(left, math.Inf(1)), floats.Norm(short, math.Inf(1))) / total
	return out
}

// Plan returns the assignment as a plan between n sources and n targets of mass 1/n.
func (a *Assignment) Plan() *Plan {
	p := &Plan{Cost: a.Cost, U: a.U, V: a.V}
	for i, j := range a.To {
		p.Flows = append(p.Flows, Flow{i, j, 1 / float64(len(a.To))})
	}
	return p
}
