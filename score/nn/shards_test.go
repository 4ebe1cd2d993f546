package nn

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestShardsTakeEachRowOnce marks the rows in the gradient, for batches that divide evenly and not.
func TestShardsTakeEachRowOnce(t *testing.T) {
	for _, n := range []int{1, 7, 8, 100, 128} {
		s := NewShards[float64](n, 5, 3)
		for range 2 { // the second run starts from zero
			sum, err := s.Run(context.Background(), n, func(worker int, g []float64, lo, hi int) (float64, error) {
				assert.Less(t, worker, s.Workers())
				assert.LessOrEqual(t, hi-lo, 5)
				for i := lo; i < hi; i++ {
					g[i]++
				}
				return float64(hi - lo), nil
			})
			require.NoError(t, err)
			assert.Equal(t, float64(n), sum)
			for _, v := range s.Grad {
				assert.Equal(t, 1.0, v)
			}
		}
	}
}

func TestShardsReturnTheFirstError(t *testing.T) {
	bad := errors.New("row")
	s := NewShards[float64](1, 5, 3)
	_, err := s.Run(context.Background(), 100, func(_ int, _ []float64, lo, _ int) (float64, error) {
		if lo > 40 {
			return 0, bad
		}
		return 0, nil
	})
	assert.ErrorIs(t, err, bad)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Run(ctx, 100, func(int, []float64, int, int) (float64, error) { return 0, nil })
	assert.ErrorIs(t, err, context.Canceled)
}
