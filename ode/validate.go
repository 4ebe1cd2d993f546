package ode

import (
	"fmt"
	"math"
)

// Validate checks the coefficients: shapes, explicitness, Σ_j a_ij = c_i, Σ e_i = 0,
// and the order conditions
//
//	Σ_i b_i Φ_i(τ) = 1/γ(τ)   for every rooted tree τ of at most the stated order
//
// for the solution, for the embedded solutions and, power by power of θ, for dense
// output (HNW theorem II.2.13 and II.6). Error weights that vanish on all trees of
// the order after the embedded one are refused as well: they would see no error.
// The sums must be right to rounding: 1e-14 of the sum of their terms' sizes, and 1e-12
// in dense output, whose terms cancel.
func (t *Tableau) Validate() error {
	if err := t.checkShape(); err != nil {
		return fmt.Errorf("ode: tableau %q: %w", t.Label, err)
	}
	for i, row := range t.A {
		if e := residual(ones(len(row)), row, t.C[i], tolerance); e > 1 {
			return fmt.Errorf("ode: tableau %q: row %d of A does not sum to c = %v", t.Label, i, t.C[i])
		}
	}
	trees := t.trees(max(t.OrderB, t.OrderE+1, t.OrderE2+1, t.OrderP))
	check := func(what string, w []float64, order int) error {
		for n, τ := range trees {
			if τ.order > order {
				break
			}
			if e := residual(w, τ.phi, 1/τ.gamma, tolerance); e > 1 {
				return fmt.Errorf("ode: tableau %q: %s fails tree %d, of order %d and density %v, by %.2g tolerances",
					t.Label, what, n, τ.order, τ.gamma, e)
			}
		}
		return nil
	}
	if err := check("B", t.B, t.OrderB); err != nil {
		return err
	}
	for _, v := range []struct {
		name  string
		e     []float64
		order int
	}{{"E", t.E, t.OrderE}, {"E2", t.E2, t.OrderE2}} {
		if v.e == nil {
			continue
		}
		hat := make([]float64, len(t.B))
		for i, b := range t.B {
			hat[i] = b - v.e[i]
		}
		if err := check("B - "+v.name, hat, v.order); err != nil {
			return err
		}
		if e := residual(ones(len(v.e)), v.e, 0, tolerance); e > 1 {
			return fmt.Errorf("ode: tableau %q: %s does not sum to 0", t.Label, v.name)
		}
		blind := true
		for _, τ := range trees {
			if τ.order == v.order+1 && residual(v.e, τ.phi, 0, tolerance) > 1 {
				blind = false
			}
		}
		if blind {
			return fmt.Errorf("ode: tableau %q: %s sees no error of order %d", t.Label, v.name, v.order+1)
		}
	}
	return t.checkDense(trees)
}

func (t *Tableau) checkShape() error {
	s := len(t.B)
	switch {
	case s == 0 || len(t.A) < s || len(t.C) != len(t.A):
		return fmt.Errorf("%d weights, %d nodes and %d rows of A", s, len(t.C), len(t.A))
	case t.OrderB < 1:
		return fmt.Errorf("the order is %d", t.OrderB)
	case len(t.A) > s && (t.P == nil || !t.FSAL()):
		return fmt.Errorf("stages beyond B without dense output or a first-same-as-last stage")
	case t.E != nil && (len(t.E) != s || t.OrderE < 1), t.E2 != nil && (t.E == nil || len(t.E2) != s || t.OrderE2 < 1):
		return fmt.Errorf("error weights without their length or order")
	case t.P != nil && (len(t.P) != len(t.A) || t.OrderP < 1):
		return fmt.Errorf("dense output without its length or order")
	}
	for i, row := range t.A {
		if len(row) != i {
			return fmt.Errorf("row %d of A has %d entries", i, len(row))
		}
	}
	for i, row := range t.P {
		if len(row) != len(t.P[0]) || len(row) < t.OrderP {
			return fmt.Errorf("row %d of P has %d entries", i, len(row))
		}
	}
	return nil
}

// checkDense holds the power θ^j of dense output against the trees: only trees of
// order j may contribute, and they give 1/γ. At θ = 1 the weights are those of B.
func (t *Tableau) checkDense(trees []tree) error {
	if t.P == nil {
		return nil
	}
	w := make([]float64, len(t.P))
	for j := range t.P[0] {
		for i := range w {
			w[i] = t.P[i][j]
		}
		for n, τ := range trees {
			want := 0.0
			if τ.order == j+1 {
				want = 1 / τ.gamma
			}
			if e := residual(w, τ.phi, want, denseTolerance); τ.order <= t.OrderP && e > 1 {
				return fmt.Errorf("ode: tableau %q: the power %d of P fails tree %d, of order %d, by %.2g tolerances", t.Label, j+1, n, τ.order, e)
			}
		}
	}
	for i, row := range t.P {
		b := 0.0
		if i < len(t.B) {
			b = t.B[i]
		}
		if residual(ones(len(row)), row, b, denseTolerance) > 1 {
			return fmt.Errorf("ode: tableau %q: row %d of P does not end at b", t.Label, i)
		}
	}
	return nil
}

const (
	tolerance      = 1e-14
	denseTolerance = 1e-12
)

// residual returns |Σ w_i v_i - want| in units of tol times max(1, Σ |w_i v_i|).
func residual(w, v []float64, want, tol float64) float64 {
	sum, size := 0.0, 0.0
	for i := range w {
		sum += w[i] * v[i]
		size += math.Abs(w[i] * v[i])
	}
	return math.Abs(sum-want) / (tol * max(size, 1))
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}

// A tree is a rooted tree with its elementary weights for the stages of a method,
//
//	Φ_i(τ) = Π_m Σ_j a_ij Φ_j(τ_m),   γ(τ) = ρ(τ) Π_m γ(τ_m),
//
// where τ_m are the subtrees at the root and ρ is the number of vertices.
type tree struct {
	order int
	gamma float64
	phi   []float64
	aphi  []float64 // Σ_j a_ij Φ_j
}

// trees returns the rooted trees of 1 to order vertices by growing order (1, 1, 2, 4, 9,
// 20, 48, 115 of them for the orders 1 to 8): each multiset of smaller trees with n-1
// vertices in all, hung from a root, is one of n vertices.
func (t *Tableau) trees(order int) []tree {
	var all []tree
	var hang func(n, left, from int, phi []float64, gamma float64)
	hang = func(n, left, from int, phi []float64, gamma float64) {
		if left == 0 {
			τ := tree{order: n, gamma: float64(n) * gamma, phi: phi, aphi: make([]float64, len(phi))}
			for i, row := range t.A {
				for j, a := range row {
					τ.aphi[i] += a * phi[j]
				}
			}
			all = append(all, τ)
			return
		}
		for m := from; m < len(all) && all[m].order <= left; m++ {
			prod := make([]float64, len(phi))
			for i := range prod {
				prod[i] = phi[i] * all[m].aphi[i]
			}
			hang(n, left-all[m].order, m, prod, gamma*all[m].gamma)
		}
	}
	for n := 1; n <= order; n++ {
		hang(n, n-1, 0, ones(len(t.A)), 1)
	}
	return all
}
