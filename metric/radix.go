package metric

import (
	"math"
	"slices"
)

// key maps a finite float64 to an integer of the same order.
func key(v float64) uint64 {
	b := math.Float64bits(v)
	return b ^ (uint64(int64(b)>>63) | 1<<63)
}

// value is the inverse of key.
func value(k uint64) float64 {
	return math.Float64frombits(k ^ (uint64(^int64(k)>>63) | 1<<63))
}

const (
	digitBits = 11 // 6 passes; the 48 KiB of counters stay in cache
	digits    = 6
	buckets   = 1 << digitBits
	// Below radixMin keys slices.Sort is the faster one.
	radixMin = 128
)

// A sorter sorts keys by their digits, least significant first. It keeps its
// work space from call to call.
type sorter struct {
	keys, tmp []uint64
	count     [digits][buckets]uint32
}

// newSorter returns a sorter of n keys, to be written to its keys.
func newSorter(n int) *sorter {
	return &sorter{keys: make([]uint64, n), tmp: make([]uint64, n)}
}

// sort puts s.keys into ascending order. It allocates nothing.
func (s *sorter) sort() {
	if len(s.keys) < radixMin || len(s.keys) > math.MaxUint32 {
		slices.Sort(s.keys)
		return
	}
	clear(s.count[:])
	for _, k := range s.keys {
		for p := range s.count {
			s.count[p][k>>(p*digitBits)%buckets]++
		}
	}
	for p := range s.count {
		c, shift := &s.count[p], p*digitBits
		if int(c[s.keys[0]>>shift%buckets]) == len(s.keys) {
			continue // all keys share this digit
		}
		var next uint32
		for b, n := range c {
			c[b], next = next, next+n
		}
		for _, k := range s.keys {
			b := k >> shift % buckets
			s.tmp[c[b]] = k
			c[b]++
		}
		s.keys, s.tmp = s.tmp, s.keys
	}
}

// sorted returns the finite values v in ascending order.
func sorted(v []float64) []float64 {
	s := newSorter(len(v))
	for i, u := range v {
		s.keys[i] = key(u)
	}
	s.sort()
	out := make([]float64, len(v))
	for i, k := range s.keys {
		out[i] = value(k)
	}
	return out
}
