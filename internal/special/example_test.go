package special_test

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/special"
)

func ExampleLogIScaled() {
	// I_100(1e5) overflows; its logarithm does not.
	fmt.Printf("%.6f\n", special.LogIScaled(100, 1e5))
	// Output:
	// -6.725400
}

func ExampleTruncNormal() {
	// A standard normal variable beyond 30: its probability underflows in two
	// factors only, and it is close to exponential with rate 30.
	t := special.TruncNormal(40, 10)
	fmt.Printf("%.6f %.6f %.2f\n", 30*(t.Mean-30), 30*math.Sqrt(t.Spread), t.LogAvg())
	// Output:
	// 0.997790 0.996692 -456.40
}
