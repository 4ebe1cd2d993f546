package main

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"os"
	"slices"
	"strings"

	"gonum.org/v1/gonum/floats"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// A scene is what is known of a measurement: y = A x + n for each channel of a picture x
// of rows×cols pixels, or complex pixels as pairs, in units in which x is about 0 to 1.
type scene struct {
	op         linop.Operator
	rows, cols int
	channels   int
	pair       bool      // x holds pairs (re, im)
	depth      int       // of the input's values, in bits
	scale      float64   // units of the data in those of x: the file's values are scale·x
	y          []float64 // channel after channel
	truth      []float64 // x, if the data is simulated
	sigma      float64   // of the noise, in the units of y
	estimated  bool      // sigma is a guess from the data
	accel      float64   // of k-space
	alpha      bool      // the input is partly transparent, or could be

	seen      []float64 // the data as a picture of x's size, channel after channel; nil if there is none
	seenTitle string
	start     []float64 // of iterations, a picture of one channel

	scan *linop.Scan
	mri  *linop.MRI
	maps []float64 // of the coils, nil for one of sensitivity 1
}

// size returns the length of a channel of x.
func (s *scene) size() int {
	if s.pair {
		return 2 * s.rows * s.cols
	}
	return s.rows * s.cols
}

// measure simulates the data of the truth.
func (s *scene) measure(sigma float64, seed uint64) {
	m, _ := s.op.Dims()
	s.y, s.sigma = make([]float64, m*s.channels), sigma
	src, z := stream.New(), make([]float64, m)
	for k := range s.channels {
		y := s.y[k*m : (k+1)*m]
		s.op.Apply(y, s.truth[k*s.size():(k+1)*s.size()])
		// Addresses after those of all samples, which number from 0.
		src.Normals(z, seed, stream.Target, uint64(k), 0)
		for i := range y {
			y[i] += sigma * z[i]
		}
	}
}

// noiseLevel reads --noise: a standard deviation, or auto for an estimate from the data.
func (s *restoreSettings) noiseLevel(def string) (sigma float64, auto bool, err error) {
	text := s.Noise
	if text == "" {
		text = def
	}
	if text == "auto" {
		if s.Simulate {
			return 0, false, usagef("--noise auto estimates the noise of real data; with --simulate give its standard deviation")
		}
		return 0, true, nil
	}
	p := parseParams("--noise", "std="+text, []param{{"std", "0", ""}})
	sigma = p.float("std", -math.MaxFloat64, math.MaxFloat64)
	if p.err() != nil {
		return 0, false, usagef("--noise %q is not a number", s.Noise)
	}
	if sigma < 0 {
		return 0, false, usagef("--noise must not be negative, got %g", sigma)
	}
	return sigma, false, nil
}

// defaultNoise of pictures is a moderate one in simulations.
func (s *restoreSettings) defaultNoise() string {
	if s.Simulate {
		return "0.02"
	}
	return "auto"
}

// readScene reads a picture in the range of the priors. Noise reaches beyond 0 to 1, but
// hardly to a root mean square of 3, and 8-bit values are far above.
func readScene(file string) (*dataio.Picture, error) {
	const limit = 3
	p, err := dataio.ReadPicture(file)
	if err != nil {
		return nil, asUsage(err)
	}
	if rms := floats.Norm(p.Pix, 2) / math.Sqrt(float64(len(p.Pix))); rms > limit {
		return nil, usagef("%s has values from %.3g to %.3g, and the priors know pictures from 0 to 1: divide by the value of white, and --noise with it", file, floats.Min(p.Pix), floats.Max(p.Pix))
	}
	return p, nil
}

// hasAlpha tells whether an image has a channel of transparency.
func hasAlpha(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	c, _, err := image.DecodeConfig(f)
	return err == nil && (c.ColorModel == color.NRGBAModel || c.ColorModel == color.NRGBA64Model)
}

// pictureScene returns the scene of deblur, inpaint, superres and denoise.
func (s *restoreSettings) pictureScene() (*scene, error) {
	pic, err := readScene(s.Input)
	if err != nil {
		return nil, err
	}
	sigma, auto, err := s.noiseLevel(s.defaultNoise())
	if err != nil {
		return nil, err
	}
	sc := &scene{rows: pic.Rows, cols: pic.Cols, channels: pic.Channels, depth: pic.Depth, scale: 1, alpha: hasAlpha(s.Input)}
	var keep []bool
	switch s.Task {
	case "deblur":
		err = s.deblur(sc)
	case "inpaint":
		if keep, err = buildKeep(s.Mask, pic.Rows, pic.Cols); err == nil {
			sc.op, err = linop.NewMask(keep)
		}
	case "superres":
		err = s.superres(sc)
	case "denoise":
		sc.op = linop.NewIdentity(pic.Rows * pic.Cols)
	}
	if err != nil {
		return nil, asUsage(err)
	}
	if s.Simulate {
		sc.truth = pic.Pix
		sc.measure(sigma, s.Seed)
	} else {
		sc.y, sc.sigma, sc.estimated = pic.Pix, sigma, auto
		if keep != nil {
			sc.y = sc.y[:0:0]
			for i, v := range pic.Pix {
				if keep[i%len(keep)] {
					sc.y = append(sc.y, v)
				}
			}
		}
	}
	if auto {
		sc.sigma = pixelNoise(pic, keep)
		if sc.sigma == 0 {
			return nil, usagef("%s has no noise that could be estimated from it; give --noise", s.Input)
		}
	}
	sc.look()
	return sc, nil
}

