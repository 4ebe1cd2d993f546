package ode_test

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// Three points on circles of different sizes, a quarter turn by the classical method.
func ExampleSolve() {
	rotation := ode.Func{D: 2, F: func(dst, x []float64, _ float64) {
		for i := 0; i < len(x); i += 2 {
			dst[i], dst[i+1] = -x[i+1], x[i]
		}
	}}
	x := []float64{1, 0, 2, 0, 3, 0}
	grid := []float64{0, 0.4, 0.8, 1.2, math.Pi / 2}
	res, err := ode.Solve(context.Background(), rotation, x, grid, ode.RK4, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f\n", x)
	fmt.Println(res.NFE(), "evaluations a point")
	// Output:
	// [0.00 1.00 0.00 2.00 0.00 3.00]
	// 16 evaluations a point
}

// Logistic growth to eight digits, with the state at interior times from dense output.
func ExampleSolveAdaptive() {
	logistic := ode.Func{D: 1, F: func(dst, x []float64, _ float64) {
		for i, v := range x {
			dst[i] = v * (1 - v)
		}
	}}
	x := []float64{0.1}
	trace := &ode.Trace{Rows: 1}
	a := ode.Adaptive{Tableau: ode.DormandPrince853, RTol: 1e-10}
	_, err := ode.SolveAdaptive(context.Background(), logistic, x, []float64{0, 1, 2, 4}, a, &ode.Settings{Trace: trace})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, t := range []float64{0, 1, 2, 4} {
		fmt.Printf("%v %.8f %.8f\n", t, trace.X[i], 1/(1+9*math.Exp(-t)))
	}
	// Output:
	// 0 0.10000000 0.10000000
	// 1 0.23196932 0.23196932
	// 2 0.45085306 0.45085306
	// 4 0.85848645 0.85848645
}

// growth is x' = ax in one dimension; its JVP makes the divergence a.
type growth float64

func (growth) Dim() int { return 1 }

func (a growth) Eval(dst, x []float64, t float64) { a.JVP(dst, x, x, t) }

func (a growth) JVP(dst, _, v []float64, _ float64) {
	for i := range v {
		dst[i] = float64(a) * v[i]
	}
}

// The flow x' = x/2 carries a normal law of variance exp(-1) at t = 0 to the standard
// normal law at t = 1.
func ExampleLogDensity() {
	standard := func(dst, x []float64) {
		for i, v := range x {
			dst[i] = -(v*v + math.Log(2*math.Pi)) / 2
		}
	}
	x := []float64{0, 1}
	logp, _, _, err := ode.LogDensity(context.Background(), growth(0.5), x, standard, []float64{0, 1}, ode.Adaptive{RTol: 1e-9}, ode.Exact{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", logp)
	fmt.Printf("%.6f\n", []float64{(1 - math.Log(2*math.Pi)) / 2, (1 - math.Log(2*math.Pi) - math.E) / 2})
	// Output:
	// [-0.418939 -1.778079]
	// [-0.418939 -1.778079]
}

// A method of one's own is a table; Validate holds it against the order conditions.
func ExampleTableau_Validate() {
	m := &ode.Tableau{
		Label: "heun3", OrderB: 3,
		A: [][]float64{{}, {1. / 3}, {0, 2. / 3}},
		C: []float64{0, 1. / 3, 2. / 3},
		B: []float64{1. / 4, 0, 3. / 4},
	}
	fmt.Println(m.Validate())
	m.OrderB = 4
	fmt.Println(m.Validate() != nil)
	// Output:
	// <nil>
	// true
}
