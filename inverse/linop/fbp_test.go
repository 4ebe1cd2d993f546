package linop

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/integrate/quad"
)

// TestFBPAgainstScikitImage repeats the figures taken with scikit-image 0.19: the phantom's
// values at pixel centres, each toolkit's own projector, as many cells as pixels, the ramp,
// nothing outside the inscribed circle. It reached 28.1 and 31.0 dB.
func TestFBPAgainstScikitImage(t *testing.T) {
	for _, c := range []struct {
		n, views         int
		skimage, sampled float64 // and from the exact sinogram, to the area-weighted phantom
	}{{256, 180, 28.1, 32}, {512, 360, 31.0, 35}} {
		if c.n > 256 && testing.Short() {
			continue
		}
		radius := float64(c.n) / 2
		s := Scan{Rows: c.n, Cols: c.n, Detectors: c.n, Angles: ViewAngles(c.views, 0, math.Pi)}
		op, f := must(NewRadon(s)), must(NewFBP(s, FBPRamp))
		rows, cols := op.Dims()
		image, sino, got := make([]float64, cols), make([]float64, rows), make([]float64, cols)
		p := SheppLogan(radius, false)
		// psnr of the reconstruction: of the whole picture, and with the corners outside
		// the circle set to their true value, 0.
		psnr := func() (whole, circle float64) {
			sum, inside := 0.0, 0.0
			for i := range c.n {
				for j := range c.n {
					d := got[i*c.n+j] - image[i*c.n+j]
					sum += d * d
					if x, y := s.Position(i, j); math.Hypot(x, y) <= radius {
						inside += d * d
					}
				}
			}
			span := slices.Max(image) - slices.Min(image)
			db := func(e float64) float64 { return 10 * math.Log10(span*span*float64(cols)/e) }
			return db(sum), db(inside)
		}
		require.NoError(t, p.Image(image, s, 0))
		op.Apply(sino, image)
		f.Reconstruct(got, sino)
		whole, circle := psnr()
		assert.GreaterOrEqual(t, circle, c.skimage)
		require.NoError(t, p.Sinogram(sino, s))
		f.Reconstruct(got, sino)
		_, points := psnr()
		require.NoError(t, p.Image(image, s, 8))
		_, areas := psnr()
		assert.GreaterOrEqual(t, areas, c.sampled)
		t.Logf("%d², %d views: %.2f dB (corners too: %.2f); exact sinogram: %.2f to points, %.2f to areas", c.n, c.views, circle, whole, points, areas)
	}
}

// covers are scans that see every line, each in its own way.
func covers() map[string]Scan {
	golden := make([]float64, 60)
	for i := range golden {
		golden[i] = float64(i) * math.Pi / math.Phi
	}
	uneven := append(ViewAngles(40, 0, math.Pi/2), ViewAngles(20, math.Pi/2, math.Pi/2)...)
	return map[string]Scan{
		"180°":       {Angles: ViewAngles(60, 0, math.Pi)},
		"270°":       {Angles: ViewAngles(90, 1, 1.5*math.Pi)},
		"360°":       {Angles: ViewAngles(91, 0, 2*math.Pi)},
		"closed":     {Angles: append(ViewAngles(60, 0, math.Pi), math.Pi)},
		"golden":     {Angles: golden},
		"uneven":     {Angles: uneven},
		"flat":       {Angles: ViewAngles(90, 0, 2*math.Pi), Beam: FlatFan, SourceDistance: 3, DetectorDistance: 1},
		"arc":        {Angles: ViewAngles(90, 0, 2*math.Pi), Beam: ArcFan, SourceDistance: 3},
		"flat short": {Angles: ViewAngles(180, 1, 1.4*math.Pi), Beam: FlatFan, SourceDistance: 3, DetectorDistance: 1},
		"arc short":  {Angles: ViewAngles(180, 5, 1.4*math.Pi), Beam: ArcFan, SourceDistance: 3},
		"offset":     {Angles: ViewAngles(90, 0, 2*math.Pi), Offset: 0.11},
	}
}

// TestFBPOfAGaussianConverges: on a Gaussian, band-limited for any practical end, what is
// left is the linear interpolation between cells, of second order in their spacing; every
// scan that sees every line gives the same picture, in its units.
func TestFBPOfAGaussianConverges(t *testing.T) {
	p := &Phantom{Blobs: []Blob{{X: 0.2, Y: -0.1, A: 0.12, B: 0.16, Angle: 0.7, Value: 3}}}
	for name, s := range covers() {
		var h, e []float64
		for _, n := range []int{32, 44, 64, 90, 128} {
			s.Rows, s.Cols = 21, 24
			s.PixelSize = 1.5 / 24
			s.Detectors = n
			s.Spacing = 2 / float64(n)
			switch s.Beam {
			case FlatFan:
				s.Spacing *= 4.0 / 3
			case ArcFan:
				s.Spacing /= 3
			}
			image, got := make([]float64, s.Rows*s.Cols), make([]float64, s.Rows*s.Cols)
			sino := make([]float64, len(s.Angles)*n)
			require.NoError(t, p.Image(image, s, 0))
			require.NoError(t, p.Sinogram(sino, s))
			must(NewFBP(s, FBPRamp)).Reconstruct(got, sino)
			sum := 0.0
			for i := range got {
				sum += (got[i] - image[i]) * (got[i] - image[i])
			}
			h, e = append(h, math.Log(s.Spacing)), append(e, math.Log(math.Sqrt(sum/float64(len(got)))))
		}
		t.Logf("%s: rms %.2g to %.2g, order %.2f", name, math.Exp(e[0]), math.Exp(e[4]), fitSlope(h, e))
		// Uneven steps of the views, and lines shared between two views, add a little that
		// does not fall with the spacing: 1.83 to 1.99 were measured.
		assert.InDelta(t, 2, fitSlope(h, e), 0.25, name)
		// A cell is 1/8 of the narrower standard deviation: second differences of 1/64 of
		// the peak, of which a linear interpolation errs by 1/12 on average near the
		// peak: 4e-3, and less elsewhere.
		assert.Less(t, math.Exp(e[4]), 2e-3, name)
	}
}

