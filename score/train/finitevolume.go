package train

import (
	"context"
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/par"
	"github.com/seed-dea4846a/sampler/sde"
)

// A Grid cuts a box of one or two dimensions into cells. Densities on it are flat, the last
// coordinate fastest, one value a cell: its mean over the cell.
type Grid struct {
	Lo, Hi []float64
	N      []int // cells along each coordinate, at least 3
}

// Cells returns the number of cells.
func (g *Grid) Cells() int {
	n := 1
	for _, k := range g.N {
		n *= k
	}
	return n
}

// Volume returns that of a cell.
func (g *Grid) Volume() float64 {
	v := 1.0
	for j := range g.N {
		v *= g.width(j)
	}
	return v
}

func (g *Grid) width(j int) float64 { return (g.Hi[j] - g.Lo[j]) / float64(g.N[j]) }

// Centres returns the centres of the cells, flat.
func (g *Grid) Centres() []float64 { return g.points(-1) }

// points returns the centres of the cells or, for axis ≥ 0, of the inner faces across it.
func (g *Grid) points(axis int) []float64 {
	d := len(g.N)
	n := append([]int(nil), g.N...)
	if axis >= 0 {
		n[axis]--
	}
	var x []float64
	i := make([]int, d)
	for i[0] < n[0] {
		for j := range d {
			at := float64(i[j]) + 0.5
			if j == axis {
				at += 0.5
			}
			x = append(x, g.Lo[j]+at*g.width(j))
		}
		for j := d - 1; j >= 0; j-- {
			if i[j]++; i[j] < n[j] || j == 0 {
				break
			}
			i[j] = 0
		}
	}
	return x
}

func (g *Grid) check() error {
	d := len(g.N)
	if d < 1 || d > 2 || len(g.Lo) != d || len(g.Hi) != d {
		return fmt.Errorf("train: a grid has one or two dimensions")
	}
	for j, n := range g.N {
		if n < 3 || !(g.Hi[j] > g.Lo[j]) || math.IsInf(g.Hi[j]-g.Lo[j], 0) {
			return fmt.Errorf("train: a grid needs 3 cells and a width along each coordinate")
		}
	}
	return nil
}

// SolveDensity carries the density p on a grid, in place, through the Fokker-Planck equation
// of a process,
//
//	∂_t p = -div(b p) + g²/2 Δp
//
// from the first to the last of the times, in either direction for g = 0. It is a finite-volume
// scheme: cells exchange what flows through their faces, nothing flows through the boundary, so
// the mass is kept to rounding. The advected value at a face comes from the upwind cell by a
// straight line whose slope is limited (van Leer 1979, J. Comput. Phys. 32, 101: monotonised
// central), diffusion is the central difference, time is Heun's method in its strong-stability
// form (Shu and Osher 1988, J. Comput. Phys. 77, 439). The inner steps are so short that every
// stage is positive: p ≥ 0 stays so. The error is of second order in the width of the cells,
// but for smooth extrema, where the limiter acts; and in the steps between times, at the middle
// of which drift and noise are evaluated.
//
// It returns the number of inner steps, and an error if the drift is not finite or ctx ends.
func SolveDensity(ctx context.Context, p []float64, g *Grid, process sde.Process, times []float64, workers int) (steps int, err error) {
	if err := g.check(); err != nil {
		return 0, err
	}
	d, cells := len(g.N), g.Cells()
	if len(p) != cells || process.Dim() != d || len(times) < 2 {
		panic("train: the density, the process or the times do not fit the grid")
	}
	s := &volumes{g: g, rate: make([]float64, cells), mid: make([]float64, cells)}
	var faces [][]float64
	for j := range d {
		faces = append(faces, g.points(j))
		s.speed = append(s.speed, make([]float64, len(faces[j])/d))
	}
	drift := make([]float64, len(faces[0]))
	if d == 2 {
		drift = make([]float64, max(len(faces[0]), len(faces[1])))
	}
	for i := 1; i < len(times); i++ {
		dt := times[i] - times[i-1]
		t := times[i-1] + dt/2
		sign := 1.0
		noise := process.Diffusion(t)
		if dt < 0 {
			if sign = -1; noise != 0 {
				return steps, fmt.Errorf("train: a process with noise cannot be followed backwards, from t = %g to %g", times[i-1], times[i])
			}
		}
		for j, x := range faces {
			b := drift[:len(x)]
			if err := par.Rows(ctx, len(x)/d, 1024, workers, func(_, lo, hi int) error {
				process.Drift(b[lo*d:hi*d], x[lo*d:hi*d], t)
				return nil
			}); err != nil {
				return steps, err
			}
			for k := range s.speed[j] {
				v := sign * b[k*d+j]
				if v-v != 0 {
					return steps, fmt.Errorf("train: the drift at t = %g is not finite on the grid", t)
				}
				s.speed[j][k] = v
			}
		}
		s.diffusion = noise * noise / 2
		inner := max(1, int(math.Ceil(math.Abs(dt)*s.outflow())))
		for range inner {
			if ctx.Err() != nil {
				return steps, ctx.Err()
			}
			s.step(p, math.Abs(dt)/float64(inner))
			steps++
		}
	}
	return steps, nil
}

