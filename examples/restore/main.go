// Command restore blurs and masks photographs and restores them with the patch prior that
// comes with the toolkit, and writes a figure of all.
package main

import (
	"fmt"
	"log"
	"math"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score"
)

const sigma = 0.02 // noise of the data, pixels from 0 to 1

func main() {
	blur := func(rows, cols int) (linop.Operator, error) {
		psf, err := linop.GaussianPSF(2)
		if err != nil {
			return nil, err
		}
		return linop.NewConv(psf, rows, cols, linop.BoundaryReflect)
	}
	mask := func(rows, cols int) (linop.Operator, error) { return linop.NewRandomMask(rows*cols, 0.3, 0) }
	var prints []figure.Print
	for _, task := range []struct {
		file, title string
		make        func(rows, cols int) (linop.Operator, error)
		steps       int
		first, last float64
		gain        inverse.Gain
	}{
		{"astronaut.png", "blurred, σ = 2", blur, 8, 0.2, 0.02, inverse.Kalman{Cov: inverse.Proximal{Lambda: 0.5}, Krylov: inverse.Krylov{Iterations: 30, RTol: 1e-3}}},
		{"camera.png", "30 % of the pixels", mask, 8, 0.5, 0.02, inverse.MMPS(3)},
	} {
		truth, rows, cols, err := dataio.ReadGray(task.file)
		if err != nil {
			log.Fatal(err)
		}
		a, err := task.make(rows, cols)
		if err != nil {
			log.Fatal(err)
		}
		m, _ := a.Dims()
		y, z := make([]float64, m), make([]float64, m)
		a.Apply(y, truth)
		stream.New().Normals(z, 0, stream.Target, 0, 0)
		for i := range y {
			y[i] += sigma * z[i]
		}
		problem, err := inverse.New(a, y, sigma)
		if err != nil {
			log.Fatal(err)
		}

		// The Wiener filter is the exact posterior mean of the stationary Gaussian prior.
		model := prior.Default()
		gauss := prior.NewGaussian(rows, cols, model.Spectrum(), prior.Mirror)
		wiener := make([]float64, rows*cols)
		given(problem, gauss, inverse.Kalman{Cov: inverse.Tweedie{}, Krylov: inverse.Krylov{Iterations: 2000, RTol: 1e-3}}).
			Denoise(wiener, make([]float64, rows*cols), 1, 1e3)

		// Half-quadratic splitting: denoise, then fit the data, at falling noise.
		patches := model.New(rows, cols, nil)
		fit := given(problem, patches, task.gain)
		x, next := append([]float64(nil), wiener...), make([]float64, rows*cols)
		for k := range task.steps {
			fit.Denoise(next, x, 1, task.first*math.Pow(task.last/task.first, float64(k)/float64(task.steps-1)))
			x, next = next, x
		}
		patches.Denoise(next, x, 1, task.last)

		data := y
		if m < rows*cols { // known pixels in their places
			data = make([]float64, rows*cols)
			a.Adjoint(data, y)
		}
		for _, p := range []struct {
			title string
			pix   []float64
		}{{task.title, data}, {"Wiener filter", wiener}, {"patch prior", next}, {"truth", truth}} {
			note := ""
			if p.title != "truth" {
				db, err := metric.PSNR(p.pix, truth, 1)
				if err != nil {
					log.Fatal(err)
				}
				note = fmt.Sprintf("%.1f dB", db)
				fmt.Printf("%-14s %-20s %s\n", task.file, p.title, note)
			}
			prints = append(prints, figure.Print{Title: p.title, Note: note, Pix: p.pix, Rows: rows, Cols: cols, Channels: 1})
		}
	}
	if err := (figure.Pictures{Prints: prints, Cols: 4, Caption: "noise 0.02; the prior has seen neither photograph"}).Figure().Save("restore.png"); err != nil {
		log.Fatal(err)
	}
}

func given(p *inverse.Problem, d score.Denoiser, g inverse.Gain) *inverse.Conditional {
	c, err := inverse.NewConditional(p, d, g)
	if err != nil {
		log.Fatal(err)
	}
	return c
}
