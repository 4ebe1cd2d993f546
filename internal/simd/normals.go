package simd

import "math"

//go:generate go run -C gen ./normals -out ../normals_amd64.s -stubs ../normals_amd64.go -pkg simd

// A Key decides a stream of words or, before Sample, of a row of streams.
type Key struct{ A, B uint64 }

// The constants of SplitMix64 (Steele, Lea and Flood 2014).
const (
	golden = 0x9e3779b97f4a7c15 // 2⁶⁴ divided by the golden ratio, odd
	mul0   = 0xbf58476d1ce4e5b9
	mul1   = 0x94d049bb133111eb
)

// Mix is SplitMix64's finaliser, a bijection of the 64-bit words.
func Mix(z uint64) uint64 { return mix(z, 0) }

// mix has a second key, so that streams whose counters meet still differ.
func mix(z, key uint64) uint64 {
	z = (z ^ z>>30) * mul0
	z = (z ^ z>>27 ^ key) * mul1
	return z ^ z>>31
}

// Sample returns the key of one stream of a row. Both words are bijections of the sample.
func (k Key) Sample(sample uint64) Key {
	z := k.A + golden*sample
	z = (z ^ z>>30) * mul0
	return Key{(z ^ z>>27) * mul1, (z ^ z>>32 ^ k.B) * mul0}
}

// Word returns word i of the stream, the same on every level and processor.
func (k Key) Word(i uint64) uint64 { return mix(k.A+golden*i, k.B) }

// normalPair makes normals 2j and 2j+1 of a stream from its words 2j and 2j+1 (Box and Muller
// 1958). With u = w0/2⁶⁴ (never 0: |z| ends at 9.4) the radius is √(-2 log u). Of w1, the
// low 52 bits give an angle from -π/4 to π/4, the top bits its mirror image at the diagonal
// and the sign of both, which together is every direction.
func normalPair(w0, w1 uint64) (x, y float64) {
	r := math.Sqrt(-2 * math.Log(float64(w0|1)*0x1p-64))
	quarter := math.Float64frombits(w1&(1<<52-1)|0x3ff0000000000000) - 1.5
	y, x = octant(math.Pi / 2 * quarter)
	if w1>>62&1 != 0 {
		x, y = y, x
	}
	if w1>>63 != 0 {
		r = -r
	}
	return r * x, r * y
}

// Normals fills dst with the standard normals of a stream. A shorter dst gets the same
// numbers as the beginning of a longer one. Levels agree to 4 ulp.
func Normals(dst []float64, k Key) {
	if level == Generic {
		for i := 0; i < len(dst); i += 2 {
			x, y := normalPair(k.Word(uint64(i)), k.Word(uint64(i+1)))
			dst[i] = x
			if i+1 < len(dst) {
				dst[i+1] = y
			}
		}
		return
	}
	g := normalGen{key: k, pairs: math.MaxInt}
	g.fill(dst, 0)
}

// longRow is where a call a sample costs less than the keys that every pair of a row computes.
const longRow = 256

// NormalRows fills dst, d values a sample, with the first d normals of the streams
// k.Sample(first), k.Sample(first+1), … bit for bit.
func NormalRows(dst []float64, k Key, first uint64, d int) {
	if len(dst)%d != 0 {
		panic("simd: normals for a part of a sample")
	}
	if level == Generic || d > longRow {
		for i := 0; i < len(dst); i += d {
			Normals(dst[i:i+d], k.Sample(first))
			first++
		}
		return
	}
	g := normalGen{key: k, rows: true, first: first, pairs: (d + 1) / 2}
	if d%2 == 0 {
		g.fill(dst, 0)
		return
	}
	// A sample's last pair gives one normal only: by way of a buffer of whole pairs.
	var buf [2 * longRow]float64
	step := len(buf) / (2 * g.pairs)
	for row, n := 0, len(dst)/d; row < n; row += step {
		part := buf[:2*g.pairs*min(step, n-row)]
		g.fill(part, row*g.pairs)
		for i := 0; i < len(part); i += 2 * g.pairs {
			for k := range d { // copy costs more than these few
				dst[k] = part[i+k]
			}
			dst = dst[d:]
		}
	}
}

// normalGen drives the kernels, whose lanes each make a pair: pairs of one stream or, in rows,
// those of consecutive samples one after another.
type normalGen struct {
	key   Key
	rows  bool
	first uint64
	pairs int // of a sample
	state [32 + 7 + 12*8]uint64
}

// fill writes the normals of the pairs from one on.
func (g *normalGen) fill(dst []float64, pair int) {
	width := vectorWidth()
	n := len(dst) / (2 * width)
	if n > 0 {
		g.run(&dst[0], n, pair, width)
	}
	if rest := dst[n*2*width:]; len(rest) > 0 {
		var buf [16]float64
		g.run(&buf[0], 1, pair+n*width, width)
		copy(rest, buf[:])
	}
}

// From longFill vectors on the kernels are faster that have several vectors at work at once.
const longFill = 8

// run calls a kernel for n vectors of pairs. gen/normals has the order of the state. Within a
// vector the order is 0 2 1 3 or 0 4 1 5 2 6 3 7, which the kernel's last instructions make
// consecutive.
func (g *normalGen) run(dst *float64, n, pair, width int) {
	s := &g.state
	s[0], s[1], s[7] = g.key.A, g.key.B, golden
	s[5], s[6] = uint64(g.pairs), golden*uint64(2*g.pairs)
	sample, j := g.first+uint64(pair/g.pairs), pair%g.pairs
	for p := range width {
		l := p%(width/2)*2 + p/(width/2)
		s[8+l], s[16+l], s[24+l] = golden*uint64(2*j), golden*sample, uint64(j)
		if j++; j == g.pairs {
			sample, j = sample+1, 0
		}
	}
	samples, step := uint64(width/g.pairs), uint64(width%g.pairs)
	s[2], s[3], s[4] = golden*(2*step), golden*samples, step
	switch long, wide := n >= longFill, level == AVX512; {
	case g.rows && long && step == 0 && wide:
		normalRowsInStepLongAVX512(dst, n, &s[0])
	case g.rows && long && step == 0:
		normalRowsInStepLongAVX2(dst, n, &s[0])
	case g.rows && long && wide:
		normalRowsLongAVX512(dst, n, &s[0])
	case g.rows && long:
		normalRowsLongAVX2(dst, n, &s[0])
	case g.rows && wide:
		normalRowsShortAVX512(dst, n, &s[0])
	case g.rows:
		normalRowsShortAVX2(dst, n, &s[0])
	case long && wide:
		normalsLongAVX512(dst, n, &s[0])
	case long:
		normalsLongAVX2(dst, n, &s[0])
	case wide:
		normalsShortAVX512(dst, n, &s[0])
	default:
		normalsShortAVX2(dst, n, &s[0])
	}
}
