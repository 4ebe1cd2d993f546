package main

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
)

// head returns the Shepp-Logan phantom of peer_radon.py and a scan of it.
func head(n, views int) (linop.Scan, []float64) {
	s := linop.Scan{Rows: n, Cols: n, Detectors: n, Angles: linop.ViewAngles(views, 0, math.Pi)}
	x := make([]float64, n*n)
	must(0, linop.SheppLogan(float64(n)/2, false).Image(x, s, 1))
	return s, x
}

// tomography is the parallel-beam transform, its adjoint and filtered back-projection.
var tomography = func() (tasks []task) {
	for _, c := range [][2]int{{256, 180}, {512, 360}} {
		set := func() (op *linop.Radon, f *linop.FBP, image, sino []float64) {
			s, image := head(c[0], c[1])
			op, f = must(linop.NewRadon(s)), must(linop.NewFBP(s, linop.FBPRamp))
			sino = make([]float64, c[1]*c[0])
			op.Apply(sino, image)
			return op, f, image, sino
		}
		name := fmt.Sprintf("radon/%dx%d/", c[0], c[1])
		tasks = append(tasks, task{name + "forward", 1, func() func() string {
			op, _, image, sino := set()
			return func() string { op.Apply(sino, image); return "" }
		}}, task{name + "backproject", 1, func() func() string {
			op, _, image, sino := set()
			return func() string { op.Adjoint(image, sino); return "" }
		}}, task{name + "fbp", 1, func() func() string {
			_, f, image, sino := set()
			x := make([]float64, len(image))
			return func() string {
				f.Reconstruct(x, sino)
				return fmt.Sprintf(" (%.1f dB)", psnr(x, image))
			}
		}})
	}
	return tasks
}()

func psnr(x, truth []float64) float64 { return must(metric.PSNR(x, truth, 1)) }

// blur is 512² Gaussian blur and what it makes of the phantom with noise.
func blur() (op *linop.CircularConv, image, y []float64) {
	_, image = head(512, 1)
	op = must(linop.NewCircularConv(must(linop.GaussianPSF(2)), 512, 512))
	y = make([]float64, len(image))
	op.Apply(y, image)
	noise := make([]float64, len(y))
	stream.New().Normals(noise, 0, stream.Test, 0, 0)
	for i := range y {
		y[i] += 0.01 * noise[i]
	}
	return op, image, y
}

// deblurring is a 512² blur with its adjoint, and 30 steps of conjugate gradients on AᵀA + λ.
var deblurring = []task{
	{"deblur/forward+adjoint", 10, func() func() string {
		op, image, y := blur()
		return func() string {
			for range 10 {
				op.Apply(y, image)
				op.Adjoint(image, y)
			}
			return ""
		}
	}},
	{"deblur/cg30", 1, func() func() string {
		op, image, y := blur()
		b, t, x := make([]float64, len(y)), make([]float64, len(y)), make([]float64, len(y))
		op.Adjoint(b, y)
		o := &linop.KrylovOptions{MaxIter: 30, Work: new(linop.Work)}
		normal := func(dst, x []float64) {
			op.Apply(t, x)
			op.Adjoint(dst, t)
			for i, v := range x {
				dst[i] += 1e-3 * v
			}
		}
		return func() string {
			clear(x)
			linop.CG(x, normal, b, o)
			return fmt.Sprintf(" (%.1f dB)", psnr(x, image))
		}
	}},
}

// resonance is 256², 8 coils, uniform sampling of every fourth line with 24 centre lines.
var resonance = []task{
	{"mri/cg-sense30", 1, func() func() string {
		op, y := coils()
		_, n := op.Dims()
		x := make([]float64, n)
		o := &linop.KrylovOptions{MaxIter: 30, Work: new(linop.Work)}
		return func() string {
			clear(x)
			linop.CGLS(x, op, y, math.Sqrt(1e-3), o)
			return ""
		}
	}},
	{"mri/l1-wavelet30", 1, func() func() string {
		op, y := coils()
		_, n := op.Dims()
		x := make([]float64, n)
		s := prior.L1Wavelet{Rows: 256, Cols: 256, Complex: true, Lambda: 0.002, Norm: 1, Spin: true, Limit: 30}
		return func() string {
			clear(x)
			must(s.Solve(ctx, x, op, y))
			return ""
		}
	}},
}

func coils() (*linop.MRI, []float64) {
	op := must(linop.NewMRI(must(linop.UniformMask(256, 256, 4, 24./256)), linop.BirdcageMaps(8, 256, 256)))
	_, image := head(256, 1)
	z := make([]float64, 2*len(image))
	for i, v := range image {
		z[2*i] = v
	}
	rows, _ := op.Dims()
	y := make([]float64, rows)
	op.Apply(y, z)
	return op, y
}
