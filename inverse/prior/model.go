package prior

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A Model is a trained patch prior, good for pictures of any size: the mixture of
// patches, the law of the pictures as a stationary Gaussian, and how the two are
// blended. It must not be changed or copied once it is used.
type Model struct {
	Mixture
	Mean, MeanVar float64 // of a picture's mean, see Spectrum
	Power         Radial
	// Blend is the share β of the Gaussian at the noises BlendNoise, ascending: linear
	// in log s between them, constant beyond. Empty means 0.
	BlendNoise, Blend []float64

	once sync.Once
	c    *compiled
	err  error
}

func (p *Model) compiled() (*compiled, error) {
	p.once.Do(func() { p.c, p.err = compile(&p.Mixture) })
	return p.c, p.err
}

// Spectrum returns the law of the pictures as a stationary Gaussian.
func (p *Model) Spectrum() Spectrum {
	return Spectrum{Mean: p.Mean, MeanVar: p.MeanVar, Power: p.Power.Power}
}

func (p *Model) blend(s float64) float64 {
	n := len(p.Blend)
	switch {
	case n == 0:
		return 0
	case s <= p.BlendNoise[0]:
		return p.Blend[0]
	case s >= p.BlendNoise[n-1]:
		return p.Blend[n-1]
	}
	i := sort.SearchFloat64s(p.BlendNoise, s)
	t := math.Log(s/p.BlendNoise[i-1]) / math.Log(p.BlendNoise[i]/p.BlendNoise[i-1])
	return (1-t)*p.Blend[i-1] + t*p.Blend[i]
}

// Train fits a Model to pictures: the mixture by FitPatches, the Gaussian by
// FitSpectrum, and at nine noises the share β in [0, 1] that is best, in the mean
// square, on the noised centres of the same pictures.
func Train(ctx context.Context, images []Image, set *PatchFit) (*Model, FitResult, error) {
	mix, res, err := FitPatches(ctx, images, set)
	if err != nil {
		return nil, res, err
	}
	p := &Model{Mixture: *mix}
	if p.Mean, p.MeanVar, p.Power, err = FitSpectrum(images); err != nil {
		return nil, res, err
	}
	if _, err = p.compiled(); err != nil {
		return nil, res, err
	}
	seed := uint64(0)
	if set != nil {
		seed = set.Seed
	}
	return p, res, p.fitBlend(ctx, images, seed)
}

func (p *Model) fitBlend(ctx context.Context, images []Image, seed uint64) error {
	src := stream.New()
	var noises, shares []float64
	for level, s := range []float64{0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10} {
		top, bottom := 0.0, 0.0
		for i, im := range images {
			if err := ctx.Err(); err != nil {
				return err
			}
			x, rows, cols := centre(im, 128)
			y, a, g := make([]float64, len(x)), make([]float64, len(x)), make([]float64, len(x))
			rng := src.At(seed, stream.Probe, uint64(i), uint64(level))
			for j, v := range x {
				y[j] = v + s*rng.NormFloat64()
			}
			p.New(rows, cols, nil).Denoise(a, y, 1, s) // with no share as yet
			NewGaussian(rows, cols, p.Spectrum(), Mirror).Denoise(g, y, 1, s)
			for j, v := range x {
				top += (v - a[j]) * (g[j] - a[j])
				bottom += (g[j] - a[j]) * (g[j] - a[j])
			}
		}
		noises = append(noises, s)
		shares = append(shares, min(max(top/max(bottom, 1e-300), 0), 1))
	}
	p.BlendNoise, p.Blend = noises, shares
	return nil
}

func centre(im Image, side int) (x []float64, rows, cols int) {
	rows, cols = min(im.Rows, side), min(im.Cols, side)
	r0, c0 := (im.Rows-rows)/2, (im.Cols-cols)/2
	for r := range rows {
		x = append(x, im.Pix[(r0+r)*im.Cols+c0:][:cols]...)
	}
	return x, rows, cols
}

// members are the arrays of a file, with their number of axes.
var members = []struct {
	name string
	axes int
}{{"weights", 1}, {"covariances", 2}, {"mean", 1}, {"spectrum", 2}, {"blend", 2}}

