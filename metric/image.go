package metric

import (
	"fmt"
	"math"
)

// PSNR returns the peak signal-to-noise ratio of the picture x against ref in decibels,
//
//	10 log₁₀(peak² / mean (x - ref)²),
//
// +Inf if they agree. peak is the range of the pixel values; 0 means 1. It panics if the
// lengths differ or are 0, and returns an error if a value is not finite.
func PSNR(x, ref []float64, peak float64) (float64, error) {
	if len(x) != len(ref) || len(x) == 0 {
		panic("metric: PSNR needs two pictures of one size")
	}
	if peak == 0 {
		peak = 1
	}
	sum := 0.0
	for i, v := range x {
		d := v - ref[i]
		sum += d * d
	}
	if err := finitePixels(x, ref); err != nil {
		return 0, err
	}
	return 10 * math.Log10(peak*peak*float64(len(x))/sum), nil
}

func finitePixels(x, y []float64) error {
	for n, p := range [2][]float64{x, y} {
		for i, v := range p {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("metric: pixel %d of picture %d of 2 is %g: it must be finite", i, n+1, v)
			}
		}
	}
	return nil
}

// ssimRadius makes a window of 11 pixels (Wang et al. 2004, section III-C).
const ssimRadius = 5

// SSIM returns the mean structural similarity of two pictures of rows×cols pixels, row
// after row, in [-1, 1] and 1 for equal ones (Wang, Bovik, Sheikh and Simoncelli 2004, IEEE
// Transactions on Image Processing 13, 600, equation 13): the mean of
//
//	(2 m_x m_y + C₁)(2 c_xy + C₂) / ((m_x² + m_y² + C₁)(v_x + v_y + C₂))
//
// over all windows within the picture, with the means, variances and covariance under
// Gaussian weights of standard deviation 1.5 on 11×11 pixels, C₁ = (0.01 peak)² and C₂ =
// (0.03 peak)². These are the choices of the authors' code, and of scikit-image's
// structural_similarity with gaussian_weights=True, use_sample_covariance=False.
// peak is the range of the pixel values; 0 means 1. It panics if a length is not rows·cols
// and returns an error if the pictures have fewer than 11 rows or columns or a value is not
// finite.
func SSIM(x, y []float64, rows, cols int, peak float64) (float64, error) {
	if len(x) != rows*cols || len(y) != rows*cols {
		panic("metric: SSIM needs two pictures of rows·cols pixels")
	}
	if peak == 0 {
		peak = 1
	}
	const size = 2*ssimRadius + 1
	if rows < size || cols < size {
		return 0, fmt.Errorf("metric: SSIM needs pictures of at least %d×%d pixels, not %d×%d", size, size, rows, cols)
	}
	if err := finitePixels(x, y); err != nil {
		return 0, err
	}
	var window [size]float64
	sum := 0.0
	for i := range window {
		d := float64(i-ssimRadius) / 1.5
		window[i] = math.Exp(-d * d / 2)
		sum += window[i]
	}
	for i := range window {
		window[i] /= sum
	}
	// The five weighted sums over columns of each pixel position, then over rows.
	const fields = 5 // x, y, x², y², xy
	wide := cols - size + 1
	across := make([]float64, rows*wide*fields)
	for r := range rows {
		for c := range wide {
			out := across[(r*wide+c)*fields:][:fields]
			for k, w := range window {
				a, b := x[r*cols+c+k], y[r*cols+c+k]
				out[0] += w * a
				out[1] += w * b
				out[2] += w * a * a
				out[3] += w * b * b
				out[4] += w * a * b
			}
		}
	}
	c1, c2 := 1e-4*peak*peak, 9e-4*peak*peak
	total := 0.0
	for r := range rows - size + 1 {
		for c := range wide {
			var m [fields]float64
			for k, w := range window {
				for f, v := range across[((r+k)*wide+c)*fields:][:fields] {
					m[f] += w * v
				}
			}
			mx, my := m[0], m[1]
			vx, vy, cov := m[2]-mx*mx, m[3]-my*my, m[4]-mx*my
			total += (2*mx*my + c1) * (2*cov + c2) / ((mx*mx + my*my + c1) * (vx + vy + c2))
		}
	}
	return total / float64((rows-size+1)*wide), nil
}
