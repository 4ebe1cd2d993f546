package nn

// Denoise writes D(x; α, σ).
func (m *Model) Denoise(dst, x []float64, alpha, sigma float64) {
	m.denoiser(dst, x)
	d, c := m.Dim(), m.Precond.At(alpha, sigma)
	m.batches(m.jet(), x, alpha, c.In, c.Noise, func(s *space, lo, hi int) {
		m.output(dst[lo*d:hi*d], s)
	})
	m.leave(dst, x, alpha, sigma, c)
}

// DenoiseEach writes D at a noise level for each point, the bits of Denoise.
func (m *Model) DenoiseEach(dst, x, alpha, sigma []float64) {
	m.denoiser(dst, x)
	d, n := m.Dim(), len(alpha)
	if len(x) != n*d || len(sigma) != n {
		panic("nn: points and noise levels do not match")
	}
	s := m.space(m.jet())
	full := s.t
	for lo := 0; lo < n; lo += len(full) {
		hi := min(lo+len(full), n)
		s.t = full[:hi-lo]
		for i := lo; i < hi; i++ {
			c := m.Precond.At(alpha[i], sigma[i])
			s.c[i-lo], s.t[i-lo] = c, c.Noise
			m.enter(s.x[(i-lo)*d:(i-lo+1)*d], x[i*d:(i+1)*d], alpha[i], c.In)
		}
		m.output(dst[lo*d:hi*d], s)
		for i := lo; i < hi; i++ {
			m.leave(dst[i*d:(i+1)*d], x[i*d:(i+1)*d], alpha[i], sigma[i], s.c[i-lo])
		}
	}
	s.t = full
	m.spaces[m.jet()].Put(s)
}

// jet returns what output needs.
func (m *Model) jet() int {
	if m.Precond.Kind == LogDensity {
		return gradient
	}
	return values
}

// output writes F of the rows in s, or ∇φ.
func (m *Model) output(dst []float64, s *space) {
	s.tape.Forward(s.x[:len(dst)], s.t, nil, nil)
	if m.Precond.Kind != LogDensity {
		s.tape.Out(dst, 0)
		return
	}
	s.tape.Backward(nil, s.ones())
	s.tape.InputGrad(dst, nil, 0)
}

// leave turns the outputs for points of a noise level into D.
func (m *Model) leave(dst, x []float64, alpha, sigma float64, c Coeffs) {
	if m.Precond.Kind == LogDensity {
		f := sigma * sigma * c.In
		for i, v := range x {
			dst[i] = (v + f*dst[i]) / alpha
		}
	} else {
		for i, v := range x {
			dst[i] = c.Skip*v + c.Out*dst[i]
		}
		if m.Mean != nil {
			addRepeated(dst, m.Mean, 1-c.Skip*alpha)
		}
	}
	m.look(dst, c.Noise)
}
