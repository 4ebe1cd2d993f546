package simd

// FFTTurn makes of the spectra X of two real sequences of length n, transformed as the parts
// of one, the real numbers
//
//	y[k] = 2 (c₀ Re X[k] + c₁ Im X[k]),   y[n-k] = 2 (c₂ Re X[k] + c₃ Im X[k]),   1 ≤ k < n/2
//
// with four c for each k, in place: those of the first sequence are the real parts of the
// n blocks z, those of the second the imaginary ones. The blocks 0 and n/2, whose X are real,
// are left as they are.
func FFTTurn(z, c []float64, n int) {
	count := (n - 1) / 2
	z, c = z[:n*fftBlock], c[:4*count]
	if count == 0 {
		return
	}
	last := (n - 1) * fftBlock
	switch level {
	case AVX512:
		fftTurnAVX512(&z[fftBlock], &z[last], &c[0], count)
	case AVX2:
		fftTurnAVX2(&z[fftBlock], &z[last], &c[0], count)
	default:
		for k := 1; k <= count; k++ {
			a, b, f := z[k*fftBlock:][:fftBlock], z[(n-k)*fftBlock:][:fftBlock], c[4*(k-1):][:4]
			for i, j := 0, FFTLanes; i < FFTLanes; i, j = i+1, j+1 {
				r1, i1, r2, i2 := a[i]+b[i], a[j]-b[j], a[j]+b[j], b[i]-a[i]
				a[i], a[j] = f[0]*r1+f[1]*i1, f[0]*r2+f[1]*i2
				b[i], b[j] = f[2]*r1+f[3]*i1, f[2]*r2+f[3]*i2
			}
		}
	}
}

// FFTTurnBack is the transpose of FFTTurn, with real and imaginary parts of the result
// exchanged for an inverse transform.
func FFTTurnBack(z, c []float64, n int) {
	count := (n - 1) / 2
	z, c = z[:n*fftBlock], c[:4*count]
	if count == 0 {
		return
	}
	last := (n - 1) * fftBlock
	switch level {
	case AVX512:
		fftTurnBackAVX512(&z[fftBlock], &z[last], &c[0], count)
	case AVX2:
		fftTurnBackAVX2(&z[fftBlock], &z[last], &c[0], count)
	default:
		for k := 1; k <= count; k++ {
			a, b, f := z[k*fftBlock:][:fftBlock], z[(n-k)*fftBlock:][:fftBlock], c[4*(k-1):][:4]
			for i, j := 0, FFTLanes; i < FFTLanes; i, j = i+1, j+1 {
				s1, t1 := f[0]*a[i]+f[2]*b[i], f[1]*a[i]+f[3]*b[i]
				s2, t2 := f[0]*a[j]+f[2]*b[j], f[1]*a[j]+f[3]*b[j]
				a[i], a[j] = t1+s2, s1-t2
				b[i], b[j] = s2-t1, s1+t2
			}
		}
	}
}
