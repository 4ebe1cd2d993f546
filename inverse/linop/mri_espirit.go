package linop

import (
	"errors"
	"fmt"
	"math"
	"math/cmplx"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"gonum.org/v1/gonum/mat"
)

// A Size is that of a rectangle in the middle of k-space.
type Size struct{ Rows, Cols int }

func (s Size) points() int    { return s.Rows * s.Cols }
func (s Size) String() string { return fmt.Sprintf("%d×%d", s.Rows, s.Cols) }

// ESPIRiT estimates sensitivities from a fully sampled region in the middle of k-space.
// All patches of Kernel points of all coils in the region lie near a subspace;
// that a patch equals its projection, averaged over the patches that hold a point, is at
// each pixel x an equation between the coil images,
//
//	m(x) = G(x) m(x),    G(x) Hermitian, 0 ≤ G ≤ 1
//
// so that the sensitivities are the eigenvector of G(x) with the eigenvalue 1.
//
// Source: Uecker et al., Magn. Reson. Med. 71 (2014). Zero fields take the defaults.
type ESPIRiT struct {
	Calib     Size    // of the calibration region; 24×24
	Kernel    Size    // of a patch; a third of the region, up to 6×6
	Threshold float64 // singular values above it, relative to the largest, span the subspace; 0.02
	Crop      float64 // pixels whose eigenvalue is below it get maps of 0; 0.8
}

// Maps returns maps of unit norm with the phase of the first coil 0, and the eigenvalue
// of each pixel. kspace has the shape {coils, rows, cols, 2}; only its middle is read.
func (e ESPIRiT) Maps(kspace []float64, rows, cols int) (maps, eigen []float64, err error) {
	e = e.defaults()
	coils, err := checkCalibration(kspace, rows, cols, e.Calib)
	if err != nil {
		return nil, nil, err
	}
	for _, side := range [][3]int{{e.Kernel.Rows, e.Calib.Rows, rows}, {e.Kernel.Cols, e.Calib.Cols, cols}} {
		if k := side[0]; k < 1 || k > side[1] || 2*k-1 > side[2] {
			return nil, nil, fmt.Errorf("linop: an ESPIRiT kernel of %v for a calibration region of %v in %d×%d", e.Kernel, e.Calib, rows, cols)
		}
	}
	if !(e.Threshold > 0 && e.Threshold < 1 && e.Crop > 0 && e.Crop <= 1) {
		return nil, nil, fmt.Errorf("linop: ESPIRiT threshold %g and crop %g must be between 0 and 1", e.Threshold, e.Crop)
	}
	proj, err := e.projector(fft.Complex(kspace), coils, rows, cols)
	if err != nil {
		return nil, nil, err
	}
	g := e.equations(proj, coils, rows, cols)
	n := rows * cols
	maps, eigen = make([]float64, 2*coils*n), make([]float64, n)
	s := fft.Complex(maps)
	spread(rows, func(lo, hi int) {
		v, w := make([]complex128, coils), make([]complex128, coils)
		row := make([]complex128, coils*coils*cols)
		for r := lo; r < hi; r++ {
			g.row(row, r)
			for j := range cols {
				i := r*cols + j
				eigen[i] = dominant(v, w, row[j:], cols)
				if eigen[i] < e.Crop {
					continue
				}
				turn := complex128(1)
				if a := cmplx.Abs(v[0]); a > 0 {
					turn = cmplx.Conj(v[0]) / complex(a, 0)
				}
				for c, u := range v {
					s[c*n+i] = turn * u
				}
			}
		}
	})
	return maps, eigen, nil
}

func (e ESPIRiT) defaults() ESPIRiT {
	if e.Calib == (Size{}) {
		e.Calib = Size{24, 24}
	}
	if e.Kernel == (Size{}) {
		// A phantom of 8 coils was best served so at 8, 12, 16 and 24 lines.
		third := func(side int) int { return min(6, max(2, (side+1)/3)) }
		e.Kernel = Size{third(e.Calib.Rows), third(e.Calib.Cols)}
	}
	if e.Threshold == 0 {
		e.Threshold = 0.02
	}
	if e.Crop == 0 {
		e.Crop = 0.8
	}
	return e
}

