package main

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/metric"
)

// The paper's histograms: the nodes of a grid over the window, to the nearest of which each
// sample goes.
const (
	window = 3.5
	nodes  = 64
	cell   = 2 * window / (nodes - 1)
)

func node(i int) float64 { return -window + cell*float64(i) }

// A hist holds the shares of the nodes, the first coordinate slow.
type hist []float64

// histogram returns that of the points within the window, and the share of those outside.
func histogram(x []float64) (h hist, outside float64) {
	h = make(hist, nodes*nodes)
	in := 0
	for i := 0; i < len(x); i += 2 {
		if !(math.Abs(x[i]) < window && math.Abs(x[i+1]) < window) {
			continue
		}
		h[int(math.Round((x[i]+window)/cell))*nodes+int(math.Round((x[i+1]+window)/cell))]++
		in++
	}
	floats.Scale(1/float64(in), h)
	return h, 1 - float64(in)/float64(len(x)/2)
}

// w2 returns W₂² of two histograms by exact transport.
func w2(a, b hist) (float64, error) {
	xa, wa := a.atoms()
	xb, wb := b.atoms()
	floats.Scale(1/floats.Sum(wa), wa)
	floats.Scale(1/floats.Sum(wb), wb)
	p, err := metric.Transport(wa, wb, metric.PowerCost(xa, xb, 2, 2), metric.TransportOptions{})
	if err != nil {
		return 0, err
	}
	if p.Status != metric.Optimal {
		return 0, fmt.Errorf("transport of histograms: %v", p.Status)
	}
	return p.Cost, nil
}

// atoms returns the nodes that hold more than 1e-7 of the mass. The rest makes transport five times
// as slow and adds 1e-7 to W₂², as measured.
func (h hist) atoms() (x, w []float64) {
	for i, v := range h {
		if v > 1e-7 {
			x, w = append(x, node(i/nodes), node(i%nodes)), append(w, v)
		}
	}
	return x, w
}

// draw returns the histogram of n draws.
func (h hist) draw(n int) hist {
	law := distuv.NewCategorical(h, stream.New().At(6, stream.Target, 0, 0))
	out := make(hist, len(h))
	for range n {
		out[int(law.Rand())] += 1 / float64(n)
	}
	return out
}
