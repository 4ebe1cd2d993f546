package simd

//go:generate go run -C gen ./fft -out ../fft_amd64.s -stubs ../fft_amd64.go -pkg simd

// The transforms of package fft work on FFTLanes complex sequences side by side. A block
// holds one number of each: 8 real parts, then 8 imaginary ones.
const (
	FFTLanes = 8
	fftBlock = 2 * FFTLanes
)

// FFTPass makes one pass of Stockham's algorithm, on s interleaved sequences of blocks of
// the remaining length r·m:
//
//	y[q + s(rp+k)] = ω_rm^(pk) Σ_j ω_r^(jk) x[q + s(p+mj)],   p < m, k < r, q < s
//
// tw holds ω_rm^(pk) as pairs (re, im): for r = 2, 3, 4, 5 and 8, w being nil, those of p ≥
// 1 and k ≥ 1, and for another r all of them, w holding ω_r^k, k < r. The levels differ by
// rounding: at most 4 ε of the largest of the r numbers that enter a sum, for each
// of its operations.
func FFTPass(y, x, tw, w []float64, r, m, s int) {
	n := r * m * s * fftBlock
	y, x = y[:n], x[:n]
	if w == nil {
		tw = tw[:2*(m-1)*(r-1)]
	} else {
		tw, w = tw[:2*m*r], w[:2*r]
	}
	if n == 0 {
		return
	}
	if level == Generic {
		fftPass(y, x, tw, w, r, m, s)
		return
	}
	t := &y[0] // of no twiddle factor: not read
	if len(tw) > 0 {
		t = &tw[0]
	}
	if w != nil {
		if level == AVX512 {
			fftPassAnyAVX512(&y[0], &x[0], t, &w[0], r, m, s)
		} else {
			fftPassAnyAVX2(&y[0], &x[0], t, &w[0], r, m, s)
		}
		return
	}
	pass := fftPasses[level-AVX2][r]
	pass(&y[0], &x[0], t, m, s)
}

var fftPasses = [2][9]func(y, x, tw *float64, m, s int){
	{2: fftPass2AVX2, 3: fftPass3AVX2, 4: fftPass4AVX2, 5: fftPass5AVX2, 8: fftPass8AVX2},
	{2: fftPass2AVX512, 3: fftPass3AVX512, 4: fftPass4AVX512, 5: fftPass5AVX512, 8: fftPass8AVX512},
}

// An fftLane is a block, of which at gives and set takes the number of a lane.
type fftLane [fftBlock]float64

func (b *fftLane) at(i int) complex128 { return complex(b[i&7], b[i&7+FFTLanes]) }

func (b *fftLane) set(i int, v complex128) { b[i&7], b[i&7+FFTLanes] = real(v), imag(v) }

// fftPass is the Go twin, one butterfly of blocks at a time.
func fftPass(y, x, tw, w []float64, r, m, s int) {
	for p := range m {
		for q := range s {
			in, out := x[(q+s*p)*fftBlock:], y[(q+s*r*p)*fftBlock:]
			from, to := s*m*fftBlock, s*fftBlock // strides
			switch {
			case w != nil:
				fftSum(out, in, to, from, w, r)
			case r == 2:
				fft2(out, in, to, from)
			case r == 3:
				fft3(out, in, to, from)
			case r == 4:
				fft4(out, in, to, from)
			case r == 5:
				fft5(out, in, to, from)
			case r == 8:
				fft8(out, in, to, from)
			}
			first, t := 1, tw
			if w != nil {
				first, t = 0, tw[2*p*r:]
			} else if p > 0 {
				t = tw[2*(p-1)*(r-1):]
			} else {
				continue
			}
			for k := first; k < r; k++ {
				f, b := complex(t[0], t[1]), (*fftLane)(out[k*to:])
				for i := range FFTLanes {
					b.set(i, f*b.at(i))
				}
				t = t[2:]
			}
		}
	}
}

func minusI(v complex128) complex128 { return complex(imag(v), -real(v)) }

func times(c float64, v complex128) complex128 { return complex(c*real(v), c*imag(v)) }

// The butterflies read r blocks of x, from one every so many numbers, and write those of y.

func fftSum(y, x []float64, to, from int, w []float64, r int) {
	for k := range r {
		out := (*fftLane)(y[k*to:])
		*out = fftLane(x)
		at := 0
		for j := 1; j < r; j++ {
			if at += k; at >= r {
				at -= r
			}
			f, b := complex(w[2*at], w[2*at+1]), (*fftLane)(x[j*from:])
			for i := range FFTLanes {
				out.set(i, out.at(i)+b.at(i)*f)
			}
		}
	}
}

func fft2(y, x []float64, to, from int) {
	x0, x1 := (*fftLane)(x), (*fftLane)(x[from:])
	y0, y1 := (*fftLane)(y), (*fftLane)(y[to:])
	for i := range FFTLanes {
		a, b := x0.at(i), x1.at(i)
		y0.set(i, a+b)
		y1.set(i, a-b)
	}
}

