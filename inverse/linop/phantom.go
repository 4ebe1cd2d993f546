package linop

import "math"

// An Ellipse is a region of constant value: semi-axes A and B, A at Angle radians from
// the x axis, centre (X, Y). Lengths are in the unit of a Scan.
type Ellipse struct{ X, Y, A, B, Angle, Value float64 }

// A Blob is a Gaussian Value·exp(−(u²/A² + v²/B²)/2), u and v measured along axes that are
// turned by Angle about (X, Y).
type Blob struct{ X, Y, A, B, Angle, Value float64 }

// A Phantom is a picture with a closed-form X-ray transform: the sum of its parts.
type Phantom struct {
	Ellipses []Ellipse
	Blobs    []Blob
}

// lineWidth returns √(a² cos² + b² sin²) of the angle between the line's normal and the
// first axis, and how far the line passes from the centre.
func lineWidth(x, y, a, b, angle, theta, s float64) (width, miss float64) {
	sin, cos := math.Sincos(theta - angle)
	width = math.Hypot(a*cos, b*sin)
	sin, cos = math.Sincos(theta)
	return width, s - x*cos - y*sin
}

// Line returns the integral along {x cos θ + y sin θ = s}. With t the distance of the
// line from the centre and w² = A² cos²(θ−Angle) + B² sin²(θ−Angle),
//
//	2 Value A B √(w² − t²)/w²  for |t| < w
//
// (Kak and Slaney 1988, section 3.1).
func (e Ellipse) Line(theta, s float64) float64 {
	w, t := lineWidth(e.X, e.Y, e.A, e.B, e.Angle, theta, s)
	if math.Abs(t) >= w {
		return 0
	}
	return 2 * e.Value * e.A * e.B * math.Sqrt((w-t)*(w+t)) / (w * w)
}

// Line returns the integral √(2π) Value A B/w · exp(−t²/2w²) along a line, t and w as for
// an Ellipse.
func (b Blob) Line(theta, s float64) float64 {
	w, t := lineWidth(b.X, b.Y, b.A, b.B, b.Angle, theta, s)
	return math.Sqrt(2*math.Pi) * b.Value * b.A * b.B / w * math.Exp(-t*t/(2*w*w))
}

// At returns the value at a point.
func (b Blob) At(x, y float64) float64 {
	sin, cos := math.Sincos(b.Angle)
	x, y = x-b.X, y-b.Y
	u, v := (x*cos+y*sin)/b.A, (y*cos-x*sin)/b.B
	return b.Value * math.Exp(-(u*u+v*v)/2)
}

// At returns Value inside and on the boundary, 0 outside.
func (e Ellipse) At(x, y float64) float64 {
	sin, cos := math.Sincos(e.Angle)
	x, y = x-e.X, y-e.Y
	u, v := (x*cos+y*sin)/e.A, (y*cos-x*sin)/e.B
	if u*u+v*v <= 1 {
		return e.Value
	}
	return 0
}

// At returns the value at a point.
func (p *Phantom) At(x, y float64) float64 {
	sum := 0.0
	for _, e := range p.Ellipses {
		sum += e.At(x, y)
	}
	for _, b := range p.Blobs {
		sum += b.At(x, y)
	}
	return sum
}

// Line returns the integral along a line {x cos θ + y sin θ = s}.
func (p *Phantom) Line(theta, s float64) float64 {
	sum := 0.0
	for _, e := range p.Ellipses {
		sum += e.Line(theta, s)
	}
	for _, b := range p.Blobs {
		sum += b.Line(theta, s)
	}
	return sum
}

// Sinogram writes the exact line integrals of one slice of a scan, views×Detectors.
func (p *Phantom) Sinogram(dst []float64, s Scan) error {
	if err := s.Validate(); err != nil {
		return err
	}
	mustLen("the sinogram", len(dst), len(s.Angles)*s.Detectors)
	for v := range s.Angles {
		for k := range s.Detectors {
			dst[v*s.Detectors+k] = p.Line(s.Ray(v, k))
		}
	}
	return nil
}

// Image writes one slice of a scan's image. With sub = 0 a pixel is the value at its
// centre. Otherwise an ellipse counts with the part of the pixel it covers, exact along x
// and sampled on sub lines along y (8 is ample for a picture), and a blob with its value
// at the centre.
func (p *Phantom) Image(dst []float64, s Scan, sub int) error {
	if err := s.Validate(); err != nil {
		return err
	}
	mustLen("the image", len(dst), s.Rows*s.Cols)
	points := *p
	clear(dst)
	if sub > 0 {
		points.Ellipses = nil
		for _, e := range p.Ellipses {
			e.cover(dst, &s, sub)
		}
	}
	if len(points.Ellipses)+len(points.Blobs) == 0 {
		return nil
	}
	for i := range s.Rows {
		for j := range s.Cols {
			dst[i*s.Cols+j] += points.At(s.Position(i, j))
		}
	}
	return nil
}

// cover adds the ellipse to an image, each of sub lines a row of pixels as the exact
// length of its chord within the pixels.
func (e Ellipse) cover(dst []float64, s *Scan, sub int) {
	h := s.pixel()
	x0, y0 := s.Position(0, 0)
	x0 -= h / 2 // left edge of the image
	value := e.Value / float64(sub)
	for i := range s.Rows {
		row := dst[i*s.Cols : (i+1)*s.Cols]
		for l := range sub {
			y := y0 - h*(float64(i)+(float64(l)+0.5)/float64(sub)-0.5)
			from, to, hit := e.chord(y)
			from, to = max(0, (from-x0)/h), min(float64(s.Cols), (to-x0)/h)
			if !hit || from >= to {
				continue
			}
			a, b := int(from), min(int(to), s.Cols-1)
			if a == b {
				row[a] += value * (to - from)
				continue
			}
			row[a] += value * (float64(a+1) - from)
			for j := a + 1; j < b; j++ {
				row[j] += value
			}
			row[b] += value * (to - float64(b))
		}
	}
}

// chord returns the part of a horizontal line inside the ellipse.
func (e Ellipse) chord(y float64) (from, to float64, hit bool) {
	w, t := lineWidth(e.X, e.Y, e.A, e.B, e.Angle, math.Pi/2, y)
	if math.Abs(t) >= w {
		return 0, 0, false
	}
	// The middles of horizontal chords lie on a line through the centre.
	sin, cos := math.Sincos(e.Angle)
	middle := e.X + t*(e.A*e.A-e.B*e.B)*sin*cos/(w*w)
	half := e.A * e.B * math.Sqrt((w-t)*(w+t)) / (w * w)
	return middle - half, middle + half, true
}
