package nn

import "github.com/seed-dea4846a/sampler/internal/stream"

// exactDivergence is the largest dimension of exact divergences, dirsAtOnce the number of
// directions in one evaluation.
const (
	exactDivergence = 64
	dirsAtOnce      = 8
)

// Divergence writes tr ∂D/∂x, one value a point.
func (m *Model) Divergence(dst, x []float64, alpha, sigma float64) {
	d, c := m.Dim(), m.Precond.At(alpha, sigma)
	if len(dst)*d != len(x) || m.Precond.Kind == Raw {
		panic("nn: one divergence a point, of a denoiser")
	}
	clear(dst)
	if m.Precond.Kind == LogDensity {
		m.directions(laplace, x, alpha, c, func(s *space, _ int, _ []float64, f float64, lo, hi int) {
			s.tape.Out(s.out[:hi-lo], s.tape.ch-1)
			for i, v := range s.out[:hi-lo] {
				dst[lo+i] += f * v
			}
		})
		f := sigma * sigma * c.In * c.In
		for i, v := range dst {
			dst[i] = (float64(d) + f*v) / alpha
		}
	} else {
		m.directions(tangents, x, alpha, c, func(s *space, k int, dx []float64, f float64, lo, hi int) {
			for i := range k {
				s.tape.Out(s.out[:(hi-lo)*d], i+1)
				v := dx[i*(hi-lo)*d:]
				for j, u := range s.out[:(hi-lo)*d] {
					dst[lo+j/d] += f * u * v[j]
				}
			}
		})
		for i, v := range dst {
			dst[i] = c.Skip*float64(d) + c.Out*c.In*v
		}
	}
	m.look(dst, c.Noise)
}

// directions evaluates the jet along unit vectors or probes, so many at a time, and calls f
// with the number of directions, themselves and their weight in a trace.
func (m *Model) directions(kind int, x []float64, alpha float64, c Coeffs, f func(s *space, k int, dx []float64, weight float64, lo, hi int)) {
	d := m.Dim()
	total, weight := d, 1.0
	if d > exactDivergence {
		total = int(or(float64(m.Probes), 8))
		weight = 1 / float64(total)
		m.signs.Do(func() {
			m.probe = make([]float64, total*d)
			r := stream.New().At(0, stream.Probe, 0, 0)
			for i := range m.probe {
				m.probe[i] = float64(1 - 2*r.IntN(2))
			}
		})
	}
	m.batches(kind, x, alpha, c.In, c.Noise, func(s *space, lo, hi int) {
		n, dirs := (hi-lo)*d, s.tape.Jet().Dirs
		dx := s.dx[:dirs*n]
		for first := 0; first < total; first += dirs {
			k := min(dirs, total-first)
			clear(dx)
			for i := range k {
				for r := i * n; r < (i+1)*n; r += d {
					if d > exactDivergence {
						copy(dx[r:r+d], m.probe[(first+i)*d:])
					} else {
						dx[r+first+i] = 1
					}
				}
			}
			s.tape.Forward(s.x[:n], s.t, dx, nil)
			f(s, k, dx, weight, lo, hi)
		}
	})
}
