package main

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// mriScene returns the scene of a k-space, or of a picture to be measured.
func (s *restoreSettings) mriScene() (*scene, error) {
	if s.Phase != "maps" && s.Phase != "free" {
		return nil, usagef("unknown --phase %q%s (one of maps, free)", s.Phase, didYouMean(s.Phase, []string{"maps", "free"}))
	}
	sc := &scene{channels: 1, depth: 16, scale: 1, pair: s.Phase == "free"}
	if s.Simulate {
		return sc, s.simulateMRI(sc)
	}
	return sc, s.readMRI(sc)
}

// simulateMRI measures a picture with birdcage coils.
func (s *restoreSettings) simulateMRI(sc *scene) error {
	pic, err := readScene(s.Input)
	if err != nil {
		return err
	}
	if s.Coils < 1 || s.Coils > 256 {
		return usagef("--coils must be from 1 to 256, got %d", s.Coils)
	}
	sigma, _, err := s.noiseLevel("0.01")
	if err != nil {
		return err
	}
	pic = gray(pic)
	sc.rows, sc.cols = pic.Rows, pic.Cols
	sampling := s.Sampling
	if sampling == "" {
		sampling = "uniform"
	}
	mask, err := buildLines(sampling, sc.rows, sc.cols)
	if err != nil {
		return err
	}
	var maps []float64
	if s.Coils > 1 {
		maps = linop.BirdcageMaps(s.Coils, sc.rows, sc.cols)
	}
	if err := sc.encode(mask, maps); err != nil {
		return err
	}
	sc.truth = pic.Pix
	if sc.pair {
		sc.truth = make([]float64, 2*len(pic.Pix))
		for i, v := range pic.Pix {
			sc.truth[2*i] = v
		}
	}
	sc.measure(sigma, s.Seed)
	sc.lookMRI()
	return nil
}

// readMRI reads the k-space of one slice, of shape (coils, rows, cols) or (rows, cols).
func (s *restoreSettings) readMRI(sc *scene) error {
	kspace, shape, err := readComplex(s.Input)
	if err != nil {
		return err
	}
	if len(shape) < 2 || len(shape) > 3 {
		return usagef("%s has shape %s; k-space of one slice has shape (coils, rows, cols) or (rows, cols)", s.Input, shapeText(shape))
	}
	if len(shape) == 2 {
		shape = append([]int{1}, shape...)
	}
	coils := shape[0]
	sc.rows, sc.cols = shape[1], shape[2]
	mask := linop.SamplingMask{Rows: sc.rows, Cols: sc.cols, Keep: make([]bool, sc.rows*sc.cols)}
	if s.Sampling != "" {
		if mask, err = buildLines(s.Sampling, sc.rows, sc.cols); err != nil {
			return err
		}
	} else { // what was not measured is zero in all coils
		for i, v := range kspace {
			if v != 0 {
				mask.Keep[i/2%len(mask.Keep)] = true
			}
		}
		if !slices.Contains(mask.Keep, true) {
			return usagef("%s is all zero", s.Input)
		}
	}
	maps, err := s.sensitivities(kspace, coils, mask)
	if err != nil {
		return err
	}
	if err := sc.encode(mask, maps); err != nil {
		return err
	}
	sigma, auto, err := s.noiseLevel("auto")
	if err != nil {
		return err
	}
	if auto {
		sigma = fringeNoise(kspace, mask)
		if sigma == 0 {
			return usagef("%s has no noise that could be estimated from it; give --noise", s.Input)
		}
	}
	m, _ := sc.op.Dims()
	sc.y, sc.sigma, sc.estimated = make([]float64, m), sigma, auto
	sc.mri.FromGrid(sc.y, kspace)
	sc.lookMRI()
	sc.scale = quantile(bestAdjoint(sc.op, sc.y), 0.99)
	scaleBy(sc.y, 1/sc.scale)
	scaleBy(sc.seen, 1/sc.scale)
	scaleBy(sc.start, 1/sc.scale)
	sc.sigma /= sc.scale
	return nil
}

// sensitivities returns the maps that --maps names, nil for one coil of sensitivity 1.
func (s *restoreSettings) sensitivities(kspace []float64, coils int, mask linop.SamplingMask) ([]float64, error) {
	rows, cols := mask.Rows, mask.Cols
	text := s.Maps
	if text == "" {
		switch text = "espirit"; {
		case coils == 1 && s.Phase == "free":
			text = "none"
		case coils == 1: // of which ESPIRiT knows nothing
			text = "lowres"
		}
	}
	e, p, file, err := findOperator("maps", text)
	calib := fullCentre(mask)
	switch {
	case err != nil:
		return nil, err
	case file != "":
		maps, shape, err := readComplex(file)
		if err != nil {
			return nil, err
		}
		if want := []int{coils, rows, cols}; !slices.Equal(shape, want) && !(coils == 1 && slices.Equal(shape, want[1:])) {
			return nil, usagef("--maps: %s has shape %s and k-space %s; they must agree", file, shapeText(shape), shapeText(want))
		}
		if s.Phase == "maps" && calib.Rows > 1 {
			// Maps that hold the phase are better than its estimate, those of other programs
			// hold none.
			const held = 0.95
			turned, part, err := linop.MapsWithPhase(maps, kspace, rows, cols, calib)
			if err != nil {
				return nil, asUsage(fmt.Errorf("--maps: %w", err))
			}
			if part < held {
				return turned, nil
			}
		}
		return maps, nil
	case e.maps == nil:
		if coils != 1 {
			return nil, usagef("--maps none is for one coil, and %s has %d", s.Input, coils)
		}
		return nil, nil
	}
	if p.given("calib") {
		side := p.int("calib", 2, 1<<16)
		calib = linop.Size{Rows: side, Cols: side}
	}
	if calib.Rows < 2 {
		return nil, usagef("the centre of k-space is not fully measured, so that sensitivities cannot be estimated; give --maps file:F")
	}
	maps, err := e.maps(p, kspace, rows, cols, calib)
	if err := firstError(p.err(), err); err != nil {
		return nil, asUsage(fmt.Errorf("--maps: %w", err))
	}
	if s.Phase == "maps" {
		if maps, _, err = linop.MapsWithPhase(maps, kspace, rows, cols, calib); err != nil {
			return nil, asUsage(fmt.Errorf("--maps: %w", err))
		}
	}
	return maps, nil
}

