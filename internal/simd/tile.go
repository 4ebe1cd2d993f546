package simd

//go:generate go run -C gen ./tile -out ../tile_amd64.s -stubs ../tile_amd64.go -pkg simd

// Strides say where the elements of a Tile's sum lie. All are positive or 0, K and L at least 1.
type Strides struct {
	K, L   int // terms: K consecutive ones, L times
	C      int // between rows of c
	A      int // between rows of a
	AK, AL int // in a, from one k or l to the next
	BK, BL int // in b

	Set bool // write the sum in place of adding it
}

// TileRows is the number of rows of a Tile, TileColumns the unit of its columns.
const (
	TileRows    = 8
	TileColumns = 16
)

// Tile adds a sum of products to 8 rows of columns values, 16, 32 or 48, of c:
//
//	c[i·C + j] += Σ_{l<L} Σ_{k<K} a[i·A + k·AK + l·AL] · b[j + k·BK + l·BL]
//
// With strides that make rows of a overlap this is a convolution that needs no matrix of
// neighbourhoods: of a channels-last image with margins, a pixel and its two neighbours in a row
// are consecutive. Each value is one chain of fused multiply-adds from zero, k fastest, and is
// then added to c, or with Set takes its place unread; Go's twin rounds products too, so that levels differ by at most
// (KL+1)/2²³·Σ|a||b|. It panics if a slice is too short.
func Tile(c, a, b []float32, columns int, s *Strides) {
	if columns != 16 && columns != 32 && columns != 48 || s.K < 1 || s.L < 1 ||
		min(s.C, s.A, s.AK, s.AL, s.BK, s.BL) < 0 ||
		len(c) < 7*s.C+columns || len(a) < 7*s.A+(s.K-1)*s.AK+(s.L-1)*s.AL+1 ||
		len(b) < (s.K-1)*s.BK+(s.L-1)*s.BL+columns {
		panic("simd: a tile beyond its slices")
	}
	f := [9]int{s.K, s.L, s.C, s.A, s.AK, s.AL, s.BK, s.BL}
	if s.Set {
		f[8] = 1
	}
	switch {
	case level == Generic:
		TileGo(c, a, b, columns, s)
	case level == AVX2:
		for i := 0; i < TileRows; i += 4 {
			for j := 0; j < columns; j += TileColumns {
				tileAVX2(&c[i*s.C+j], &a[i*s.A], &b[j], &f)
			}
		}
	case columns == 16:
		tile16AVX512(&c[0], &a[0], &b[0], &f)
	case columns == 32:
		tile32AVX512(&c[0], &a[0], &b[0], &f)
	default:
		tile48AVX512(&c[0], &a[0], &b[0], &f)
	}
}

// TileGo is Tile in Go, in either precision and for any number of columns up to 48.
func TileGo[T float32 | float64](c, a, b []T, columns int, s *Strides) {
	var sums [3 * TileColumns]T
	sum := sums[:columns]
	for i := range TileRows {
		clear(sum)
		for l := range s.L {
			at, bt := i*s.A+l*s.AL, l*s.BL
			k := 0
			for ; k+4 <= s.K; k += 4 {
				v0, v1, v2, v3 := a[at], a[at+s.AK], a[at+2*s.AK], a[at+3*s.AK]
				z0, z1 := b[bt:][:len(sum)], b[bt+s.BK:][:len(sum)]
				z2, z3 := b[bt+2*s.BK:][:len(sum)], b[bt+3*s.BK:][:len(sum)]
				for j, t := range sum {
					t += v0 * z0[j]
					t += v1 * z1[j]
					t += v2 * z2[j]
					sum[j] = t + v3*z3[j]
				}
				at, bt = at+4*s.AK, bt+4*s.BK
			}
			for ; k < s.K; k++ {
				v, z := a[at], b[bt:][:len(sum)]
				for j, w := range z {
					sum[j] += v * w
				}
				at, bt = at+s.AK, bt+s.BK
			}
		}
		if s.Set {
			copy(c[i*s.C:], sum)
			continue
		}
		for j, v := range sum {
			c[i*s.C+j] += v
		}
	}
}