func (s *restoreSettings) deblur(sc *scene) error {
	psf, err := buildPSF(s.PSF)
	if err != nil {
		return err
	}
	boundaries := map[string]linop.Boundary{"zero": linop.BoundaryZero, "reflect": linop.BoundaryReflect, "valid": linop.BoundaryValid}
	if s.Boundary == "circular" {
		sc.op, err = linop.NewCircularConv(psf, sc.rows, sc.cols)
		return err
	}
	b, ok := boundaries[s.Boundary]
	if !ok {
		names := []string{"circular", "reflect", "zero", "valid"}
		return usagef("unknown --boundary %q%s (one of %s)", s.Boundary, didYouMean(s.Boundary, names), strings.Join(names, ", "))
	}
	if b == linop.BoundaryValid && !s.Simulate { // the blur reached in from outside the picture
		sc.rows, sc.cols = sc.rows+psf.Rows-1, sc.cols+psf.Cols-1
	}
	sc.op, err = linop.NewConv(psf, sc.rows, sc.cols, b)
	return err
}

func (s *restoreSettings) superres(sc *scene) error {
	if s.Factor < 2 || s.Factor > 64 {
		return usagef("--factor must be from 2 to 64, got %d", s.Factor)
	}
	e, p, _, err := findOperator("kernel", s.Kernel)
	if err != nil {
		return err
	}
	if !s.Simulate {
		sc.rows, sc.cols = sc.rows*s.Factor, sc.cols*s.Factor
	}
	if sc.rows*sc.cols > 1<<26 {
		return usagef("the result would have %d×%d pixels; up to 2²⁶ are possible", sc.rows, sc.cols)
	}
	if sc.rows < s.Factor || sc.cols < s.Factor {
		return usagef("--factor %d is larger than the picture, %d×%d pixels", s.Factor, sc.rows, sc.cols)
	}
	sc.op = e.kernel(p, sc.rows, sc.cols, s.Factor)
	return p.err()
}

// pixelNoise estimates the standard deviation of white noise from the median of the
// absolute mixed second differences of a picture (Donoho and Johnstone 1994, on the finest
// Haar coefficients); where fine texture abounds it is too large.
func pixelNoise(p *dataio.Picture, keep []bool) float64 {
	var d []float64
	for k := range p.Channels {
		x := p.Channel(k)
		for r := range p.Rows - 1 {
			for c := range p.Cols - 1 {
				i := r*p.Cols + c
				j := i + p.Cols
				if keep == nil || keep[i] && keep[i+1] && keep[j] && keep[j+1] {
					d = append(d, math.Abs(x[i]-x[i+1]-x[j]+x[j+1])/2)
				}
			}
		}
	}
	return medianNoise(d)
}

// medianNoise is the standard deviation of normals with these absolute values.
func medianNoise(abs []float64) float64 {
	if len(abs) == 0 {
		return 0
	}
	slices.Sort(abs)
	return abs[len(abs)/2] / 0.6744897501960817 // the quartile of N(0, 1)
}

// look sets the data as a picture of the size of the result.
func (s *scene) look() {
	shape := linop.RangeShape(s.op)
	m, _ := s.op.Dims()
	switch op := s.op.(type) {
	case *linop.Mask:
		s.seen, s.seenTitle = make([]float64, s.channels*s.size()), "known pixels"
		for k := range s.channels {
			op.Adjoint(s.seen[k*s.size():(k+1)*s.size()], s.y[k*m:(k+1)*m])
		}
	case *linop.Box, *linop.Downsample:
		s.seenTitle = "low resolution"
		s.enlarge(shape[0], shape[1])
	default:
		s.seenTitle = "measured"
		if m == s.size() {
			s.seen = s.y
		} else {
			s.enlarge(shape[0], shape[1])
		}
	}
	s.start = slices.Clone(s.seen[:s.size()])
}

// enlarge spreads data of rows×cols pixels over the size of the result, to the nearest.
func (s *scene) enlarge(rows, cols int) {
	for k := range s.channels {
		y := s.y[k*rows*cols:]
		for r := range s.rows {
			for c := range s.cols {
				s.seen = append(s.seen, y[r*rows/s.rows*cols+c*cols/s.cols])
			}
		}
	}
}

// degraded returns the data of a scene as a picture or an array, and its shape.
func (s *scene) degraded() (*dataio.Picture, []float64, []int) {
	switch {
	case s.mri != nil:
		m := s.rows * s.cols * 2 * s.mri.Coils()
		grid := make([]float64, m)
		s.mri.ToGrid(grid, s.y)
		scaleBy(grid, s.scale)
		return nil, grid, []int{s.mri.Coils(), s.rows, s.cols, 2}
	case s.scan != nil:
		y := slices.Clone(s.y)
		scaleBy(y, s.scale)
		return nil, y, s.scan.SinogramShape()
	}
	p := &dataio.Picture{Pix: s.seen, Rows: s.rows, Cols: s.cols, Channels: s.channels, Depth: s.depth}
	if shape := linop.RangeShape(s.op); len(shape) == 2 {
		p = &dataio.Picture{Pix: s.y, Rows: shape[0], Cols: shape[1], Channels: s.channels, Depth: s.depth}
	}
	return p, nil, nil
}

func scaleBy(x []float64, f float64) {
	for i := range x {
		x[i] *= f
	}
}

// quantile returns the q-quantile of the absolute values.
func quantile(x []float64, q float64) float64 {
	a := make([]float64, len(x))
	for i, v := range x {
		a[i] = math.Abs(v)
	}
	slices.Sort(a)
	return a[int(q*float64(len(a)-1))]
}

func shapeText(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", "×")
}
