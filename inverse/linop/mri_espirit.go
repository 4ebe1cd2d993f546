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
		for i := lo * cols; i < hi*cols; i++ {
			eigen[i] = dominant(v, w, g, n, i)
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
// m = coils·Kernel², row by row. The Hermitian eigenproblem H = R + iQ of the patches'
// second moments is solved as the symmetric one of [R -Q; Q R], whose eigenvectors come
// in pairs; its projector is the embedding of the one that is wanted.
func (e ESPIRiT) projector(kspace []complex128, coils, rows, cols int) ([]complex128, error) {
	patch := e.Kernel * e.Kernel
	m := coils * patch
	h := make([]complex128, m*m)
	p := make([]complex128, m)
	top, left := rows/2-e.Calib/2, cols/2-e.Calib/2
	for a := range e.Calib - e.Kernel + 1 {
		for b := range e.Calib - e.Kernel + 1 {
			for k := range p {
				c, u := k/patch, k%patch
				p[k] = kspace[(c*rows+top+a+u/e.Kernel)*cols+left+b+u%e.Kernel]
			}
			for k, v := range p {
				for l, w := range p[:k+1] {
					h[k*m+l] += v * cmplx.Conj(w)
				}
			}
		}
	}
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
		return nil, errors.New("linop: the eigenvalues of the calibration region did not converge; look for NaN in the k-space")
	}
	values := eig.Values(nil)
	last := values[2*m-1]
	if !(last > 0) || !finite(last) {
		return nil, errors.New("linop: the calibration region of the k-space is zero or not finite")
	}
	first := 0 // values ascend
	for values[first] <= e.Threshold*e.Threshold*last {
		first++
	}
	var vectors mat.Dense
	eig.VectorsTo(&vectors)
	span := vectors.Slice(0, 2*m, first, 2*m)
	var w mat.Dense
	w.Mul(span, span.T())
	for k := range m {
		for l := range m {
			h[k*m+l] = complex(w.At(k, l), w.At(m+k, l))
		}
	}
	return h, nil
}

// equations returns G at all pixels, the coefficient (c, d) of pixel i at [c·coils+d][i]:
//
//	G_cd(x) = 1/K² Σ_uv W[(c,u),(d,v)] e^(-2πi (v-u)·x)
//
// of which d ≤ c is filled in.
func (e ESPIRiT) equations(proj []complex128, coils, rows, cols int) [][]complex128 {
	n, patch := rows*cols, e.Kernel*e.Kernel
	m := coils * patch
	scale := complex(math.Sqrt(float64(n))/float64(patch), 0) // undoes the orthonormal factor
	plan := fft.NewComplex2(rows, cols)
	g := make([][]complex128, coils*coils)
	for c := range coils {
		for d := range c + 1 {
			z := make([]complex128, n)
			for u := range patch {
				for v := range patch {
					i, j := rows/2+v/e.Kernel-u/e.Kernel, cols/2+v%e.Kernel-u%e.Kernel
					z[i*cols+j] += scale * proj[(c*patch+u)*m+d*patch+v]
				}
			}
			plan.Centred(z, z, nil)
			g[c*coils+d] = z
		}
	}
	return g
}

// dominant finds the largest eigenvalue of G at pixel i by power iteration from the
// largest column, and its unit eigenvector v.
func dominant(v, w []complex128, g [][]complex128, n, i int) float64 {
	coils := len(v)
	at := func(c, d int) complex128 {
		if d > c {
			return cmplx.Conj(g[d*coils+c][i])
		}
		return g[c*coils+d][i]
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
