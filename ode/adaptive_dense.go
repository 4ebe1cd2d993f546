package ode

import "github.com/seed-dea4846a/sampler/internal/simd"

// interpolate writes the state of a point at time t of the step just accepted to g.out. Of
// its stages, have are there; it returns how many there are then.
func (g *adaptiveGroup) interpolate(r int, t float64, have int) int {
	t0, t1 := g.t[r], g.t1[r]
	lo, hi := r*g.d, (r+1)*g.d
	x, x1 := g.x[lo:hi], g.x1[lo:hi]
	θ := (t - t0) / (t1 - t0)
	s := len(g.tab.B)
	if t == t1 {
		copy(g.out, x1)
		return have
	}
	if g.tab.P == nil { // HNW (6.7)
		k0, k1 := g.k[0][lo:hi], g.k[s-1][lo:hi]
		for i, a := range x {
			b := x1[i]
			g.out[i] = (1-θ)*a + θ*b + θ*(θ-1)*((1-2*θ)*(b-a)+(θ-1)*k0[i]+θ*k1[i])
		}
		return have
	}
	for ; have < len(g.a); have++ {
		a := g.a[have]
		for m, j := range a.index {
			g.arg[m] = g.k[j][lo:hi]
		}
		y, k := g.y[lo:hi], g.k[have][lo:hi]
		simd.Combine(y, 1, x, a.coef, g.arg)
		g.f.Eval(k, y, node(t0, t1, g.tab.C[have]))
		g.points[r].stats.Evals++
		for i, v := range k {
			k[i] = (t1 - t0) * v
		}
	}
	for i, w := range g.tab.P {
		b := 0.0
		for j := len(w) - 1; j >= 0; j-- {
			b = θ * (b + w[j])
		}
		g.coef[i], g.arg[i] = b, g.k[i][lo:hi]
	}
	simd.Combine(g.out, 1, x, g.coef[:len(g.tab.P)], g.arg)
	return have
}
