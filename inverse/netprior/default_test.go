package netprior

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/metric"
)

// The built-in prior takes away noise from pictures that it has not seen. The gains, in dB, are
// some 0.3 below those measured (3.18, 8.24, 14.64 and 10.35, 14.99, 20.83), for kernels that round otherwise.
func TestDefaultRemovesNoise(t *testing.T) {
	camera, rows, cols, err := dataio.ReadGray("../../bench/restore/testdata/camera.png")
	require.NoError(t, err)
	const n = 128
	crop := make([]float64, 0, n*n)
	for r := range n {
		crop = append(crop, camera[((rows-n)/2+r)*cols+(cols-n)/2:][:n]...)
	}
	phantom := make([]float64, n*n)
	scan := linop.Scan{Rows: n, Cols: n, PixelSize: 2.0 / n, Angles: []float64{0}, Detectors: 1}
	require.NoError(t, linop.RandomEllipses(3, 0, 12, 0.9).Image(phantom, scan, 8))
	p := Default().New(n, n)
	for _, c := range []struct {
		clean  []float64
		s, min float64
	}{
		{crop, 0.02, 2.8}, {crop, 0.1, 7.9}, {crop, 0.5, 14.3},
		{phantom, 0.02, 10}, {phantom, 0.1, 14.6}, {phantom, 0.5, 20.5},
	} {
		y, z := make([]float64, n*n), normals(n*n, 1)
		for i, v := range c.clean {
			y[i] = v + c.s*z[i]
		}
		x := make([]float64, n*n)
		p.Denoise(x, y, 1, c.s)
		before, err := metric.PSNR(y, c.clean, 1)
		require.NoError(t, err)
		after, err := metric.PSNR(x, c.clean, 1)
		require.NoError(t, err)
		t.Logf("noise %g: %.2f dB from %.2f", c.s, after, before)
		assert.Greater(t, after-before, c.min)
		// so it does at any other α, the same to the rounding of float32
		for i := range y {
			y[i] *= 0.3
		}
		again := make([]float64, n*n)
		p.Denoise(again, y, 0.3, 0.3*c.s)
		assert.InDeltaSlice(t, x, again, 1e-4)
	}
}

// Out of the range of noises of its training the model goes over to the Gaussian, without a jump.
func TestDefaultAtAnyNoise(t *testing.T) {
	const n = 24
	p := Default().New(n, n)
	y, a, b := normals(n*n, 1), make([]float64, n*n), make([]float64, n*n)
	for _, s := range []float64{1e-4, 1e-3, 0.01, 0.1, 1, 3, 7.99, 31.99, 1000} {
		x := make([]float64, n*n)
		for i, v := range y {
			x[i] = 0.5 + s*v
		}
		p.Denoise(a, x, 1, s)
		p.Denoise(b, x, 1, s*1.001)
		// the signal's range is 1: a thousandth more noise moves no pixel by a fiftieth of that
		assert.InDeltaSlice(t, a, b, 0.02)
	}
	require.NoError(t, p.Err())
}