// projector returns the orthogonal projector on the subspace of the patches, of order
// m, coils times the points of a patch, row by row, of which the lower triangle of blocks is filled in. With
// the patches as the columns of X it is f(XXᴴ), f the step function at the threshold, or
// X g(XᴴX) Xᴴ with g = f/λ: the smaller of the two matrices is decomposed.
func (e ESPIRiT) projector(kspace []complex128, coils, rows, cols int) ([]complex128, error) {
	patch, places := e.Kernel.points(), Size{e.Calib.Rows - e.Kernel.Rows + 1, e.Calib.Cols - e.Kernel.Cols + 1}
	m, count := coils*patch, places.points()
	x := make([]complex128, m*count) // a row for each point of a patch
	top, left := rows/2-e.Calib.Rows/2, cols/2-e.Calib.Cols/2
	for k := range m {
		c, u := k/patch, k%patch
		for i := range count {
			x[k*count+i] = kspace[(c*rows+top+i/places.Cols+u/e.Kernel.Cols)*cols+left+i%places.Cols+u%e.Kernel.Cols]
		}
	}
	if m <= count {
		h := gram(x, x, m, count)
		return h, e.cut(h, m, func(float64) float64 { return 1 })
	}
	xh := make([]complex128, m*count)
	for k := range m {
		for i := range count {
			xh[i*m+k] = cmplx.Conj(x[k*count+i])
		}
	}
	g := gram(xh, xh, count, m)
	if err := e.cut(g, count, func(v float64) float64 { return 1 / v }); err != nil {
		return nil, err
	}
	return gram(gram(x, g, m, count), x, m, count), nil // g is Hermitian
}

// gram returns a bᴴ; a has m rows of n, b len(b)/n of them.
func gram(a, b []complex128, m, n int) []complex128 {
	k := len(b) / n
	out := make([]complex128, m*k)
	spread(m, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			for j := range k {
				s, y := complex128(0), b[j*n:(j+1)*n]
				for l, v := range a[i*n : (i+1)*n] {
					w := y[l]
					s += complex(real(v)*real(w)+imag(v)*imag(w), imag(v)*real(w)-real(v)*imag(w))
				}
				out[i*k+j] = s
			}
		}
	})
	return out
}

