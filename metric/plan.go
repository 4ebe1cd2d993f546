package metric

import (
	"context"
	"fmt"
	"math"
)

// PlanRow writes row i of the plan, P_ij for all j, to dst.
func (r *SinkhornResult) PlanRow(dst []float64, i int) {
	n, m := r.p.size()
	if len(dst) != m || i < 0 || i >= n {
		panic("metric: the row or its length does not fit the plan")
	}
	r.p.row(dst, i)
	for j, c := range dst {
		if w := r.p.a[i] * r.p.b[j]; w > 0 {
			dst[j] = w * math.Exp((r.F[i]+r.G[j]-c)/r.p.o.Epsilon)
		} else {
			dst[j] = 0
		}
	}
}

// Barycentric writes the barycentric map of the plan to dst, n points of dimension dim,
//
//	T(x_i) = Σ_j P_ij y_j / Σ_j P_ij,
//
// the mean of the points y that x_i goes to (Ferradans, Papadakis, Peyré and Aujol
// 2014). For SinkhornPoints y must be the y that was given to it.
// The work space is the result's: calls must not overlap.
func (r *SinkhornResult) Barycentric(ctx context.Context, dst, y []float64, dim int) error {
	n, m := r.p.size()
	if dim < 1 || len(dst) != n*dim || len(y) != m*dim {
		panic("metric: the points do not fit the plan")
	}
	if err := check("y", y, dim); err != nil {
		return err
	}
	mean := &means{cost: make([]float64, n), y: y, dim: dim, point: dst}
	if err := r.p.rows(ctx, r.p.l[:n], r.p.logits(r.p.lb, r.G, r.p.o.Epsilon), r.p.o.Epsilon, mean); err != nil {
		return fmt.Errorf("metric: barycentric map: %w", err)
	}
	return nil
}
