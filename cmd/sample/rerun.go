package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the level of vector instructions",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "sample", version()+",", simd.Current())
			return nil
		},
	}
}

func newRerun() *cobra.Command {
	var out string
	var workers int
	var quiet bool
	cmd := &cobra.Command{
		Use:   "rerun MANIFEST",
		Short: "Make a file again from its manifest and check that it is the same bit for bit",
		Long: `rerun reads the manifest that stands beside an output file (x.npy.json beside x.npy),
makes the file again, and compares it with the recorded SHA-256. It writes the file
beside the manifest, or to --out. Files that the run read are looked up from the
directory in which it was made.`,
		Example: "  sample rerun ring8.npy.json\n  sample rerun ring8.npy.json --out again.npy",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("rerun needs one manifest, for example sample rerun x.npy.json")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			stderr := cmd.ErrOrStderr()
			if quiet {
				stderr = io.Discard
			}
			return rerun(cmd.Context(), args[0], out, workers, quiet, stderr)
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "write here instead of beside the manifest")
	f.IntVar(&workers, "workers", 0, "goroutines (default: all processors); never changes the result")
	f.BoolVarP(&quiet, "quiet", "q", false, "no messages on stderr")
	return cmd
}

func rerun(ctx context.Context, file, out string, workers int, quiet bool, stderr io.Writer) error {
	if workers < 0 {
		return usagef("--workers must not be negative, got %d", workers)
	}
	m, err := readManifest(file)
	if err != nil {
		return err
	}
	if out == "" {
		if out = strings.TrimSuffix(file, ".json"); !strings.EqualFold(filepath.Ext(out), filepath.Ext(m.Output)) {
			return usagef("%s does not have the name of a manifest of a %s file, such as x%[2]s.json; name the file to write by --out", file, filepath.Ext(m.Output))
		}
	}
	if !strings.EqualFold(filepath.Ext(out), filepath.Ext(m.Output)) {
		return usagef("--out %s: the manifest is of a %s file and so must be the new one", out, filepath.Ext(m.Output))
	}
	// Paths of the manifest are relative to where the run was made.
	if out, err = filepath.Abs(out); err != nil {
		return asUsage(err)
	}
	if file, err = filepath.Abs(file); err != nil {
		return asUsage(err)
	}
	if err := os.Chdir(m.runDir(file)); err != nil {
		return asUsage(err)
	}
	if err := checkWritable(out); err != nil {
		return err
	}
	for name, want := range m.Inputs {
		got, err := hashInputs(name)
		if err != nil {
			return err
		}
		if got[name] != want {
			return usagef("%s has changed since %s was written, so the run cannot be repeated", name, file)
		}
	}
	bar := newProgress(stderr, "drawing", quiet)
	set := &ode.Settings{Workers: workers, Progress: bar.callback()}
	level := simd.Current().String()
	if m.SIMD != "" && m.SIMD != level {
		fmt.Fprintf(stderr, "recorded at the %s level of vector instructions, this is %s: the last bits may differ\n", m.SIMD, level)
	}
	f, err := createHashed(out)
	if err != nil {
		return asUsage(err)
	}
	defer f.Abort()
	err = m.remake(ctx, file, set, f)
	bar.clear()
	if err != nil {
		return err
	}
	if got := f.sum(); got != m.SHA256 {
		return fmt.Errorf("%s is not reproduced: SHA-256 %s instead of %s (written by %s on %s at level %s, this is %s at level %s)",
			m.Output, got, m.SHA256, m.Version, m.Platform, cmp.Or(m.SIMD, "unknown"), version(), level)
	}
	if err := f.Commit(); err != nil {
		return asUsage(err)
	}
	if manifestPath(out) != file {
		b, err := os.ReadFile(file)
		if err != nil {
			return asUsage(err)
		}
		if err := dataio.WriteFile(manifestPath(out), func(w io.Writer) error { _, err := w.Write(b); return err }); err != nil {
			return asUsage(err)
		}
	}
	fmt.Fprintf(stderr, "wrote %s, equal bit for bit to the recorded %s\n", out, m.Output)
	return nil
}

// runDir returns the directory in which the run was made, as far as the place of its
// manifest tells: that of the manifest less the folders in the output's own name.
func (m *manifest) runDir(file string) string {
	if dir, ok := strings.CutSuffix(file, string(filepath.Separator)+manifestPath(filepath.Clean(m.Output))); ok {
		return dir
	}
	return filepath.Dir(file)
}

// remake makes the content of the manifest's output again and writes it to w.
func (m *manifest) remake(ctx context.Context, file string, set *ode.Settings, w io.Writer) error {
	dec := json.NewDecoder(bytes.NewReader(m.Settings))
	dec.DisallowUnknownFields()
	switch m.Command {
	case "draw":
		var s runSettings
		if err := dec.Decode(&s); err != nil {
			return usagef("%s: settings: %v", file, err)
		}
		p, err := s.check(ctx, set.Workers)
		if err != nil {
			return err
		}
		if p.sampler.adaptive && len(m.Grid) > 1 {
			p.grid = m.Grid // it has the times at which trajectories were recorded
		}
		if !slices.Equal(p.grid, m.Grid) {
			return fmt.Errorf("%s: the settings now give another time grid than the recorded one (written by %s, this is %s)", file, m.Version, version())
		}
		points, err := dataio.NewPoints(w, m.Output, s.N, p.target.Dim())
		if err != nil {
			return err
		}
		_, err = p.draw(ctx, set, points.Encode)
		return err
	case "loglik":
		var s loglikSettings
		if err := dec.Decode(&s); err != nil {
			return usagef("%s: settings: %v", file, err)
		}
		p, err := s.check(ctx, set.Workers)
		if err != nil {
			return err
		}
		r, err := p.run(ctx, set)
		if err != nil {
			return err
		}
		return dataio.EncodePoints(w, m.Output, r.logp, 1)
	case "restore":
		var s restoreSettings
		if err := dec.Decode(&s); err != nil {
			return usagef("%s: settings: %v", file, err)
		}
		b, err := remakeRestore(ctx, s, m.Output, set.Workers)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	return usagef("%s: rerun does not know the command %q", file, m.Command)
}
