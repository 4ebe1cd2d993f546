package main

import (
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// ctScene returns the scene of a sinogram, or of a picture to be scanned.
func (s *restoreSettings) ctScene() (*scene, error) {
	e, p, _, err := findOperator("beam", s.Beam)
	if err != nil {
		return nil, err
	}
	scan := linop.Scan{PixelSize: s.PixelSize, Spacing: s.Spacing, Offset: s.Offset, Detectors: s.Detectors}
	e.beam(p, &scan)
	if p.err() != nil {
		return nil, p.err()
	}
	if scan.Angles, err = buildAngles(s.Angles, scan.Beam != linop.ParallelBeam); err != nil {
		return nil, err
	}
	if s.PixelSize <= 0 || s.Spacing < 0 || s.Detectors < 0 || s.Size < 0 || math.IsInf(s.PixelSize, 0) {
		return nil, usagef("--pixel-size must be positive, --spacing, --detectors and --size not negative")
	}
	sc := &scene{channels: 1, depth: 16, scale: 1, scan: &scan}
	if s.Simulate {
		return sc, s.simulateScan(sc)
	}
	return sc, s.readScan(sc)
}

// simulateScan measures a picture.
func (s *restoreSettings) simulateScan(sc *scene) error {
	pic, err := readScene(s.Input)
	if err != nil {
		return err
	}
	if pic.Channels != 1 {
		pic = gray(pic)
	}
	scan := sc.scan
	scan.Rows, scan.Cols = pic.Rows, pic.Cols
	if scan.Detectors == 0 { // as many as see the whole diagonal
		scan.Detectors = int(math.Ceil(math.Hypot(float64(pic.Rows), float64(pic.Cols)))) | 1
	}
	sigma, _, err := s.noiseLevel("0.5")
	if err != nil {
		return err
	}
	if sc.op, err = linop.NewRadon(*scan); err != nil {
		return asUsage(err)
	}
	sc.rows, sc.cols, sc.truth = pic.Rows, pic.Cols, pic.Pix
	sc.measure(sigma, s.Seed)
	return sc.lookCT()
}

// readScan reads a sinogram of shape (views, detectors).
func (s *restoreSettings) readScan(sc *scene) error {
	scan := sc.scan
	y, shape, err := readArray(s.Input)
	if err != nil {
		return err
	}
	if len(shape) != 2 {
		return usagef("%s has shape %s; a sinogram has shape (views, detectors)", s.Input, shapeText(shape))
	}
	if shape[0] != len(scan.Angles) {
		return usagef("%s has %d views (rows) and --angles %s gives %d angles; they must agree", s.Input, shape[0], s.Angles, len(scan.Angles))
	}
	if scan.Detectors != 0 && scan.Detectors != shape[1] {
		return usagef("%s has %d detectors (columns) and --detectors is %d; they must agree", s.Input, shape[1], scan.Detectors)
	}
	scan.Detectors = shape[1]
	if scan.Spacing == 0 && scan.Beam == linop.ParallelBeam {
		scan.Spacing = scan.PixelSize
	}
	scan.Rows, scan.Cols = s.Size, s.Size
	if s.Size == 0 {
		scan.Rows, scan.Cols = shape[1], shape[1]
	}
	sigma, auto, err := s.noiseLevel("auto")
	if err != nil {
		return err
	}
	if auto {
		sigma = rayNoise(y, shape[1])
		if sigma == 0 {
			return usagef("%s has no noise that could be estimated from it; give --noise", s.Input)
		}
	}
	if sc.op, err = linop.NewRadon(*scan); err != nil {
		return asUsage(err)
	}
	sc.rows, sc.cols, sc.y, sc.sigma, sc.estimated = scan.Rows, scan.Cols, y, sigma, auto
	if err := sc.lookCT(); err != nil {
		return err
	}
	// The priors know pictures of about 0 to 1.
	sc.scale = quantile(sc.seen, 0.99)
	if !(sc.scale > 0) {
		return usagef("%s is all zero", s.Input)
	}
	scaleBy(sc.y, 1/sc.scale)
	scaleBy(sc.seen, 1/sc.scale)
	scaleBy(sc.start, 1/sc.scale)
	sc.sigma /= sc.scale
	return nil
}

func (s *scene) lookCT() error {
	var err error
	s.seen, err = filteredBackProjection(*s.scan, linop.FBPHann, s.y)
	s.seenTitle = "filtered back-projection"
	s.start = slices.Clone(s.seen)
	return err
}

// rayNoise estimates the noise of a sinogram from second differences along the detector,
// whose variance for white noise is 6σ².
func rayNoise(y []float64, detectors int) float64 {
	var d []float64
	for lo := 0; lo < len(y); lo += detectors {
		for i := lo + 1; i < lo+detectors-1; i++ {
			d = append(d, math.Abs(y[i-1]-2*y[i]+y[i+1])/math.Sqrt(6))
		}
	}
	return medianNoise(d)
}

// readArray reads real numbers from .npy, or a picture of one channel.
func readArray(file string) ([]float64, []int, error) {
	if strings.EqualFold(filepath.Ext(file), ".npy") {
		x, shape, err := dataio.ReadNPY(file)
		if err != nil {
			return nil, nil, asUsage(err)
		}
		for i, v := range x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, nil, usagef("%s: value %d is %v; data must be finite", file, i, v)
			}
		}
		if len(x) == 0 {
			return nil, nil, usagef("%s has no values", file)
		}
		return x, shape, nil
	}
	p, err := dataio.ReadPicture(file)
	if err != nil {
		return nil, nil, asUsage(err)
	}
	if p.Channels != 1 {
		return nil, nil, usagef("%s has %d channels; one is needed", file, p.Channels)
	}
	return p.Pix, []int{p.Rows, p.Cols}, nil
}

// gray returns the mean of the channels.
func gray(p *dataio.Picture) *dataio.Picture {
	n := p.Rows * p.Cols
	g := &dataio.Picture{Pix: make([]float64, n), Rows: p.Rows, Cols: p.Cols, Channels: 1, Depth: p.Depth}
	for i, v := range p.Pix {
		g.Pix[i%n] += v / float64(p.Channels)
	}
	return g
}