// Write writes the model as a compressed .npz file: weights (K); covariances (K,
// m(m+1)/2), the upper triangles row after row; mean (2), Mean and MeanVar; spectrum (n,
// 2), frequencies and values; blend (n, 2), noises and shares. Covariances and weights
// are rounded to float32.
func (p *Model) Write(w io.Writer) error {
	m, k := p.Side*p.Side-1, len(p.Weights)
	packed := make([]float64, 0, k*m*(m+1)/2)
	for c := range k {
		for i := range m {
			for j := i; j < m; j++ {
				packed = append(packed, float64(float32(p.Cov[(c*m+i)*m+j])))
			}
		}
	}
	weights := make([]float64, k)
	for i, v := range p.Weights {
		weights[i] = float64(float32(v))
	}
	pair := func(a, b []float64) []float64 {
		x := make([]float64, 0, 2*len(a))
		for i := range a {
			x = append(x, a[i], b[i])
		}
		return x
	}
	arrays := []struct {
		x     []float64
		shape []int
	}{
		{weights, []int{k}}, {packed, []int{k, m * (m + 1) / 2}}, {[]float64{p.Mean, p.MeanVar}, []int{2}},
		{pair(p.Power.Freq, p.Power.Value), []int{len(p.Power.Freq), 2}},
		{pair(p.BlendNoise, p.Blend), []int{len(p.Blend), 2}},
	}
	z := zip.NewWriter(w)
	for i, a := range arrays {
		f, err := z.Create(members[i].name + ".npy")
		if err != nil {
			return err
		}
		if err := dataio.EncodeNPY(f, a.x, a.shape...); err != nil {
			return err
		}
	}
	return z.Close()
}

// WriteFile writes the model to a file.
func (p *Model) WriteFile(path string) error {
	return dataio.WriteFile(path, func(w io.Writer) error { return p.Write(w) })
}

// ReadFile reads a model that Write wrote, or another program with numpy.savez, and
// checks it.
func ReadFile(path string) (*Model, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := Read(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// maxMember bounds an array of a file, in bytes: 1000 components of side 16 in float64
// would have 260 MB. A compressed file could claim any size.
const maxMember = 1 << 29

// Read is ReadFile for a file in memory.
func Read(text []byte) (*Model, error) {
	z, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, errors.New("prior: not an .npz file of a trained prior, or cut short")
	}
	var x [5][]float64
	var shapes [5][]int
	for i, want := range members {
		if x[i], shapes[i], err = readMember(z, want.name); err != nil {
			return nil, err
		}
		if len(shapes[i]) != want.axes {
			return nil, fmt.Errorf("prior: %s has %d axes, not %d", want.name, len(shapes[i]), want.axes)
		}
		if !finite(x[i]) {
			return nil, fmt.Errorf("prior: %s holds values that are not finite", want.name)
		}
	}
	if shapes[1][0] != len(x[0]) || len(x[2]) != 2 || shapes[3][1] != 2 || shapes[4][1] != 2 {
		return nil, errors.New("prior: the shapes must be (K), (K, m(m+1)/2), (2), (n, 2) and (l, 2)")
	}
	p := &Model{Mean: x[2][0], MeanVar: x[2][1]}
	p.Weights = x[0]
	m := 0
	for b := 3; b <= 16; b++ {
		if n := b*b - 1; n*(n+1)/2 == shapes[1][1] {
			p.Side, m = b, n
		}
	}
	if p.Side == 0 {
		return nil, fmt.Errorf("prior: covariances of %d entries belong to no patch of side 3 to 16", shapes[1][1])
	}
	p.Cov = make([]float64, len(p.Weights)*m*m)
	at := 0
	for c := range p.Weights {
		for i := range m {
			for j := i; j < m; j++ {
				p.Cov[(c*m+i)*m+j], p.Cov[(c*m+j)*m+i] = x[1][at], x[1][at]
				at++
			}
		}
	}
	p.Power = Radial{column(x[3], 0), column(x[3], 1)}
	p.BlendNoise, p.Blend = column(x[4], 0), column(x[4], 1)
	if err := p.Power.check(); err != nil {
		return nil, err
	}
	for i, s := range p.BlendNoise {
		if !(s > 0 && (i == 0 || s > p.BlendNoise[i-1]) && p.Blend[i] >= 0 && p.Blend[i] <= 1) {
			return nil, fmt.Errorf("prior: entry %d of the blend: noises must ascend from above 0 and shares be in [0, 1]", i)
		}
	}
	if p.MeanVar < 0 {
		return nil, fmt.Errorf("prior: the variance of the mean is %g: it must not be negative", p.MeanVar)
	}
	_, err = p.compiled()
	return p, err
}

func readMember(z *zip.Reader, name string) ([]float64, []int, error) {
	f, err := z.Open(name + ".npy")
	if err != nil {
		return nil, nil, fmt.Errorf("prior: the file has no array %s: it is not a trained prior", name)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxMember+1))
	if err != nil {
		return nil, nil, fmt.Errorf("prior: the array %s is damaged: %w", name, err)
	}
	if len(text) > maxMember {
		return nil, nil, fmt.Errorf("prior: the array %s is larger than %d MB", name, maxMember>>20)
	}
	x, shape, err := dataio.DecodeNPY(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, nil, fmt.Errorf("prior: the array %s: %w", name, err)
	}
	return x, shape, nil
}

// column returns column c of a table of two.
func column(x []float64, c int) []float64 {
	y := make([]float64, len(x)/2)
	for i := range y {
		y[i] = x[2*i+c]
	}
	return y
}
