package simd

// Tiles addresses the rows of 8×8 tiles in a slice: row i of tile t begins at
//
//	(Even, Odd)[i mod 2] + ⌊i/2⌋ Pair + t Step
type Tiles struct{ Even, Odd, Pair, Step int }

// At returns where row i of tile t begins.
func (t Tiles) At(i, tile int) int {
	at := t.Even
	if i%2 == 1 {
		at = t.Odd
	}
	return at + i/2*t.Pair + tile*t.Step
}

// check panics unless the rows of n tiles lie in x.
func (t Tiles) check(x []float64, n int) {
	for _, tile := range [2]int{0, n - 1} {
		for _, i := range [4]int{0, 1, 6, 7} {
			at := t.At(i, tile)
			_ = x[at : at+8]
		}
	}
}

// Transpose8 writes the transposes of n tiles of 8×8 numbers of src to those of dst: element
// (i, j) of each becomes (j, i).
func Transpose8(dst []float64, d Tiles, src []float64, s Tiles, n int) {
	if n < 1 {
		return
	}
	d.check(dst, n)
	s.check(src, n)
	switch level {
	case AVX512:
		transpose8AVX512(&dst[d.Even], d.Odd-d.Even, d.Pair, d.Step, &src[s.Even], s.Odd-s.Even, s.Pair, s.Step, n)
	case AVX2:
		transpose8AVX2(&dst[d.Even], d.Odd-d.Even, d.Pair, d.Step, &src[s.Even], s.Odd-s.Even, s.Pair, s.Step, n)
	default:
		for t := range n {
			for i := range 8 {
				at, odd, step := d.At(0, t)+i, d.At(1, t)+i, d.Pair
				in := (*[8]float64)(src[s.At(i, t):])
				for j := 0; j < 8; j += 2 {
					dst[at], dst[odd] = in[j], in[j+1]
					at, odd = at+step, odd+step
				}
			}
		}
	}
}

// FFTUntangle takes the spectra of two real sequences of length n apart that were transformed
// as the real and the imaginary part of one, z of n blocks:
//
//	u₁[k] = (z[k] + conj z[n-k])/2,   u₂[k] = (z[k] - conj z[n-k])/2i,   k ≤ n/2
func FFTUntangle(u1, u2, z []float64, n int) {
	z = z[:n*fftBlock]
	count := n / 2
	u1, u2 = u1[:(count+1)*fftBlock], u2[:(count+1)*fftBlock]
	copy(u1[:FFTLanes], z)
	copy(u2[:FFTLanes], z[FFTLanes:])
	clear(u1[FFTLanes:fftBlock])
	clear(u2[FFTLanes:fftBlock])
	if count == 0 {
		return
	}
	last := (n - 1) * fftBlock
	switch level {
	case AVX512:
		fftUntangleAVX512(&u1[fftBlock], &u2[fftBlock], &z[fftBlock], &z[last], count)
	case AVX2:
		fftUntangleAVX2(&u1[fftBlock], &u2[fftBlock], &z[fftBlock], &z[last], count)
	default:
		for k := 1; k <= count; k++ {
			a, b := z[k*fftBlock:][:fftBlock], z[(n-k)*fftBlock:][:fftBlock]
			p, q := u1[k*fftBlock:][:fftBlock], u2[k*fftBlock:][:fftBlock]
			for i := range FFTLanes {
				ar, ai, br, bi := 0.5*a[i], 0.5*a[i+FFTLanes], 0.5*b[i], 0.5*b[i+FFTLanes]
				p[i], p[i+FFTLanes] = ar+br, ai-bi
				q[i], q[i+FFTLanes] = ai+bi, br-ar
			}
		}
	}
}

// FFTEntangle is the way back, c (u₁ + i u₂) for all k < n, with real and imaginary parts
// exchanged in z: a forward transform then gives the inverse one, exchanged again. What
// real sequences cannot have is not looked at: imaginary parts at k = 0 and k = n/2.
func FFTEntangle(z, u1, u2 []float64, n int, c float64) {
	z = z[:n*fftBlock]
	u1, u2 = u1[:(n/2+1)*fftBlock], u2[:(n/2+1)*fftBlock]
	for k := 0; k <= n/2; k += max(1, n/2) {
		if 2*k%n == 0 {
			for i := range FFTLanes {
				z[k*fftBlock+i], z[k*fftBlock+i+FFTLanes] = c*u2[k*fftBlock+i], c*u1[k*fftBlock+i]
			}
		}
	}
	count := (n - 1) / 2
	if count == 0 {
		return
	}
	last := (n - 1) * fftBlock
	switch level {
	case AVX512:
		fftEntangleAVX512(&z[fftBlock], &z[last], &u1[fftBlock], &u2[fftBlock], c, count)
	case AVX2:
		fftEntangleAVX2(&z[fftBlock], &z[last], &u1[fftBlock], &u2[fftBlock], c, count)
	default:
		for k := 1; k <= count; k++ {
			a, b := u1[k*fftBlock:][:fftBlock], u2[k*fftBlock:][:fftBlock]
			p, q := z[k*fftBlock:][:fftBlock], z[(n-k)*fftBlock:][:fftBlock]
			for i := range FFTLanes {
				ar, ai, br, bi := c*a[i], c*a[i+FFTLanes], c*b[i], c*b[i+FFTLanes]
				p[i], p[i+FFTLanes] = ai+br, ar-bi
				q[i], q[i+FFTLanes] = br-ai, ar+bi
			}
		}
	}
}

