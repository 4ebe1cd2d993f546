package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"gonum.org/v1/gonum/floats"
)

// MCGdiff guides particles by the data alone (Cardoso, Janati Idrissi, Le Corff and
// Moulines 2023, arXiv 2308.07983): no Jacobian, one evaluation of the prior for each
// particle and step. In the singular coordinates x̄ = Vᵀx, ȳ = S⁻¹Uᵀy the measurement i
// has the noise e_i = σ_y/s_i, and so has x̄_i/α at the noise level σ/α = e_i, where the
// data are taken for x itself. At higher levels the twist is
//
//	ψ(x) = Π_i N(x̄_i; α ȳ_i, V_i),   V_i = σ² - α²e_i² + κ α²(1 + e_i²),
//
// and the proposal, exact for it, draws x̄'_i with m̄' the prior's mean from
//
//	N(K α' ȳ_i + (1-K) m̄'_i, K V'_i),   K = v/(v + V'_i).
//
// Coordinates without data, or past their level, follow the prior. The last factor of the
// twist before the level stays as the likelihood of that coordinate, pinned to α ȳ_i; one
// that is guided to the end takes its own at x₁. To take y for x at the level is exact if
// the chain has the joint law of the path, so the points and the evidence are exact in the
// limit of many steps and particles, and the grid should have the levels e_i: path.Time(log(1/e_i)).
//
// It needs a linop.Spectral operator and white noise. The authors have 1000 particles for
// mixtures and 64 for images, κ = 1e-4, and Multinomial resampling at every step.
type MCGdiff struct {
	Kappa float64 // κ; zero means 1e-4
}

func (g MCGdiff) prepare(r *smcRun) (func() mover, error) {
	p := r.c.problem
	if err := needSpectral(p, "MCGdiff"); err != nil {
		return nil, err
	}
	if g.Kappa == 0 {
		g.Kappa = 1e-4
	}
	if !(g.Kappa > 0) || math.IsInf(g.Kappa, 1) {
		return nil, fmt.Errorf("inverse: MCGdiff has κ = %g, want a positive number", g.Kappa)
	}
	a, _ := p.spectral()
	m, d := p.Dims()
	uty := make([]float64, m)
	a.UT(uty, p.y)
	r.c.counts.add(&Counts{Adjoint: 1})
	w := mcgdiff{run: r, a: a, kappa: g.Kappa}
	sv := a.Singular()
	floor := rankTol * floats.Max(sv)
	for i, u := range uty {
		if i >= len(sv) || sv[i] <= floor { // nothing but noise
			w.constant += logGauss(u, p.std*p.std)
		}
		if i < len(sv) {
			// Coordinates with no data have e = ∞ and are never guided.
			w.e, w.y = append(w.e, math.Inf(1)), append(w.y, 0)
			if sv[i] > floor {
				w.e[i], w.y[i] = p.std/sv[i], u/sv[i]
			}
		}
	}
	for i, e := range w.e {
		for k := len(r.at) - 2; k >= 0 && !math.IsInf(e, 1); k-- {
			_, before := w.active(i, k)
			if _, after := w.active(i, k+1); before && !after {
				// From the density of x̄_i = α ȳ_i to that of y.
				w.constant += math.Log(r.at[k].Alpha * e / p.std)
			}
		}
	}
	return func() mover {
		mine := w
		mine.l, mine.bar, mine.old = newLocal(p, r.c.model), make([]float64, d), make([]float64, d)
		return &mine
	}, nil
}

type mcgdiff struct {
	run      *smcRun
	l        *Local
	a        linop.Spectral
	kappa    float64
	e, y     []float64 // e and ȳ of the coordinates of the singular values
	constant float64   // of the log evidence
	bar, old []float64
}

func (w *mcgdiff) local() *Local { return w.l }

// rotate writes Vᵀx.
func (w *mcgdiff) rotate(dst, x []float64) {
	w.l.counts.Adjoint++
	w.a.VT(dst, x)
}

func (w *mcgdiff) back(dst, v []float64) {
	w.l.counts.Apply++
	w.a.V(dst, v)
}

// active returns V_i at time k, and whether the coordinate is still guided.
func (w *mcgdiff) active(i, k int) (v float64, ok bool) {
	c := w.run.at[k]
	e := w.e[i] * c.Alpha
	if !(c.Sigma >= e) {
		return 0, false
	}
	return (c.Sigma-e)*(c.Sigma+e) + w.kappa*(c.Alpha*c.Alpha+e*e), true
}

// logGauss returns log N(x; 0, v).
func logGauss(x, v float64) float64 { return -(x*x/v + math.Log(2*math.Pi*v)) / 2 }

// draw moves bar, at time k with the prior's law N(bar, v) in each coordinate, to a draw
// given ψ and returns log p/q.
func (w *mcgdiff) draw(z []float64, v float64, k int) float64 {
	alpha, root, sum := w.run.at[k].Alpha, math.Sqrt(v), 0.0
	for i, m := range w.bar {
		if i < len(w.y) {
			if vi, ok := w.active(i, k); ok {
				gap, gain := alpha*w.y[i]-m, v/(v+vi)
				w.bar[i] = m + gain*gap + math.Sqrt(gain*vi)*z[i]
				sum += logGauss(gap, v+vi) - logGauss(w.bar[i]-alpha*w.y[i], vi)
				continue
			}
		}
		w.bar[i] = m + root*z[i]
	}
	return sum
}

// start replaces the base's draw by one from N(0, σ²I) given ψ. That has a weight, too.
func (w *mcgdiff) start(p *particle, z []float64) float64 {
	clear(w.bar)
	c := w.run.at[0]
	logw := w.draw(z, c.Sigma*c.Sigma, 0)
	w.back(p.x, w.bar)
	return logw
}

func (w *mcgdiff) look(p *particle, k int) {
	w.rotate(w.bar, p.x)
	p.twist = p.kept
	for i, y := range w.y {
		if v, ok := w.active(i, k); ok {
			p.twist += logGauss(w.bar[i]-w.run.at[k].Alpha*y, v)
		}
	}
}

func (w *mcgdiff) move(p *particle, z []float64, k int) float64 {
	g := w.run.legs[k]
	w.keep(p, k)
	for i, v := range p.x {
		w.old[i] = g.keep*v + g.gain*p.mean[i]
	}
	w.rotate(w.bar, w.old)
	logw := w.draw(z, g.v, k)
	w.back(p.x, w.bar)
	return logw
}

// keep stores the factors of the twist that the step to time k leaves behind.
func (w *mcgdiff) keep(p *particle, k int) {
	rotated := false
	for i, y := range w.y {
		v, before := w.active(i, k-1)
		if _, ok := w.active(i, k); ok || !before {
			continue
		}
		if !rotated {
			w.rotate(w.bar, p.x)
			rotated = true
		}
		p.kept += logGauss(w.bar[i]-w.run.at[k-1].Alpha*y, v)
	}
}

// finish ends at D(x), with the likelihood of the coordinates that were not pinned.
func (w *mcgdiff) finish(p *particle, _ []float64) float64 {
	copy(p.x, p.mean)
	w.rotate(w.bar, p.x)
	psi, last := p.kept+w.constant, len(w.run.at)-1
	for i, e := range w.e {
		_, late := w.active(i, last)
		_, early := w.active(i, 0)
		if (late || !early) && !math.IsInf(e, 1) {
			psi += logGauss((w.y[i]-w.bar[i])*w.l.std/e, w.l.std*w.l.std)
		}
	}
	return psi
}
