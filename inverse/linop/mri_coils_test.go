package linop

import (
	"math"
	"math/cmplx"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
)

func TestBirdcageMaps(t *testing.T) {
	const coils, rows, cols = 6, 8, 8
	s := fft.Complex(BirdcageMaps(coils, rows, cols))
	n := rows * cols
	for i := range n {
		sum := 0.
		for c := range coils {
			sum += power(s[c*n+i])
		}
		assert.InDelta(t, 1, sum, 1e-14)
	}
	// Coil 0 is on the right, coil 3 opposite: mirror images in magnitude.
	for i := range n {
		mirror := i/cols*cols + cols - 1 - i%cols
		assert.InDelta(t, cmplx.Abs(s[i]), cmplx.Abs(s[3*n+mirror]), 1e-14)
	}
	assert.Greater(t, cmplx.Abs(s[3*cols+7]), cmplx.Abs(s[3*cols]))
}

// phantomKSpace is the noiseless k-space of a smooth complex object of full support seen
// by birdcage coils.
func phantomKSpace(coils, rows, cols int) (kspace, maps []float64) {
	maps = BirdcageMaps(coils, rows, cols)
	x := make([]float64, 2*rows*cols)
	for i := range rows * cols {
		a, b := float64(i/cols)/float64(rows)-0.5, float64(i%cols)/float64(cols)-0.5
		x[2*i] = 1 + 0.5*math.Cos(9*a+4*b) + math.Exp(-40*(a*a+b*b))
		x[2*i+1] = 0.3 * math.Sin(7*a)
		if math.Hypot(a/0.4, b/0.35) > 1 {
			x[2*i], x[2*i+1] = 0, 0
		}
	}
	m := must(NewMRI(fullMask(rows, cols), maps))
	kspace = make([]float64, 2*coils*rows*cols)
	m.Apply(kspace, x)
	return kspace, maps
}

// agreement is the mean of |⟨S, Ŝ⟩| over pixels inside the object, 1 for the same maps up
// to the phase of each pixel.
func agreement(got, want []float64, coils, rows, cols int) float64 {
	n, sum, count := rows*cols, 0., 0.
	for i := range n {
		a, b := float64(i/cols)/float64(rows)-0.5, float64(i%cols)/float64(cols)-0.5
		if math.Hypot(a/0.4, b/0.35) > 0.9 {
			continue
		}
		dot := 0i
		for c := range coils {
			dot += cmplx.Conj(fft.Complex(want)[c*n+i]) * fft.Complex(got)[c*n+i]
		}
		sum += cmplx.Abs(dot)
		count++
	}
	return sum / count
}

func TestMapEstimation(t *testing.T) {
	const coils, rows, cols = 4, 48, 45
	k, want := phantomKSpace(coils, rows, cols)
	low, err := LowResolutionMaps(k, rows, cols, Size{16, 16}, 0.05)
	require.NoError(t, err)
	t.Logf("low resolution: 1 - %.1e", 1-agreement(low, want, coils, rows, cols))
	// Within the window's resolution of 3 pixels the maps change by a few per cent.
	assert.Greater(t, agreement(low, want, coils, rows, cols), 0.9995)

	maps, eigen, err := ESPIRiT{Calib: Size{20, 20}, Kernel: Size{5, 5}}.Maps(k, rows, cols)
	require.NoError(t, err)
	t.Logf("ESPIRiT: 1 - %.1e", 1-agreement(maps, want, coils, rows, cols))
	// A kernel of 5 holds a birdcage map to about 1/2 per cent, which enters squared.
	assert.Greater(t, agreement(maps, want, coils, rows, cols), 0.9999)
	assert.Less(t, floats.Max(eigen), 1+1e-9) // G is an average of projections
	n := rows * cols
	cropped := 0
	for i := range n {
		sum := 0.
		for c := range coils {
			sum += power(fft.Complex(maps)[c*n+i])
		}
		if eigen[i] < 0.8 {
			assert.Zero(t, sum)
			cropped++
			continue
		}
		assert.InDelta(t, 1, sum, 1e-12)
		assert.InDelta(t, 0, maps[2*i+1], 1e-12) // the first coil is real
		assert.GreaterOrEqual(t, maps[2*i], 0.)
	}
	assert.Greater(t, cropped, n/10) // outside of the object there is no equation

	_, err = LowResolutionMaps(k[1:], rows, cols, Size{16, 16}, 0)
	assert.ErrorContains(t, err, "want a multiple of 48×45×2")
	_, err = LowResolutionMaps(k, rows, cols, Size{46, 46}, 0)
	assert.ErrorContains(t, err, "calibration region of 46×46")
	_, err = LowResolutionMaps(k, rows, cols, Size{16, 16}, 1)
	assert.ErrorContains(t, err, "threshold")
	_, _, err = ESPIRiT{Kernel: Size{25, 6}}.Maps(k, rows, cols)
	assert.ErrorContains(t, err, "kernel of 25×6")
	_, _, err = ESPIRiT{Crop: 2}.Maps(k, rows, cols)
	assert.ErrorContains(t, err, "crop 2")
	_, _, err = ESPIRiT{Calib: Size{6, 6}, Kernel: Size{3, 3}}.Maps(make([]float64, len(k)), rows, cols)
	assert.ErrorContains(t, err, "zero or not finite")
}

