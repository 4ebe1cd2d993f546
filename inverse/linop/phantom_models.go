package linop

import (
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// sheppLogan holds the ellipses of the head phantom of Shepp and Logan (1974, IEEE
// Trans. Nucl. Sci. 21, 21) in a head of half-height 0.92, and what extends them to
// ellipsoids: height z and half-height c of M. Schabel's three-dimensional form (2006,
// MATLAB Central 9416), its two tilted ventricles set upright. The two lists of values are the
// original ones and those of Toft (1996, thesis, Technical University of Denmark,
// p. 199), which make the details visible.
var sheppLogan = [10]struct{ x, y, a, b, degrees, z, c, original, modified float64 }{
	{0, 0, .69, .92, 0, 0, .81, 2, 1},
	{0, -.0184, .6624, .874, 0, 0, .78, -.98, -.8},
	{.22, 0, .11, .31, -18, 0, .22, -.02, -.2},
	{-.22, 0, .16, .41, 18, 0, .28, -.02, -.2},
	{0, .35, .21, .25, 0, -.15, .41, .01, .1},
	{0, .1, .046, .046, 0, .25, .05, .01, .1},
	{0, -.1, .046, .046, 0, .25, .05, .01, .1},
	{-.08, -.605, .046, .023, 0, 0, .05, .01, .1},
	{0, -.606, .023, .023, 0, 0, .02, .01, .1},
	{.06, -.605, .023, .046, 0, 0, .02, .01, .1},
}

// SheppLogan returns the head phantom of Shepp and Logan, its square [−1, 1]² scaled to
// half-width radius: with the high contrast of Toft (values 0 to 1), or with the original
// one (0 to 2, details of 1 %).
func SheppLogan(radius float64, original bool) *Phantom {
	return SheppLogan3D(radius, original).middle()
}

// An Ellipsoid is an Ellipse in the plane z = Z that shrinks to nothing over the height C
// above and below: semi-axes A, B and, upright, C.
type Ellipsoid struct {
	Ellipse
	Z, C float64
}

// Ellipsoids are a phantom of three dimensions, whose slices are phantoms.
type Ellipsoids []Ellipsoid

// Slice returns the cut at height z.
func (p Ellipsoids) Slice(z float64) *Phantom {
	out := new(Phantom)
	for _, e := range p {
		t := (z - e.Z) / e.C
		if math.Abs(t) >= 1 {
			continue
		}
		shrink := math.Sqrt((1 - t) * (1 + t))
		cut := e.Ellipse
		cut.A *= shrink
		cut.B *= shrink
		out.Ellipses = append(out.Ellipses, cut)
	}
	return out
}

// middle returns the phantom of the ellipsoids' own ellipses, whatever their height.
func (p Ellipsoids) middle() *Phantom {
	out := new(Phantom)
	for _, e := range p {
		out.Ellipses = append(out.Ellipses, e.Ellipse)
	}
	return out
}

// Stack writes the image and the sinogram of n = s.Slices slices (1 if 0) at the heights
// (i − (n−1)/2)·spacing; nil leaves either out. sub is that of Phantom.Image.
func (p Ellipsoids) Stack(image, sino []float64, s Scan, spacing float64, sub int) error {
	n := s.slices()
	pixels, rays := s.Rows*s.Cols, len(s.Angles)*s.Detectors
	for i := range n {
		cut := p.Slice((float64(i) - float64(n-1)/2) * spacing)
		if image != nil {
			mustLen("the image", len(image), n*pixels)
			if err := cut.Image(image[i*pixels:(i+1)*pixels], s, sub); err != nil {
				return err
			}
		}
		if sino != nil {
			mustLen("the sinogram", len(sino), n*rays)
			if err := cut.Sinogram(sino[i*rays:(i+1)*rays], s); err != nil {
				return err
			}
		}
	}
	return nil
}

// SheppLogan3D returns the head phantom as ellipsoids; its cut at z = 0 lacks the
// two small ellipses of SheppLogan that lie higher.
func SheppLogan3D(radius float64, original bool) Ellipsoids {
	out := make(Ellipsoids, len(sheppLogan))
	for i, e := range sheppLogan {
		value := e.modified
		if original {
			value = e.original
		}
		out[i] = Ellipsoid{
			Ellipse: Ellipse{e.x * radius, e.y * radius, e.a * radius, e.b * radius, e.degrees * math.Pi / 180, value},
			Z:       e.z * radius, C: e.c * radius,
		}
	}
	return out
}

// RandomEllipses returns the sample-th phantom of a seed: a body of value 0.6 to 1 that
// fits a circle of the given radius, and n ellipses inside it whose values of −0.5 to 0.5 are
// kept so that the sum nowhere leaves [0, 1.5].
func RandomEllipses(seed, sample uint64, n int, radius float64) *Phantom {
	return RandomEllipsoids(seed, sample, n, radius).middle()
}

// RandomEllipsoids is RandomEllipses in three dimensions, within a ball.
func RandomEllipsoids(seed, sample uint64, n int, radius float64) Ellipsoids {
	rng := stream.New().At(seed, stream.Target, sample, 0)
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }
	body := Ellipsoid{C: between(.6, .9) * radius}
	body.A, body.B = between(.6, .9)*radius, between(.6, .9)*radius
	body.Angle, body.Value = between(0, math.Pi), between(.6, 1)
	out := Ellipsoids{body}
	sin, cos := math.Sincos(body.Angle)
	for range n {
		// The centre in the half-size body and a semi-axis of at most 0.4 of its shortest
		// one: p + q with |p| ≤ ½ and |q| ≤ 0.4 in the body's own metric stays inside.
		r, t, z := math.Cbrt(rng.Float64())/2, between(0, 2*math.Pi), between(-1, 1)
		u, v := body.A*r*math.Sqrt(1-z*z)*math.Cos(t), body.B*r*math.Sqrt(1-z*z)*math.Sin(t)
		longest := 0.4 * min(body.A, body.B, body.C)
		e := Ellipsoid{Z: body.C * r * z, C: between(.1, 1) * longest}
		e.X, e.Y = u*cos-v*sin, u*sin+v*cos
		e.A, e.B = between(.1, 1)*longest, between(.1, 1)*longest
		e.Angle, e.Value = between(0, math.Pi), between(-.5, .5)
		out = append(out, e)
	}
	out.confine(0, 1.5)
	return slices.Clip(out)
}

// confine halves the values of parts beyond the first until no overlap of them can leave
// [lo, hi]: the extremes are bounded by the sums of the negative and positive values of those
// that meet a part.
func (p Ellipsoids) confine(lo, hi float64) {
	touch := func(a, b Ellipsoid) bool {
		ra, rb := max(a.A, a.B, a.C), max(b.A, b.B, b.C)
		return math.Hypot(math.Hypot(a.X-b.X, a.Y-b.Y), a.Z-b.Z) < ra+rb
	}
	for i := 1; i < len(p); i++ {
		for {
			least, most := p[0].Value+min(p[i].Value, 0), p[0].Value+max(p[i].Value, 0)
			for j := 1; j < len(p); j++ {
				if j != i && touch(p[i], p[j]) {
					least += min(p[j].Value, 0)
					most += max(p[j].Value, 0)
				}
			}
			if least >= lo && most <= hi {
				break
			}
			for j := 1; j < len(p); j++ {
				if j == i || touch(p[i], p[j]) {
					p[j].Value /= 2
				}
			}
		}
	}
}
