package score

import (
	"math"
	"slices"
)

// Threshold keeps a denoiser within the range of the data, [-Bound, Bound] in every
// coordinate, by dynamic thresholding (Saharia et al. 2022, arXiv 2205.11487, section
// 2.3): for each point by itself, with s the q-quantile of the |D_j| over its d coordinates,
// but at least Bound,
//
//	D_j ← clip(D_j, -s, s) · Bound/s.
//
// q = 0 is static thresholding, s = Bound. Points in range are left as they are. The
// quantile is interpolated between the order statistics at q(d-1).
type Threshold struct {
	Model    Denoiser
	Quantile float64 // q in [0, 1]; 0.995 is usual for images
	Bound    float64 // zero means 1
}

// Dim returns the dimension of a point.
func (t *Threshold) Dim() int { return t.Model.Dim() }

// Denoise writes D.
func (t *Threshold) Denoise(dst, x []float64, alpha, sigma float64) {
	t.Model.Denoise(dst, x, alpha, sigma)
	bound, d := t.Bound, t.Dim()
	if bound == 0 {
		bound = 1
	}
	sc := scratches.Get().(*scratch)
	sc.a = grow(sc.a, d)
	for i := 0; i < len(dst); i += d {
		row, s := dst[i:i+d], bound
		if t.Quantile > 0 {
			for k, v := range row {
				sc.a[k] = math.Abs(v)
			}
			s = max(bound, quantile(sc.a, t.Quantile))
		}
		for k, v := range row {
			// A point in range has s = bound: it is multiplied by exactly 1.
			row[k] = min(max(v, -s), s) * (bound / s)
		}
	}
	scratches.Put(sc)
}

// Err returns the model's first error if it keeps one.
func (t *Threshold) Err() error { return modelErr(t.Model) }

// quantile sorts v and returns its q-quantile.
func quantile(v []float64, q float64) float64 {
	slices.Sort(v)
	at := q * float64(len(v)-1)
	k := min(int(at), len(v)-2)
	if k < 0 {
		return v[0]
	}
	return v[k] + (at-float64(k))*(v[k+1]-v[k])
}
