package linop

import (
	"fmt"
	"math"
)

// A Beam is the shape of the rays of a Scan.
type Beam int

// The beams: parallel rays, and rays that leave a point source for a straight detector
// or for one that is an arc about the source.
const (
	ParallelBeam Beam = iota
	FlatFan           // equidistant cells on a line, Spacing a length
	ArcFan            // equiangular cells, Spacing an angle
)

// A Scan is the geometry of a tomographic measurement of an image, or of a stack of
// images that share it. Lengths are in one unit of the caller's choice, angles in
// radians; an image in 1/unit gives line integrals without unit.
//
// The rotation axis is the origin, x points right and y up. With h = PixelSize, pixel
// (i, j) of a Rows×Cols image has its centre at
//
//	x = CentreX + (j − (Cols−1)/2) h,   y = CentreY + ((Rows−1)/2 − i) h
//
// so the axis of a centred image is the middle of a pixel where a size is odd and a
// corner where it is even. Detector cell k lies at
//
//	u = (k − (Detectors−1)/2) Spacing + Offset
//
// and each ray is a line {x cos θ + y sin θ = s}. View β of a parallel beam has θ = β and
// s = u. A fan's source is at D (sin β, −cos β), D = SourceDistance, and its ray at the fan
// angle γ has θ = β − γ and s = D sin γ; γ = u for an arc and tan γ = u/(D +
// DetectorDistance) for a flat detector (Kak and Slaney 1988, section 3.4).
type Scan struct {
	Rows, Cols       int
	Slices           int     // 0: one image; otherwise a stack of so many
	PixelSize        float64 // side of a pixel; 0 means 1
	CentreX, CentreY float64 // the image's centre, seen from the rotation axis
	Angles           []float64
	Detectors        int     // cells of the detector
	Spacing          float64 // of the cells; 0: one pixel, as seen at the rotation axis
	Offset           float64 // shift of the detector, in the units of Spacing
	Beam             Beam
	SourceDistance   float64 // source to rotation axis (fans)
	DetectorDistance float64 // rotation axis to detector (FlatFan)
}

// ViewAngles returns n angles start, start + span/n, …: the end is not repeated, as a scan
// over span = π or 2π wants it.
func ViewAngles(n int, start, span float64) []float64 {
	a := make([]float64, max(n, 0))
	for i := range a {
		a[i] = start + span*float64(i)/float64(n)
	}
	return a
}

// Validate says what makes the scan impossible, nil if nothing does.
func (s Scan) Validate() error {
	switch {
	case s.Rows < 1 || s.Cols < 1:
		return fmt.Errorf("linop: scan of a %d×%d image: both sizes must be positive", s.Rows, s.Cols)
	case s.Slices < 0:
		return fmt.Errorf("linop: scan of %d slices: give 0 for one image or the number of slices", s.Slices)
	case s.Detectors < 1:
		return fmt.Errorf("linop: scan with %d detector cells: at least one is needed", s.Detectors)
	case len(s.Angles) == 0:
		return fmt.Errorf("linop: scan without view angles")
	case s.Beam < ParallelBeam || s.Beam > ArcFan:
		return fmt.Errorf("linop: unknown beam %d: use ParallelBeam, FlatFan or ArcFan", int(s.Beam))
	}
	for _, v := range []struct {
		name  string
		value float64
	}{{"PixelSize", s.PixelSize}, {"Spacing", s.Spacing}} {
		if !finite(v.value) || v.value < 0 {
			return fmt.Errorf("linop: scan with %s %g: it must be positive, or 0 for its default", v.name, v.value)
		}
	}
	if !finite(s.CentreX) || !finite(s.CentreY) || !finite(s.Offset) {
		return fmt.Errorf("linop: scan with centre (%g, %g) and detector offset %g: they must be finite", s.CentreX, s.CentreY, s.Offset)
	}
	for i, a := range s.Angles {
		if !finite(a) || math.Abs(a) > 1e6 {
			return fmt.Errorf("linop: view angle %d is %g: it must be finite, in radians, and at most 1e6", i, a)
		}
	}
	if s.Beam == ParallelBeam {
		return nil
	}
	if r := s.radius(); !finite(s.SourceDistance) || s.SourceDistance <= r {
		return fmt.Errorf("linop: source at distance %g from the rotation axis: it must be outside the image, whose farthest corner is at %g", s.SourceDistance, r)
	}
	if s.Beam == FlatFan && (!finite(s.DetectorDistance) || s.DetectorDistance < 0) {
		return fmt.Errorf("linop: detector at distance %g behind the rotation axis: it must be finite and not negative", s.DetectorDistance)
	}
	if g := s.maxFan(); g >= math.Pi/2 {
		return fmt.Errorf("linop: the detector reaches a fan angle of %.4g rad: it must stay below π/2", g)
	}
	return nil
}

func (s *Scan) pixel() float64 {
	if s.PixelSize == 0 {
		return 1
	}
	return s.PixelSize
}

func (s *Scan) spacing() float64 {
	switch {
	case s.Spacing != 0:
		return s.Spacing
	case s.Beam == FlatFan:
		return s.pixel() * (s.SourceDistance + s.DetectorDistance) / s.SourceDistance
	case s.Beam == ArcFan:
		return s.pixel() / s.SourceDistance
	}
	return s.pixel()
}

// cell returns the place u of detector cell k.
func (s *Scan) cell(k int) float64 {
	return (float64(k)-float64(s.Detectors-1)/2)*s.spacing() + s.Offset
}

// fan returns the fan angle that belongs to the place u on the detector.
func (s *Scan) fan(u float64) float64 {
	if s.Beam == FlatFan {
		return math.Atan(u / (s.SourceDistance + s.DetectorDistance))
	}
	return u
}

func (s *Scan) maxFan() float64 {
	return max(math.Abs(s.fan(s.cell(0))), math.Abs(s.fan(s.cell(s.Detectors-1))))
}

// Ray returns the line {x cos θ + y sin θ = s} that a detector cell sees in a view.
func (s *Scan) Ray(view, cell int) (theta, dist float64) {
	u := s.cell(cell)
	if s.Beam == ParallelBeam {
		return s.Angles[view], u
	}
	g := s.fan(u)
	return s.Angles[view] - g, s.SourceDistance * math.Sin(g)
}

// Position returns the coordinates of the centre of pixel (row, col).
func (s *Scan) Position(row, col int) (x, y float64) {
	h := s.pixel()
	return s.CentreX + (float64(col)-float64(s.Cols-1)/2)*h, s.CentreY + (float64(s.Rows-1)/2-float64(row))*h
}

// radius returns the distance from the rotation axis to the image's farthest corner.
func (s *Scan) radius() float64 {
	h := s.pixel()
	return math.Hypot(math.Abs(s.CentreX)+float64(s.Cols)*h/2, math.Abs(s.CentreY)+float64(s.Rows)*h/2)
}

func (s *Scan) slices() int { return max(s.Slices, 1) }

// ImageShape returns {Rows, Cols}, with Slices in front for a stack.
func (s *Scan) ImageShape() []int { return s.shape(s.Rows, s.Cols) }

// SinogramShape returns {views, Detectors}, with Slices in front for a stack.
func (s *Scan) SinogramShape() []int { return s.shape(len(s.Angles), s.Detectors) }

func (s *Scan) shape(a, b int) []int {
	if s.Slices > 0 {
		return []int{s.Slices, a, b}
	}
	return []int{a, b}
}