type volumes struct {
	g         *Grid
	speed     [][]float64 // across the inner faces of each axis
	diffusion float64
	rate, mid []float64
}

// outflow bounds the rate at which a cell can lose mass, relative to its own: the value at a
// face is at most twice that of its cell.
func (s *volumes) outflow() float64 {
	sum := 0.0
	for j, v := range s.speed {
		top, w := 0.0, s.g.width(j)
		for _, b := range v {
			top = max(top, math.Abs(b))
		}
		sum += 4*top/w + 2*s.diffusion/(w*w)
	}
	return sum
}

// step is Heun's method, p ← (p + (p + dt L)∘(p + dt L))/2.
func (s *volumes) step(p []float64, dt float64) {
	s.slope(p)
	for i, v := range p {
		s.mid[i] = v + dt*s.rate[i]
	}
	s.slope(s.mid)
	for i, v := range p {
		p[i] = (v + s.mid[i] + dt*s.rate[i]) / 2
	}
}

// slope writes the rate of change of p.
func (s *volumes) slope(p []float64) {
	clear(s.rate)
	rows, cols := 1, s.g.N[0]
	if len(s.g.N) == 2 {
		rows, cols = s.g.N[0], s.g.N[1]
		for c := range cols {
			s.line(0, p, c, cols, rows, c)
		}
	}
	last := len(s.g.N) - 1
	for r := range rows {
		s.line(last, p, r*cols, 1, cols, r)
	}
}

// line adds the flows along a line of n cells from a first one, a stride apart.
func (s *volumes) line(axis int, p []float64, first, stride, n, index int) {
	w := s.g.width(axis)
	// the speeds of an axis are laid out as its faces: along the last axis n-1 a line, along
	// the first one line a column
	at, step := index*(n-1), 1
	if axis == 0 && len(s.g.N) == 2 {
		at, step = index, stride
	}
	for k := range n - 1 {
		i := first + k*stride
		left, right := p[i], p[i+stride]
		v := s.speed[axis][at+k*step]
		var face float64
		if v >= 0 {
			face = left
			if k > 0 {
				face += limited(left-p[i-stride], right-left) / 2
			}
		} else {
			face = right
			if k < n-2 {
				face -= limited(right-left, p[i+2*stride]-right) / 2
			}
		}
		flow := (v*face - s.diffusion*(right-left)/w) / w
		s.rate[i] -= flow
		s.rate[i+stride] += flow
	}
}

// limited is the monotonised central slope.
func limited(a, b float64) float64 {
	if a*b <= 0 {
		return 0
	}
	c := min(2*math.Abs(a), 2*math.Abs(b), math.Abs(a+b)/2)
	return math.Copysign(c, a)
}
