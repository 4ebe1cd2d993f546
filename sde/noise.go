package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/floats"
)

// Independent is a NoiseSource of independent increments: query k since Begin of
// sample i draws from the address (Seed, stream.Step, i, k), so step k of a
// fixed-step run uses address k whatever the batch, the row groups and the
// workers. For h = t1 - t0 of either sign and independent standard normals z₁, z₂
//
//	ΔW  = √|h| z₁
//	I₁₀ = ½ h √|h| (z₁ + z₂/√3)
//
// (Kloeden and Platen 1992, eq. 10.4.3). The sign of h in I₁₀ is that of dt in its integral. A query for ΔW
// alone draws the same z₁.
//
// The increments of two overlapping queries are unrelated; use a Tree where a path
// must be seen twice.
type Independent struct {
	Seed uint64
}

// NewNoise returns the noise of one goroutine.
func (n Independent) NewNoise(dim, rows int) Noise {
	return &independent{src: stream.New(), seed: n.Seed, dim: dim}
}

// A Skipper is a Noise whose addresses count queries. Skip counts one query without
// drawing; additive methods call it for a step on which g = 0.
type Skipper interface {
	Skip()
}

type independent struct {
	src   *stream.Source
	seed  uint64
	dim   int
	first uint64
	k     uint64    // queries since Begin
	z     []float64 // z₁ and z₂ of each sample, for IncrementArea
}

func (n *independent) Begin(first, rows int) {
	n.first, n.k = uint64(first), 0
}

func (n *independent) Skip() { n.k++ }

func (n *independent) Increment(dw []float64, t0, t1 float64) {
	n.src.Rows(dw, n.seed, stream.Step, n.first, n.k, n.dim)
	n.k++
	floats.Scale(math.Sqrt(math.Abs(t1-t0)), dw)
}

func (n *independent) IncrementArea(dw, dz []float64, t0, t1 float64) {
	if len(n.z) < 2*len(dw) {
		n.z = make([]float64, 2*len(dw))
	}
	d, z := n.dim, n.z[:2*len(dw)]
	n.src.Rows(z, n.seed, stream.Step, n.first, n.k, 2*d)
	n.k++
	h := t1 - t0
	root := math.Sqrt(math.Abs(h))
	third := root / math.Sqrt(3)
	dz = dz[:len(dw)]
	for i := 0; i < len(dw); z = z[d:] { // past the z₂ of a sample
		for range d {
			w := root * z[0]
			dw[i], dz[i] = w, h/2*(w+third*z[d])
			i, z = i+1, z[1:]
		}
	}
}
