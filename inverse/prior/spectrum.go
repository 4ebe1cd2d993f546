package prior

import (
	"errors"
	"fmt"
	"math"
	"sort"
)

// A Spectrum is the law of a stationary Gaussian picture, isotropic and of any size:
// its mean and its power S(f), the variance a mode of an orthonormal Fourier basis has
// at |f| cycles a pixel, so that ∫∫ S df over [-½, ½]² is the variance of a pixel.
type Spectrum struct {
	Mean float64
	// MeanVar is the variance of a picture's mean. It takes the place of S(0), N
	// pixels having the mode variance N·MeanVar: means of photographs vary as much
	// whatever their size, as S ~ 1/f² says too, which has no S(0). Zero means S(0).
	MeanVar float64
	Power   func(f float64) float64
}

// Matern returns the spectrum of the Matérn covariance of the given standard deviation,
// length in pixels and smoothness ν > 0 in the plane (Rasmussen and Williams 2006,
// Gaussian Processes for Machine Learning, equation 4.15 with D = 2),
//
//	S(f) = std² 4πν κ^{2ν}/(κ² + 4π²f²)^{ν+1},   κ² = 2ν/length²
//
// without the power of frequencies above ½, which pixels do not have.
func Matern(mean, std, length, nu float64) Spectrum {
	if !(std > 0 && length > 0 && nu > 0) {
		panic("prior: a Matérn spectrum needs a positive deviation, length and smoothness")
	}
	kappa2 := 2 * nu / (length * length)
	return Spectrum{Mean: mean, Power: func(f float64) float64 {
		return std * std * 4 * math.Pi * nu / kappa2 * math.Pow(1+4*math.Pi*math.Pi*f*f/kappa2, -nu-1)
	}}
}

// A Radial is a power spectrum given at frequencies, ascending and above 0: a straight
// line of log S in log f between them and beyond the first, constant beyond the last.
type Radial struct{ Freq, Value []float64 }

// Power returns S(f), and S at a hundredth of the first frequency at f = 0.
func (r Radial) Power(f float64) float64 {
	f = max(f, r.Freq[0]/100)
	n := len(r.Freq)
	if f >= r.Freq[n-1] {
		return r.Value[n-1]
	}
	i := min(max(sort.SearchFloat64s(r.Freq, f), 1), n-1)
	t := math.Log(f/r.Freq[i-1]) / math.Log(r.Freq[i]/r.Freq[i-1])
	return r.Value[i-1] * math.Pow(r.Value[i]/r.Value[i-1], t)
}

func (r Radial) check() error {
	if len(r.Freq) < 2 || len(r.Freq) != len(r.Value) {
		return errors.New("prior: a spectrum needs at least two frequencies with a value each")
	}
	for i, f := range r.Freq {
		if !(f > 0 && (i == 0 || f > r.Freq[i-1]) && r.Value[i] > 0) || math.IsInf(f, 0) || math.IsInf(r.Value[i], 0) {
			return fmt.Errorf("prior: entry %d of a spectrum: frequencies must ascend from above 0 and values be positive", i)
		}
	}
	return nil
}

// spectrumBins is the number of frequencies of a fit, equally spaced in log f; pictures
// of 256² put between 3 and 12000 modes in each.
const spectrumBins = 24

// FitSpectrum estimates mean and power of pictures of any sizes, of at least 16×16
// pixels: the periodogram of each, less its mean, under a Hann window (which keeps the
// edges' jump from leaking into high frequencies), averaged over rings of equal width in
// log f and over pictures of equal weight. The variance of the means of the pictures is that
// about the common mean.
func FitSpectrum(images []Image) (mean, meanVar float64, power Radial, err error) {
	if len(images) == 0 {
		return 0, 0, power, errors.New("prior: a spectrum needs at least one picture")
	}
	const hi = 0.5 // the rings end where the square [-½, ½]² cuts them
	lo := 0.5
	for _, im := range images {
		if len(im.Pix) != im.Rows*im.Cols {
			panic("prior: a picture's values do not fit its size")
		}
		if min(im.Rows, im.Cols) < 16 {
			return 0, 0, power, fmt.Errorf("prior: %s has %d×%d pixels: a spectrum needs at least 16×16", im.Name, im.Rows, im.Cols)
		}
		if !finite(im.Pix) {
			return 0, 0, power, fmt.Errorf("prior: %s holds values that are not finite", im.Name)
		}
		// A Hann window is two modes wide: below, it sees the mean.
		lo = min(lo, 2/float64(max(im.Rows, im.Cols)))
	}
	bin := func(f float64) int { return int(math.Log(f/lo) / math.Log(hi/lo) * spectrumBins) }
	var sum, count, freq [spectrumBins]float64
	means := make([]float64, len(images))
	for i, im := range images {
		for _, v := range im.Pix {
			means[i] += v / float64(len(im.Pix))
		}
		mean += means[i] / float64(len(images))
		accumulate(im, means[i], func(f, p float64) {
			if b := bin(f); f >= lo && b < spectrumBins {
				w := 1 / float64(len(im.Pix))
				sum[b] += w * p
				freq[b] += w * math.Log(f)
				count[b] += w
			}
		})
	}
	for _, m := range means {
		meanVar += (m - mean) * (m - mean) / float64(max(1, len(images)-1))
	}
	for b, n := range count {
		if n > 0 {
			power.Freq = append(power.Freq, math.Exp(freq[b]/n))
			power.Value = append(power.Value, max(sum[b]/n, 1e-12))
		}
	}
	if len(images) == 1 {
		meanVar = 0 // one picture does not say; S(0) is extrapolated
	}
	return mean, meanVar, power, power.check()
}

// accumulate calls f with frequency and power of each mode of a picture.
func accumulate(im Image, mean float64, f func(freq, power float64)) {
	hann := func(i, n int) float64 { s := math.Sin(math.Pi * (float64(i) + 0.5) / float64(n)); return s * s }
	x := make([]float64, len(im.Pix))
	weight, wsum, wx := 0.0, 0.0, 0.0
	for i, v := range im.Pix {
		w := hann(i/im.Cols, im.Rows) * hann(i%im.Cols, im.Cols)
		x[i] = w * (v - mean)
		weight += w * w
		wsum += w
		wx += x[i]
	}
	for i := range x { // the windowed mean, or it would spread over the lowest modes
		x[i] -= wx / wsum * hann(i/im.Cols, im.Rows) * hann(i%im.Cols, im.Cols)
	}
	t := newBasis(im.Rows, im.Cols, Periodic)
	t.to(x)
	n := float64(len(x))
	for i, v := range x {
		f(math.Hypot(t.frequency(i/im.Cols, im.Rows), t.frequency(i%im.Cols, im.Cols)), v*v*n/weight)
	}
}
