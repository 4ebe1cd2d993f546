package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/density"
)

// byDefault trains with the command, draws and computes likelihoods with the network, all by
// their default settings, and holds the results to the truth.
func (l *lab) byDefault() error {
	dir, err := os.MkdirTemp("", "learned")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := command{l, filepath.Join(dir, "sample"), dir}
	if out, err := exec.CommandContext(l.ctx, "go", "build", "-o", c.bin, "./cmd/sample").CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	l.head("target", "weights", "steps", "training, CPU seconds", "sliced W2", "in floors", "NLL", "entropy", "NLL less entropy")
	const points = 2000
	for _, t := range []struct {
		name   string
		target density.Target
	}{
		{"ring8", density.Ring(8, 4, 0.3)}, {"moons", density.Moons(0.1)}, {"checkerboard", density.NewCheckerboard(4, 2)},
	} {
		var fit struct {
			Weights int `json:"weights"`
			Made    int `json:"steps_made"`
		}
		cpu, err := c.run(&fit, "train", "--target", t.name, "--out", "m.safetensors")
		if err != nil {
			return err
		}
		var draw struct {
			Measurements []struct{ Value, Floor float64 } `json:"measurements"`
		}
		if _, err := c.run(&draw, "draw", "--target", t.name, "--model", "m.safetensors", "-n", "20000", "--metrics", "sliced_w2", "--out", "y.npy"); err != nil {
			return err
		}
		x := density.Sample(t.target, points, exactSeed, 0, 0)
		if err := dataio.WritePoints(filepath.Join(dir, "x.npy"), x, 2); err != nil {
			return err
		}
		var lik struct {
			NLL float64 `json:"nll"`
		}
		if _, err := c.run(&lik, "loglik", "--target", t.name, "--model", "m.safetensors", "x.npy"); err != nil {
			return err
		}
		// The entropy is the mean over the same points: its chance is the NLL's too.
		entropy, logp := 0.0, make([]float64, points)
		t.target.(density.CleanLogProber).CleanLogProb(logp, x)
		for _, v := range logp {
			entropy -= v / points
		}
		m := draw.Measurements[0]
		l.row(t.name, fmt.Sprint(fit.Weights), fmt.Sprint(fit.Made), fmt.Sprintf("%.0f", cpu.Seconds()), fmt.Sprintf("%.4f", m.Value),
			fmt.Sprintf("%.2f", m.Value/m.Floor), fmt.Sprintf("%.4f", lik.NLL), fmt.Sprintf("%.4f", entropy), fmt.Sprintf("%.4f", lik.NLL-entropy))
	}
	return nil
}

// A command runs the built program in a folder.
type command struct {
	*lab
	bin, dir string
}

// run decodes the JSON that the command prints and returns its processor time.
func (c command) run(into any, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(c.ctx, c.bin, append(args, "--quiet", "--json")...)
	var errs bytes.Buffer
	cmd.Dir, cmd.Stderr = c.dir, &errs
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("sample %s: %w\n%s", args[0], err, errs.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), json.Unmarshal(out, into)
}
