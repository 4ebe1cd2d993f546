package stream

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAddressDecidesEverything(t *testing.T) {
	s := New()
	first := make([]float64, 5)
	s.Normals(first, 7, Step, 3, 11)
	other := make([]float64, 5)
	s.Normals(other, 8, Base, 0, 0) // moving away and back changes nothing
	again := make([]float64, 5)
	New().Normals(again, 7, Step, 3, 11)
	s.Normals(other, 7, Step, 3, 11)
	assert.Equal(t, first, again)
	assert.Equal(t, first, other)
}

// TestGolden holds the streams fixed: a change here changes every user's samples.
func TestGolden(t *testing.T) {
	assert.Equal(t, uint64(0x410371495a086dfd), New().At(1, Base, 2, 3).Uint64())
}

func TestNoTwoAddressesCollide(t *testing.T) {
	s := New()
	var words []uint64
	for seed := range uint64(8) {
		for d := Base; d <= Test; d++ {
			for sample := range uint64(32) {
				for index := range uint64(32) {
					words = append(words, s.At(seed, d, sample, index).Uint64())
				}
			}
		}
	}
	slices.Sort(words)
	// 57,344 words of 64 bits collide by chance with probability 1e-10.
	assert.Equal(t, 8*7*32*32, len(slices.Compact(words)))
}

// TestNeighboursAreIndependent correlates the normals of neighbouring addresses: along
// each coordinate of the address, n pairs give a correlation of standard deviation
// 1/√n; |z| < 4.5 has a false-alarm rate of 7e-6 a check.
func TestNeighboursAreIndependent(t *testing.T) {
	const n = 200_000
	s := New()
	first := func(seed uint64, d Domain, sample, index uint64) float64 {
		return s.At(seed, d, sample, index).NormFloat64()
	}
	pairs := map[string]func(i uint64) (float64, float64){
		"seed":   func(i uint64) (float64, float64) { return first(i, Base, 0, 0), first(i+1, Base, 0, 0) },
		"domain": func(i uint64) (float64, float64) { return first(0, Base, i, 0), first(0, Step, i, 0) },
		"sample": func(i uint64) (float64, float64) { return first(0, Base, i, 0), first(0, Base, i+1, 0) },
		"index":  func(i uint64) (float64, float64) { return first(0, Base, 0, i), first(0, Base, 0, i+1) },
		"swap":   func(i uint64) (float64, float64) { return first(0, Base, i, 1), first(0, Base, 1, i) },
	}
	for name, pair := range pairs {
		var ab, a, aa float64
		for i := uint64(2); i < n+2; i++ {
			x, y := pair(i)
			ab += x * y
			a += x
			aa += x * x
		}
		assert.Less(t, math.Abs(ab)/math.Sqrt(n), 4.5, "%s: correlation", name)
		assert.Less(t, math.Abs(a)/math.Sqrt(n), 4.5, "%s: mean", name)
		assert.Less(t, math.Abs(aa-n)/math.Sqrt(2*n), 4.5, "%s: variance", name)
	}
}

func TestNoAllocation(t *testing.T) {
	s, dst := New(), make([]float64, 16)
	assert.Zero(t, testing.AllocsPerRun(100, func() { s.Normals(dst, 1, Step, 2, 3) }))
}

func BenchmarkNormals2(b *testing.B) {
	s, dst := New(), make([]float64, 2)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		s.Normals(dst, 1, Step, i, 3)
	}
}

func TestSignsAreFair(t *testing.T) {
	const n = 10_000
	v, again := make([]float64, n), make([]float64, 100)
	New().Signs(v, 7, Probe, 3, 11)
	sum, neighbours := 0.0, 0.0
	for i, x := range v {
		assert.True(t, x == 1 || x == -1)
		sum += x
		neighbours += x * v[(i+1)%n]
	}
	assert.InDelta(t, 0, sum, 5*math.Sqrt(n)) // 5 standard deviations
	assert.InDelta(t, 0, neighbours, 5*math.Sqrt(n))
	New().Signs(again, 7, Probe, 3, 11)
	assert.Equal(t, v[:100], again) // a prefix, whatever the length
}