// With fewer patches than points of a patch their Gram matrix is decomposed: the maps are as
// good, and the equations are as many eigenvectors of a projector.
func TestESPIRiTOfManyCoils(t *testing.T) {
	const coils, rows, cols = 12, 40, 36
	k, want := phantomKSpace(coils, rows, cols)
	e := ESPIRiT{Calib: Size{15, 15}, Kernel: Size{5, 5}} // 121 patches of 300 points
	maps, eigen, err := e.Maps(k, rows, cols)
	require.NoError(t, err)
	// As in TestMapEstimation, at a coarser picture.
	assert.Greater(t, agreement(maps, want, coils, rows, cols), 0.999)
	assert.Less(t, floats.Max(eigen), 1+1e-9)
	w, err := e.defaults().projector(fft.Complex(k), coils, rows, cols)
	require.NoError(t, err)
	const m = coils * 25
	trace := 0.
	for i := range m {
		trace += real(w[i*m+i])
		for _, j := range []int{0, 77, 299} {
			s := 0i
			for l := range m {
				s += w[i*m+l] * w[l*m+j]
			}
			// 1/λ magnifies rounding up to the square of the threshold, 0.02⁻² 1e-16, by the
			// order of the matrix.
			assert.InDelta(t, 0, cmplx.Abs(s-w[i*m+j]), 1e-9)
		}
	}
	assert.InDelta(t, math.Round(trace), trace, 1e-8) // the rank
}

// A phase that varies slowly over the picture goes from the picture into ESPIRiT's maps.
func TestMapsWithPhase(t *testing.T) {
	const coils, rows, cols = 4, 48, 45
	maps := BirdcageMaps(coils, rows, cols)
	x := make([]float64, 2*rows*cols)
	for i := range rows * cols {
		a, b := float64(i/cols)/float64(rows)-0.5, float64(i%cols)/float64(cols)-0.5
		if math.Hypot(a/0.4, b/0.35) < 1 {
			z := cmplx.Rect(1+0.5*math.Cos(9*a+4*b), 2+3*a)
			x[2*i], x[2*i+1] = real(z), imag(z)
		}
	}
	m := must(NewMRI(fullMask(rows, cols), maps))
	k := make([]float64, 2*coils*rows*cols)
	m.Apply(k, x)
	free, _, err := ESPIRiT{Calib: Size{20, 20}, Kernel: Size{5, 5}}.Maps(k, rows, cols)
	require.NoError(t, err)
	turned, part, err := MapsWithPhase(free, k, rows, cols, Size{20, 20})
	require.NoError(t, err)
	assert.Less(t, part, 0.9)
	imaginary := func(maps []float64) float64 {
		y := make([]float64, len(x))
		must(NewMRI(fullMask(rows, cols), maps)).Adjoint(y, k)
		var im, all float64
		for i := 0; i < len(y); i += 2 {
			im += y[i+1] * y[i+1]
			all += y[i]*y[i] + y[i+1]*y[i+1]
		}
		return im / all
	}
	assert.Greater(t, imaginary(free), 0.1)
	// The window of 3 pixels smooths the phase, which turns by 0.06 a pixel: 0.01 at edges.
	assert.Less(t, imaginary(turned), 1e-3)
	low, err := LowResolutionMaps(k, rows, cols, Size{20, 20}, 0)
	require.NoError(t, err)
	same, part, err := MapsWithPhase(low, k, rows, cols, Size{20, 20})
	require.NoError(t, err)
	assert.InDeltaSlice(t, low, same, 1e-12, "low-resolution maps have the phase")
	assert.InDelta(t, 1, part, 1e-12)
	_, _, err = MapsWithPhase(maps[2:], k, rows, cols, Size{20, 20})
	assert.ErrorContains(t, err, "must agree")
}

func BenchmarkESPIRiT256(b *testing.B) {
	k, _ := phantomKSpace(8, 256, 256)
	for b.Loop() {
		_, _, err := ESPIRiT{}.Maps(k, 256, 256)
		require.NoError(b, err)
	}
}
