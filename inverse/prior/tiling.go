package prior

// A tiling places the patches of side b on a line of n pixels that is mirrored at its
// edges (pixel -1-i shows pixel i), the overhanging ones included: they start at
// -(b-1)..n-1, every stride-th. Overhanging patches have weight ½, because the mirror
// shows each of them twice; then every pixel is covered with the total weight b/stride,
// whatever its place, and the sum over patches of weight·Eᵀ J E, E showing a patch of
// the line, is symmetric if J is.
//
// A proof of the count: on the periodic line of 2n pixels every pixel and its mirror
// image are covered b/stride times each, and the mirror maps the patches to each other.
// It needs a stride that divides b.
type tiling struct {
	n, b, stride int
	start        []int
	weight       []float64
	pixel        []int // of place x - b + 1 ≥ 0, the pixel that x shows, x in -(b-1)..n+b-2
}

func newTiling(n, b, stride int) *tiling {
	t := &tiling{n: n, b: b, stride: stride}
	for a := -(b/stride - 1) * stride; a < n; a += stride {
		t.start = append(t.start, a)
		w := 1.0
		if t.overhangs(a) {
			w = 0.5
		}
		t.weight = append(t.weight, w)
	}
	for x := 1 - b; x < n+b-1; x++ {
		i := x
		if i < 0 {
			i = -1 - i
		} else if i >= n {
			i = 2*n - 1 - i
		}
		t.pixel = append(t.pixel, i)
	}
	return t
}

func (t *tiling) overhangs(start int) bool { return start < 0 || start > t.n-t.b }

// shows returns the pixels of the b places from start on.
func (t *tiling) shows(start int) []int { return t.pixel[start+t.b-1:][:t.b] }

// average writes B x, the sum over patches of weight·Eᵀ(11ᵀ/b) E x over b/stride: what
// the patches' means say of the line.
func (t *tiling) average(dst, x []float64) {
	clear(dst)
	for i, a := range t.start {
		sum := 0.0
		show := t.shows(a)
		for _, p := range show {
			sum += x[p]
		}
		sum *= t.weight[i] * float64(t.stride) / float64(t.b*t.b)
		for _, p := range show {
			dst[p] += sum
		}
	}
}

// spectrum returns tᵀ B t for the cosines t of the line.
func (t *tiling) spectrum() []float64 {
	a := newBasis(1, t.n, Mirror)
	s, x, y := make([]float64, t.n), make([]float64, t.n), make([]float64, t.n)
	for k := range s {
		clear(x)
		x[k] = 1
		a.from(x)
		t.average(y, x)
		for i, v := range y {
			s[k] += x[i] * v
		}
	}
	return s
}
