package linop

import (
	"errors"
	"fmt"
	"math"
	"math/cmplx"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"gonum.org/v1/gonum/mat"
)

// ESPIRiT estimates sensitivities from a fully sampled region in the middle of k-space.
// All patches of Kernel by Kernel points of all coils in the region lie near a subspace;
// that a patch equals its projection, averaged over the patches that hold a point, is at
// each pixel x an equation between the coil images,
//
//	m(x) = G(x) m(x),    G(x) Hermitian, 0 ≤ G ≤ 1
//
// so that the sensitivities are the eigenvector of G(x) with the eigenvalue 1.
//
// Source: Uecker et al., Magn. Reson. Med. 71 (2014). Zero fields take the defaults.
type ESPIRiT struct {
	Calib     int     // width of the calibration region; 24
	Kernel    int     // width of a patch; 6
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
	if e.Kernel < 1 || e.Kernel > e.Calib || 2*e.Kernel-1 > min(rows, cols) {
		return nil, nil, fmt.Errorf("linop: an ESPIRiT kernel of %d for a calibration region of %d in %d×%d", e.Kernel, e.Calib, rows, cols)
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
	if e.Calib == 0 {
		e.Calib = 24
	}
	if e.Kernel == 0 {
		e.Kernel = 6
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
// m = coils·Kernel², row by row, of which the lower triangle of blocks is filled in. With
// the patches as the columns of X it is f(XXᴴ), f the step function at the threshold, or
// X g(XᴴX) Xᴴ with g = f/λ: the smaller of the two matrices is decomposed.
func (e ESPIRiT) projector(kspace []complex128, coils, rows, cols int) ([]complex128, error) {
	patch, side := e.Kernel*e.Kernel, e.Calib-e.Kernel+1
	m, count := coils*patch, side*side
	x := make([]complex128, m*count) // a row for each point of a patch
	top, left := rows/2-e.Calib/2, cols/2-e.Calib/2
	for k := range m {
		c, u := k/patch, k%patch
		for i := range count {
			x[k*count+i] = kspace[(c*rows+top+i/side+u/e.Kernel)*cols+left+i%side+u%e.Kernel]
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
//	G_cd(x) = 1/K² Σ_uv W[(c,u),(d,v)] e^(-2πi (v-u)·x)
//
// summed along the columns of the picture; row sums the 2K-1 shifts that are left. All of
// G would be coils² pictures.
type eigenEquations struct {
	half              []complex128 // at [c·coils+d][shift][column]
	coils, rows, cols int
	shifts            int
}

func (e ESPIRiT) equations(proj []complex128, coils, rows, cols int) *eigenEquations {
	k := e.Kernel
	patch, shifts := k*k, 2*k-1
	m := coils * patch
	g := &eigenEquations{half: make([]complex128, coils*coils*shifts*cols), coils: coils, rows: rows, cols: cols, shifts: shifts}
	turns := make([]complex128, shifts*cols)
	for s := range shifts {
		for j := range cols {
			turns[s*cols+j] = wave(s-k+1, j, cols)
		}
	}
	spread(coils*coils, func(lo, hi int) {
		z := make([]complex128, shifts*shifts)
		for p := lo; p < hi; p++ {
			c, d := p/coils, p%coils
			if d > c {
				continue
			}
			clear(z)
			for u := range patch {
				for v := range patch {
					z[(v/k-u/k+k-1)*shifts+v%k-u%k+k-1] += proj[(c*patch+u)*m+d*patch+v] / complex(float64(patch), 0)
				}
			}
			for i, v := range z {
				addScaled(g.half[(p*shifts+i/shifts)*cols:][:cols], v, turns[i%shifts*cols:])
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
