package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-dea4846a/sampler/inverse/netprior"
	"github.com/seed-dea4846a/sampler/score/train"
)

// pictureSettings decide the bits of a prior's network.
type pictureSettings struct {
	Dir    string `json:"dir"`
	Steps  int    `json:"steps"`
	Batch  int    `json:"batch"`
	Hidden int    `json:"hidden"`
	Depth  int    `json:"depth"`
	Seed   uint64 `json:"seed"`
}

// A pictureReport is the JSON line of train prior --network.
type pictureReport struct {
	pictureSettings
	Images  int           `json:"images"`
	Weights int           `json:"weights"`
	Status  string        `json:"status"`
	Made    int           `json:"steps_made"`
	Resumed int           `json:"resumed"`
	Seconds float64       `json:"seconds"`
	History []train.Point `json:"history"`
	Out     string        `json:"out"`
}

func trainPictures(ctx context.Context, s pictureSettings, o outputs, checkpoint string, stdout, stderr io.Writer) error {
	switch {
	case strings.ToLower(filepath.Ext(o.out)) != ".safetensors":
		return usagef("--out %q: a network needs a file that ends in .safetensors", o.out)
	case s.Steps < 1 || s.Steps > 100_000_000:
		return usagef("--steps must be from 1 to 100000000, got %d", s.Steps)
	case s.Batch < 1 || s.Batch > 10_000:
		return usagef("--batch must be from 1 to 10000, got %d", s.Batch)
	case s.Hidden < 1 || s.Hidden > 1024:
		return usagef("--hidden must be from 1 to 1024, got %d", s.Hidden)
	case s.Depth < 1 || s.Depth > 100:
		return usagef("--depth must be from 1 to 100, got %d", s.Depth)
	}
	images, err := trainingPictures(s.Dir, o)
	if err != nil {
		return err
	}
	if o.quiet {
		stderr = io.Discard
	}
	begin := time.Now()
	m, res, err := netprior.Train(ctx, images, netprior.Fit{
		Steps: s.Steps, Batch: s.Batch, Hidden: s.Hidden, Depth: s.Depth, Seed: s.Seed, Checkpoint: checkpoint, Tag: s.Dir, Workers: o.workers,
		Progress: func(p train.Point) {
			fmt.Fprintf(stderr, "step %d of %d: loss %.4f, %.0f s\n", p.Step, s.Steps, p.Loss, time.Since(begin).Seconds())
		},
	})
	if err != nil {
		if ctx.Err() == nil {
			return asUsage(err)
		}
		if checkpoint != "" {
			fmt.Fprintf(stderr, "the state is in %s; the same command goes on from it\n", checkpoint)
		}
		return ctx.Err()
	}
	if err := m.WriteFile(o.out); err != nil {
		return asUsage(err)
	}
	rep := pictureReport{pictureSettings: s, Images: len(images), Weights: len(m.Net.Net.W), Status: res.Status.String(), Made: res.Steps,
		Resumed: res.Resumed, Seconds: time.Since(begin).Seconds(), History: res.History, Out: o.out}
	fmt.Fprintf(stderr, "%d pictures, %d weights, %d steps in %.3g s (%s)\nwrote %s\n", rep.Images, rep.Weights, rep.Made, rep.Seconds, rep.Status, o.out)
	if o.json {
		return json.NewEncoder(stdout).Encode(rep)
	}
	return nil
}