// TestFBPFilters: at the centre of a round Gaussian of standard deviation σ every window W
// gives ∫ 2πρ f̂(ρ) W dρ up to Nyquist's frequency, f̂ = 2πσ² exp(−2π²σ²ρ²). An odd detector
// has a cell there, so that nothing is interpolated.
func TestFBPFilters(t *testing.T) {
	const sigma = 2.0
	p := &Phantom{Blobs: []Blob{{A: sigma, B: sigma, Value: 1}}}
	s := Scan{Rows: 1, Cols: 1, Detectors: 101, Angles: ViewAngles(7, 0, math.Pi)}
	sino, got := make([]float64, 7*101), make([]float64, 1)
	require.NoError(t, p.Sinogram(sino, s))
	for f, w := range map[FBPFilter]func(t float64) float64{ // t = π ρ/ρ_Nyquist
		FBPRamp:       func(float64) float64 { return 1 },
		FBPSheppLogan: func(t float64) float64 { return math.Sin(t/2) / (t / 2) },
		FBPCosine:     func(t float64) float64 { return math.Cos(t / 2) },
		FBPHann:       func(t float64) float64 { return math.Cos(t/2) * math.Cos(t/2) },
		FBPHamming:    func(t float64) float64 { return 0.08 + 0.92*math.Cos(t/2)*math.Cos(t/2) },
	} {
		want := quad.Fixed(func(r float64) float64 {
			return 4 * math.Pi * math.Pi * sigma * sigma * r * math.Exp(-2*math.Pi*math.Pi*sigma*sigma*r*r) * w(2*math.Pi*r)
		}, 0, 0.5, 60, nil, 0)
		must(NewFBP(s, f)).Reconstruct(got, sino)
		// The ramp of |lag| ≤ 100 of 101 cells loses h beyond, but p is 0 there; the
		// Gaussian has 3e-9 of its mass beyond Nyquist; a window of discrete
		// frequencies wraps around by 1e-6.
		assert.InDelta(t, want, got[0], 5e-6, f)
	}
	assert.Equal(t, "shepp-logan", FBPSheppLogan.String())
}

func TestMeasureArc(t *testing.T) {
	total := func(a arc) float64 {
		sum := 0.0
		for _, w := range a.width {
			sum += w
		}
		return sum
	}
	for name, s := range covers() {
		a := measureArc(s.Angles, s.period())
		if a.full {
			assert.InDelta(t, s.period(), total(a), 1e-12, name) // rounding of the sum
		} else {
			assert.InDelta(t, 1.4*math.Pi, total(a), 1e-12, name)
			assert.InDelta(t, 1.4*math.Pi, a.to-a.from, 1e-12, name)
		}
	}
	// 90 views 1° apart, in any order and turned by any angle, cover 90°.
	limited := ViewAngles(90, 3, math.Pi/2)
	slices.Reverse(limited)
	a := measureArc(limited, math.Pi)
	assert.False(t, a.full)
	for _, w := range a.width {
		assert.InDelta(t, math.Pi/180, w, 1e-12)
	}
	assert.Equal(t, []float64{math.Pi}, measureArc([]float64{0.3}, math.Pi).width)
	assert.InDelta(t, math.Pi, total(measureArc([]float64{0.3, 0.3, 0.3 + math.Pi}, math.Pi)), 1e-12)
}

// TestFBPLimitedAngle: of a centred disc the views of a quarter turn bring a quarter
// turn's part of the value at the middle, half of what a half turn brings.
func TestFBPLimitedAngle(t *testing.T) {
	p := &Phantom{Blobs: []Blob{{A: 8, B: 8, Value: 1}}}
	s := Scan{Rows: 1, Cols: 1, Detectors: 81, Angles: ViewAngles(45, 0.2, math.Pi/2)}
	sino, got := make([]float64, 45*81), make([]float64, 1)
	require.NoError(t, p.Sinogram(sino, s))
	must(NewFBP(s, FBPRamp)).Reconstruct(got, sino)
	// The Gaussian is 4e-6 at the detector's end.
	assert.InDelta(t, 0.5, got[0], 1e-4)
}
