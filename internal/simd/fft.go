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

// fftPass is the Go twin, lane by lane.
func fftPass(y, x, tw, w []float64, r, m, s int) {
	var in, out [31]complex128
	for p := range m {
		for q := range s {
			for lane := range FFTLanes {
				for j := range r {
					at := (q+s*(p+m*j))*fftBlock + lane
					in[j] = complex(x[at], x[at+FFTLanes])
				}
				switch {
				case w != nil:
					fftSum(&out, &in, w, r)
				case r == 2:
					out[0], out[1] = in[0]+in[1], in[0]-in[1]
				case r == 3:
					fft3(&out, &in)
				case r == 4:
					out[0], out[1], out[2], out[3] = fft4(in[0], in[1], in[2], in[3])
				case r == 5:
					fft5(&out, &in)
				case r == 8:
					fft8(&out, &in)
				}
				for k := range r {
					v := out[k]
					if w != nil {
						t := 2 * (p*r + k)
						v *= complex(tw[t], tw[t+1])
					} else if k > 0 && p > 0 {
						t := 2 * ((p-1)*(r-1) + k - 1)
						v *= complex(tw[t], tw[t+1])
					}
					at := (q+s*(r*p+k))*fftBlock + lane
					y[at], y[at+FFTLanes] = real(v), imag(v)
				}
			}
		}
	}
}

func minusI(v complex128) complex128 { return complex(imag(v), -real(v)) }

func times(c float64, v complex128) complex128 { return complex(c*real(v), c*imag(v)) }

func fftSum(y, x *[31]complex128, w []float64, r int) {
	for k := range r {
		y[k] = x[0]
		at := 0
		for j := 1; j < r; j++ {
			if at += k; at >= r {
				at -= r
			}
			y[k] += x[j] * complex(w[2*at], w[2*at+1])
		}
	}
}

func fft3(y, x *[31]complex128) {
	const h = 0.866025403784438646763723170752936183 // sin 2π/3
	p, e := x[1]+x[2], minusI(times(h, x[1]-x[2]))
	y[0] = x[0] + p
	c := x[0] - times(0.5, p)
	y[1], y[2] = c+e, c-e
}

func fft4(a, b, c, d complex128) (_, _, _, _ complex128) {
	t0, t1, t2, t3 := a+c, a-c, b+d, minusI(b-d)
	return t0 + t2, t1 + t3, t0 - t2, t1 - t3
}

func fft5(y, x *[31]complex128) {
	const (
		c1 = 0.309016994374947424102293417182819059  // cos 2π/5
		c2 = -0.809016994374947424102293417182819059 // cos 4π/5
		s1 = 0.951056516295153572116439333379382143  // sin 2π/5
		s2 = 0.587785252292473129168705954639072769  // sin 4π/5
	)
	p1, e1 := x[1]+x[4], x[1]-x[4]
	p2, e2 := x[2]+x[3], x[2]-x[3]
	y[0] = x[0] + p1 + p2
	u, v := x[0]+times(c1, p1)+times(c2, p2), minusI(times(s1, e1)+times(s2, e2))
	y[1], y[4] = u+v, u-v
	u, v = x[0]+times(c2, p1)+times(c1, p2), minusI(times(s2, e1)-times(s1, e2))
	y[2], y[3] = u+v, u-v
}

func fft8(y, x *[31]complex128) {
	const h = 0.707106781186547524400844362104849039 // √½
	y[0], y[2], y[4], y[6] = fft4(x[0]+x[4], x[1]+x[5], x[2]+x[6], x[3]+x[7])
	e1, e3 := x[1]-x[5], x[3]-x[7]
	// ω₈ e1, ω₈² e2 and ω₈³ e3 with ω₈ = (1-i)√½
	e1 = times(h, e1+minusI(e1))
	e3 = times(h, minusI(e3)-e3)
	y[1], y[3], y[5], y[7] = fft4(x[0]-x[4], e1, minusI(x[2]-x[6]), e3)
}
