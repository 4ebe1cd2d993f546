package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/netprior"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score"
)

var priorName = flag.String("prior", "patches", "prior of photos and ct: patches, unet, or a file of sample train prior --network")

// sized makes a prior for pictures of a size.
type sized func(rows, cols int) score.Denoiser

func patchesOf(m *prior.Model) sized {
	return func(rows, cols int) score.Denoiser { return m.New(rows, cols, nil) }
}

// picturePrior returns what makes the prior of -prior, patches that of the mixture.
func picturePrior(patches *prior.Model) (sized, error) {
	if *priorName == "patches" {
		return patchesOf(patches), nil
	}
	net, err := loadNetwork()
	return func(rows, cols int) score.Denoiser { return net.New(rows, cols) }, err
}

// A maker is a prior with its name.
type maker struct {
	name string
	make sized
}

// denoising compares the priors as denoisers, of photographs and of phantoms.
func denoising(ctx context.Context) error {
	net, err := loadNetwork()
	if err != nil {
		return err
	}
	var photos, phantoms [][]float64
	for _, name := range []string{"camera.png", "astronaut.png"} {
		x, rows, cols, err := dataio.ReadGray(filepath.Join(*data, name))
		if err != nil {
			return err
		}
		if rows != side || cols != side {
			return fmt.Errorf("%s has %d×%d pixels, not %d×%d", name, rows, cols, side, side)
		}
		photos = append(photos, x)
	}
	for i := range uint64(2) {
		x := make([]float64, side*side)
		if err := linop.RandomEllipses(testSeed, i, inside, radius).Image(x, geometry{angles: []float64{0}}.scan(side), 8); err != nil {
			return err
		}
		phantoms = append(phantoms, x)
	}
	ellipses, err := ellipsePrior(ctx)
	if err != nil {
		return err
	}
	network := maker{"network", func(rows, cols int) score.Denoiser { return net.New(rows, cols) }}
	gaussian := func(rows, cols int) score.Denoiser {
		return prior.NewGaussian(rows, cols, prior.Default().Spectrum(), prior.Mirror)
	}
	noises := []float64{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5}
	for _, set := range []struct {
		name   string
		clean  [][]float64
		makers []maker
	}{
		{"camera and astronaut", photos, []maker{{"Gaussian", gaussian}, {"patches", patchesOf(prior.Default())}, network}},
		{"two phantoms", phantoms, []maker{{"patches of phantoms", patchesOf(ellipses)}, network}},
	} {
		fmt.Printf("%s\n\n| noise | noisy |", set.name)
		for _, m := range set.makers {
			fmt.Printf(" %s |", m.name)
		}
		fmt.Print("\n|---|---|")
		for range set.makers {
			fmt.Print("---|")
		}
		fmt.Println()
		for k, s := range noises {
			psnr := make([]float64, 1+len(set.makers))
			for i, x := range set.clean {
				y, z := make([]float64, len(x)), make([]float64, len(x))
				stream.New().Normals(z, seed, stream.Test, uint64(i), uint64(k))
				for j, v := range x {
					y[j] = v + s*z[j]
				}
				for c := range psnr {
					d := y
					if c > 0 {
						d = z
						set.makers[c-1].make(side, side).Denoise(d, y, 1, s)
					}
					p, err := metric.PSNR(d, x, 1)
					if err != nil {
						return err
					}
					psnr[c] += p / float64(len(set.clean))
				}
				if err := ctx.Err(); err != nil {
					return err
				}
			}
			fmt.Printf("| %g |", s)
			for _, p := range psnr {
				fmt.Printf(" %.2f |", p)
			}
			fmt.Println()
		}
		fmt.Println()
	}
	return nil
}

func loadNetwork() (*netprior.Model, error) {
	if *priorName == "patches" || *priorName == "unet" {
		return netprior.Default(), nil
	}
	return netprior.ReadFile(*priorName)
}
