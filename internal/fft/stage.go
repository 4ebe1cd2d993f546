package fft

// A stage is one pass of Stockham's algorithm over the remaining length r·m, for s
// interleaved sequences:
//
//	y[q + s(rp+k)] = ω_rm^(pk) Σ_j ω_r^(jk) x[q + s(p+mj)],   p < m, k < r, q < s
//
// after which the length is m and the sequences are r·s.
type stage struct {
	r, m int
	tw   []complex128 // ω_rm^(pk) at p(r-1) + k-1, k = 1..r-1
	w    []complex128 // ω_r^k
}

func newStage(r, m int) stage {
	st := stage{r: r, m: m, tw: make([]complex128, 0, m*(r-1)), w: make([]complex128, r)}
	for p := range m {
		for k := 1; k < r; k++ {
			st.tw = append(st.tw, root(p*k, r*m))
		}
	}
	for k := range st.w {
		st.w[k] = root(k, r)
	}
	return st
}

// run makes the pass from x to y. The block p = 0 has no twiddle factors.
func (st *stage) run(y, x []complex128, s int) {
	for p := range st.m {
		in, out, tw := x[s*p:], y[s*st.r*p:], st.tw[p*(st.r-1):][:st.r-1]
		switch st.r {
		case 2:
			radix2(out, in, tw, s*st.m, s)
		case 3:
			radix3(out, in, tw, s*st.m, s)
		case 4:
			if p == 0 {
				first4(out, in, s*st.m, s)
			} else {
				radix4(out, in, tw, s*st.m, s)
			}
		case 5:
			radix5(out, in, tw, s*st.m, s)
		case 8:
			radix8(out, in, tw, s*st.m, s)
		default:
			st.radix(out, in, tw, s*st.m, s)
		}
	}
}

// The butterflies read sequences of length s that lie d apart and write them s apart.

func radix2(y, x, tw []complex128, d, s int) {
	a0, a1 := x[:s], x[d:][:s]
	b0, b1 := y[:s], y[s:][:s]
	w := tw[0]
	for q, u := range a0 {
		v := a1[q]
		b0[q] = u + v
		b1[q] = w * (u - v)
	}
}

func radix3(y, x, tw []complex128, d, s int) {
	const h = 0.866025403784438646763723170752936183 // sin 2π/3
	a0, a1, a2 := x[:s], x[d:][:s], x[2*d:][:s]
	b0, b1, b2 := y[:s], y[s:][:s], y[2*s:][:s]
	w1, w2 := tw[0], tw[1]
	for q, u := range a0 {
		v, e := a1[q]+a2[q], a1[q]-a2[q]
		b0[q] = u + v
		c := complex(real(u)-0.5*real(v), imag(u)-0.5*imag(v))
		r := complex(h*imag(e), -h*real(e))
		b1[q] = w1 * (c + r)
		b2[q] = w2 * (c - r)
	}
}

func first4(y, x []complex128, d, s int) {
	a0, a1, a2, a3 := x[:s], x[d:][:s], x[2*d:][:s], x[3*d:][:s]
	b0, b1, b2, b3 := y[:s], y[s:][:s], y[2*s:][:s], y[3*s:][:s]
	for q, u := range a0 {
		t0, t1 := u+a2[q], u-a2[q]
		t2, e := a1[q]+a3[q], a1[q]-a3[q]
		t3 := complex(imag(e), -real(e))
		b0[q] = t0 + t2
		b1[q] = t1 + t3
		b2[q] = t0 - t2
		b3[q] = t1 - t3
	}
}

func radix4(y, x, tw []complex128, d, s int) {
	a0, a1, a2, a3 := x[:s], x[d:][:s], x[2*d:][:s], x[3*d:][:s]
	b0, b1, b2, b3 := y[:s], y[s:][:s], y[2*s:][:s], y[3*s:][:s]
	w1, w2, w3 := tw[0], tw[1], tw[2]
	for q, u := range a0 {
		t0, t1 := u+a2[q], u-a2[q]
		t2, e := a1[q]+a3[q], a1[q]-a3[q]
		t3 := complex(imag(e), -real(e))
		b0[q] = t0 + t2
		b1[q] = w1 * (t1 + t3)
		b2[q] = w2 * (t0 - t2)
		b3[q] = w3 * (t1 - t3)
	}
}

