package dataio_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

func ExampleReadPoints() {
	dir, err := os.MkdirTemp("", "dataio")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "x.npy")
	if err := dataio.WritePoints(path, []float64{1, 2, 3, 4, 5, 6}, 2); err != nil {
		fmt.Println(err)
		return
	}
	x, n, d, err := dataio.ReadPoints(path)
	fmt.Println(x, n, d, err)
	// Output: [1 2 3 4 5 6] 3 2 <nil>
}

func ExampleDecodeSpec() {
	spec, err := dataio.DecodeSpec([]byte(`{"type": "gmm", "weights": [1], "means": [[0, 0]], "stds": [1]}`))
	fmt.Println(spec.Means, spec.Stds, err)
	_, err = dataio.DecodeSpec([]byte(`{"type": "gmm", "weight": [1]}`))
	fmt.Println(err)
	// Output:
	// [[0 0]] [1] <nil>
	// unknown field "weight"; known are type, weights, means, covs, stds
}
