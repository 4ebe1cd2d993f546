package metric

import (
	"fmt"
	"math"
)

// listLength is the number of targets on a row's list. Twice as many or half as many
// change the time of an assignment of 2,000 points by less than a third.
const listLength = 32

// A shortlist holds for each source the targets of least reduced cost c - v, and a
// floor that the others do not go below. The solvers only ever lower v, so a floor
// once found stays true, and a dense row is read again only when the search climbs
// above it.
type shortlist struct {
	cost  Cost
	v     []float64 // duals of the targets
	to    [][]int32 // targets of a list
	c     [][]float64
	floor []float64
	row   []float64 // the costs of the row read last
	key   []float64 // reduced costs of the list that is being made, a heap, largest first
}

func newShortlist(n, m int, cost Cost) *shortlist {
	k := min(listLength, m)
	s := &shortlist{
		cost: cost, v: make([]float64, m),
		to: make([][]int32, n), c: make([][]float64, n),
		floor: make([]float64, n), row: make([]float64, m), key: make([]float64, k),
	}
	to, c := make([]int32, n*k), make([]float64, n*k)
	for i := range n {
		s.to[i], s.c[i] = to[i*k:(i+1)*k], c[i*k:(i+1)*k]
	}
	return s
}

// read makes the list of source i anew. It leaves the costs of the row in s.row.
func (s *shortlist) read(i int) {
	s.cost(s.row, i)
	// As many targets as a list holds are no dearer than the dearest of the old list.
	limit := math.Inf(-1)
	for h, j := range s.to[i] {
		limit = max(limit, s.c[i][h]-s.v[j])
	}
	limit = math.Nextafter(limit, math.Inf(1))
	key, to := s.key, s.to[i]
	for h := range key {
		key[h] = math.Inf(1)
	}
	v := s.v[:len(s.row)]
	for j, c := range s.row {
		if r := c - v[j]; r < limit {
			key[0], to[0] = r, int32(j)
			sink(key, to, 0)
			limit = min(limit, key[0])
		}
	}
	for h, j := range to {
		s.c[i][h] = s.row[j]
	}
	s.floor[i] = key[0]
	if len(key) == len(s.row) {
		s.floor[i] = math.Inf(1)
	}
}

// start sets v to v_j = min_i c(i, j) - u_i, the column minima if u is nil. It returns
// an error if a cost is not finite.
func (s *shortlist) start(u []float64) error {
	for j := range s.v {
		s.v[j] = math.Inf(1)
	}
	for i := range s.to {
		s.cost(s.row, i)
		var ui float64
		if u != nil {
			ui = u[i]
		}
		for j, c := range s.row {
			if !(math.Abs(c) <= math.MaxFloat64) {
				return fmt.Errorf("metric: the cost from source %d to target %d is %v", i, j, c)
			}
			s.v[j] = min(s.v[j], c-ui)
		}
	}
	return nil
}

// fill makes all lists.
func (s *shortlist) fill() {
	for i, c := range s.c {
		for h := range c {
			c[h] = math.Inf(1) // the list is empty
		}
		s.read(i)
	}
}

// sink restores the heap of keys, largest first, below h.
func sink(key []float64, to []int32, h int) {
	k, t := key[h], to[h]
	for {
		c := 2*h + 1
		if c >= len(key) {
			break
		}
		if c+1 < len(key) && key[c+1] > key[c] {
			c++
		}
		if key[c] <= k {
			break
		}
		key[h], to[h] = key[c], to[c]
		h = c
	}
	key[h], to[h] = k, t
}
