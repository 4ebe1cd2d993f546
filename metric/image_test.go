package metric

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

func TestPSNR(t *testing.T) {
	v, err := PSNR([]float64{0, 0.5, 1, 0.5}, []float64{0.1, 0.4, 0.9, 0.6}, 0)
	require.NoError(t, err)
	assert.InDelta(t, 20, v, 1e-12) // every error is a tenth of the peak
	v, err = PSNR([]float64{0, 255}, []float64{0, 254}, 255)
	require.NoError(t, err)
	assert.InDelta(t, 10*math.Log10(2*255*255), v, 1e-12)
	v, err = PSNR([]float64{1}, []float64{1}, 0)
	require.NoError(t, err)
	assert.True(t, math.IsInf(v, 1))
	_, err = PSNR([]float64{1, math.NaN()}, []float64{1, 1}, 0)
	assert.EqualError(t, err, "metric: pixel 1 of picture 1 of 2 is NaN: it must be finite")
	assert.Panics(t, func() { _, _ = PSNR([]float64{1}, nil, 0) })
}

// TestSSIM holds the windowed sums to their definition on one window, pixel by pixel, and
// to what has a closed form. 1e-12 is rounding; v = E x² - m² loses two digits.
func TestSSIM(t *testing.T) {
	const rows, cols = 14, 12
	x, y := make([]float64, rows*cols), make([]float64, rows*cols)
	rng := stream.New().At(1, stream.Test, 0, 200)
	for i := range x {
		x[i] = rng.Float64()
		y[i] = 0.6*x[i] + 0.3*rng.Float64()
	}
	got, err := SSIM(x, y, rows, cols, 0)
	require.NoError(t, err)
	want := 0.0
	for r := 5; r < rows-5; r++ {
		for c := 5; c < cols-5; c++ {
			var w, mx, my, vx, vy, cov float64
			each := func(f func(w, a, b float64)) {
				for i := -5; i <= 5; i++ {
					for j := -5; j <= 5; j++ {
						at := (r+i)*cols + c + j
						f(math.Exp(-float64(i*i+j*j)/(2*1.5*1.5)), x[at], y[at])
					}
				}
			}
			each(func(g, a, b float64) { w += g; mx += g * a; my += g * b })
			mx, my = mx/w, my/w
			each(func(g, a, b float64) {
				vx += g * (a - mx) * (a - mx) / w
				vy += g * (b - my) * (b - my) / w
				cov += g * (a - mx) * (b - my) / w
			})
			want += (2*mx*my + 1e-4) * (2*cov + 9e-4) / ((mx*mx + my*my + 1e-4) * (vx + vy + 9e-4)) / 8
		}
	}
	assert.InDelta(t, want, got, 1e-12)

	back, err := SSIM(y, x, rows, cols, 0)
	require.NoError(t, err)
	assert.InDelta(t, got, back, 1e-14)
	same, err := SSIM(x, x, rows, cols, 0)
	require.NoError(t, err)
	assert.InDelta(t, 1, same, 1e-14)
	for i := range x { // the range of values does not matter, only their ratio to the peak
		x[i], y[i] = 255*x[i], 255*y[i]
	}
	large, err := SSIM(x, y, rows, cols, 255)
	require.NoError(t, err)
	assert.InDelta(t, got, large, 1e-12)
	for i := range x {
		x[i], y[i] = 0.2, 0.7
	}
	flat, err := SSIM(x, y, rows, cols, 1)
	require.NoError(t, err)
	assert.InDelta(t, (2*0.2*0.7+1e-4)/(0.04+0.49+1e-4), flat, 1e-12)

	_, err = SSIM(x[:10*12], y[:10*12], 10, 12, 0)
	assert.EqualError(t, err, "metric: SSIM needs pictures of at least 11×11 pixels, not 10×12")
}
