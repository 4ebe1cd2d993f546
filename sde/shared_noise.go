package sde

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// A sharedNoise lends a wrapper's Noise to the method inside, whose queries then count
// on in the wrapper's addresses; only the wrapper begins.
type sharedNoise struct{ Noise }

func (s sharedNoise) NewNoise(dim, rows int) Noise { return s }
func (s sharedNoise) Begin(first, rows int)        {}
func (s sharedNoise) Skip() {
	if n, ok := s.Noise.(Skipper); ok {
		n.Skip()
	}
}

// refuseTree panics for methods that need fresh noise on an interval they have seen.
func refuseTree(name string, src NoiseSource) {
	if _, ok := src.(Tree); ok {
		panic("sde: " + name + " draws on an interval more than once, which a Brownian tree cannot serve: use Independent noise")
	}
}

// normals fills z with fresh standard normals.
func (s *semi) normals(z []float64, t0, t1 float64) {
	s.noise.Increment(z, t0, t1)
	floats.Scale(1/math.Sqrt(math.Abs(t1-t0)), z)
}
