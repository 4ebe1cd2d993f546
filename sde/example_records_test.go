package sde_test

import (
	"fmt"

	"github.com/seed-dea4846a/sampler/sde"
)

// The samplers of weak order 2 at one evaluation a step.
func ExampleRecords() {
	for _, r := range sde.Records() {
		if min(r.Weak, r.WeakMean) == 2 && r.NFE == 1 {
			fmt.Printf("%s: order %d without noise, %d earlier points\n", r.Name, r.Order, r.History)
		}
	}
	// Output:
	// sde-dpmpp-2m: order 2 without noise, 1 earlier points
	// sde-dpmpp-2m-heun: order 2 without noise, 1 earlier points
	// sde-dpmpp-3m: order 3 without noise, 2 earlier points
	// er-sde-2: order 2 without noise, 1 earlier points
	// er-sde-3: order 3 without noise, 2 earlier points
	// sa: order 4 without noise, 3 earlier points
}
