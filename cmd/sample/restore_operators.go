package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// An operatorEntry is a registered part of a measurement, named by one flag of restore.
// Which of the functions is set says of which.
type operatorEntry struct {
	Flag    string
	Name    string
	Aliases []string
	Doc     string
	Params  []param
	file    bool // takes name:FILE
	psf     func(p *params) (linop.PSF, error)
	readPSF func(file string) (linop.PSF, error)
	keep    func(p *params, rows, cols int) ([]bool, error)
	kernel  func(p *params, rows, cols, factor int) linop.Operator
	lines   func(p *params, rows, cols int) (linop.SamplingMask, error)
	beam    func(p *params, s *linop.Scan)
	maps    func(p *params, kspace []float64, rows, cols int, calib linop.Size) ([]float64, error)
}

var calibParam = param{"calib", "", "points of a side of the centre; empty: all that are fully measured, up to 24 along a side"}

var seedParam = param{"seed", "0", "seed of the pattern"}

var operatorTable = []operatorEntry{
	{Flag: "psf", Name: "gaussian", Doc: "Gaussian blur", Params: []param{{"sigma", "2", "standard deviation in pixels"}},
		psf: func(p *params) (linop.PSF, error) { return linop.GaussianPSF(p.float("sigma", 1e-3, 1e4)) }},
	{Flag: "psf", Name: "motion", Doc: "straight motion", Params: []param{{"length", "15", "pixels"}, {"angle", "30", "degrees from the right towards the top"}},
		psf: func(p *params) (linop.PSF, error) {
			return linop.MotionPSF(p.float("length", 0, 1e4), p.float("angle", -360, 360))
		}},
	{Flag: "psf", Name: "disc", Aliases: []string{"defocus"}, Doc: "uniform disc, defocus", Params: []param{{"radius", "3", "pixels"}},
		psf: func(p *params) (linop.PSF, error) { return linop.DiscPSF(p.float("radius", 1e-3, 1e4)) }},
	{Flag: "psf", Name: "file", Doc: "point spread function from a picture or .npy, scaled to sum 1", file: true, readPSF: readPSF},

	{Flag: "mask", Name: "random", Doc: "pixels chosen at random", Params: []param{{"keep", "0.3", "share of the pixels that are known"}, seedParam},
		keep: func(p *params, rows, cols int) ([]bool, error) {
			m, err := linop.NewRandomMask(rows*cols, p.float("keep", 0, 1), uint64(p.int("seed", 0, math.MaxInt)))
			return keptOf(m, err, rows*cols)
		}},
	{Flag: "mask", Name: "box", Doc: "a lost rectangle, by default the middle quarter of the sides",
		Params: []param{{"top", "", "first lost row"}, {"left", "", "first lost column"}, {"height", "", "lost rows"}, {"width", "", "lost columns"}},
		keep: func(p *params, rows, cols int) ([]bool, error) {
			or := func(key string, def int) int {
				if !p.given(key) {
					return def
				}
				return p.int(key, 0, max(rows, cols))
			}
			h, w := or("height", max(1, rows/4)), or("width", max(1, cols/4))
			m, err := linop.NewBoxMask(rows, cols, or("top", (rows-h)/2), or("left", (cols-w)/2), h, w)
			return keptOf(m, err, rows*cols)
		}},
	{Flag: "mask", Name: "file", Doc: "a picture or .npy of the same size, above 0.5 where pixels are known", file: true},

	{Flag: "kernel", Name: "box", Doc: "mean of blocks of pixels",
		kernel: func(_ *params, rows, cols, factor int) linop.Operator { return linop.NewBox(rows, cols, factor) }},
	{Flag: "kernel", Name: "bicubic", Doc: "antialiased cubic convolution, Keys 1981",
		kernel: func(_ *params, rows, cols, factor int) linop.Operator {
			return linop.NewDownsample(rows, cols, factor, linop.Bicubic(), linop.EdgeReflect)
		}},
	{Flag: "kernel", Name: "lanczos", Doc: "antialiased windowed sinc", Params: []param{{"lobes", "3", "lobes of the window"}},
		kernel: func(p *params, rows, cols, factor int) linop.Operator {
			return linop.NewDownsample(rows, cols, factor, linop.Lanczos(p.int("lobes", 1, 16)), linop.EdgeReflect)
		}},

	{Flag: "beam", Name: "parallel", Doc: "parallel rays", beam: func(_ *params, s *linop.Scan) { s.Beam = linop.ParallelBeam }},
	{Flag: "beam", Name: "fan", Doc: "point source and straight detector",
		Params: []param{{"source", "", "distance of the source from the rotation axis"}, {"detector", "", "distance of the detector from the axis"}},
		beam: func(p *params, s *linop.Scan) {
			s.Beam, s.SourceDistance, s.DetectorDistance = linop.FlatFan, p.positive("source"), p.float("detector", 0, 1e12)
		}},
	{Flag: "beam", Name: "arc", Doc: "point source and a detector of even angles about it",
		Params: []param{{"source", "", "distance of the source from the rotation axis"}},
		beam:   func(p *params, s *linop.Scan) { s.Beam, s.SourceDistance = linop.ArcFan, p.positive("source") }},

	{Flag: "sampling", Name: "uniform", Doc: "equally spaced lines of k-space and a full centre",
		Params: []param{{"accel", "4", "acceleration"}, {"centre", "0.08", "share of the lines in the centre"}},
		lines: func(p *params, rows, cols int) (linop.SamplingMask, error) {
			return linop.UniformMask(rows, cols, p.float("accel", 1, 1e4), p.float("centre", 0, 1))
		}},
	{Flag: "sampling", Name: "gaussian", Doc: "lines drawn from a normal density about a full centre",
		Params: []param{{"accel", "4", "acceleration"}, {"centre", "0.08", "share of the lines in the centre"}, seedParam},
		lines: func(p *params, rows, cols int) (linop.SamplingMask, error) {
			return linop.GaussianMask(rows, cols, p.float("accel", 1, 1e4), p.float("centre", 0, 1), uint64(p.int("seed", 0, math.MaxInt)))
		}},
	{Flag: "sampling", Name: "poisson", Doc: "points in a Poisson disc about a full centre",
		Params: []param{{"accel", "4", "acceleration"}, {"calib", "24", "points of a side of the centre"}, {"slope", "0.5", "how fast the density falls"}, seedParam},
		lines: func(p *params, rows, cols int) (linop.SamplingMask, error) {
			return linop.PoissonMask(rows, cols, p.float("accel", 1, 1e4), p.int("calib", 0, 1<<16), p.float("slope", 0, 1e3), uint64(p.int("seed", 0, math.MaxInt)))
		}},
	{Flag: "sampling", Name: "file", Doc: "a picture or .npy of the size of k-space, above 0.5 where it is measured", file: true},

	{Flag: "maps", Name: "lowres", Doc: "low-resolution images of the coils, which carry the phase of the image",
		Params: []param{calibParam, {"threshold", "0.05", "part of the maximum below which maps are 0"}},
		maps: func(p *params, kspace []float64, rows, cols int, calib linop.Size) ([]float64, error) {
			return linop.LowResolutionMaps(kspace, rows, cols, calib, p.float("threshold", 0, 1))
		}},
	{Flag: "maps", Name: "espirit", Doc: "ESPIRiT, Uecker et al. 2014",
		Params: []param{calibParam, {"kernel", "", "points of a side of a patch; empty: a third of the centre's, up to 6"}, {"crop", "0.8", "least eigenvalue"}},
		maps: func(p *params, kspace []float64, rows, cols int, calib linop.Size) ([]float64, error) {
			e := linop.ESPIRiT{Calib: calib, Crop: p.float("crop", 1e-9, 1)}
			if p.given("kernel") {
				k := p.int("kernel", 2, 64)
				e.Kernel = linop.Size{Rows: k, Cols: k}
			}
			if p.err() != nil {
				return nil, p.err()
			}
			maps, _, err := e.Maps(kspace, rows, cols)
			return maps, err
		}},
	{Flag: "maps", Name: "file", Doc: "sensitivities from .cfl or .npy, of the shape of k-space", file: true},
	{Flag: "maps", Name: "none", Doc: "one coil of sensitivity 1"},
}

