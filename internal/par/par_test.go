package par

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRowsCoversEachRowOnce(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 1000} {
		for _, workers := range []int{-1, 1, 2, 7, 2000} {
			seen := make([]atomic.Int32, n)
			busy := make([]atomic.Bool, 2001)
			err := Rows(context.Background(), n, 10, workers, func(w, lo, hi int) error {
				assert.True(t, busy[w].CompareAndSwap(false, true), "two calls share worker %d", w)
				for i := lo; i < hi; i++ {
					seen[i].Add(1)
				}
				busy[w].Store(false)
				return nil
			})
			assert.NoError(t, err)
			for i := range seen {
				assert.EqualValues(t, 1, seen[i].Load(), "row %d of %d", i, n)
			}
		}
	}
}

func TestRowsReturnsTheLowestError(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		for range 50 {
			err := Rows(context.Background(), 100, 1, workers, func(_, lo, _ int) error {
				if lo >= 13 {
					return fmt.Errorf("row %d", lo)
				}
				return nil
			})
			assert.EqualError(t, err, "row 13")
		}
	}
}

func TestRowsStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var calls atomic.Int32
	err := Rows(ctx, 1000, 1, 3, func(_, _, _ int) error {
		if calls.Add(1) == 5 {
			cancel()
		}
		return nil
	})
	assert.True(t, errors.Is(err, context.Canceled))
	assert.LessOrEqual(t, calls.Load(), int32(5+3))
}
