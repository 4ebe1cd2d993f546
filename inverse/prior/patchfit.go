package prior

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// PatchFit are the settings of FitPatches. The zero value means the documented
// defaults.
type PatchFit struct {
	Side       int // side b of a patch, 3 to 16; 0 means 8
	Components int // K; 0 means 100
	// Patches is the number of training patches, drawn with replacement from all
	// positions of all pictures, each turned and mirrored at random; 0 means 100000.
	// Held counts those that the held-out likelihood is measured on; 0 means 10000.
	Patches, Held int
	// Iterations bounds the steps of EM; 0 means 30. Tol stops it when the mean
	// log-likelihood grows by less, in nats a patch; 0 means 0.01.
	Iterations int
	Tol        float64
	// Floor is the least eigenvalue of a covariance; 0 means 1.3e-6, the variance
	// 1/(12·255²) of rounding to 8 bits.
	Floor   float64
	Seed    uint64
	Workers int // GOMAXPROCS if below 1
	// Progress, if not nil, is called after each iteration.
	Progress func(iteration int, logLik float64)
}

// A FitStatus says why a fit ended.
type FitStatus int

const (
	Converged      FitStatus = iota // the likelihood grew by less than Tol
	IterationLimit                  // it was still growing
)

func (s FitStatus) String() string {
	if s == Converged {
		return "converged"
	}
	return "iteration limit"
}

// A FitResult tells how a fit went. Log-likelihoods are in nats a patch, densities with
// respect to the b²-1 coordinates of a patch without its mean.
type FitResult struct {
	Status FitStatus
	LogLik []float64 // of the training patches, before each iteration and after the last
	// Held is the log-likelihood of patches from the lowest tenth of each picture,
	// which training never sees.
	Held float64
}

// FitPatches fits the mixture of zero-mean Gaussians to the patches of pictures, each
// without its mean, by expectation maximisation (Zoran and Weiss 2011, ICCV, section
// 4.2, for the model). Covariances are kept above Floor by clipping their eigenvalues,
// which is the maximum-likelihood estimate under that bound, so the likelihood of the
// training patches never falls.
//
// The start is one component a randomly chosen patch, elongated along it and scaled
// with its contrast. The result depends on the pictures and the settings, Workers
// excepted. Memory is 8 bytes times Patches times (Components + b²). It returns an error if the pictures
// are too small, not finite, or without contrast, or if ctx ends.
func FitPatches(ctx context.Context, images []Image, set *PatchFit) (*Mixture, FitResult, error) {
	var s PatchFit
	if set != nil {
		s = *set
	}
	defaults(&s.Side, 8)
	defaults(&s.Components, 100)
	defaults(&s.Patches, 100000)
	defaults(&s.Held, 10000)
	defaults(&s.Iterations, 30)
	defaults(&s.Tol, 0.01)
	defaults(&s.Floor, 1/(12*255.*255))
	if s.Side < 3 || s.Side > 16 {
		return nil, FitResult{}, fmt.Errorf("prior: patches of side %d: it must be 3 to 16", s.Side)
	}
	if s.Components < 1 || s.Patches < 2*s.Components || s.Held < 1 || s.Iterations < 1 || s.Tol < 0 || s.Floor < 0 {
		return nil, FitResult{}, errors.New("prior: a fit needs at least 1 component, twice as many patches, and settings that are not negative")
	}
	train, held, err := drawPatches(images, &s)
	if err != nil {
		return nil, FitResult{}, err
	}
	e := newEM(train, &s)
	if err := e.start(); err != nil {
		return nil, FitResult{}, err
	}
	res := FitResult{Status: IterationLimit}
	for it := 0; ; it++ {
		ll, err := e.expect(ctx)
		if err != nil {
			return nil, FitResult{}, err
		}
		res.LogLik = append(res.LogLik, ll)
		if it > 0 && s.Progress != nil {
			s.Progress(it, ll)
		}
		if it > 0 && ll-res.LogLik[it-1] < s.Tol {
			res.Status = Converged
			break
		}
		if it == s.Iterations {
			break
		}
		if err := e.maximise(ctx); err != nil {
			return nil, FitResult{}, err
		}
	}
	model := &Mixture{Side: s.Side, Weights: e.weights, Cov: e.cov}
	e.load(held)
	if res.Held, err = e.expect(ctx); err != nil {
		return nil, FitResult{}, err
	}
	return model, res, nil
}

