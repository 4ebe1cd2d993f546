package main

import (
	"math"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/netprior"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score"
)

// A priorEntry is a registered prior of pictures.
type priorEntry struct {
	Name    string
	Aliases []string
	Doc     string
	Params  []param
	file    string // what the file is called in help; "" if there is none
	build   func(file string, p *params, rows, cols int) (*pictures, error)
}

// pictures is a prior for pictures of one size.
type pictures struct {
	model score.Denoiser // nil for none
	// law is the stationary Gaussian of the pictures, nil if the prior has none.
	law *prior.Gaussian
}

var strideParam = param{"stride", "2", "distance of neighbouring patches, 1 or 2: 1 takes four times as long"}

var priorTable = []priorEntry{
	{Name: "patches", Aliases: []string{"default", "epll"}, Doc: "mixture of Gaussians on patches of 8×8 pixels, trained on photographs, built in",
		Params: []param{strideParam},
		build: func(_ string, p *params, rows, cols int) (*pictures, error) {
			return patchPrior(prior.Default(), p, rows, cols)
		}},
	{Name: "gaussian", Aliases: []string{"gauss"}, Doc: "stationary Gaussian with the power spectrum of photographs: exact, and so a check of every method",
		Params: []param{{"boundary", "mirror", "mirror or periodic"}},
		build: func(_ string, p *params, rows, cols int) (*pictures, error) {
			b := prior.Mirror
			if p.oneOf("boundary", "mirror", "periodic") == "periodic" {
				b = prior.Periodic
			}
			if rows < 2 || cols < 2 {
				return nil, usagef("prior gaussian needs 2×2 pixels or more, got %d×%d", rows, cols)
			}
			g := prior.NewGaussian(rows, cols, prior.Default().Spectrum(), b)
			return &pictures{model: g, law: g}, nil
		}},
	{Name: "unet", Aliases: []string{"network"}, Doc: "network trained on photographs, leaves and ellipse phantoms, built in; its Jacobian is no covariance, so not for mmps, corrected and tmpd",
		build: func(_ string, _ *params, rows, cols int) (*pictures, error) {
			return networkPrior(netprior.Default(), rows, cols)
		}},
	{Name: "file", Doc: "prior written by sample train prior: patches (.npz) or a network (.safetensors, which has no stride)", file: "PRIOR", Params: []param{strideParam},
		build: func(file string, p *params, rows, cols int) (*pictures, error) {
			if strings.ToLower(filepath.Ext(file)) == ".safetensors" {
				m, err := netprior.ReadFile(file)
				if err != nil {
					return nil, asUsage(err)
				}
				return networkPrior(m, rows, cols)
			}
			m, err := prior.ReadFile(file)
			if err != nil {
				return nil, asUsage(err)
			}
			return patchPrior(m, p, rows, cols)
		}},
	{Name: "images", Doc: "empirical law of the pictures of a folder, all of the size of the result: restores one of these or their mean", file: "DIR",
		build: func(dir string, _ *params, rows, cols int) (*pictures, error) {
			images, err := prior.ReadImages(dir)
			if err != nil {
				return nil, asUsage(err)
			}
			if im := images[0]; im.Rows != rows || im.Cols != cols {
				return nil, usagef("prior images: %s has %d×%d pixels and the result %d×%d; they must agree", im.Name, im.Rows, im.Cols, rows, cols)
			}
			m, err := prior.NewEmpirical(images)
			if err != nil {
				return nil, asUsage(err)
			}
			return &pictures{model: m}, nil
		}},
	{Name: "none", Doc: "no prior, for methods that need none",
		build: func(string, *params, int, int) (*pictures, error) { return &pictures{}, nil }},
}

func patchPrior(m *prior.Model, p *params, rows, cols int) (*pictures, error) {
	if rows < m.Side || cols < m.Side {
		return nil, usagef("the prior has patches of %d×%d pixels and the result only %d×%d; use --prior gaussian", m.Side, m.Side, rows, cols)
	}
	stride := p.int("stride", 1, 2)
	if m.Side%2 == 1 {
		stride = 1
	}
	d := m.New(rows, cols, &prior.PatchOptions{Stride: stride})
	return &pictures{model: d, law: prior.NewGaussian(rows, cols, m.Spectrum(), prior.Mirror)}, p.err()
}

// learned says whether a spec names a network.
func learned(text string) bool {
	s := parseSpec(text)
	name := normalise(s.name)
	file, _ := splitFile(s.rest)
	return name == "unet" || name == "network" || name == "file" && strings.ToLower(filepath.Ext(file)) == ".safetensors"
}

func networkPrior(m *netprior.Model, rows, cols int) (*pictures, error) {
	if rows < 2 || cols < 2 {
		return nil, usagef("prior unet needs 2×2 pixels or more, got %d×%d", rows, cols)
	}
	return &pictures{model: m.New(rows, cols), law: prior.NewGaussian(rows, cols, m.Spectrum(), prior.Mirror)}, nil
}

