package metric

import (
	"math"
	"slices"
)

// A Cost fills dst with the costs of moving a unit of mass from source i to each of
// the targets. Equal arguments must give equal costs.
type Cost func(dst []float64, i int)

// PowerCost returns c(i, j) = |x_i - y_j|^p, p > 0, for points in dimension dim. It
// reads x and y whenever it is called.
func PowerCost(x, y []float64, dim int, p float64) Cost {
	if dim < 1 || len(x)%dim != 0 || len(y)%dim != 0 {
		panic("metric: the points of a cost do not fit its dimension")
	}
	if !(p > 0) || math.IsInf(p, 1) {
		panic("metric: the power of a cost must be positive and finite")
	}
	return func(dst []float64, i int) {
		squaredDistances(dst, x[i*dim:(i+1)*dim], y)
		switch p {
		case 2:
		case 1:
			for j, v := range dst {
				dst[j] = math.Sqrt(v)
			}
		default:
			for j, v := range dst {
				dst[j] = math.Pow(v, p/2)
			}
		}
	}
}

// MatrixCost returns the costs c, a row of targets for each source.
func MatrixCost(c []float64, targets int) Cost {
	if targets < 1 || len(c)%targets != 0 {
		panic("metric: a cost matrix must be rectangular")
	}
	return func(dst []float64, i int) { copy(dst, c[i*targets:(i+1)*targets]) }
}

// A Flow is mass that goes from a source to a target.
type Flow struct {
	From, To int
	Mass     float64
}

// A PlanStatus says how the search for a plan ended.
type PlanStatus int

const (
	Optimal        PlanStatus = iota // the plan is optimal
	IterationLimit                   // the limit came first: a part of the mass is not sent
)

// String names the status.
func (s PlanStatus) String() string {
	if s == Optimal {
		return "optimal"
	}
	return "iteration limit"
}

// A Plan moves the mass of the sources to the targets.
type Plan struct {
	Flows []Flow  // positive masses, by source and then target
	Cost  float64 // Σ mass·c over the flows
	// U and V are feasible duals, U_i + V_j ≤ c(i, j) up to rounding, with equality
	// where mass flows.
	U, V       []float64
	Status     PlanStatus
	Iterations int // augmenting paths
}

// TransportOptions are the settings of Transport. The zero value means the defaults.
type TransportOptions struct {
	// MaxIter bounds the augmenting paths, of which there are about as many as there
	// are sources and targets; 0 means 1000 for each of them.
	MaxIter int
}

// Transport solves the transportation problem between sources of weights a and
// targets of weights b,
//
//	min Σ_ij P_ij c(i, j),   Σ_j P_ij = a_i,   Σ_i P_ij = b_j,   P ≥ 0,
//
// exactly, by shortest augmenting paths with dual variables (Ahuja, Magnanti and Orlin
// 1993, Network Flows, sections 9.7 and 11.4). Mass is counted in integers, so the
// flow has no rounding: weights that are integers, or equal on each side, are exact,
// others are rounded to 2⁻⁶⁰ of their sum. If the sums of a and b differ, b is scaled
// to that of a; by more than 1e-9 relatively is an error, as are weights that are
// negative or not finite, empty sides and costs that are not finite.
//
// Rows of the cost are computed when they are needed, and the memory is some 500 bytes
// a source. A plan that ran into the limit has Status IterationLimit, the flows found
// so far and feasible duals, whose value a·U + b·V is a lower bound on the cost.
func Transport(a, b []float64, cost Cost, o TransportOptions) (*Plan, error) {
	if o.MaxIter < 0 {
		panic("metric: the iteration limit must not be negative")
	}
	supply, demand, unit, err := massUnits(a, b)
	if err != nil {
		return nil, err
	}
	n, m := len(a), len(b)
	limit := o.MaxIter
	if limit == 0 {
		limit = 1000 * (n + m)
	}
	s := newSearch(newShortlist(n, m, cost), supply, demand)
	if err := s.start(nil); err != nil {
		return nil, err
	}
	if min(n, m) >= guessMin {
		if err := s.guess(); err != nil {
			return nil, err
		}
	}
	s.fill()
	p := &Plan{V: s.v}
	for i := range n {
		for s.supply[i] > 0 && p.Status == Optimal {
			if p.Iterations == limit {
				p.Status = IterationLimit
				break
			}
			s.augment(i)
			p.Iterations++
		}
	}
	for j, fs := range s.flows {
		for _, f := range fs {
			mass := float64(f.units) * unit
			p.Flows = append(p.Flows, Flow{int(f.from), j, mass})
			p.Cost += mass * f.c
		}
	}
	slices.SortFunc(p.Flows, func(f, g Flow) int {
		if f.From != g.From {
			return f.From - g.From
		}
		return f.To - g.To
	})
	p.U = sourceDuals(n, p.V, cost)
	return p, nil
}

// guessMin is the size of the smaller side from which a guess of the duals pays. At
// 2,000 sources and targets of unequal weights it saves nine tenths of the time.
const guessMin = 64

// guess replaces v by duals near the optimal ones: those of an assignment between
// equal masses, drawn from both sides at even steps of mass, carried to all targets by
// c-transforms,
//
//	u_i = min_{j drawn} c(i, j) - v_j,   v_j = min_i c(i, j) - u_i.
func (s *search) guess() error {
	n, m := len(s.supply), len(s.demand)
	k := min(n, m)
	from, to := quantiles(s.supply, k), quantiles(s.demand, k)
	a, err := Assign(k, func(dst []float64, i int) {
		s.cost(s.row, from[i])
		for h, j := range to {
			dst[h] = s.row[j]
		}
	})
	if err != nil {
		return err
	}
	for j := range s.v {
		s.v[j] = math.Inf(-1)
	}
	for h, j := range to {
		s.v[j] = max(s.v[j], a.V[h])
	}
	return s.start(sourceDuals(n, s.v, s.cost))
}

// quantiles returns the places of k quantiles of the masses w.
func quantiles(w []int64, k int) []int {
	var total float64
	for _, u := range w {
		total += float64(u)
	}
	out, at := make([]int, k), 0
	sum := float64(w[0])
	for h := range out {
		for q := (float64(h) + 0.5) / float64(k) * total; sum < q && at < len(w)-1; {
			at++
			sum += float64(w[at])
		}
		out[h] = at
	}
	return out
}
