package linop

import (
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// An arc is what the view angles of a scan cover of a period.
type arc struct {
	width    []float64 // angular step of each view, in the order of the views
	full     bool      // the whole period is covered
	from, to float64   // the covered range otherwise, from in [0, period)
}

// measureArc gives each view half the gap to either neighbour. The widest gap, if over
// three times the median one, is taken as not scanned: the views beside it get half a
// median gap on that side. Three is above the ratio φ² = 2.62 of the gaps of a
// golden-angle scan.
func measureArc(angles []float64, period float64) arc {
	n := len(angles)
	a := arc{width: make([]float64, n), full: true}
	order := make([]int, n)
	reduced := make([]float64, n)
	for i, t := range angles {
		order[i] = i
		reduced[i] = math.Mod(t, period)
		if reduced[i] < 0 {
			reduced[i] += period
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		if reduced[i] < reduced[j] {
			return -1
		} else if reduced[i] > reduced[j] {
			return 1
		}
		return 0
	})
	gaps := make([]float64, n) // gaps[i] follows the i-th view in order
	var apart []float64
	widest := 0
	for i := range gaps {
		next := reduced[order[(i+1)%n]]
		if i == n-1 {
			next += period
		}
		gaps[i] = next - reduced[order[i]]
		if gaps[i] > gaps[widest] {
			widest = i
		}
		if gaps[i] > 1e-9*period { // repeated views are no measure of the step
			apart = append(apart, gaps[i])
		}
	}
	slices.Sort(apart)
	if typical := apart[(len(apart)-1)/2]; gaps[widest] > 3*typical {
		a.full = false
		a.from = reduced[order[(widest+1)%n]] - typical/2
		a.to = a.from + period - gaps[widest] + typical
		gaps[widest] = typical
	}
	for i, v := range order {
		a.width[v] = (gaps[i] + gaps[(i+n-1)%n]) / 2
	}
	return a
}

// taper returns the weight c of a view of a fan: 1 within the range and sin² over 10°
// (or a quarter of the range) at its ends, 0 outside.
func (a *arc) taper(beta float64) float64 {
	d := math.Mod(beta-a.from, 2*math.Pi)
	if d < 0 {
		d += 2 * math.Pi
	}
	width := min(10*math.Pi/180, (a.to-a.from)/4)
	switch d = min(d, a.to-a.from-d); {
	case d <= 0:
		return 0
	case d < width:
		s := math.Sin(math.Pi / 2 * d / width)
		return s * s
	}
	return 1
}

// back adds a filtered view to a row of the image.
func (f *FBP) back(out, q []float64, view, row int) {
	s := &f.scan
	sin, cos := math.Sincos(s.Angles[view])
	h := s.pixel()
	x, y := s.Position(row, 0)
	lateral := x*cos + y*sin // place of the pixel across the central ray
	shift := -s.cell(0)/s.spacing() - float64(f.first)
	if s.Beam == ParallelBeam {
		pos := int64((lateral/s.spacing() + shift) * (1 << fracBits))
		next := int64(h * cos / s.spacing() * (1 << fracBits))
		simd.FixedRow(out, q, pos, next)
		return
	}
	d := s.SourceDistance
	depth := d - x*sin + y*cos // along it, from the source
	if s.Beam == FlatFan {
		scale := (d + s.DetectorDistance) / s.spacing()
		for m := range out {
			t := float64(m) * h
			inverse := 1 / (depth - t*sin)
			at := (lateral+t*cos)*inverse*scale + shift
			i := int(at)
			inverse *= d
			out[m] += inverse * inverse * (q[i] + (at-float64(i))*(q[i+1]-q[i]))
		}
		return
	}
	table, from, scale := f.atan.values, f.atan.from, f.atan.scale
	for m := range out {
		t := float64(m) * h
		across, away := lateral+t*cos, depth-t*sin
		inverse := 1 / away
		slope := across * inverse
		at := (slope - from) * scale
		i := int(at)
		a := &table[i]
		at = a[0] + (at-float64(i))*a[1]
		i = int(at)
		out[m] += inverse * inverse / (1 + slope*slope) * (q[i] + (at-float64(i))*(q[i+1]-q[i]))
	}
}

// An atanTable gives the filtered cell that sees a slope across/away, where math.Atan
// would take most of the time of a reconstruction. Linear interpolation between
// atanPerCell points a cell is off by less than 0.65 Δγ/(8·64) cells.
type atanTable struct {
	from, scale float64
	values      []pair
}

const atanPerCell = 8

func newAtanTable(s *Scan, reach float64, first int) atanTable {
	t := atanTable{from: -math.Tan(reach), scale: atanPerCell / s.spacing()}
	t.values = make([]pair, int(-2*t.from*t.scale)+3)
	for i := range t.values {
		t.values[i][0] = (math.Atan(t.from+float64(i)/t.scale)-s.cell(0))/s.spacing() - float64(first)
	}
	for i := range len(t.values) - 1 {
		t.values[i][1] = t.values[i+1][0] - t.values[i][0]
	}
	return t
}