func radix5(y, x, tw []complex128, d, s int) {
	const (
		c1 = 0.309016994374947424102293417182819059  // cos 2π/5
		c2 = -0.809016994374947424102293417182819059 // cos 4π/5
		s1 = 0.951056516295153572116439333379382143  // sin 2π/5
		s2 = 0.587785252292473129168705954639072769  // sin 4π/5
	)
	a0, a1, a2, a3, a4 := x[:s], x[d:][:s], x[2*d:][:s], x[3*d:][:s], x[4*d:][:s]
	b0, b1, b2, b3, b4 := y[:s], y[s:][:s], y[2*s:][:s], y[3*s:][:s], y[4*s:][:s]
	w1, w2, w3, w4 := tw[0], tw[1], tw[2], tw[3]
	for q, u := range a0 {
		p1, e1 := a1[q]+a4[q], a1[q]-a4[q]
		p2, e2 := a2[q]+a3[q], a2[q]-a3[q]
		b0[q] = u + p1 + p2
		u1 := complex(real(u)+c1*real(p1)+c2*real(p2), imag(u)+c1*imag(p1)+c2*imag(p2))
		u2 := complex(real(u)+c2*real(p1)+c1*real(p2), imag(u)+c2*imag(p1)+c1*imag(p2))
		v1 := complex(s1*imag(e1)+s2*imag(e2), -s1*real(e1)-s2*real(e2))
		v2 := complex(s2*imag(e1)-s1*imag(e2), -s2*real(e1)+s1*real(e2))
		b1[q] = w1 * (u1 + v1)
		b2[q] = w2 * (u2 + v2)
		b3[q] = w3 * (u2 - v2)
		b4[q] = w4 * (u1 - v1)
	}
}

func radix8(y, x, tw []complex128, d, s int) {
	const h = 0.707106781186547524400844362104849039 // √½
	a0, a1, a2, a3 := x[:s], x[d:][:s], x[2*d:][:s], x[3*d:][:s]
	a4, a5, a6, a7 := x[4*d:][:s], x[5*d:][:s], x[6*d:][:s], x[7*d:][:s]
	b0, b1, b2, b3 := y[:s], y[s:][:s], y[2*s:][:s], y[3*s:][:s]
	b4, b5, b6, b7 := y[4*s:][:s], y[5*s:][:s], y[6*s:][:s], y[7*s:][:s]
	tw = tw[:7]
	for q, u := range a0 {
		p0, e0 := u+a4[q], u-a4[q]
		p2, e2 := a2[q]+a6[q], a2[q]-a6[q]
		p1, e1 := a1[q]+a5[q], a1[q]-a5[q]
		p3, e3 := a3[q]+a7[q], a3[q]-a7[q]

		t0, t1 := p0+p2, p1+p3
		b0[q] = t0 + t1
		b4[q] = tw[3] * (t0 - t1)
		t0, t1 = p0-p2, p1-p3
		t1 = complex(imag(t1), -real(t1))
		b2[q] = tw[1] * (t0 + t1)
		b6[q] = tw[5] * (t0 - t1)

		// The odd outputs: ω₈ e1 and ω₈³ e3 with ω₈ = (1-i)√½.
		e2 = complex(imag(e2), -real(e2))
		f1 := complex(h*(real(e1)+imag(e1)), h*(imag(e1)-real(e1)))
		f3 := complex(h*(imag(e3)-real(e3)), -h*(real(e3)+imag(e3)))
		t0, t1 = e0+e2, f1+f3
		b1[q] = tw[0] * (t0 + t1)
		b5[q] = tw[4] * (t0 - t1)
		t0, t1 = e0-e2, f1-f3
		t1 = complex(imag(t1), -real(t1))
		b3[q] = tw[2] * (t0 + t1)
		b7[q] = tw[6] * (t0 - t1)
	}
}

// radix is the butterfly of any other radix, by the sum itself.
func (st *stage) radix(y, x, tw []complex128, d, s int) {
	for k := range st.r {
		b := y[s*k:][:s]
		copy(b, x[:s])
		for j := 1; j < st.r; j++ {
			w := st.w[j*k%st.r]
			for q, v := range x[d*j:][:s] {
				b[q] += w * v
			}
		}
		if k > 0 {
			w := tw[k-1]
			for q := range b {
				b[q] *= w
			}
		}
	}
}
