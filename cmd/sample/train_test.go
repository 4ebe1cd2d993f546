package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/density"
)

// build returns the path of the built command.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sample")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	return bin
}

// TestTrainSurvivesKill kills the built command with SIGKILL at several moments of its
// training. Run again and again, it ends with the bytes of a run that nobody disturbed.
func TestTrainSurvivesKill(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command and trains twice")
	}
	bin := build(t)
	inTemp(t)
	args := []string{"train", "--target", "moons", "--steps", "3000", "--batch", "32", "--seed", "3", "--json", "--quiet"}
	code, _, stderr := sample(t, append(args, "--out", "whole.safetensors")...)
	require.Equal(t, exitOK, code, stderr)
	whole, err := os.ReadFile("whole.safetensors")
	require.NoError(t, err)

	args = append(args, "--checkpoint", "state", "--out", "cut.safetensors")
	stamp := func() time.Time {
		s, err := os.Stat("state")
		if err != nil {
			return time.Time{}
		}
		return s.ModTime()
	}
	// First as soon as there is a state, then 0, 3 and 6 ms after the next one was begun: some
	// of these are in the middle of writing it.
	for k := range 4 {
		cmd := exec.CommandContext(t.Context(), bin, args...)
		require.NoError(t, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		begun := func() bool {
			if k == 0 {
				return !stamp().IsZero()
			}
			parts, _ := filepath.Glob("*state*")
			return len(parts) > 1
		}
		for !begun() && len(ended) == 0 {
			time.Sleep(200 * time.Microsecond)
		}
		time.Sleep(time.Duration(max(0, k-1)) * 3 * time.Millisecond)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		if err := <-ended; err == nil {
			break // it had finished
		}
		require.Equal(t, syscall.SIGKILL, cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
		require.NoFileExists(t, "cut.safetensors")
	}
	out, err := exec.CommandContext(t.Context(), bin, args...).Output()
	require.NoError(t, err)
	var rep trainReport
	require.NoError(t, json.Unmarshal(out, &rep))
	assert.Positive(t, rep.Resumed)
	assert.Equal(t, 3000, rep.Made)
	cut, err := os.ReadFile("cut.safetensors")
	require.NoError(t, err)
	assert.Equal(t, whole, cut)
}

// A network read from its file is the one that was trained: told the noise as it was then, and
// not the time of a path unless it learned on one. Its error of a few percent after a short
// training is the sign: told another number, it errs by as much as the denoiser varies.
func TestTrainedNetworkIsReadAsItWas(t *testing.T) {
	inTemp(t)
	target := density.Ring(3, 4, 1)
	for _, objective := range []string{"dsm", "fm"} {
		code, _, stderr := sample(t, "train", "--target", "ring8:modes=3,std=1", "--objective", objective, "--steps", "1000", "--batch", "128", "--out", "m.safetensors")
		require.Equal(t, exitOK, code, stderr)
		m, err := loadModel("m.safetensors")
		require.NoError(t, err)
		require.Equal(t, objective == "fm", m.Precond.Path != nil)
		x := density.Sample(target, 500, 1, 0, 0)
		z := density.Sample(density.Normal(2, 1), 500, 2, 0, 0)
		got, want := make([]float64, len(x)), make([]float64, len(x))
		for _, sigma := range []float64{0.5, 1, 3, 10} {
			for i := range x {
				z[i] = x[i] + sigma*z[i]
			}
			m.Denoise(got, z, 1, sigma)
			target.Denoise(want, z, 1, sigma)
			sum := 0.0
			for i := range got {
				sum += (got[i] - want[i]) * (got[i] - want[i]) / float64(len(got))
			}
			assert.Less(t, math.Sqrt(sum), 0.3*min(sigma, 1), "%s at σ = %g", objective, sigma)
			z = density.Sample(density.Normal(2, 1), 500, 2, 0, 0)
		}
	}
}

// The default training on moons, with draw and loglik by their defaults: samples within three
// times the noise floor and a likelihood within 0.05 nats of the truth (1.0 times and 0.010 in
// docs/LEARNED.md; over 500 points the difference has a standard error of 0.005).
func TestDefaultTraining(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for half a minute")
	}
	inTemp(t)
	code, _, stderr := sample(t, "train", "--target", "moons", "--out", "m.safetensors")
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := sample(t, "draw", "--target", "moons", "--model", "m.safetensors", "-n", "20000", "--metrics", "sliced_w2", "--out", "y.npy", "--json")
	require.Equal(t, exitOK, code, stderr)
	var drawn drawReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &drawn))
	m := drawn.Measurements[0]
	assert.Less(t, m.Value, 3**m.Floor)
	target := density.Moons(0.1)
	x := density.Sample(target, 500, 11, 0, 0)
	require.NoError(t, dataio.WritePoints("x.npy", x, 2))
	code, stdout, stderr = sample(t, "loglik", "--target", "moons", "--model", "m.safetensors", "x.npy", "--json")
	require.Equal(t, exitOK, code, stderr)
	var lik loglikReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &lik))
	logp := make([]float64, 500)
	target.CleanLogProb(logp, x)
	entropy := 0.0
	for _, v := range logp {
		entropy -= v / 500
	}
	t.Logf("%.2f floors, %.4f nats", m.Value / *m.Floor, lik.NLL-entropy)
	assert.Less(t, math.Abs(lik.NLL-entropy), 0.05)
}