// fullCentre returns the size of a rectangle about the origin that is fully measured: the
// largest square, made longer where lines are measured from end to end, up to 24 along a side.
func fullCentre(m linop.SamplingMask) linop.Size {
	const most = 24
	full := func(s linop.Size) bool {
		if s.Rows > min(most, m.Rows) || s.Cols > min(most, m.Cols) {
			return false
		}
		for i := range s.Rows * s.Cols {
			r, c := m.Rows/2-s.Rows/2+i/s.Cols, m.Cols/2-s.Cols/2+i%s.Cols
			if !m.Keep[r*m.Cols+c] {
				return false
			}
		}
		return true
	}
	var s linop.Size
	for _, d := range []linop.Size{{Rows: 1, Cols: 1}, {Rows: 1}, {Cols: 1}} {
		next := linop.Size{Rows: s.Rows + d.Rows, Cols: s.Cols + d.Cols}
		for ; full(next); next.Rows, next.Cols = next.Rows+d.Rows, next.Cols+d.Cols {
			s = next
		}
	}
	return s
}

// encode sets the operator, of real pictures unless the phase is free.
func (s *scene) encode(mask linop.SamplingMask, maps []float64) error {
	var err error
	if s.mri, err = linop.NewMRI(mask, maps); err != nil {
		return asUsage(err)
	}
	s.maps = maps
	s.accel = mask.Acceleration()
	s.op = s.mri
	if !s.pair {
		s.op = linop.Compose(s.mri, realPart{s.rows * s.cols})
	}
	return nil
}

// realPart takes real numbers for pairs (re, 0).
type realPart struct{ n int }

func (a realPart) Dims() (rows, cols int) { return 2 * a.n, a.n }

func (a realPart) Apply(dst, x []float64) {
	for i, v := range x {
		dst[2*i], dst[2*i+1] = v, 0
	}
}

func (a realPart) Adjoint(dst, y []float64) {
	for i := range dst {
		dst[i] = y[2*i]
	}
}

// lookMRI sets the zero-filled picture.
func (s *scene) lookMRI() {
	x := make([]float64, s.size())
	s.op.Adjoint(x, s.y)
	s.seen, s.seenTitle, s.start = x, "zero-filled", slices.Clone(x)
	if s.pair {
		s.seen = magnitude(x)
	}
}

// magnitude returns the moduli of pairs.
func magnitude(x []float64) []float64 {
	m := make([]float64, len(x)/2)
	for i := range m {
		m[i] = math.Hypot(x[2*i], x[2*i+1])
	}
	return m
}

// fringeNoise estimates the noise of each real number of k-space from the measured
// samples farthest from its centre, a tenth of all.
func fringeNoise(kspace []float64, m linop.SamplingMask) float64 {
	type point struct {
		i int
		r float64
	}
	var kept []point
	for i, ok := range m.Keep {
		if ok {
			kept = append(kept, point{i, math.Hypot(float64(i/m.Cols-m.Rows/2)/float64(m.Rows), float64(i%m.Cols-m.Cols/2)/float64(m.Cols))})
		}
	}
	slices.SortStableFunc(kept, func(a, b point) int {
		switch {
		case a.r > b.r:
			return -1
		case a.r < b.r:
			return 1
		}
		return 0
	})
	var abs []float64
	n := m.Rows * m.Cols
	for _, p := range kept[:max(1, len(kept)/10)] {
		for c := 0; c < len(kspace)/(2*n); c++ {
			at := 2 * (c*n + p.i)
			abs = append(abs, math.Abs(kspace[at]), math.Abs(kspace[at+1]))
		}
	}
	return medianNoise(abs)
}

// readComplex reads pairs from a BART pair of .cfl and .hdr or from .npy. The shape is
// without axes of size 1 and without that of the pairs.
func readComplex(file string) ([]float64, []int, error) {
	var x []float64
	var shape []int
	var err error
	if strings.EqualFold(filepath.Ext(file), ".npy") {
		x, shape, err = dataio.ReadComplexNPY(file)
	} else {
		x, shape, err = dataio.ReadCFL(file)
	}
	if err != nil {
		return nil, nil, asUsage(err)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, usagef("%s: value %d is not finite", file, i/2)
		}
	}
	shape = slices.DeleteFunc(slices.Clone(shape[:len(shape)-1]), func(n int) bool { return n == 1 })
	if len(x) == 0 {
		return nil, nil, usagef("%s has no values", file)
	}
	return x, shape, nil
}