// buildPrior returns the prior that a spec names.
func buildPrior(text string, rows, cols int) (*pictures, error) {
	s := parseSpec(text)
	for i := range priorTable {
		if e := &priorTable[i]; e.file != "" && normalise(s.name) == e.Name {
			file, rest := splitFile(s.rest)
			if file == "" {
				return nil, usagef("prior %s needs a %s, as in --prior %s:%s", e.Name, e.file, e.Name, e.file)
			}
			p := parseParams("prior "+e.Name, rest, e.Params)
			if p.err() != nil {
				return nil, p.err()
			}
			return e.build(file, p, rows, cols)
		}
	}
	e, p, err := find("prior", text, priorTable, func(e *priorEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return nil, err
	}
	m, err := e.build("", p, rows, cols)
	return m, firstError(p.err(), err)
}

func listPriors() []listing {
	var out []listing
	for _, e := range priorTable {
		name := e.Name
		if e.file != "" {
			name += ":" + e.file
		}
		out = append(out, listing{Name: name, Aliases: e.Aliases, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return out
}

// A tally counts the work of a run and shows its progress.
type tally struct {
	nfe, jvp, ops atomic.Int64
	show          func(residual float64) // nil for no progress
	problem       func(x []float64) float64
	last          atomic.Int64
	busy          sync.Mutex
}

// watch counts the evaluations of a prior. It is a score.JVPer if the prior is one.
func (t *tally) watch(d score.Denoiser) score.Denoiser {
	w := watched{d, t}
	if m, ok := d.(score.Differentiable); ok {
		return watchedJVP{w, m}
	}
	return w
}

type watched struct {
	score.Denoiser
	t *tally
}

func (w watched) Denoise(dst, x []float64, alpha, sigma float64) {
	w.Denoiser.Denoise(dst, x, alpha, sigma)
	w.evaluated(dst)
}

// evaluated counts the points that dst are the evaluations at.
func (w watched) evaluated(dst []float64) {
	w.t.nfe.Add(int64(len(dst) / w.Dim()))
	w.t.progress(dst[:w.Dim()])
}

// multiplied counts the points that dst are products at.
func (w watched) multiplied(dst []float64) {
	w.t.jvp.Add(int64(len(dst) / w.Dim()))
	w.t.progress(nil)
}

// Err returns the prior's first error if it keeps one.
func (w watched) Err() error {
	if e, ok := w.Denoiser.(interface{ Err() error }); ok {
		return e.Err()
	}
	return nil
}

type watchedJVP struct {
	watched
	model score.Differentiable
}

func (w watchedJVP) JVP(dst, x, v []float64, alpha, sigma float64) {
	w.model.JVP(dst, x, v, alpha, sigma)
	w.multiplied(dst)
}

// VJP writes (∂D/∂x)ᵀ u, for a prior that is no score.VJPer as JVP: its Jacobian is symmetric.
func (w watchedJVP) VJP(dst, x, u []float64, alpha, sigma float64) {
	v, ok := w.Denoiser.(score.VJPer)
	if !ok {
		w.JVP(dst, x, u, alpha, sigma)
		return
	}
	v.VJP(dst, x, u, alpha, sigma)
	w.multiplied(dst)
}

// NewLinear returns the prior's, watched.
func (w watchedJVP) NewLinear() score.Linear {
	return watchedLinear{score.LinearOf(w.model), w.watched}
}

type watchedLinear struct {
	score.Linear
	w watched
}

func (l watchedLinear) At(dst, x []float64, alpha, sigma float64) {
	l.Linear.At(dst, x, alpha, sigma)
	if dst != nil {
		l.w.evaluated(dst)
	}
}

func (l watchedLinear) JVP(dst, v []float64) {
	l.Linear.JVP(dst, v)
	l.w.multiplied(dst)
}

func (l watchedLinear) VJP(dst, u []float64) {
	l.Linear.VJP(dst, u)
	l.w.multiplied(dst)
}

// progress shows the residual of an estimate now and then; nil repeats the last one.
func (t *tally) progress(x []float64) {
	const every = 200 * time.Millisecond
	now := time.Now().UnixNano()
	if t.show == nil || now-t.last.Load() < int64(every) || !t.busy.TryLock() {
		return
	}
	defer t.busy.Unlock()
	t.last.Store(now)
	r := math.NaN()
	if x != nil {
		r = t.problem(x)
	}
	t.show(r)
}

// operator counts the applications of an operator and of its adjoint. It is
// linop.Spectral if the operator is.
func (t *tally) operator(a linop.Operator) linop.Operator {
	if s, ok := a.(linop.Spectral); ok {
		return countedSpectral{s, t}
	}
	return counted{a, t}
}

type counted struct {
	linop.Operator
	t *tally
}

func (c counted) Apply(dst, x []float64)   { c.t.ops.Add(1); c.Operator.Apply(dst, x) }
func (c counted) Adjoint(dst, y []float64) { c.t.ops.Add(1); c.Operator.Adjoint(dst, y) }

type countedSpectral struct {
	linop.Spectral
	t *tally
}

func (c countedSpectral) Apply(dst, x []float64)   { c.t.ops.Add(1); c.Spectral.Apply(dst, x) }
func (c countedSpectral) Adjoint(dst, y []float64) { c.t.ops.Add(1); c.Spectral.Adjoint(dst, y) }
func (c countedSpectral) V(dst, v []float64)       { c.t.ops.Add(1); c.Spectral.V(dst, v) }
func (c countedSpectral) VT(dst, x []float64)      { c.t.ops.Add(1); c.Spectral.VT(dst, x) }
func (c countedSpectral) U(dst, u []float64)       { c.t.ops.Add(1); c.Spectral.U(dst, u) }
func (c countedSpectral) UT(dst, y []float64)      { c.t.ops.Add(1); c.Spectral.UT(dst, y) }