// findOperator looks up the spec of a flag. The file is that of a name that takes one.
func findOperator(flag, text string) (e *operatorEntry, p *params, file string, err error) {
	var table []operatorEntry
	for _, o := range operatorTable {
		if o.Flag == flag {
			table = append(table, o)
		}
	}
	s := parseSpec(text)
	for i := range table {
		if table[i].file && normalise(s.name) == table[i].Name {
			if s.rest == "" {
				return nil, nil, "", usagef("--%s %s: needs a file, as in --%s file:F", flag, text, flag)
			}
			return &table[i], nil, s.rest, nil
		}
	}
	e, p, err = find("operator", text, table, func(e *operatorEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return nil, nil, "", fmt.Errorf("--%s: %w", flag, err)
	}
	return e, p, "", nil
}

func keptOf(m *linop.Mask, err error, n int) ([]bool, error) {
	if err != nil {
		return nil, err
	}
	keep := make([]bool, n)
	for _, i := range m.Kept() {
		keep[i] = true
	}
	return keep, nil
}

func readPSF(file string) (linop.PSF, error) {
	p, err := dataio.ReadPicture(file)
	if err != nil {
		return linop.PSF{}, err
	}
	if p.Channels != 1 {
		return linop.PSF{}, fmt.Errorf("%s has %d channels; a point spread function has one", file, p.Channels)
	}
	return linop.NewPSF(p.Pix, p.Rows, p.Cols)
}

func buildPSF(text string) (linop.PSF, error) {
	e, p, file, err := findOperator("psf", text)
	if err != nil {
		return linop.PSF{}, err
	}
	var f linop.PSF
	if file != "" {
		f, err = e.readPSF(file)
	} else {
		f, err = e.psf(p)
		err = firstError(p.err(), err)
	}
	if err != nil {
		return linop.PSF{}, asUsage(fmt.Errorf("--psf: %w", err))
	}
	return f, nil
}

// readKeep reads a mask of the given size.
func readKeep(flag, file string, rows, cols int) ([]bool, error) {
	m, err := dataio.ReadPicture(file)
	if err != nil {
		return nil, asUsage(fmt.Errorf("--%s: %w", flag, err))
	}
	if m.Rows != rows || m.Cols != cols {
		return nil, usagef("--%s: %s has %d×%d pixels and the data %d×%d; they must agree", flag, file, m.Rows, m.Cols, rows, cols)
	}
	keep := make([]bool, rows*cols)
	for i := range keep {
		keep[i] = m.Pix[i] > 0.5
	}
	if !slices.Contains(keep, true) {
		return nil, usagef("--%s: %s keeps nothing: no value is above 0.5", flag, file)
	}
	return keep, nil
}

func buildKeep(text string, rows, cols int) ([]bool, error) {
	e, p, file, err := findOperator("mask", text)
	if err != nil {
		return nil, err
	}
	if file != "" {
		return readKeep("mask", file, rows, cols)
	}
	keep, err := e.keep(p, rows, cols)
	if err := firstError(p.err(), err); err != nil {
		return nil, asUsage(fmt.Errorf("--mask: %w", err))
	}
	return keep, nil
}

func buildLines(text string, rows, cols int) (linop.SamplingMask, error) {
	e, p, file, err := findOperator("sampling", text)
	if err != nil {
		return linop.SamplingMask{}, err
	}
	if file != "" {
		keep, err := readKeep("sampling", file, rows, cols)
		return linop.SamplingMask{Rows: rows, Cols: cols, Keep: keep}, err
	}
	m, err := e.lines(p, rows, cols)
	if err := firstError(p.err(), err); err != nil {
		return m, asUsage(fmt.Errorf("--sampling: %w", err))
	}
	return m, nil
}

// buildAngles returns the angles of the views in radians: a number of views over 180°
// (360° for fans), a list in degrees, limited:from=,to=,n= or list:FILE.
func buildAngles(text string, fan bool) ([]float64, error) {
	span := math.Pi
	if fan {
		span = 2 * math.Pi
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > 1_000_000 {
			return nil, usagef("--angles %d: the number of views must be from 1 to 1000000", n)
		}
		return linop.ViewAngles(n, 0, span), nil
	}
	s := parseSpec(text)
	words := s.name
	switch s.name {
	case "limited":
		p := parseParams("--angles limited", s.rest, []param{{"from", "0", "degrees"}, {"to", "90", "degrees"}, {"n", "90", "views"}})
		from, to, n := p.float("from", -360, 360), p.float("to", -360, 360), p.int("n", 1, 1_000_000)
		if err := p.err(); err != nil {
			return nil, err
		}
		if from >= to {
			return nil, usagef("--angles: from=%g must be less than to=%g", from, to)
		}
		return linop.ViewAngles(n, from*math.Pi/180, (to-from)*math.Pi/180), nil
	case "list", "file":
		b, err := os.ReadFile(s.rest)
		if err != nil {
			return nil, asUsage(fmt.Errorf("--angles: %w", err))
		}
		words = string(b)
	}
	var out []float64
	for _, w := range strings.FieldsFunc(words, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) }) {
		v, err := strconv.ParseFloat(w, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, usagef("--angles: %q is not a number; give the number of views, angles in degrees separated by commas, limited:from=0,to=90,n=90 or list:FILE", w)
		}
		out = append(out, v*math.Pi/180)
	}
	if len(out) == 0 {
		return nil, usagef("--angles: no angles in %q", text)
	}
	return out, nil
}

func listOperators() []listing {
	var out []listing
	for _, e := range operatorTable {
		name := "--" + e.Flag + " " + e.Name
		if e.file {
			name += ":FILE"
		}
		out = append(out, listing{Name: name, Aliases: e.Aliases, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return out
}
