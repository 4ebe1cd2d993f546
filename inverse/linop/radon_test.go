package linop

import (
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scans are geometries of every kind: odd, even and oblong sizes, one pixel, one cell,
// more and less detector than image, all beams, shifted centres, stacks, limited angles,
// angles at ties of 45°.
func scans() map[string]Scan {
	return map[string]Scan{
		"parallel":    {Rows: 16, Cols: 16, Detectors: 24, Angles: ViewAngles(8, 0, math.Pi)},
		"odd":         {Rows: 17, Cols: 33, Detectors: 25, Angles: ViewAngles(9, 0.1, math.Pi)},
		"oblong":      {Rows: 40, Cols: 7, Detectors: 51, Angles: ViewAngles(12, -7, 2*math.Pi), PixelSize: 0.3, Spacing: 0.2, Offset: 0.05},
		"shifted":     {Rows: 9, Cols: 12, Detectors: 20, Angles: []float64{0, 0.4, 1, 5}, CentreX: 2.3, CentreY: -1.1},
		"limited":     {Rows: 20, Cols: 20, Detectors: 30, Angles: ViewAngles(10, 0, math.Pi/2), Spacing: 1.7},
		"pixel":       {Rows: 1, Cols: 1, Detectors: 5, Angles: ViewAngles(4, 0.2, math.Pi), Spacing: 0.3},
		"one cell":    {Rows: 18, Cols: 5, Detectors: 1, Angles: []float64{1}},
		"flat fan":    {Rows: 16, Cols: 23, Detectors: 40, Angles: ViewAngles(8, 0, 2*math.Pi), Beam: FlatFan, SourceDistance: 30, DetectorDistance: 12},
		"close fan":   {Rows: 16, Cols: 16, Detectors: 80, Angles: ViewAngles(7, 0.3, 2*math.Pi), Beam: FlatFan, SourceDistance: 11.5, Spacing: 0.9, Offset: -2},
		"arc fan":     {Rows: 21, Cols: 16, Detectors: 40, Angles: ViewAngles(8, 0, 2*math.Pi), Beam: ArcFan, SourceDistance: 25, PixelSize: 0.5},
		"wide arc":    {Rows: 16, Cols: 16, Detectors: 60, Angles: ViewAngles(5, 0, 2*math.Pi), Beam: ArcFan, SourceDistance: 12, Spacing: 0.05, Offset: 0.02, CentreX: 0.4},
		"stack":       {Rows: 10, Cols: 13, Slices: 3, Detectors: 20, Angles: ViewAngles(6, 0, math.Pi)},
		"thick stack": {Rows: 10, Cols: 13, Slices: 9, Detectors: 20, Angles: ViewAngles(6, 0, math.Pi), Beam: ArcFan, SourceDistance: 20},
	}
}

func init() {
	for name, s := range scans() {
		register(operatorRow{name: "radon " + name, make: func() Operator { return must(NewRadon(s)) }})
	}
}

func TestRadonAdjointIsTheTranspose(t *testing.T) {
	for name, s := range scans() {
		op := must(NewRadon(s))
		a, at := Dense(op), Dense(Transpose(op))
		rows, cols := op.Dims()
		for i := range rows {
			for j := range cols {
				// Weights of up to 1.5 pixels, w(1−f) against w − wf: two roundings.
				assert.InDelta(t, a.At(i, j), at.At(j, i), 1e-15, "%s %d %d", name, i, j)
			}
		}
	}
}

// TestRadonConverges refines the pixels under rays that stay, so that the error against
// the closed form is the projector's. That of a Gaussian is of second order for each ray.
// A disc's edge crosses the lines of pixels at chance phases, which leaves an error of
// first order in a ray; it averages out over directions, and what is left, the bias, is of
// second order.
func TestRadonConverges(t *testing.T) {
	blob := &Phantom{Blobs: []Blob{{X: 0.1, Y: -0.15, A: 0.09, B: 0.14, Angle: 0.5, Value: 1}}}
	disc := &Phantom{Ellipses: []Ellipse{{A: 0.6, B: 0.6, Value: 1}}}
	for name, beam := range map[string]Scan{
		"parallel": {Detectors: 91, Spacing: 2.0 / 91, Offset: 0.01},
		"flat":     {Detectors: 91, Spacing: 4.0 / 91, Beam: FlatFan, SourceDistance: 3, DetectorDistance: 2},
		"arc":      {Detectors: 91, Spacing: 0.7 / 91, Beam: ArcFan, SourceDistance: 3, Offset: 0.003},
	} {
		// The rms error over rays (and its rms over cells of the mean over views) of a
		// phantom, over the rays within a distance of the axis.
		measure := func(p *Phantom, views, n int, within float64) (ray, mean float64) {
			s := beam
			s.Angles = ViewAngles(views, 0.05, 2*math.Pi)
			s.Rows, s.Cols = n, n+1 // an even and an odd size
			s.PixelSize = 2.0 / float64(n)
			s.CentreX, s.CentreY = 0.013, -0.021
			image := make([]float64, s.Rows*s.Cols)
			exact, got := make([]float64, views*s.Detectors), make([]float64, views*s.Detectors)
			require.NoError(t, p.Image(image, s, 32))
			require.NoError(t, p.Sinogram(exact, s))
			must(NewRadon(s)).Apply(got, image)
			cells := 0.0
			for k := range s.Detectors {
				if _, dist := s.Ray(0, k); math.Abs(dist) > within {
					continue
				}
				cells++
				bias := 0.0
				for v := range views {
					d := got[v*s.Detectors+k] - exact[v*s.Detectors+k]
					ray += d * d / float64(views)
					bias += d / float64(views)
				}
				mean += bias * bias
			}
			return math.Sqrt(ray / cells), math.Sqrt(mean / cells)
		}
		var h, ray, edge, mean []float64
		for _, n := range []int{48, 64, 96, 128, 192, 256} {
			h = append(h, math.Log(2/float64(n)))
			e, _ := measure(blob, 36, n, 1)
			ray = append(ray, math.Log(e))
			e, m := measure(disc, 720, n, 0.54)
			edge, mean = append(edge, math.Log(e)), append(mean, math.Log(m))
		}
		last := len(h) - 1
		t.Logf("%s at 256²: Gaussian %.2g, order %.2f; disc %.2g a ray, order %.2f, and %.2g its mean, order %.2f", name,
			math.Exp(ray[last]), fitSlope(h, ray), math.Exp(edge[last]), fitSlope(h, edge), math.Exp(mean[last]), fitSlope(h, mean))
		assert.InDelta(t, 2, fitSlope(h, ray), 0.05, name) // h⁴ is 2 % of h² at the coarsest
		// 720 chance phases leave 1/27 of an error of order 1 beside the bias.
		assert.InDelta(t, 2, fitSlope(h, mean), 0.2, name)
		assert.InDelta(t, 1, fitSlope(h, edge), 0.2, name)
	}
}

// fitSlope is the least-squares slope of y over x.
func fitSlope(x, y []float64) float64 {
	var mx, my, xy, xx float64
	for i := range x {
		mx += x[i] / float64(len(x))
		my += y[i] / float64(len(x))
	}
	for i := range x {
		xy += (x[i] - mx) * (y[i] - my)
		xx += (x[i] - mx) * (x[i] - mx)
	}
	return xy / xx
}

// TestRadonTurnsWithTheImage: an image turned by 90° has the sinogram of the scan turned
// by 90°, for every beam, also at the ties of 45°.
func TestRadonTurnsWithTheImage(t *testing.T) {
	const views = 80 // five turns: rounding puts rays of 45° in either plane
	for name, s := range map[string]Scan{
		"parallel": {Detectors: 31},
		"flat":     {Detectors: 31, Beam: FlatFan, SourceDistance: 20, DetectorDistance: 10},
		"arc":      {Detectors: 30, Beam: ArcFan, SourceDistance: 20, Offset: 0.01},
	} {
		s.Angles = ViewAngles(views, 0, 10*math.Pi)
		s.Rows, s.Cols = 13, 18
		s.CentreX, s.CentreY = 0.7, -0.2
		turned := s
		turned.Rows, turned.Cols = s.Cols, s.Rows
		turned.CentreX, turned.CentreY = -s.CentreY, s.CentreX
		x, rot := gaussian(s.Rows*s.Cols, 1), make([]float64, s.Rows*s.Cols)
		for i := range s.Rows {
			for j := range s.Cols {
				rot[(s.Cols-1-j)*s.Rows+i] = x[i*s.Cols+j]
			}
		}
		rays := views * s.Detectors
		p, q := make([]float64, rays), make([]float64, rays)
		must(NewRadon(s)).Apply(p, x)
		must(NewRadon(turned)).Apply(q, rot)
		for v := range views {
			for k := range s.Detectors {
				// The positions turn exactly but for the rounding of sin and cos, 1e-15
				// of 20 pixels; sums run in the other order.
				assert.InDelta(t, p[v*s.Detectors+k], q[(v+views/20)%views*s.Detectors+k], 1e-11, "%s view %d cell %d", name, v, k)
			}
		}
	}
}

// TestRadonFanIsParallelRays sends each ray of a fan through a parallel scan of its own.
func TestRadonFanIsParallelRays(t *testing.T) {
	for _, name := range []string{"flat fan", "close fan", "arc fan", "wide arc"} {
		s := scans()[name]
		x := gaussian(s.Rows*s.Cols, 1)
		p, one := make([]float64, len(s.Angles)*s.Detectors), make([]float64, 1)
		must(NewRadon(s)).Apply(p, x)
		for v := range s.Angles {
			for k := 0; k < s.Detectors; k += 7 {
				theta, dist := s.Ray(v, k)
				sin, cos := math.Sincos(theta)
				// The ray passes through the source and leaves it at the cell's angle.
				sb, cb := math.Sincos(s.Angles[v])
				assert.InDelta(t, dist, s.SourceDistance*(sb*cos-cb*sin), 1e-13) // rounding
				ray := s
				ray.Beam, ray.Detectors, ray.Angles, ray.Offset = ParallelBeam, 1, []float64{theta}, dist
				must(NewRadon(ray)).Apply(one, x)
				assert.Equal(t, one[0], p[v*s.Detectors+k], name)
			}
		}
	}
}

func TestRadonUnits(t *testing.T) {
	s := scans()["flat fan"]
	x := gaussian(s.Rows*s.Cols, 1)
	p, q := make([]float64, len(s.Angles)*s.Detectors), make([]float64, len(s.Angles)*s.Detectors)
	must(NewRadon(s)).Apply(p, x)
	s.PixelSize, s.SourceDistance, s.DetectorDistance = 4, 4*s.SourceDistance, 4*s.DetectorDistance
	must(NewRadon(s)).Apply(q, x)
	for i := range p {
		assert.InDelta(t, 4*p[i], q[i], 1e-9) // positions agree to 1e-12 pixel a line
	}
	// One pixel of side 4 seen along its axis: its value times its side.
	one := Scan{Rows: 1, Cols: 1, PixelSize: 4, Detectors: 1, Angles: []float64{0}}
	must(NewRadon(one)).Apply(q[:1], []float64{2})
	assert.Equal(t, 8.0, q[0])
}

func TestRadonStackIsSlices(t *testing.T) {
	for _, name := range []string{"stack", "thick stack"} {
		s := scans()[name]
		op := must(NewRadon(s))
		assert.Equal(t, []int{s.Slices, s.Rows, s.Cols}, op.DomainShape())
		assert.Equal(t, []int{s.Slices, len(s.Angles), s.Detectors}, op.RangeShape())
		one := s
		one.Slices = 0
		single := must(NewRadon(one))
		assert.Equal(t, []int{s.Rows, s.Cols}, single.DomainShape())
		f, err := NewFBP(s, FBPHann)
		require.NoError(t, err)
		g, err := NewFBP(one, FBPHann)
		require.NoError(t, err)
		rays, pixels := single.Dims()
		x := gaussian(s.Slices*pixels, 1)
		y, b, r := make([]float64, s.Slices*rays), make([]float64, len(x)), make([]float64, len(x))
		op.Apply(y, x)
		op.Adjoint(b, y)
		f.Reconstruct(r, y)
		yi, bi := make([]float64, rays), make([]float64, pixels)
		for i := range s.Slices {
			single.Apply(yi, x[i*pixels:(i+1)*pixels])
			assert.Equal(t, yi, y[i*rays:(i+1)*rays], name)
			single.Adjoint(bi, yi)
			assert.Equal(t, bi, b[i*pixels:(i+1)*pixels], name)
			g.Reconstruct(bi, yi)
			assert.Equal(t, bi, r[i*pixels:(i+1)*pixels], name)
		}
	}
}

func TestRadonSameBitsForAnyWorkers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, s := range scans() {
		op := must(NewRadon(s))
		f, err := NewFBP(s, FBPRamp)
		require.NoError(t, err, name)
		rows, cols := op.Dims()
		x := gaussian(cols, 1)
		var want [3][]float64
		for _, workers := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(workers)
			got := [3][]float64{gaussian(rows, 3), gaussian(cols, 4), gaussian(cols, 5)} // to be overwritten
			op.Apply(got[0], x)
			op.Adjoint(got[1], got[0])
			f.Reconstruct(got[2], got[0])
			if workers == 1 {
				want = got
			}
			assert.Equal(t, want, got, "%s, %d workers", name, workers)
		}
	}
}

func TestRadonAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops objects under the race detector")
	}
	for _, name := range []string{"parallel", "flat fan", "arc fan", "stack", "thick stack"} {
		s := scans()[name]
		op := must(NewRadon(s))
		f, err := NewFBP(s, FBPRamp)
		require.NoError(t, err)
		rows, cols := op.Dims()
		x, y := gaussian(cols, 1), make([]float64, rows)
		assert.Zero(t, testing.AllocsPerRun(20, func() {
			op.Apply(y, x)
			op.Adjoint(x, y)
			f.Reconstruct(x, y)
		}), name)
	}
}

func TestRadonRefusesBadScans(t *testing.T) {
	good := Scan{Rows: 8, Cols: 8, Detectors: 8, Angles: []float64{0, 1}}
	nan, inf := math.NaN(), math.Inf(1)
	for want, change := range map[string]func(*Scan){
		"0×8":              func(s *Scan) { s.Rows = 0 },
		"slices":           func(s *Scan) { s.Slices = -1 },
		"0 detector cells": func(s *Scan) { s.Detectors = 0 },
		"without view":     func(s *Scan) { s.Angles = nil },
		"angle 1 is NaN":   func(s *Scan) { s.Angles = []float64{0, nan} },
		"angle 0 is +Inf":  func(s *Scan) { s.Angles = []float64{inf} },
		"unknown beam 7":   func(s *Scan) { s.Beam = 7 },
		"PixelSize -1":     func(s *Scan) { s.PixelSize = -1 },
		"Spacing NaN":      func(s *Scan) { s.Spacing = nan },
		"offset NaN":       func(s *Scan) { s.Offset = nan },
		"centre (+Inf":     func(s *Scan) { s.CentreX = inf },
		"at distance 5":    func(s *Scan) { s.Beam, s.SourceDistance = ArcFan, 5 },
		"at distance 0":    func(s *Scan) { s.Beam = FlatFan },
		"behind":           func(s *Scan) { s.Beam, s.SourceDistance, s.DetectorDistance = FlatFan, 20, -1 },
		"below π/2":        func(s *Scan) { s.Beam, s.SourceDistance, s.Spacing = ArcFan, 20, 1 },
	} {
		s := good
		change(&s)
		_, err := NewRadon(s)
		assert.ErrorContains(t, err, want)
		_, err = NewFBP(s, FBPRamp)
		assert.ErrorContains(t, err, want)
		assert.ErrorContains(t, new(Phantom).Sinogram(nil, s), want)
	}
	_, err := NewFBP(good, 9)
	assert.ErrorContains(t, err, "FBPFilter(9)")
	good.Spacing = 1e-6
	_, err = NewFBP(good, FBPRamp)
	assert.ErrorContains(t, err, "enlarge Spacing")
}
