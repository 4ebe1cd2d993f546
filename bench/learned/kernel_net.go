package main

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/score"
	"github.com/seed-dea4846a/sampler/score/density"
	"github.com/seed-dea4846a/sampler/score/train"
)

// inputSize and input are those of train.Kernel on the line: u = (c_in x, ln(σ/α)/4, 1).
const inputSize = 3

func input(u []float64, x, alpha, sigma, std float64) {
	u[0], u[1], u[2] = x/math.Hypot(alpha*std, sigma), math.Log(sigma/alpha)/4, 1
}

// inputs are those of all points.
func inputs(s *noisy) []float64 {
	sd := train.DataStd(s.x1, 1)
	u := make([]float64, inputSize*len(s.x))
	for i := range s.x {
		input(u[i*inputSize:(i+1)*inputSize], s.x[i], s.alpha[i], s.sigma[i], sd)
	}
	return u
}

// A wide is the network m^{-1/2} Σ a_r (w_r·u)₊ of which only the w_r are trained, as a denoiser.
type wide struct {
	w, a       []float64
	std, bound float64
}

// newWide draws half the units and makes the other half their negatives, so that f = 0.
func newWide(units int, s *noisy) *wide {
	m := &wide{w: make([]float64, units*inputSize), a: make([]float64, units), std: train.DataStd(s.x1, 1)}
	half := len(m.w) / 2
	stream.New().Normals(m.w[:half], trainSeed, stream.Base, 0, 0)
	copy(m.w[half:], m.w[:half])
	for r := range m.a {
		m.a[r] = 1 / math.Sqrt(float64(units))
		if r >= units/2 {
			m.a[r] = -m.a[r]
		}
	}
	for _, v := range s.x1 {
		m.bound = max(m.bound, math.Abs(v))
	}
	return m
}

func (m *wide) at(u []float64) float64 {
	sum := 0.0
	for r, a := range m.a {
		w := m.w[r*inputSize : (r+1)*inputSize]
		sum += a * max(w[0]*u[0]+w[1]*u[1]+w[2]*u[2], 0)
	}
	return sum
}

// descend takes a step of gradient descent on 1/2n Σ|f(u_i) - x₁_i|².
func (m *wide) descend(grad, u, x1 []float64, rate float64) {
	clear(grad)
	for i, y := range x1 {
		v := u[i*inputSize : (i+1)*inputSize]
		e := (m.at(v) - y) / float64(len(x1))
		for r, a := range m.a {
			w, g := m.w[r*inputSize:(r+1)*inputSize], grad[r*inputSize:(r+1)*inputSize]
			if w[0]*v[0]+w[1]*v[1]+w[2]*v[2] > 0 {
				floats.AddScaled(g, e*a, v)
			}
		}
	}
	floats.AddScaled(m.w, -rate, grad)
}

// Dim returns 1.
func (m *wide) Dim() int { return 1 }

// Denoise writes f, cut as train.Kernel cuts it.
func (m *wide) Denoise(dst, x []float64, alpha, sigma float64) {
	var u [inputSize]float64
	for i, v := range x {
		input(u[:], v, alpha, sigma, m.std)
		dst[i] = min(max(m.at(u[:]), -m.bound), m.bound)
	}
}

// twoLayer trains the network of finite width and measures its error at times of its gradient flow.
func (l *lab) twoLayer(t density.Target, n int, miss func(score.Denoiser) float64) (figure.Series, error) {
	k, s, err := l.kernel(t, n, 0)
	if err != nil {
		return figure.Series{}, err
	}
	m, u := newWide(l.of(1024)&^1, s), inputs(s)
	grad := make([]float64, len(m.w))
	mu := k.Eigenvalues()
	rate := 1 / mu[n-1]
	c := figure.Series{Name: fmt.Sprintf("network, n = %d", n)}
	at := 0.0
	for _, tau := range times() {
		if tau > 3e4*l.scale {
			break
		}
		steps := max(1, int(math.Ceil((tau-at)/rate)))
		for range steps {
			m.descend(grad, u, s.x1, (tau-at)/float64(steps))
			if err := l.ctx.Err(); err != nil {
				return c, err
			}
		}
		at = tau
		c.X, c.Y = append(c.X, tau), append(c.Y, miss(m))
	}
	return c, nil
}
