package ode

import (
	"fmt"
	"math"
)

// DDIM is the first-order exponential method, equal to Euler's method in σ/α for x/α, to
// DPM-Solver-1 and to DPM-Solver++ of order 1 (Song, Meng and Ermon 2021, arXiv 2010.02502,
// equation 12 with zero noise):
//
//	x' = (σ'/σ) x + (α' - ασ'/σ) D
//
// All methods of this family take this step from or to a time without signal (α = 0), where
// λ is infinite. If that step shrinks with the rest of the grid, as on one even in t, it limits
// the order to 2; grids from a finite λ keep the orders stated.
type DDIM struct{}

// Name returns ddim.
func (DDIM) Name() string { return "ddim" }

// Order returns 1.
func (DDIM) Order() int { return 1 }

// NewStepper returns a stepper. It panics if f is not Semilinear, as do all methods of
// this family.
func (DDIM) NewStepper(f Field, rows int) Stepper {
	return newExpRK(f, rows, dataForm, "ddim", []float64{0}, firstRule)
}

// EDMHeun is Heun's method in σ/α for x/α (Karras et al. 2022, arXiv 2206.00364, algorithm
// 1). Heun, the tableau, does the same in t.
//
//	x' = (α'/α) x + α' (ρ'-ρ) (ε + ε')/2,   ρ = σ/α
type EDMHeun struct{}

// Name returns edm-heun.
func (EDMHeun) Name() string { return "edm-heun" }

// Order returns 2.
func (EDMHeun) Order() int { return 2 }

// NewStepper returns a stepper.
func (EDMHeun) NewStepper(f Field, rows int) Stepper {
	return newExpRK(f, rows, noiseForm, "edm-heun", []float64{0, 1}, heunRule)
}

// DPMSolver is the singlestep DPM-Solver of order 1, 2 or 3, in the noise form (Lu et al.
// 2022, arXiv 2206.00927, algorithms 1 to 4). An order costs as many evaluations.
type DPMSolver struct {
	Stages int     // 1, 2 or 3, also the order; 2 if zero
	R1, R2 float64 // stages in units of the step in λ; 1/2, or 1/3 and 2/3 for order 3, if zero
}

// Name returns dpm-1, dpm-2 or dpm-3.
func (m DPMSolver) Name() string { return fmt.Sprintf("dpm-%d", m.Order()) }

// Order returns the order.
func (m DPMSolver) Order() int { return orInt(m.Stages, 2) }

// NewStepper returns a stepper. It panics unless there are 1, 2 or 3 stages and 0 < R1 < R2 ≤ 1.
func (m DPMSolver) NewStepper(f Field, rows int) Stepper {
	return newDPM(f, rows, noiseForm, m.Name(), m.Order(), m.R1, m.R2)
}

// DPMSolverPP is the singlestep DPM-Solver++ of order 1, 2 (2S) or 3 (3S), in the data form
// (Lu et al. 2022, arXiv 2211.01095, algorithm 1 and appendix).
type DPMSolverPP struct {
	Stages int     // 1, 2 or 3, also the order; 2 if zero
	R1, R2 float64 // as in DPMSolver
}

// Name returns dpmpp-1, dpmpp-2s or dpmpp-3s.
func (m DPMSolverPP) Name() string {
	if m.Order() == 1 {
		return "dpmpp-1"
	}
	return fmt.Sprintf("dpmpp-%ds", m.Order())
}

// Order returns the order.
func (m DPMSolverPP) Order() int { return orInt(m.Stages, 2) }

// NewStepper returns a stepper, with the panics of DPMSolver.
func (m DPMSolverPP) NewStepper(f Field, rows int) Stepper {
	return newDPM(f, rows, dataForm, m.Name(), m.Order(), m.R1, m.R2)
}

func newDPM(f Field, rows int, m form, name string, order int, r1, r2 float64) *expRK {
	checkOrder(name, order, 1, 3)
	if order < 3 {
		r1, r2 = orFloat(r1, 0.5), 1
	} else {
		r1, r2 = orFloat(r1, 1./3), orFloat(r2, 2./3)
	}
	if !(0 < r1 && r1 <= r2 && r2 <= 1) || order == 3 && r1 == r2 {
		panic("ode: " + name + " needs 0 < R1 < R2 ≤ 1")
	}
	nodes := []float64{0, r1, r2}[:order]
	rule := [...]expRule{firstRule, dpm2Rule, dpm3Rule}[order-1]
	return newExpRK(f, rows, m, name, nodes, rule)
}

