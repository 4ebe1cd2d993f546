package par

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOrderRunsInOrder(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		const n, ahead = 500, 3
		o, seen := NewOrder(ahead), []int(nil) // a race if two run at a time
		var begun, ran atomic.Int64
		err := Rows(context.Background(), n, 1, workers, func(_, i, _ int) error {
			// Those begun beyond those run are the ones that wait and one in each worker's hands.
			assert.LessOrEqual(t, begun.Add(1), ran.Load()+int64(ahead+workers))
			for range rand.IntN(20) {
				runtime.Gosched()
			}
			return o.Do(i, func() error { seen = append(seen, i); ran.Add(1); return nil })
		})
		assert.NoError(t, err)
		assert.Len(t, seen, n)
		assert.IsIncreasing(t, seen)
	}
}

// TestOrderStops: after an error of a function or of the work before it nothing further runs,
// nobody is left waiting, and the error is the one of Rows.
func TestOrderStops(t *testing.T) {
	for _, workers := range []int{1, 2, 7} {
		for _, inWork := range []bool{false, true} {
			o, last := NewOrder(1), -1
			failed := errors.New("failed")
			err := Rows(context.Background(), 100, 1, workers, func(_, i, _ int) error {
				if inWork && i == 13 {
					o.Stop()
					return failed
				}
				return o.Do(i, func() error {
					last = i
					if i == 13 {
						return failed
					}
					return nil
				})
			})
			assert.ErrorIs(t, err, failed)
			assert.LessOrEqual(t, last, 13)
		}
	}
	assert.Panics(t, func() { NewOrder(0) })
}

// A panic of a function is seen as what it is.
func TestOrderPanics(t *testing.T) {
	o := NewOrder(1)
	assert.PanicsWithValue(t, "broken", func() { _ = o.Do(0, func() error { panic("broken") }) })
}
