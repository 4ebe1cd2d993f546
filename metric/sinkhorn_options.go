package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// SinkhornOptions are the settings of the entropic solvers. Epsilon is required; the
// other zero values mean the documented defaults.
type SinkhornOptions struct {
	// Epsilon is the strength ε of the entropy, in the units of the cost.
	Epsilon float64
	// Rho is the strength ρ with which unbalanced transport holds to the marginals, in
	// the units of the cost; 0 means +Inf, the balanced problem.
	Rho float64
	// Tol is the L1 error of the marginals at which the iteration stops; 0 means 1e-9.
	Tol float64
	// MaxIter bounds the iterations, over all ε; 0 means 10,000.
	MaxIter int
	// Scaling is the ratio, at most 0.99, by which ε descends from the largest cost to
	// Epsilon, each solution (to an error of 1%) being the start of the next; 0 means
	// no such descent.
	Scaling float64
	// F and G are the potentials to start from; nil means 0. Only G matters.
	F, G []float64
	// LogDomain forgoes the kernel of the dense solver, which is faster, takes a second
	// matrix of the size of the cost, and gives the same iterates but for rounding.
	LogDomain bool
	// Relax over-relaxes the kernel form where its error falls steadily: to the same
	// solution in fewer iterations (Thibault et al. 2021), with a return to plain ones
	// where it does not converge. Stopped at MaxIter, it may meet neither marginal.
	Relax bool
	// Workers bounds the goroutines; below 1 it is GOMAXPROCS. Results do not depend
	// on it.
	Workers int
}

// A SinkhornStatus says how an entropic solver ended.
type SinkhornStatus int

// The ways in which an entropic solver ends.
const (
	SinkhornConverged      SinkhornStatus = iota // the marginal error is at most Tol
	SinkhornIterationLimit                       // MaxIter iterations did not suffice
	SinkhornCancelled                            // the context ended
	SinkhornStalled                              // no step of Newton's method improves the state: rounding
)

// String returns a short description.
func (s SinkhornStatus) String() string {
	switch s {
	case SinkhornConverged:
		return "converged"
	case SinkhornIterationLimit:
		return "iteration limit"
	case SinkhornCancelled:
		return "cancelled"
	case SinkhornStalled:
		return "stalled"
	}
	return fmt.Sprintf("SinkhornStatus(%d)", int(s))
}

// start returns a copy of the potential v, or zeros.
func start(name string, v []float64, n int) []float64 {
	out := make([]float64, n)
	if v != nil && len(v) != n {
		panic("metric: the length of the potential " + name + " does not fit the cost")
	}
	copy(out, v)
	return out
}

// weights checks the weights w of n points and returns them with their logarithms.
func weights(name string, w []float64, n int, rho float64) (v, logs []float64, err error) {
	v, logs = make([]float64, n), make([]float64, n)
	if w == nil {
		for i := range v {
			v[i] = 1 / float64(n)
		}
	} else if copy(v, w); len(w) != n {
		panic("metric: the number of weights " + name + " does not fit the cost")
	}
	for i, u := range v {
		if !(u >= 0) || math.IsInf(u, 1) {
			return nil, nil, fmt.Errorf("metric: weight %d of %s is %v", i, name, u)
		}
		logs[i] = math.Log(u)
	}
	sum := floats.Sum(v)
	if math.IsInf(rho, 1) && math.Abs(sum-1) > 1e-9 {
		return nil, nil, fmt.Errorf("metric: the weights %s sum to %v and not to 1", name, sum)
	}
	if !(sum > 0) || math.IsInf(sum, 1) {
		return nil, nil, fmt.Errorf("metric: the weights %s sum to %v", name, sum)
	}
	return v, logs, nil
}