// RES is the singlestep exponential Runge-Kutta method of stiff order 2 or 3, with
// exact φ-functions, in the data form (Zhang et al. 2023, arXiv 2308.02157; Hochbruck and
// Ostermann 2005, SIAM J. Numer. Anal. 43, equations 5.3 and 5.8 to 5.9), and of order 4
// the ETDRK4 of Krogstad (2005, J. Comput. Phys. 203; Hochbruck and Ostermann 2010, equation
// 2.42).
type RES struct {
	Stages int     // 2, 3 or 4, also the order; 2 if zero
	C2     float64 // second stage in units of the step in λ, for 2 and 3 stages; 1/2 if zero
}

// Name returns res-2s, res-3s or res-4s, and exp-heun for two stages with C2 = 1.
func (m RES) Name() string {
	if m.Order() == 2 && m.C2 == 1 {
		return "exp-heun"
	}
	return fmt.Sprintf("res-%ds", m.Order())
}

// Order returns the number of stages.
func (m RES) Order() int { return orInt(m.Stages, 2) }

// NewStepper returns a stepper. It panics unless there are 2, 3 or 4 stages and 0 < C2 ≤ 1, for
// three stages C2 < 1 and not 2/3.
func (m RES) NewStepper(f Field, rows int) Stepper { return m.newStepper(f, rows) }

func (m RES) newStepper(f Field, rows int) *expRK {
	n, name := m.Order(), m.Name()
	checkOrder(name, n, 2, 4)
	c2 := orFloat(m.C2, 0.5)
	if !(0 < c2 && c2 <= 1) || n == 3 && (c2 == 1 || c2 == 2./3) {
		panic("ode: " + name + " has no method for this C2")
	}
	nodes := [...][]float64{2: {0, c2}, 3: {0, c2, 1}, 4: {0, 0.5, 0.5, 1}}[n]
	rule := [...]expRule{2: res2Rule, 3: res3Rule, 4: krogstadRule}[n]
	return newExpRK(f, rows, dataForm, name, nodes, rule)
}

// one returns k φ₁(-k), the weight of a constant slope; two returns k φ₂(-k).
func one(k float64) float64 { return -math.Expm1(-k) }
func two(k float64) float64 { return k * phi(2, -k) }

func firstRule(w *expWeights, k float64, _ []float64) { w.b[0] = one(k) }

func heunRule(w *expWeights, k float64, _ []float64) {
	w.a[1][0] = one(k)
	w.b[0], w.b[1] = one(k)/2, one(k)/2
}

// dpm2Rule is g ≈ g₀ + (g₁-g₀)/(2r), constant over the step.
func dpm2Rule(w *expWeights, k float64, c []float64) {
	w.a[1][0] = one(c[1] * k)
	w.b[1] = one(k) / (2 * c[1])
	w.b[0] = one(k) - w.b[1]
}

// dpm3Rule is g ≈ g₀ + (g₂-g₀) θ/r₂, and g₀ + (g₁-g₀) θ/r₁ for the second stage.
func dpm3Rule(w *expWeights, k float64, c []float64) {
	w.a[1][0] = one(c[1] * k)
	w.a[2][1] = c[2] / c[1] * two(c[2]*k)
	w.a[2][0] = one(c[2]*k) - w.a[2][1]
	w.b[2] = two(k) / c[2]
	w.b[0] = one(k) - w.b[2]
}

func res2Rule(w *expWeights, k float64, c []float64) {
	w.a[1][0] = one(c[1] * k)
	w.b[1] = two(k) / c[1]
	w.b[0] = one(k) - w.b[1]
}

// res3Rule has γ from 2(γc₂ + c₃) = 3(γc₂² + c₃²).
func res3Rule(w *expWeights, k float64, c []float64) {
	c2, c3 := c[1], c[2]
	γ := c3 * (3*c3 - 2) / (c2 * (2 - 3*c2))
	w.a[1][0] = one(c2 * k)
	w.a[2][1] = γ*two(c2*k) + c3/c2*two(c3*k)
	w.a[2][0] = one(c3*k) - w.a[2][1]
	w.b[2] = two(k) / (γ*c2 + c3)
	w.b[1] = γ * w.b[2]
	w.b[0] = one(k) - w.b[1] - w.b[2]
}

func krogstadRule(w *expWeights, k float64, _ []float64) {
	half, p2, p3 := one(k/2), two(k), k*phi(3, -k)
	w.a[1][0] = half
	w.a[2][1] = 2 * two(k/2)
	w.a[2][0] = half - w.a[2][1]
	w.a[3][2] = 2 * p2
	w.a[3][0] = one(k) - w.a[3][2]
	w.b = [4]float64{one(k) - 3*p2 + 4*p3, 2*p2 - 4*p3, 2*p2 - 4*p3, 4*p3 - p2}
}

func checkOrder(method string, order, low, high int) {
	if order < low || order > high {
		panic(fmt.Sprintf("ode: %s does not exist: there are %d to %d stages, steps or orders", method, low, high))
	}
}

func orInt(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}

func orFloat(v, def float64) float64 {
	if v == 0 {
		return def
	}
	return v
}