func defaults[T int | float64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// drawPatches returns training and held-out patches as rows of b²-1 cosine coefficients.
func drawPatches(images []Image, s *PatchFit) (train, held []float64, err error) {
	b := s.Side
	cut := make([]int, len(images)) // rows below are held out
	ends := make([]int, len(images))
	total := 0
	for i, im := range images {
		if len(im.Pix) != im.Rows*im.Cols {
			panic("prior: a picture's values do not fit its size")
		}
		cut[i] = im.Rows - max(b, im.Rows/10)
		if cut[i] < b || im.Cols < b {
			return nil, nil, fmt.Errorf("prior: %s has %d×%d pixels: too few for patches of side %d", im.Name, im.Rows, im.Cols, b)
		}
		if !finite(im.Pix) {
			return nil, nil, fmt.Errorf("prior: %s holds values that are not finite", im.Name)
		}
		total += (cut[i] - b + 1) * (im.Cols - b + 1)
		ends[i] = total
	}
	if total == 0 {
		return nil, nil, errors.New("prior: a fit needs at least one picture")
	}
	q := cosines(b)
	m := b*b - 1
	src := stream.New()
	patch, turned := make([]float64, b*b), make([]float64, b*b)
	draw := func(n int, index uint64) []float64 {
		z := make([]float64, n*m)
		for i := range n {
			rng := src.At(s.Seed, stream.Target, uint64(i), index)
			at := rng.IntN(total)
			k := 0
			for ends[k] <= at {
				k++
			}
			im := images[k]
			lo, rows := 0, cut[k]
			if index == 1 {
				lo, rows = cut[k], im.Rows-cut[k]
			}
			r, c := lo+rng.IntN(rows-b+1), rng.IntN(im.Cols-b+1)
			for j := range b {
				copy(patch[j*b:(j+1)*b], im.Pix[(r+j)*im.Cols+c:])
			}
			turn(turned, patch, b, rng.IntN(8))
			blas64.Gemv(blas.Trans, 1, dense(q, b*b, m), blas64.Vector{N: b * b, Inc: 1, Data: turned}, 0, blas64.Vector{N: m, Inc: 1, Data: z[i*m : (i+1)*m]})
		}
		return z
	}
	return draw(s.Patches, 0), draw(s.Held, 1), nil
}

// turn writes one of the eight symmetries of the square: bit 0 transposes, bits 1 and 2
// mirror.
func turn(dst, x []float64, b, which int) {
	for r := range b {
		for c := range b {
			i, j := r, c
			if which&1 != 0 {
				i, j = j, i
			}
			if which&2 != 0 {
				i = b - 1 - i
			}
			if which&4 != 0 {
				j = b - 1 - j
			}
			dst[r*b+c] = x[i*b+j]
		}
	}
}

// cosines returns the b²×(b²-1) matrix whose columns are the orthonormal cosine
// functions of a b×b patch, without the constant one.
func cosines(b int) []float64 {
	n := b * b
	q := make([]float64, n*(n-1))
	f := func(x, k int) float64 {
		if k == 0 {
			return math.Sqrt(1 / float64(b))
		}
		return math.Sqrt(2/float64(b)) * math.Cos(math.Pi*float64(k)*(float64(x)+0.5)/float64(b))
	}
	for i := range n {
		for j := 1; j < n; j++ {
			q[i*(n-1)+j-1] = f(i/b, j/b) * f(i%b, j%b)
		}
	}
	return q
}

func dense(x []float64, rows, cols int) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: cols, Data: x}
}

func finite(x []float64) bool {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
