package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// restoreOutputs are the settings that decide what is kept and shown.
type restoreOutputs struct {
	out, plot, degraded string
	maps                string
	workers             int
	json, quiet         bool
}

// check refuses outputs that cannot be, or that would replace the input.
func (o restoreOutputs) check(s restoreSettings) error {
	if o.workers < 0 {
		return usagef("--workers must not be negative, got %d", o.workers)
	}
	if o.out == "" && o.plot == "" && !o.json && !s.Simulate {
		return usagef("nothing would be kept of the result: give --out FILE, --plot FILE, or both")
	}
	for _, in := range s.inputs() {
		a, err := os.Stat(in)
		if err != nil {
			continue // the reader says it better
		}
		for _, out := range o.files(s.Samples) {
			if b, err := os.Stat(out); err == nil && os.SameFile(a, b) {
				return usagef("%s is read by this command and would be replaced by its output; choose another name", out)
			}
		}
	}
	ending := func(flag, file string, known []string) error {
		if file != "" && !slices.Contains(known, strings.ToLower(filepath.Ext(file))) {
			return usagef("--%s %s: the ending must be %s", flag, file, strings.Join(known, ", "))
		}
		return nil
	}
	data := dataio.PictureFormats()
	switch s.Task {
	case "ct":
		data = []string{".npy"}
	case "mri":
		data = []string{".npy", ".cfl"}
	}
	return firstError(ending("save-maps", o.maps, data), ending("out", o.out, dataio.PictureFormats()), ending("plot", o.plot, []string{".png", ".svg"}), ending("save-degraded", o.degraded, data))
}

// files are all files that are written.
func (o restoreOutputs) files(samples int) []string {
	var out []string
	if o.out != "" {
		out = append(out, o.out, manifestPath(o.out))
		if samples > 1 {
			out = append(out, beside(o.out, "std"), beside(o.out, "samples"))
		}
	}
	for _, f := range []string{o.degraded, o.maps, o.plot} {
		if f != "" {
			out = append(out, f)
		}
	}
	return out
}

// beside returns the name of a file that goes with another: out.png, out-std.png.
func beside(file, what string) string {
	ext := filepath.Ext(file)
	return strings.TrimSuffix(file, ext) + "-" + what + ext
}