// A user's file needs no other flag, whatever its dimension, header and scale.
func TestTrainOnAnyFile(t *testing.T) {
	inTemp(t)
	for name, scale := range map[string]float64{"small.csv": 1e-9, "large.csv": 1e12} {
		var rows strings.Builder
		rows.WriteString("a,b,c\n")
		x := density.Sample(density.Normal(3, 1), 300, 1, 0, 1)
		for i := 0; i < len(x); i += 3 {
			fmt.Fprintf(&rows, "%g,%g,%g\n", scale*x[i], scale*(x[i]+x[i+1]), scale*(5+x[i+2]))
		}
		write(t, name, rows.String())
		code, stdout, stderr := sample(t, "train", "--data", name, "--steps", "60", "--batch", "64", "--out", "m.safetensors", "--json")
		require.Equal(t, exitOK, code, stderr)
		var rep trainReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
		assert.Equal(t, 3, rep.Dim)
		// F = 0 has the loss d, one a coordinate: scale and mean play no part beyond it.
		assert.Less(t, *rep.Held, 8.0, name)
	}
	// A mean of 20 deviations is that of the samples too.
	var far strings.Builder
	for _, v := range density.Sample(density.Normal(1, 8), 500, 1, 0, 1) {
		fmt.Fprintf(&far, "%g\n", 160+v)
	}
	write(t, "far.csv", far.String())
	code, _, stderr := sample(t, "train", "--data", "far.csv", "--steps", "600", "--batch", "64", "--out", "far.safetensors")
	require.Equal(t, exitOK, code, stderr)
	code, stdout, stderr := sample(t, "draw", "--target", "gauss:d=1,mean=160,std=8", "--model", "far.safetensors", "-n", "1000", "--metrics", "w2", "--out", "y.npy", "--json")
	require.Equal(t, exitOK, code, stderr)
	var drawn drawReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &drawn))
	assert.Less(t, drawn.Metrics["w2"], 0.3*8) // 0.2 of a deviation are the 450 points' and the fit's

	// Of 120 points 108 are soon known by heart.
	var rows strings.Builder
	for _, v := range density.Sample(density.Normal(2, 1), 120, 1, 0, 1) {
		fmt.Fprintf(&rows, "%g\n", v)
	}
	write(t, "few.csv", rows.String())
	code, stdout, stderr = sample(t, "train", "--data", "few.csv", "--steps", "6000", "--batch", "64", "--out", "m.safetensors", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rep trainReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
	assert.Equal(t, "stopped early", rep.Status)
	assert.Less(t, rep.Made, 6000)

	write(t, "huge.csv", "1e200,1\n-1e200,2\n1e200,4\n")
	code, _, stderr = sample(t, "train", "--data", "huge.csv", "--steps", "60", "--out", "h.safetensors")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "too large")
	assert.NoFileExists(t, "h.safetensors")
}
