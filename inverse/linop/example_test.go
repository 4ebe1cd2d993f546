package linop_test

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// The prox of a data term, (I + γ AᵀA) x = x₀ + γ Aᵀ y, by a fixed number of CG steps from
// x₀; this is the data consistency of decomposed diffusion sampling.
func ExampleCG() {
	const gamma = 1.0
	a := linop.NewBox(4, 4, 2) // averages of 2×2 blocks
	y := []float64{1, 2, 3, 4}
	x := make([]float64, 16) // x₀ = 0

	ax := make([]float64, 4)
	b := make([]float64, 16)
	a.Adjoint(b, y)
	res := linop.CG(x, func(dst, x []float64) {
		a.Apply(ax, x)
		a.Adjoint(dst, ax)
		for i, v := range x {
			dst[i] = v + gamma*dst[i]
		}
	}, b, &linop.KrylovOptions{MaxIter: 5, RTol: 1e-12})
	fmt.Println(res.Status, res.Iterations)
	fmt.Printf("%.2f\n", x[:4])
	// Output:
	// converged 1
	// [0.20 0.20 0.40 0.40]
}

func ExampleDotTest() {
	fmt.Println(linop.DotTest(linop.NewWavelet(7, 9, 4, 2), 1) < 1e-13)
	// Output: true
}
