package linop

import (
	"fmt"
	"math"
	"math/cmplx"

	"github.com/seed-dea4846a/sampler/internal/fft"
)

// BirdcageMaps returns smooth sensitivities of coils spaced evenly on a circle of 1.5 times
// half the field of view, for simulations: before the norm
//
//	S_c(x) = e^(i(arg(x - x_c) + 2πc/coils)) / |x - x_c|,    Σ_c |S_c|² = 1
//
// in coordinates x from -1 to 1. The shape is {coils, rows, cols, 2}.
func BirdcageMaps(coils, rows, cols int) []float64 {
	mustPositive(coils, rows, cols)
	n := rows * cols
	maps := make([]float64, 2*coils*n)
	s := fft.Complex(maps)
	for c := range coils {
		turn := 2 * math.Pi * float64(c) / float64(coils)
		centre := cmplx.Rect(1.5, turn)
		for i := range n {
			x := complex((2*float64(i%cols)+1)/float64(cols)-1, (2*float64(i/cols)+1)/float64(rows)-1) - centre
			s[c*n+i] = cmplx.Rect(1/cmplx.Abs(x), cmplx.Phase(x)+turn)
		}
	}
	unitMaps(s, coils, 0)
	return maps
}

// unitMaps divides the maps by their root sum of squares; where that is not above
// threshold times its maximum they become 0.
func unitMaps(s []complex128, coils int, threshold float64) {
	n := len(s) / coils
	rss, top := make([]float64, n), 0.
	for i := range rss {
		for c := range coils {
			rss[i] += power(s[c*n+i])
		}
		rss[i] = math.Sqrt(rss[i])
		top = max(top, rss[i])
	}
	for c := range coils {
		for i, r := range rss {
			if r > threshold*top {
				s[c*n+i] /= complex(r, 0)
			} else {
				s[c*n+i] = 0
			}
		}
	}
}

// LowResolutionMaps estimates sensitivities from the calib points in the middle of a
// k-space of shape {coils, rows, cols, 2}: the images of that region, under a Hann window
// against ringing, over their root sum of squares. The phase of the image goes into the
// maps. Where the root sum of squares is below threshold times its maximum the maps are 0.
//
// Source: Roemer et al., Magn. Reson. Med. 16 (1990); Pruessmann et al., ibid. 42 (1999).
func LowResolutionMaps(kspace []float64, rows, cols int, calib Size, threshold float64) ([]float64, error) {
	coils, err := checkCalibration(kspace, rows, cols, calib)
	if err != nil {
		return nil, err
	}
	if !(threshold >= 0 && threshold < 1) {
		return nil, fmt.Errorf("linop: a threshold of %g for the coil maps; it must be in [0, 1)", threshold)
	}
	maps := make([]float64, len(kspace))
	lowResolution(maps, kspace, rows, cols, calib)
	unitMaps(fft.Complex(maps), coils, threshold)
	return maps, nil
}

// lowResolution writes the images of the middle of k-space under a Hann window.
func lowResolution(images, kspace []float64, rows, cols int, calib Size) {
	n := rows * cols
	s, k := fft.Complex(images), fft.Complex(kspace)
	hann := func(i, n, calib int) float64 {
		if !inMiddle(i, n, calib) {
			return 0
		}
		return 1 + math.Cos(2*math.Pi*float64(i-n/2)/float64(calib+1))
	}
	plan := fft.NewComplex2(rows, cols)
	for c := range len(s) / n {
		for i := range n {
			s[c*n+i] = complex(hann(i/cols, rows, calib.Rows)*hann(i%cols, cols, calib.Cols), 0) * k[c*n+i]
		}
		plan.CentredInverse(s[c*n:][:n], nil)
	}
}

// MapsWithPhase returns the maps S times the phase of the image that they make of the
// calib points in the middle of a k-space,
//
//	S_c e^(i arg p),   p = Σ_c conj(S_c) l_c,
//
// l_c the images of LowResolutionMaps, so that the image in these maps is real wherever
// its phase is smooth. Methods such as ESPIRiT leave the phase of each pixel free. It also
// returns Σ Re p / Σ |p|, which is near 1 if the given maps make the image real already.
func MapsWithPhase(maps, kspace []float64, rows, cols int, calib Size) (turned []float64, part float64, err error) {
	coils, err := checkCalibration(kspace, rows, cols, calib)
	if err != nil {
		return nil, 0, err
	}
	if len(maps) != len(kspace) {
		return nil, 0, fmt.Errorf("linop: %d numbers of coil maps for %d of k-space; they must agree", len(maps), len(kspace))
	}
	n := rows * cols
	turned = append([]float64(nil), maps...)
	images := make([]float64, len(kspace))
	lowResolution(images, kspace, rows, cols, calib)
	s, l := fft.Complex(turned), fft.Complex(images)
	sum := 0.
	for i := range n {
		p := complex128(0)
		for c := range coils {
			p += cmplx.Conj(s[c*n+i]) * l[c*n+i]
		}
		a := cmplx.Abs(p)
		if a == 0 {
			continue
		}
		part, sum = part+real(p), sum+a
		for c := range coils {
			s[c*n+i] *= p / complex(a, 0)
		}
	}
	if sum > 0 {
		part /= sum
	}
	return turned, part, nil
}

func checkCalibration(kspace []float64, rows, cols int, calib Size) (coils int, err error) {
	mustPositive(rows, cols)
	if len(kspace) == 0 || len(kspace)%(2*rows*cols) != 0 {
		return 0, fmt.Errorf("linop: %d numbers of k-space, want a multiple of %d×%d×2", len(kspace), rows, cols)
	}
	if calib.Rows < 1 || calib.Rows > rows || calib.Cols < 1 || calib.Cols > cols {
		return 0, fmt.Errorf("linop: a calibration region of %v in a k-space of %d×%d", calib, rows, cols)
	}
	return len(kspace) / (2 * rows * cols), nil
}