// cut replaces the Hermitian h of order m by the matrix with the same eigenvectors and the
// eigenvalues f(λ), or 0 where λ is below the threshold. The eigenproblem H = R + iQ is
// solved as the symmetric one of [R -Q; Q R], whose eigenvectors come in pairs; a function
// of it is the embedding of the one that is wanted.
func (e ESPIRiT) cut(h []complex128, m int, f func(value float64) float64) error {
	sym := mat.NewSymDense(2*m, nil)
	for k := range m {
		for l := range k + 1 {
			v := h[k*m+l]
			sym.SetSym(k, l, real(v))
			sym.SetSym(m+k, m+l, real(v))
			sym.SetSym(m+k, l, imag(v))
			sym.SetSym(m+l, k, -imag(v))
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(sym, true) {
		return errors.New("linop: the eigenvalues of the calibration region did not converge; look for NaN in the k-space")
	}
	values := eig.Values(nil)
	last := values[2*m-1]
	if !(last > 0) || !finite(last) {
		return errors.New("linop: the calibration region of the k-space is zero or not finite")
	}
	first := 0 // values ascend
	for values[first] <= e.Threshold*e.Threshold*last {
		first++
	}
	var vectors, w mat.Dense
	eig.VectorsTo(&vectors)
	span := vectors.Slice(0, 2*m, first, 2*m)
	scaled := mat.DenseCopyOf(span)
	scaled.Apply(func(_, j int, v float64) float64 { return v * f(values[first+j]) }, scaled)
	w.Mul(scaled, span.T())
	for k := range m {
		for l := range m {
			h[k*m+l] = complex(w.At(k, l), w.At(m+k, l))
		}
	}
	return nil
}

// eigenEquations hold, for coils c and d ≤ c, the coefficients
//
//	G_cd(x) = 1/K Σ_uv W[(c,u),(d,v)] e^(-2πi (v-u)·x)
//
// K the points of a patch, summed along the columns of the picture; row sums the shifts that
// are left. All of
// G would be coils² pictures.
type eigenEquations struct {
	half              []complex128 // at [c·coils+d][shift][column]
	coils, rows, cols int
	shifts            int // of rows
}

func (e ESPIRiT) equations(proj []complex128, coils, rows, cols int) *eigenEquations {
	k, patch := e.Kernel, e.Kernel.points()
	m, shifts := coils*patch, Size{2*k.Rows - 1, 2*k.Cols - 1}
	g := &eigenEquations{half: make([]complex128, coils*coils*shifts.Rows*cols), coils: coils, rows: rows, cols: cols, shifts: shifts.Rows}
	turns := make([]complex128, shifts.Cols*cols)
	for s := range shifts.Cols {
		for j := range cols {
			turns[s*cols+j] = wave(s-k.Cols+1, j, cols)
		}
	}
	spread(coils*coils, func(lo, hi int) {
		z := make([]complex128, shifts.points())
		for p := lo; p < hi; p++ {
			c, d := p/coils, p%coils
			if d > c {
				continue
			}
			clear(z)
			for u := range patch {
				for v := range patch {
					z[(v/k.Cols-u/k.Cols+k.Rows-1)*shifts.Cols+v%k.Cols-u%k.Cols+k.Cols-1] += proj[(c*patch+u)*m+d*patch+v] / complex(float64(patch), 0)
				}
			}
			for i, v := range z {
				addScaled(g.half[(p*shifts.Rows+i/shifts.Cols)*cols:][:cols], v, turns[i%shifts.Cols*cols:])
			}
		}
	})
	return g
}

// row writes G at a row of the picture, the coefficient (c, d) of column j at
// [c·coils+d][j].
func (g *eigenEquations) row(dst []complex128, r int) {
	clear(dst)
	for s := range g.shifts {
		w := wave(s-g.shifts/2, r, g.rows)
		for p := range g.coils * g.coils {
			if p%g.coils <= p/g.coils {
				addScaled(dst[p*g.cols:][:g.cols], w, g.half[(p*g.shifts+s)*g.cols:])
			}
		}
	}
}

// wave is e^(-2πi shift·x/n) with x from the middle of n.
func wave(shift, at, n int) complex128 {
	return cmplx.Rect(1, -2*math.Pi*float64(shift*(at-n/2)%n)/float64(n))
}

// addScaled adds f·x to dst.
func addScaled(dst []complex128, f complex128, x []complex128) {
	a, b := real(f), imag(f)
	for i := range dst {
		re, im := real(x[i]), imag(x[i])
		dst[i] += complex(a*re-b*im, a*im+b*re)
	}
}

// dominant finds the largest eigenvalue of the matrix whose coefficient (c, d) is at
// g[(c·coils+d)·stride] by power iteration from the largest column, and its unit
// eigenvector v.
func dominant(v, w, g []complex128, stride int) float64 {
	coils := len(v)
	at := func(c, d int) complex128 {
		if d > c {
			return cmplx.Conj(g[(d*coils+c)*stride])
		}
		return g[(c*coils+d)*stride]
	}
	big := 0
	for c := range v {
		if real(at(c, c)) > real(at(big, big)) {
			big = c
		}
	}
	for c := range v {
		v[c] = at(c, big)
	}
	value := unit(v)
	const (
		sweeps = 200
		small  = 1e-10 // squared change: a map is good to 1e-5 at a ratio of eigenvalues of 1/2
	)
	for range sweeps {
		for c := range w {
			w[c] = 0
			for d, x := range v {
				w[c] += at(c, d) * x
			}
		}
		value = unit(w)
		change := 0.
		for c, x := range w {
			change += power(x - v[c])
		}
		copy(v, w)
		if change < small || value == 0 {
			break
		}
	}
	return value
}

// unit scales v to norm 1 and returns the norm it had; a zero v stays.
func unit(v []complex128) float64 {
	s := 0.
	for _, x := range v {
		s += power(x)
	}
	if s = math.Sqrt(s); s > 0 {
		for c := range v {
			v[c] /= complex(s, 0)
		}
	}
	return s
}
