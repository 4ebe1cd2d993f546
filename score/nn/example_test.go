package nn_test

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// A denoiser for two points, ±1, at noise 0.1 to 10, trained in a thousand steps.
// The exact one is D(x; 1, σ) = tanh(x/σ²).
func Example() {
	m, err := nn.NewModel(nn.Spec{Kind: "mlp", Dim: 1, Hidden: 32, Depth: 2},
		nn.Precond{Kind: nn.EDM, DataStd: 1}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	const rows = 128
	var (
		tape   = m.Net.NewTape(rows, nn.Jet{Back: nn.Weights})
		grad   = make([]float32, len(m.Net.W))
		adam   nn.Adam[float32]
		rate   = nn.Schedule{Kind: "cosine", Rate: 0.01, Total: 1000}
		source = stream.New()
		x, t   [rows]float64
		y, dy  [rows]float64
		target [rows]float64
	)
	for k := range 1000 {
		r := source.At(1, stream.Target, uint64(k), 0)
		for i := range rows {
			clean := float64(1 - 2*r.IntN(2))
			sigma := math.Exp(math.Log(10) * (2*r.Float64() - 1))
			noisy := clean + sigma*r.NormFloat64()
			c := m.Precond.At(1, sigma)
			x[i], t[i] = c.In*noisy, c.Noise
			target[i] = (clean - c.Skip*noisy) / c.Out // EDM's weight makes the loss that of F
		}
		tape.Forward(x[:], t[:], nil, nil)
		tape.Out(y[:], 0)
		for i := range y {
			dy[i] = 2 * (y[i] - target[i]) / rows
		}
		clear(grad)
		tape.Backward(grad, dy[:])
		adam.Step(m.Net.W, grad, rate.Of(k))
	}
	at, d := []float64{-1, 0.5, 2}, make([]float64, 3)
	m.Denoise(d, at, 1, 1)
	worst := 0.0
	for i, v := range at {
		worst = max(worst, math.Abs(d[i]-math.Tanh(v)))
	}
	fmt.Println("error below 0.1:", worst < 0.1)
	// Output: error below 0.1: true
}
