package main

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
)

const (
	coils        = 8
	acceleration = 4
	centreShare  = 0.08 // of the columns, fully sampled, as in fastMRI at ×4
	kspaceNoise  = 0.01 // of each real number of k-space, whose transform is orthonormal
)

// A split is the prior of complex pictures, pairs (re, im), whose parts are independent
// draws of a prior of real ones. It is a score.Denoiser and a score.JVPer.
type split struct {
	part *prior.Patches
	pool sync.Pool // *[3][]float64
}

func newSplit(part *prior.Patches) *split {
	s := &split{part: part}
	s.pool.New = func() any {
		w := new([3][]float64)
		for i := range w {
			w[i] = make([]float64, 2*part.Dim())
		}
		return w
	}
	return s
}

func (s *split) Dim() int { return 2 * s.part.Dim() }

func (s *split) Denoise(dst, x []float64, alpha, sigma float64) {
	s.apart(dst, x, nil, func(dst, x, _ []float64) { s.part.Denoise(dst, x, alpha, sigma) })
}

func (s *split) JVP(dst, x, v []float64, alpha, sigma float64) {
	s.apart(dst, x, v, func(dst, x, v []float64) { s.part.JVP(dst, x, v, alpha, sigma) })
}

// apart calls f with the parts of each picture as two pictures.
func (s *split) apart(dst, x, v []float64, f func(dst, x, v []float64)) {
	w := s.pool.Get().(*[3][]float64)
	d := s.Dim()
	for at := 0; at < len(x); at += d {
		planes(w[0], x[at:at+d])
		if v != nil {
			planes(w[1], v[at:at+d])
		}
		f(w[2], w[0], w[1])
		for i, u := range w[2][:d/2] {
			dst[at+2*i], dst[at+2*i+1] = u, w[2][d/2+i]
		}
	}
	s.pool.Put(w)
}

// planes writes the real parts of pairs, then the imaginary ones.
func planes(dst, x []float64) {
	n := len(x) / 2
	for i := range n {
		dst[i], dst[n+i] = x[2*i], x[2*i+1]
	}
}

func modulus(x []float64) []float64 {
	r := make([]float64, len(x)/2)
	for i := range r {
		r[i] = math.Hypot(x[2*i], x[2*i+1])
	}
	return r
}

// complexPhantom is a random phantom with a smooth phase, a quadratic of random coefficients
// of up to 1.5 radians.
func complexPhantom(s, sample uint64, n int) ([]float64, error) {
	scan := geometry{angles: []float64{0}}.scan(n)
	pix := make([]float64, n*n)
	if err := linop.RandomEllipses(s, sample, inside, radius).Image(pix, scan, 8); err != nil {
		return nil, err
	}
	rng := stream.New().At(s, stream.Test, sample, 1)
	var c [6]float64
	for i := range c {
		c[i] = 1.5 * (2*rng.Float64() - 1)
	}
	z := make([]float64, 2*n*n)
	for i, v := range pix {
		u, w := scan.Position(i/n, i%n)
		sin, cos := math.Sincos(c[0]*math.Pi/1.5 + c[1]*u + c[2]*w + c[3]*u*u + c[4]*u*w + c[5]*w*w)
		z[2*i], z[2*i+1] = v*cos, v*sin
	}
	return z, nil
}

// scannedMRI returns the k-space of a phantom.
func scannedMRI(s, sample uint64) (*measurement, error) {
	clean, err := complexPhantom(s, sample, side)
	if err != nil {
		return nil, err
	}
	mask, err := linop.UniformMask(side, side, acceleration, centreShare)
	if err != nil {
		return nil, err
	}
	a, err := linop.NewMRI(mask, linop.BirdcageMaps(coils, side, side))
	if err != nil {
		return nil, err
	}
	p, err := measure(a, clean, kspaceNoise, s*1000+sample)
	return &measurement{rows: side, cols: side, clean: clean, problem: p}, err
}

// magnitude scores the modulus of what run returns.
func magnitude(run func(context.Context) (answer, error)) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		a, err := run(ctx)
		if err == nil {
			a.x = modulus(a.x)
		}
		return a, err
	}
}

