package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
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
	k     uint64 // queries since Begin
}

func (n *independent) Begin(first, rows int) {
	n.first, n.k = uint64(first), 0
}

func (n *independent) Skip() { n.k++ }

func (n *independent) Increment(dw []float64, t0, t1 float64) {
	n.draw(dw, nil, t1-t0)
}

func (n *independent) IncrementArea(dw, dz []float64, t0, t1 float64) {
	n.draw(dw, dz, t1-t0)
}

func (n *independent) draw(dw, dz []float64, h float64) {
	root := math.Sqrt(math.Abs(h))
	for i, sample := 0, n.first; i < len(dw); i, sample = i+n.dim, sample+1 {
		r := n.src.At(n.seed, stream.Step, sample, n.k)
		w := dw[i : i+n.dim]
		for j := range w {
			w[j] = root * r.NormFloat64()
		}
		if dz == nil {
			continue
		}
		z := dz[i : i+n.dim]
		for j := range z {
			z[j] = h / 2 * (w[j] + root/math.Sqrt(3)*r.NormFloat64())
		}
	}
	n.k++
}
