package fft

// A Real transforms real sequences of one length n to the half spectrum, k = 0..n/2. An
// even n takes one complex transform of half the length.
type Real struct {
	n    int
	plan *Plan
	w    []complex128 // ω_n^k, k = 0..n/4, if n is even
}

// NewReal returns a transform of real sequences of length n ≥ 1.
func NewReal(n int) *Real {
	if n%2 == 1 || n < 1 {
		return &Real{n: n, plan: New(n)}
	}
	r := &Real{n: n, plan: New(n / 2), w: make([]complex128, n/4+1)}
	for k := range r.w {
		r.w[k] = root(k, n)
	}
	return r
}

// Half returns the length n/2 + 1 of the spectrum.
func (r *Real) Half() int { return r.n/2 + 1 }

// Forward writes the half spectrum of src to dst.
func (r *Real) Forward(dst []complex128, src []float64) {
	r.check(dst, src)
	w := getWork(r.plan.room(1))
	defer w.put()
	if r.w == nil {
		for j, v := range src {
			w.a[j] = complex(v, 0)
		}
		res, _ := r.plan.exec(w.a, w.b, 1)
		copy(dst, res)
		dst[0] = complex(real(dst[0]), 0)
		return
	}
	h := r.n / 2
	for j := range h {
		w.a[j] = complex(src[2*j], src[2*j+1])
	}
	res, _ := r.plan.exec(w.a, w.b, 1)
	dst[0], dst[h] = complex(real(res[0])+imag(res[0]), 0), complex(real(res[0])-imag(res[0]), 0)
	// X[k] = E + ω^k O with E = (Z[k] + conj Z[h-k])/2, O = (Z[k] - conj Z[h-k])/2i.
	for k := 1; k <= h/2; k++ {
		z, c := res[k], conj(res[h-k])
		e, d := scale(0.5, z+c), scale(0.5, z-c)
		o := r.w[k] * complex(imag(d), -real(d))
		dst[h-k] = conj(e - o)
		dst[k] = e + o
	}
}

// Inverse writes the real sequence of the half spectrum src to dst. What a half spectrum
// of real data cannot have is not looked at: the imaginary part at k = 0 and k = n/2.
func (r *Real) Inverse(dst []float64, src []complex128) {
	r.check(src, dst)
	w := getWork(r.plan.room(1))
	defer w.put()
	c := 1 / float64(r.n)
	if r.w == nil {
		w.a[0] = src[0] // the real part of the result is taken
		for k := 1; k < len(src); k++ {
			w.a[k], w.a[r.n-k] = conj(src[k]), src[k]
		}
		res, _ := r.plan.exec(w.a, w.b, 1)
		for j := range dst {
			dst[j] = c * real(res[j])
		}
		return
	}
	// Z[k] = E + iO, laid backwards; E = X[k] + conj X[h-k] and ω^k O the difference.
	h := r.n / 2
	w.a[0] = complex(real(src[0])+real(src[h]), real(src[0])-real(src[h]))
	for k := 1; k <= h/2; k++ {
		x, y := src[k], conj(src[h-k])
		e, o := x+y, conj(r.w[k])*(x-y)
		io := complex(-imag(o), real(o))
		w.a[k] = conj(e - io)
		w.a[h-k] = e + io
	}
	res, _ := r.plan.exec(w.a, w.b, 1)
	for j := range h {
		dst[2*j], dst[2*j+1] = c*real(res[j]), c*imag(res[j])
	}
}

func (r *Real) check(z []complex128, x []float64) {
	if len(x) != r.n || len(z) != r.n/2+1 {
		panic("fft: length of a sequence or of its half spectrum is not the plan's")
	}
}

func conj(v complex128) complex128 { return complex(real(v), -imag(v)) }