// FFTGather writes n lines of lanes ≤ 8 complex numbers, pairs (re, im), to blocks: the line
// at i·stride of src to block i. The parts go to where re and im say in a block, 0 and
// FFTLanes or, exchanged, the other way round.
func FFTGather(dst, src []float64, n, stride, lanes, re, im int) {
	dst, src = dst[:n*fftBlock], src[:(n-1)*stride+2*lanes]
	if lanes == FFTLanes && level == AVX512 {
		fftGatherAVX512(&dst[0], &src[0], n, stride, re, im)
	} else if lanes == FFTLanes && level == AVX2 {
		fftGatherAVX2(&dst[0], &src[0], n, stride, re, im)
	} else {
		for i := range n {
			b, l := dst[i*fftBlock:][:fftBlock], src[i*stride:][:2*lanes]
			for k := range lanes {
				b[re+k], b[im+k] = l[2*k], l[2*k+1]
			}
		}
	}
}

// FFTScatter is the inverse of FFTGather.
func FFTScatter(dst, src []float64, n, stride, lanes, re, im int) {
	src, dst = src[:n*fftBlock], dst[:(n-1)*stride+2*lanes]
	if lanes == FFTLanes && level == AVX512 {
		fftScatterAVX512(&dst[0], &src[0], n, stride, re, im)
	} else if lanes == FFTLanes && level == AVX2 {
		fftScatterAVX2(&dst[0], &src[0], n, stride, re, im)
	} else {
		for i := range n {
			b, l := src[i*fftBlock:][:fftBlock], dst[i*stride:][:2*lanes]
			for k := range lanes {
				l[2*k], l[2*k+1] = b[re+k], b[im+k]
			}
		}
	}
}

// FFTGatherColumns is FFTGather of at most 8 columns that need not lie side by side: number
// columns[k] of line i goes to lane k of block i.
func FFTGatherColumns(dst, src []float64, n, stride int, columns []int, re, im int) {
	dst = dst[:n*fftBlock]
	for i := range n {
		b, l := (*[fftBlock]float64)(dst[i*fftBlock:]), src[i*stride:]
		for k, j := range columns {
			v := l[2*j:][:2]
			b[uint(re+k)%fftBlock], b[uint(im+k)%fftBlock] = v[0], v[1]
		}
	}
}

// FFTScatterColumns is the inverse of FFTGatherColumns.
func FFTScatterColumns(dst, src []float64, n, stride int, columns []int, re, im int) {
	src = src[:n*fftBlock]
	for i := range n {
		b, l := (*[fftBlock]float64)(src[i*fftBlock:]), dst[i*stride:]
		for k, j := range columns {
			v := l[2*j:][:2]
			v[0], v[1] = b[uint(re+k)%fftBlock], b[uint(im+k)%fftBlock]
		}
	}
}

// FFTMultiply multiplies n blocks by lines of lanes ≤ 8 complex numbers, the line at
// i·stride of h, or by their conjugates if sign is -1 and not 1, and exchanges real and
// imaginary parts.
func FFTMultiply(a, h []float64, n, stride, lanes int, sign float64) {
	a, h = a[:n*fftBlock], h[:(n-1)*stride+2*lanes]
	if lanes == FFTLanes && level == AVX512 {
		fftMultiplyAVX512(&a[0], &h[0], n, stride, sign)
	} else if lanes == FFTLanes && level == AVX2 {
		fftMultiplyAVX2(&a[0], &h[0], n, stride, sign)
	} else {
		for i := range n {
			b, l := a[i*fftBlock:][:fftBlock], h[i*stride:][:2*lanes]
			for k := range lanes {
				v := complex(b[k], b[k+FFTLanes]) * complex(l[2*k], sign*l[2*k+1])
				b[k], b[k+FFTLanes] = imag(v), real(v)
			}
		}
	}
}
