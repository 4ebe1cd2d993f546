package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/netprior"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
)

// network is the measurement with the network for a prior.
func (m *measurement) network() *measurement {
	n := *m
	n.prior = netprior.Default().New(m.rows, m.cols)
	return &n
}

// byNetwork ends the names of rows with the network's prior.
const byNetwork = ", network"

// A gallery is a set of pictures that the priors denoise, and the names of the priors.
type gallery struct {
	name     string
	pictures []string
	priors   []string
}

var galleries = []gallery{
	{"camera and astronaut", photographs, []string{"noisy", "Gaussian", "patches", "network"}},
	{"two phantoms", []string{"phantom 1", "phantom 2"}, []string{"noisy", "patches", "patches of phantoms", "network"}},
}

var denoisingNoises = []float64{0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5}

func denoisingTask(picture string, s float64) string { return fmt.Sprintf("%s, noise %g", picture, s) }

// denoising compares the priors as denoisers, of photographs and of phantoms.
func denoising(ctx context.Context, s *store) error {
	priors := map[string]func() (score.Denoiser, error){
		"Gaussian": func() (score.Denoiser, error) {
			return prior.NewGaussian(side, side, prior.Default().Spectrum(), prior.Mirror), nil
		},
		"patches": func() (score.Denoiser, error) { return prior.Default().New(side, side, nil), nil },
		"patches of phantoms": sync.OnceValues(func() (score.Denoiser, error) {
			m, err := ellipsePrior(ctx)
			if err != nil {
				return nil, err
			}
			return m.New(side, side, nil), nil
		}),
		"network": func() (score.Denoiser, error) { return netprior.Default().New(side, side), nil },
	}
	for _, g := range galleries {
		for i, picture := range g.pictures {
			clean := make([]float64, side*side)
			if strings.HasPrefix(picture, "phantom") {
				if err := linop.RandomEllipses(testSeed, uint64(i), inside, radius).Image(clean, geometry{angles: []float64{0}}.scan(side), 8); err != nil {
					return err
				}
			} else {
				x, rows, cols, err := dataio.ReadGray(filepath.Join(*data, picture+".png"))
				if err != nil {
					return err
				}
				if rows != side || cols != side {
					return fmt.Errorf("%s has %d×%d pixels, not %d×%d", picture, rows, cols, side, side)
				}
				clean = x
			}
			for k, noise := range denoisingNoises {
				y := make([]float64, len(clean))
				stream.New().Normals(y, seed, stream.Test, uint64(i), uint64(k))
				for j, v := range clean {
					y[j] = v + noise*y[j]
				}
				methods := []restorer{{"noisy", func(context.Context) (answer, error) { return answer{x: y}, nil }}}
				for _, name := range g.priors[1:] {
					methods = append(methods, restorer{name, func(context.Context) (answer, error) {
						m, err := priors[name]()
						if err != nil {
							return answer{}, err
						}
						x := make([]float64, len(y))
						m.Denoise(x, y, 1, noise)
						return answer{x: x, NFE: 1}, nil
					}})
				}
				if _, err := answers(ctx, s, denoisingTask(picture, noise), methods, clean, side, side); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// denoisingSection has a table for each gallery: the mean PSNR of a prior by noise.
func denoisingSection(s *store) string {
	var b strings.Builder
	for _, g := range galleries {
		fmt.Fprintf(&b, "PSNR (dB), mean of %s:\n\n| noise | %s |\n|---|%s\n", g.name, strings.Join(g.priors, " | "), strings.Repeat("---|", len(g.priors)))
		for _, noise := range denoisingNoises {
			fmt.Fprintf(&b, "| %g |", noise)
			for _, p := range g.priors {
				mean := 0.0
				for _, picture := range g.pictures {
					a, _ := s.get(denoisingTask(picture, noise), p)
					mean += a.PSNR / float64(len(g.pictures))
				}
				fmt.Fprintf(&b, " %.2f |", mean)
			}
			b.WriteString("\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}
