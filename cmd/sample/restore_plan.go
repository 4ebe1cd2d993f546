package main

import (
	"slices"

	"github.com/seed-dea4846a/sampler/interpolant"
)

// A restorePlan is the checked form of restoreSettings.
type restorePlan struct {
	settings restoreSettings // with the defaults filled in
	scene    *scene
	method   *methodEntry
	params   *params
	prior    *pictures
	sampler  *sampler
	path     interpolant.Path
	grid     []float64
}

// check turns settings into a plan or a usage error. It reads the input, and simulates.
func (s restoreSettings) check() (*restorePlan, error) {
	i := slices.IndexFunc(restoreTasks, func(t restoreTask) bool { return t.name == s.Task })
	if i < 0 {
		return nil, usagef("unknown task %q", s.Task)
	}
	task := restoreTasks[i]
	switch {
	case s.Samples < 1 || s.Samples > 10_000:
		return nil, usagef("--samples must be from 1 to 10000, got %d", s.Samples)
	case s.Steps < 0 || s.Steps > maxSteps:
		return nil, usagef("--steps must be from 1 to %d, got %d", maxSteps, s.Steps)
	case s.NFE < 0 || s.NFE > maxSteps:
		return nil, usagef("--nfe must be from 1 to %d, got %d", maxSteps, s.NFE)
	case s.NFE > 0 && s.Steps > 0:
		return nil, usagef("--nfe and --steps both say how long to work; give one")
	}
	if s.Method == "" {
		switch {
		case s.Sampler != "":
			s.Method = "mmps"
		case s.Samples > 1 && learned(s.Prior):
			s.Method = "diffpir"
		case s.Samples > 1:
			s.Method = "corrected"
		default:
			s.Method = "hqs"
		}
	}
	p := &restorePlan{}
	var err error
	if p.method, p.params, err = buildMethod(s.Method, s.Task); err != nil {
		return nil, err
	}
	if p.method.estimate != nil && s.Samples > 1 {
		return nil, usagef("method %s gives one picture, not samples; leave --samples out or choose a posterior method, such as corrected", p.method.Name)
	}
	if err := s.route(p, task); err != nil {
		return nil, err
	}
	if p.scene, err = task.scene(&s); err != nil {
		return nil, err
	}
	if p.prior, err = buildPrior(s.Prior, p.scene.rows, p.scene.cols); err != nil {
		return nil, err
	}
	if p.prior.model == nil && !p.method.free {
		return nil, usagef("method %s needs a prior; --prior none is for tv, cgls, adjoint, fbp, zero-filled and cg-sense", p.method.Name)
	}
	p.settings = s
	return p, nil
}

// route sets the path, the sampler and the grid.
func (s *restoreSettings) route(p *restorePlan, task restoreTask) error {
	var err error
	if s.Path == "" {
		if s.Path = p.method.path; s.Path == "" {
			s.Path = restorePath
		}
	}
	entry, params, err := find("path", s.Path, pathTable, func(e *pathEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
	if err != nil {
		return err
	}
	if entry.build == nil {
		return usagef("path %s is not for restore; use edm, ve, vp, condot, trig, cosine, ddpm or subvp", entry.Name)
	}
	if p.path, err = entry.build(params); firstError(params.err(), err) != nil {
		return firstError(params.err(), err)
	}
	if s.Sampler != "" {
		if p.method.gain == nil {
			return usagef("method %s has steps of its own; --sampler drives mmps, pigdm, tmpd, ddnm, dds, diffpir and dmps", p.method.Name)
		}
		if p.sampler, err = buildSampler(s.Sampler); err != nil {
			return err
		}
		if p.sampler.adaptive {
			return usagef("sampler %s chooses its own steps; restore needs a fixed number", s.Sampler)
		}
	}
	switch {
	case s.NFE > 0 && p.sampler != nil:
		if s.Steps, err = p.sampler.stepsFor(s.NFE); err != nil {
			return err
		}
	case s.NFE > 0:
		s.Steps = s.NFE / max(1, p.method.nfe)
	case s.Steps == 0 && p.method.Kind == kindPosterior:
		if s.Steps = p.method.count; s.Steps == 0 {
			s.Steps = 12
		}
	case s.Steps == 0:
		s.Steps = task.steps
	}
	if s.Steps < 1 {
		return usagef("--nfe %d is less than one step of method %s", s.NFE, p.method.Name)
	}
	s.NFE = 0 // the steps stand for it
	if s.Grid == "" {
		s.Grid = "karras"
	}
	p.grid, err = buildGrid(s.Grid, p.path, nil, s.Steps)
	if err == nil {
		s.Steps = len(p.grid)
		if p.method.estimate == nil && p.path.At(p.grid[0]).Alpha == 0 {
			err = usagef("restore needs a grid that starts where there is some signal; path %s has none at t = %g, use --path edm", s.Path, p.grid[0])
		}
	}
	return err
}
