package metric_test

import (
	"context"
	"fmt"

	"github.com/seed-dea4846a/sampler/metric"
)

// A shift by 1 costs 1, whatever ε: the divergence takes its smoothing away.
func ExampleDivergence() {
	x := cloud(1, 300, 0)
	y := append([]float64(nil), x...)
	for i := 0; i < len(y); i += 2 {
		y[i]++
	}
	r, _ := metric.Divergence(context.Background(), x, y, 2, nil, nil, metric.SinkhornOptions{Epsilon: 0.5, Scaling: 0.5})
	fmt.Printf("%v: %.4f\n", r.Status, r.Value)
	// Output: converged: 1.0000
}

// Turning a cloud about its centre is no optimal transport; stretching it is.
func ExampleMongeGap() {
	x := cloud(1, 500, 0)
	turned, stretched := make([]float64, len(x)), make([]float64, len(x))
	for i := 0; i < len(x); i += 2 {
		turned[i], turned[i+1] = -x[i+1], x[i]
		stretched[i], stretched[i+1] = 2*x[i], 3*x[i+1]
	}
	t, _ := metric.MongeGap(x, turned, 2, metric.Options{})
	s, _ := metric.MongeGap(x, stretched, 2, metric.Options{})
	fmt.Println(t.Value > 1.5, s.Value < 1e-12)
	// Output: true true
}