// wavelets is the l1-wavelet reconstruction.
func wavelets(m *measurement, lambda float64, limit int) func(context.Context) (answer, error) {
	return func(ctx context.Context) (answer, error) {
		a := answer{x: make([]float64, len(m.clean))}
		res, err := prior.L1Wavelet{Rows: m.rows, Cols: m.cols, Complex: true, Lambda: lambda, Norm: 1, Spin: true, Limit: limit}.
			Solve(ctx, a.x, m.problem.A(), m.problem.Y())
		a.Pairs = int64(res.Iterations)
		return a, err
	}
}

const resonanceTask = "8 coils at ×4"

// resonance reconstructs one slice from the k-space of 8 coils.
func resonance(ctx context.Context, s *store) error {
	m, err := scannedMRI(testSeed, 0)
	if err != nil {
		return err
	}
	methods, err := resonanceMethods(m, 1, 1)
	if err != nil || !s.pending(resonanceTask, methods) {
		return err
	}
	if m.prior, err = complexPrior(ctx); err != nil {
		return err
	}
	v, err := s.tuned(resonanceTask, func() ([]float64, error) {
		train, err := scannedMRI(trainSeed, 0)
		if err != nil {
			return nil, err
		}
		lambda, err := tune(ctx, train, 0.04, 8, func(w float64) func(context.Context) (answer, error) { return wavelets(train, w, 40) })
		if err != nil {
			return nil, err
		}
		damp, err := tune(ctx, train, 0.4, 8, func(w float64) func(context.Context) (answer, error) { return sense(train, w) })
		return []float64{lambda, damp}, err
	})
	if err != nil {
		return err
	}
	if methods, err = resonanceMethods(m, v[0], v[1]); err != nil {
		return err
	}
	all, err := answers(ctx, s, resonanceTask, methods, modulus(m.clean), side, side)
	if err != nil {
		return err
	}
	return strip("mri", modulus(m.clean), all, side, side, 1.3, "zero-filled", "CG-SENSE, 30 iterations", "l1-wavelet, 100 iterations", splittingName, "DDS-VP, 49 NFE")
}

// complexPrior is fitted to the parts of training phantoms.
func complexPrior(ctx context.Context) (score.Denoiser, error) {
	var images []prior.Image
	for i := range trainCount {
		z, err := complexPhantom(trainSeed, uint64(i), side)
		if err != nil {
			return nil, err
		}
		parts := make([]float64, len(z))
		planes(parts, z)
		images = append(images,
			prior.Image{Name: fmt.Sprint("real ", i), Pix: parts[:len(z)/2], Rows: side, Cols: side},
			prior.Image{Name: fmt.Sprint("imaginary ", i), Pix: parts[len(z)/2:], Rows: side, Cols: side})
	}
	model, err := fitPrior(ctx, images, 30)
	if err != nil {
		return nil, err
	}
	return newSplit(model.New(side, side, nil)), nil
}

func resonanceMethods(m *measurement, lambda, damp float64) ([]restorer, error) {
	methods := []restorer{
		{"zero-filled", func(context.Context) (answer, error) {
			x := make([]float64, len(m.clean))
			m.problem.A().Adjoint(x, m.problem.Y())
			return answer{x: x}, nil
		}},
		{"CG-SENSE, 30 iterations", sense(m, damp)},
		{"l1-wavelet, 30 iterations", wavelets(m, lambda, 30)},
		{"l1-wavelet, 100 iterations", wavelets(m, lambda, 100)},
		{splittingName, splitting(m, falling(1, 0.005, 12), splitWeight)},
	}
	dds, err := ddsMethods(m, 1, 19, true)
	methods = append(methods, dds...)
	for i := range methods {
		methods[i].run = magnitude(methods[i].run)
	}
	return methods, err
}

func resonanceSection(s *store) string {
	text := ""
	if v := s.settings(resonanceTask); v != nil {
		text = fmt.Sprintf("l1-wavelet with λ = %.2g, CG-SENSE with damping %.2g, DDS with γ = 1 where not said:\n\n", v[0], v[1])
	}
	return text + s.table(resonanceTask)
}

// sense is CG-SENSE with Tikhonov's damping.
func sense(m *measurement, damp float64) func(context.Context) (answer, error) {
	return func(context.Context) (answer, error) {
		x := make([]float64, len(m.clean))
		res := linop.CGLS(x, m.problem.A(), m.problem.Y(), damp, &linop.KrylovOptions{MaxIter: 30})
		return answer{x: x, Pairs: int64(res.Iterations) + 1}, res.Status.Err()
	}
}

var _ score.JVPer = (*split)(nil)
