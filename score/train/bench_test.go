package train

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/score/nn"
)

// BenchmarkStep is a step of training by each objective.
func BenchmarkStep(b *testing.B) {
	for name, c := range objectives(b) {
		if name == "map" {
			continue // most of it is Sinkhorn's
		}
		b.Run(name, func(b *testing.B) {
			net, err := nn.New[float32](nn.Spec{Kind: "mlp", Dim: 2, Out: c.out, Hidden: 96, Depth: 2, Residual: true, Features: 32})
			require.NoError(b, err)
			net.Init(1)
			e, err := NewEvaluator(net, c.o, 512, 0)
			require.NoError(b, err)
			g, bat := make([]float32, len(net.W)), batch(512)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Loss(ctx, bat, g); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
