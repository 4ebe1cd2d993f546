package density

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/integrate/quad"
)

// A level is an image as weighted points on a tensor grid. In the last level they are
// the pixels, as uniform squares. In the others the image is cut into blocks of equal
// size with n×n Chebyshev nodes each, and the weights integrate the image exactly
// against the Lagrange polynomials of the nodes. A sum over the nodes then is the
// integral over the image of the interpolated Gaussian. For a block of half width h
// (in units of σ/α) the interpolation error of exp(-t²/2) is at most
//
//	max |He_n(t) exp(-t²/2)| h^n/(2^{n-1} n!) ≤ 1.09 exp(-t²/4) h^n/(2^{n-1} √n!)
//
// (the remainder at Chebyshev nodes, and Cramér's inequality A&S 22.14.17), which at
// a point c σ from the image is to be small against exp(-c²/2).
type level struct {
	pos   [2][]float64 // positions of columns and of rows, ascending
	w     []float64    // len(pos[1])×len(pos[0])
	half  float64      // half width of a block or pixel, the larger of the two axes
	nodes int          // n; 0 for the pixels
	bound float64      // log of h^n exp(c²/4) for an error of levelErr
}

// serves reports whether the level is accurate for a point at distance² c2 (in σ²) from
// the image.
func (lv *level) serves(snr, c2 float64) bool {
	return lv.nodes == 0 || float64(lv.nodes)*math.Log(snr*lv.half)+c2/4 <= lv.bound
}

// newLevels returns the levels of an image, the cheapest first. The more nodes a
// block has, the fewer are needed for each σ, down to about 5 from 32 on.
func newLevels(im *Image) []level {
	size := max(im.rows, im.cols)
	var levels []level
	for _, n := range []int{8, 12, 16, 24, 32, 48} {
		if 3*n <= 2*size {
			levels = append(levels, newLevel(im, 1, n))
		}
	}
	for b := 2; 3*32*b <= 2*size; b += max(1, b/3) {
		levels = append(levels, newLevel(im, b, 32))
	}
	pixels := level{w: im.w, half: im.side / 2}
	for a, count := range []int{im.cols, im.rows} {
		for k := range count {
			pixels.pos[a] = append(pixels.pos[a], im.lo[a]+im.side*(float64(k)+0.5))
		}
	}
	return append(levels, pixels)
}

// newLevel cuts the longer side into the given number of blocks of n nodes.
func newLevel(im *Image, blocks, n int) level {
	size := max(im.rows, im.cols)
	lg, _ := math.Lgamma(float64(n + 1))
	lv := level{nodes: n, bound: math.Log(levelErr/1.09) + float64(n-1)*math.Ln2 + lg/2}
	var st [2]stencil
	for a, count := range []int{im.cols, im.rows} {
		b := (count*blocks + size - 1) / size
		st[a] = newStencil(count, b, n)
		for _, u := range st[a].pos {
			lv.pos[a] = append(lv.pos[a], im.lo[a]+im.side*u)
		}
		lv.half = max(lv.half, im.side*float64(count)/float64(2*b))
	}
	nx, ny := len(lv.pos[0]), len(lv.pos[1])
	rows := make([]float64, nx*im.rows)
	for i := range im.rows {
		st[0].apply(rows[i*nx:], 1, im.w[i*im.cols:], 1)
	}
	lv.w = make([]float64, nx*ny)
	for j := range nx {
		st[1].apply(lv.w[j:], nx, rows[j:], nx)
	}
	return lv
}

// A stencil maps the weights of pixels along an axis to those of nodes.
type stencil struct {
	pos   []float64 // nodes, in pixels
	first []int     // first pixel that each block meets
	mat   [][]float64
	n     int
}

// newStencil cuts count pixels into blocks with n Chebyshev nodes y_k each. An entry
// is the integral of a Lagrange polynomial of a block over its share of a pixel,
//
//	L_k(y) = (1 + 2 Σ_{0<m<n} T_m(y_k) T_m(y))/n
func newStencil(count, blocks, n int) stencil {
	st := stencil{n: n}
	// cheb[k*n+m] = (2 - [m = 0]) T_m(y_k)/n, the nodes ascending.
	cheb, nodes := make([]float64, n*n), make([]float64, n)
	for k := range n {
		angle := math.Pi * (1 - (float64(k)+0.5)/float64(n))
		nodes[k] = math.Cos(angle)
		for m := range n {
			cheb[k*n+m] = 2 * math.Cos(float64(m)*angle) / float64(n)
		}
		cheb[k*n] = 1 / float64(n)
	}
	y, w := make([]float64, n/2+1), make([]float64, n/2+1) // exact to degree n+1
	moments := make([]float64, n)                          // ∫ T_m over the share of a pixel
	width := float64(count) / float64(blocks)
	for b := range blocks {
		lo, hi := width*float64(b), width*float64(b+1)
		first, last := int(lo), min(int(math.Ceil(hi)), count)
		for _, v := range nodes {
			st.pos = append(st.pos, lo+width/2*(1+v))
		}
		mat := make([]float64, n*(last-first))
		for p := first; p < last; p++ {
			quad.Legendre{}.FixedLocations(y, w, max(lo, float64(p)), min(hi, float64(p+1)))
			clear(moments)
			for i := range y {
				v := 2*(y[i]-lo)/width - 1
				t0, t1 := 1.0, v
				for m := range moments {
					moments[m] += w[i] * t0
					t0, t1 = t1, 2*v*t1-t0
				}
			}
			for k := range n {
				mat[k*(last-first)+p-first] = floats.Dot(cheb[k*n:(k+1)*n], moments)
			}
		}
		st.first, st.mat = append(st.first, first), append(st.mat, mat)
	}
	return st
}

// apply maps one line; the strides are those of its values.
func (st *stencil) apply(dst []float64, ds int, src []float64, ss int) {
	for b, mat := range st.mat {
		m := len(mat) / st.n
		for k := range st.n {
			sum := 0.0
			for p, c := range mat[k*m : (k+1)*m] {
				sum += c * src[(st.first[b]+p)*ss]
			}
			dst[(b*st.n+k)*ds] = sum
		}
	}
}
