package simd

import (
	"fmt"
	"math"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/assert"
)

// apart returns how many float64 lie from a to b.
func apart(a, b float64) float64 {
	if a == b {
		return 0
	}
	return math.Abs(a-b) / (math.Nextafter(math.Abs(a), math.Inf(1)) - math.Abs(a))
}

// TestWords holds the words fixed: a change here changes every user's samples.
func TestWords(t *testing.T) {
	k := Key{1, 2}
	assert.Equal(t, [3]uint64{0x2cf182a7cf2e0347, 0xbda60b98b654fc1e, 0xdca8844ac7fa30e5}, [3]uint64{k.Word(0), k.Sample(3).Word(0), k.Sample(3).Word(1)})
}

// TestNormalLevels compares every level with a pair-by-pair sum in Go: the words are the same,
// and log, square root, sine, cosine and two products leave 4 ulp.
func TestNormalLevels(t *testing.T) {
	k := Key{123, 456}
	want := make([]float64, 4099)
	for i := range want {
		x, y := normalPair(k.Word(uint64(i&^1)), k.Word(uint64(i|1)))
		want[i] = x
		if i%2 == 1 {
			want[i] = y
		}
	}
	for _, l := range Levels() {
		restore := Use(l)
		worst := 0.0
		for n := range 150 {
			got := make([]float64, n+1)
			got[n] = 7
			Normals(got[:n], k)
			assert.Equal(t, 7.0, got[n], "%s: %d wrote too much", l, n)
			for i, v := range got[:n] {
				worst = max(worst, apart(want[i], v))
			}
		}
		got := make([]float64, len(want))
		Normals(got, k)
		for i, v := range got {
			worst = max(worst, apart(want[i], v))
		}
		t.Logf("%s: %.1f ulp", l, worst)
		assert.LessOrEqual(t, worst, 4.0, "%s", l)
		restore()
	}
}

// TestNormalRows compares with Normals, sample by sample, bit for bit.
func TestNormalRows(t *testing.T) {
	k := Key{11, 12}
	for _, l := range Levels() {
		restore := Use(l)
		for _, d := range []int{1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 31, 64, 65, 255, 256, 257, 300} {
			for _, n := range []int{0, 1, 2, 3, 7, 8, 9, 33, 64, 100} {
				got, want := make([]float64, n*d+1), make([]float64, n*d+1)
				got[n*d], want[n*d] = 7, 7
				first := uint64(math.MaxUint64 - 5) // sample numbers may wrap
				NormalRows(got[:n*d], k, first, d)
				for i := range n {
					Normals(want[i*d:(i+1)*d], k.Sample(first+uint64(i)))
				}
				if !assert.Equal(t, want, got, "%s: d = %d, n = %d", l, d, n) {
					restore()
					return
				}
			}
		}
		restore()
	}
	assert.Panics(t, func() { NormalRows(make([]float64, 3), k, 0, 2) })
}

// TestNormalExtremes: whatever the words, |z| ≤ √(128 log 2) = 9.42 and finite, and 9.4 is
// reached.
func TestNormalExtremes(t *testing.T) {
	words := []uint64{0, 1, 2, 1 << 11, 1<<52 - 1, 1 << 52, 1 << 62, 1 << 63, 3 << 62, math.MaxUint64 - 2047, math.MaxUint64 - 1, math.MaxUint64}
	largest := 0.0
	for _, w0 := range words {
		for _, w1 := range append(words, 1<<51) {
			x, y := normalPair(w0, w1)
			assert.False(t, math.IsNaN(x) || math.IsNaN(y), "%x %x", w0, w1)
			largest = max(largest, math.Abs(x), math.Abs(y))
		}
	}
	assert.InDelta(t, math.Sqrt(128*math.Ln2), largest, 1e-14)
}

// unmix inverts mix.
func unmix(z, key uint64) uint64 {
	z ^= z>>31 ^ z>>62
	z = z*inverse(mul1) ^ key
	z ^= z>>27 ^ z>>54
	z *= inverse(mul0)
	return z ^ z>>30 ^ z>>60
}

// inverse is Newton's for 1/c mod 2⁶⁴.
func inverse(c uint64) uint64 {
	x := c
	for range 6 {
		x *= 2 - c*x
	}
	return x
}

// TestExtremeWordsOnEveryLevel finds the keys that give the extreme words, so that the kernels
// see them: first words 0, 1 and 2⁶⁴-1 make the longest radii and the radius 0.
func TestExtremeWordsOnEveryLevel(t *testing.T) {
	for _, w0 := range []uint64{0, 1, 5, 1 << 20, 1 << 63, math.MaxUint64 - 4096, math.MaxUint64} {
		k := Key{unmix(w0, 99), 99}
		assert.Equal(t, w0, k.Word(0))
		x, y := normalPair(w0, k.Word(1))
		for _, l := range Levels() {
			restore := Use(l)
			got := make([]float64, 2)
			Normals(got, k)
			assert.LessOrEqual(t, max(apart(x, got[0]), apart(y, got[1])), 4.0, "%s %x: %v %v, want %v %v", l, w0, got[0], got[1], x, y)
			restore()
		}
	}
}

// TestWordBits: the 64 bits of 2¹⁸ words each set half of the time, and neighbouring words agree in
// half of their bits; 4.5 standard errors have a false-alarm rate of 7e-6 for each of 192
// figures, 0.13 % together.
func TestWordBits(t *testing.T) {
	const n = 1 << 18
	count := func(name string, word func(i uint64) uint64) {
		var ones [64]float64
		agree := 0
		last := word(n)
		for i := range uint64(n) {
			w := word(i)
			for b := range 64 {
				ones[b] += float64(w >> b & 1)
			}
			agree += bits.OnesCount64(w ^ last)
			last = w
		}
		for b, c := range ones {
			assert.Less(t, math.Abs(2*c-n)/math.Sqrt(n), 4.5, "%s, bit %d", name, b)
		}
		assert.Less(t, math.Abs(float64(agree)-32*n)/math.Sqrt(16*n), 4.5, "%s, neighbours", name)
	}
	k := Key{5, 6}
	count("words", func(i uint64) uint64 { return k.Word(i) })
	count("samples", func(i uint64) uint64 { return k.Sample(i).Word(0) })
	count("keys", func(i uint64) uint64 { return Key{i, 0}.Word(0) })
}

func BenchmarkNormals(b *testing.B) {
	for _, l := range Levels() {
		for _, n := range []int{2, 16, 4096} {
			b.Run(fmt.Sprintf("%s/%d", l, n), func(b *testing.B) {
				defer Use(l)()
				dst := make([]float64, n)
				for b.Loop() {
					Normals(dst, Key{1, 2})
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/normal")
			})
		}
	}
}

func BenchmarkNormalRows(b *testing.B) {
	for _, l := range Levels() {
		for _, d := range []int{1, 2, 3, 64, 65} {
			b.Run(fmt.Sprintf("%s/%d", l, d), func(b *testing.B) {
				defer Use(l)()
				n := 4096 / d * d
				dst := make([]float64, n)
				for b.Loop() {
					NormalRows(dst, Key{1, 2}, 3, d)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/normal")
			})
		}
	}
}
