package metric_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/metric"
)

// cloud returns n points of N((shift, 0), I).
func cloud(seed uint64, n int, shift float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 0))
	x := make([]float64, 2*n)
	for i := range x {
		x[i] = rng.NormFloat64()
		if i%2 == 0 {
			x[i] += shift
		}
	}
	return x
}

// The truth is √½ = 0.71 for the sliced distance, 1 for the next three and 0.430 for the energy distance.
func ExampleAll() {
	x, y := cloud(1, 2000, 1), cloud(2, 2000, 0)
	for _, m := range metric.All() {
		v, err := m.Compute(x, y, 2, metric.Options{Seed: 1})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s %.2f ± %.2f\n", m.Name, v.Value, v.StdErr)
	}
	// Output:
	// sliced_w2 0.67 ± 0.02
	// metric: w2 is for dimension 1 only; use sliced_w2
	// w2_exact 0.99 ± 0.03
	// max_sliced_w2 0.98 ± 0.00
	// frechet 0.98 ± 0.03
	// energy 0.41 ± 0.03
	// mmd 0.11 ± 0.01
}

func ExampleWasserstein1D() {
	v, _ := metric.Wasserstein1D([]float64{0, 1, 2}, []float64{5, 3, 4}, 2)
	fmt.Println(v.Value)
	// Output: 3
}

func ExampleMomentsOf() {
	m, _ := metric.MomentsOf(cloud(1, 1000, 1), 2, metric.Options{})
	zMean, zCov := m.MaxZ([]float64{1, 0}, []float64{1, 0, 0, 1})
	fmt.Println("true to 4 standard errors:", max(zMean, zCov) < 4)
	// Output: true to 4 standard errors: true
}

func ExampleCountModes() {
	x := append(cloud(1, 700, 0), cloud(2, 300, 10)...)
	m, _ := metric.CountModes(x, 2, []float64{0.5, 0.5}, []float64{0, 0, 10, 0}, 2, metric.Options{})
	fmt.Printf("weights %.2f, TV %.2f against %.3f for an exact sample\n", m.Weights, m.TV, m.ExactTV)
	// Output: weights [0.70 0.30], TV 0.20 against 0.013 for an exact sample
}

func ExampleFloor() {
	draw := func(dst []float64, i uint64) { copy(dst, cloud(i, len(dst)/2, 0)) }
	floor, _ := metric.Floor(metric.All()[:1], draw, 500, 2, 20, metric.Options{Projections: 32})
	v, _ := metric.SlicedW2(cloud(100, 500, 0.3), cloud(101, 500, 0), 2, metric.Options{Projections: 32})
	fmt.Println("the shift of 0.3 stands out:", floor[0].Z(v.Value) > 3)
	// Output: the shift of 0.3 stands out: true
}

func ExampleNLL() {
	v, _ := metric.NLL([]float64{-2, -3, -4})
	fmt.Printf("%.2f ± %.2f nats, %.2f bits a dimension\n", v.Value, v.StdErr, metric.BitsPerDim(v, 2, 0).Value)
	// Output: 3.00 ± 0.58 nats, 2.16 bits a dimension
}