func fft3(y, x []float64, to, from int) {
	const h = 0.866025403784438646763723170752936183 // sin 2π/3
	x0, x1, x2 := (*fftLane)(x), (*fftLane)(x[from:]), (*fftLane)(x[2*from:])
	y0, y1, y2 := (*fftLane)(y), (*fftLane)(y[to:]), (*fftLane)(y[2*to:])
	for i := range FFTLanes {
		a, b, c := x0.at(i), x1.at(i), x2.at(i)
		p, e := b+c, minusI(times(h, b-c))
		y0.set(i, a+p)
		a -= times(0.5, p)
		y1.set(i, a+e)
		y2.set(i, a-e)
	}
}

// dft4 is the transform of four numbers.
func dft4(a, b, c, d complex128) (_, _, _, _ complex128) {
	t0, t1, t2, t3 := a+c, a-c, b+d, minusI(b-d)
	return t0 + t2, t1 + t3, t0 - t2, t1 - t3
}

func fft4(y, x []float64, to, from int) {
	x0, x1, x2, x3 := (*fftLane)(x), (*fftLane)(x[from:]), (*fftLane)(x[2*from:]), (*fftLane)(x[3*from:])
	y0, y1, y2, y3 := (*fftLane)(y), (*fftLane)(y[to:]), (*fftLane)(y[2*to:]), (*fftLane)(y[3*to:])
	for i := range FFTLanes {
		a, b, c, d := dft4(x0.at(i), x1.at(i), x2.at(i), x3.at(i))
		y0.set(i, a)
		y1.set(i, b)
		y2.set(i, c)
		y3.set(i, d)
	}
}

func fft5(y, x []float64, to, from int) {
	const (
		c1 = 0.309016994374947424102293417182819059  // cos 2π/5
		c2 = -0.809016994374947424102293417182819059 // cos 4π/5
		s1 = 0.951056516295153572116439333379382143  // sin 2π/5
		s2 = 0.587785252292473129168705954639072769  // sin 4π/5
	)
	x0, x1, x2, x3, x4 := (*fftLane)(x), (*fftLane)(x[from:]), (*fftLane)(x[2*from:]), (*fftLane)(x[3*from:]), (*fftLane)(x[4*from:])
	y0, y1, y2, y3, y4 := (*fftLane)(y), (*fftLane)(y[to:]), (*fftLane)(y[2*to:]), (*fftLane)(y[3*to:]), (*fftLane)(y[4*to:])
	for i := range FFTLanes {
		a := x0.at(i)
		p1, e1 := x1.at(i)+x4.at(i), x1.at(i)-x4.at(i)
		p2, e2 := x2.at(i)+x3.at(i), x2.at(i)-x3.at(i)
		y0.set(i, a+p1+p2)
		u, v := a+times(c1, p1)+times(c2, p2), minusI(times(s1, e1)+times(s2, e2))
		y1.set(i, u+v)
		y4.set(i, u-v)
		u, v = a+times(c2, p1)+times(c1, p2), minusI(times(s2, e1)-times(s1, e2))
		y2.set(i, u+v)
		y3.set(i, u-v)
	}
}

func fft8(y, x []float64, to, from int) {
	const h = 0.707106781186547524400844362104849039 // √½
	x0, x1, x2, x3 := (*fftLane)(x), (*fftLane)(x[from:]), (*fftLane)(x[2*from:]), (*fftLane)(x[3*from:])
	x = x[4*from:]
	x4, x5, x6, x7 := (*fftLane)(x), (*fftLane)(x[from:]), (*fftLane)(x[2*from:]), (*fftLane)(x[3*from:])
	y0, y1, y2, y3 := (*fftLane)(y), (*fftLane)(y[to:]), (*fftLane)(y[2*to:]), (*fftLane)(y[3*to:])
	y = y[4*to:]
	y4, y5, y6, y7 := (*fftLane)(y), (*fftLane)(y[to:]), (*fftLane)(y[2*to:]), (*fftLane)(y[3*to:])
	for i := range FFTLanes {
		a, b, c, d := dft4(x0.at(i)+x4.at(i), x1.at(i)+x5.at(i), x2.at(i)+x6.at(i), x3.at(i)+x7.at(i))
		y0.set(i, a)
		y2.set(i, b)
		y4.set(i, c)
		y6.set(i, d)
		// ω₈ e1, ω₈² e2 and ω₈³ e3 with ω₈ = (1-i)√½
		e1, e3 := x1.at(i)-x5.at(i), x3.at(i)-x7.at(i)
		e1 = times(h, e1+minusI(e1))
		e3 = times(h, minusI(e3)-e3)
		a, b, c, d = dft4(x0.at(i)-x4.at(i), e1, minusI(x2.at(i)-x6.at(i)), e3)
		y1.set(i, a)
		y3.set(i, b)
		y5.set(i, c)
		y7.set(i, d)
	}
}
