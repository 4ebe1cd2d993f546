package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
	"github.com/seed-dea4846a/sampler/inverse/netprior"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score"
)

// restoring runs the commands of this file as run does.
func restoring(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	root := &cobra.Command{Use: "sample", SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newRestore(), newTrain())
	var out, errw bytes.Buffer
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&errw)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK, out.String(), errw.String()
	}
	fmt.Fprintln(&errw, "sample: "+oneLine(err))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage, out.String(), errw.String()
	}
	return exitRun, out.String(), errw.String()
}

// report runs restore with --json.
func report(t *testing.T, args ...string) restoreReport {
	t.Helper()
	code, stdout, stderr := restoring(t, append([]string{"restore"}, append(args, "--json")...)...)
	require.Equal(t, exitOK, code, stderr)
	var r restoreReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	return r
}

// photo writes a part of a photograph, 16-bit.
func photo(t *testing.T, name string, rows, cols int) []float64 {
	t.Helper()
	pix, _, width, err := dataio.ReadGray(photoFile)
	require.NoError(t, err)
	p := &dataio.Picture{Rows: rows, Cols: cols, Channels: 1, Depth: 16}
	for r := range rows {
		p.Pix = append(p.Pix, pix[(r+60)*width+90:(r+60)*width+90+cols]...)
	}
	require.NoError(t, dataio.WritePicture(name, p))
	return p.Pix
}

// photoFile is absolute, as tests change the directory.
var photoFile = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir + "/../../examples/restore/camera.png"
}()

func TestRestoreGaussianIsWienersFilter(t *testing.T) {
	inTemp(t)
	const rows, cols, sigma = 24, 20, 0.05
	photo(t, "x.png", rows, cols)
	common := []string{"--prior", "gaussian:boundary=periodic", "--boundary", "circular", "--psf", "gaussian:sigma=1", "--noise", "0.05", "-q"}
	restoring(t, append([]string{"restore", "deblur", "x.png", "--simulate", "--method", "adjoint", "--save-degraded", "y.npy"}, common...)...)
	y, _, err := dataio.ReadNPY("y.npy")
	require.NoError(t, err)

	g := prior.NewGaussian(rows, cols, prior.Default().Spectrum(), prior.Periodic)
	psf, err := linop.GaussianPSF(1)
	require.NoError(t, err)
	a, err := linop.NewCircularConv(psf, rows, cols)
	require.NoError(t, err)
	var half []float64
	for r := range rows {
		half = append(half, g.Power()[r*cols:r*cols+cols/2+1]...)
	}
	w, err := a.Wiener(half, sigma)
	require.NoError(t, err)
	want, mu := make([]float64, rows*cols), g.MeanValue()
	for i := range y {
		y[i] -= mu // the blur keeps constants
	}
	w.Apply(want, y)
	for i := range want {
		want[i] += mu
	}
	const n = 32
	for _, m := range []struct {
		args []string
		tol  func(r restoreReport) float64
		why  string
	}{
		{[]string{"--method", "wiener"}, func(restoreReport) float64 { return 1e-4 }, "conjugate gradients end at a relative residual of 1e-4, and the start stands for noise 1e3"},
		{[]string{"--method", "corrected:cg=0,lanczos=100,tol=1e-3", "--samples", "32", "--steps", "6"}, func(r restoreReport) float64 { return 1.15 * *r.Std / math.Sqrt(n) },
			"the mean of n independent draws errs by std/√n, root mean square over 480 pixels of some hundred free modes: 10 % is three times its own error, and the start is not quite exact"},
	} {
		r := report(t, append(append([]string{"deblur", "y.npy", "--out", "r.npy"}, m.args...), common...)...)
		got, _, err := dataio.ReadNPY("r.npy")
		require.NoError(t, err)
		diff := 0.0
		for i := range got {
			diff += (got[i] - want[i]) * (got[i] - want[i]) / float64(len(got))
		}
		assert.Less(t, math.Sqrt(diff), m.tol(r), "%v: %s", m.args, m.why)
	}
}

func TestRestoreSpreadIsThatOfThePosterior(t *testing.T) {
	inTemp(t)
	const n, sigma = 16, 0.1
	photo(t, "x.png", n, n)
	// Denoising under a Gaussian prior: every mode has the variance S σ²/(S + σ²).
	g := prior.NewGaussian(n, n, prior.Default().Spectrum(), prior.Mirror)
	want := 0.0
	for _, s := range g.Power() {
		want += s * sigma * sigma / (s + sigma*sigma) / (n * n)
	}
	r := report(t, "denoise", "x.png", "--simulate", "--noise", "0.1", "--method", "corrected:cg=0,lanczos=200,tol=1e-3", "--prior", "gaussian",
		"--samples", "64", "--steps", "6", "--out", "r.npy", "-q")
	// Standard error of a variance from 63·256 independent modes: √(2/16000) = 1.1 %, and
	// the start around the linear estimate is not exact; 5 %.
	assert.InEpsilon(t, want, *r.Std**r.Std, 0.05)
	_, shape, err := dataio.ReadNPY("r-samples.npy")
	require.NoError(t, err)
	assert.Equal(t, []int{64, 1, n, n}, shape)
	assert.ElementsMatch(t, []string{"x.png", "r.npy", "r.npy.json", "r-std.npy", "r-samples.npy"}, files(t))
}

// What --samples does by default has the posterior's spread, which mmps has not and says so.
func TestRestoreSamplesSpreadByDefault(t *testing.T) {
	inTemp(t)
	const n, sigma = 24, 0.05
	photo(t, "x.png", n, n)
	g := prior.NewGaussian(n, n, prior.Default().Spectrum(), prior.Mirror)
	want := 0.0
	for _, s := range g.Power() {
		want += s * sigma * sigma / (s + sigma*sigma) / (n * n)
	}
	common := []string{"denoise", "x.png", "--simulate", "--noise", "0.05", "--prior", "gaussian", "--samples", "32", "-q"}
	r := report(t, common...)
	assert.Equal(t, "corrected", r.Method)
	assert.False(t, r.Narrow)
	// The standard error of a deviation from 31·576 modes is 1/√(2·17856) = 0.5 %, and 2 %
	// are left by the ends of the iterations and the start.
	assert.InEpsilon(t, math.Sqrt(want), *r.Std, 0.035)
	assert.Less(t, r.NFE+r.JVP, 72.0, "no dearer than 12 steps of mmps with 5 iterations")
	r = report(t, append(common, "--method", "mmps")...)
	assert.True(t, r.Narrow)
	assert.Less(t, *r.Std, 0.85*math.Sqrt(want))
}

func TestRestoreJudgesTheResidual(t *testing.T) {
	inTemp(t)
	photo(t, "x.png", 48, 48)
	r := report(t, "deblur", "x.png", "--simulate", "--psf", "gaussian:sigma=0.5", "--save-degraded", "y.npy", "-q")
	assert.Empty(t, r.Warning)
	r = report(t, "deblur", "y.npy", "--psf", "gaussian:sigma=3", "--noise", "0.02", "-q")
	assert.Contains(t, r.Warning, "wrong --psf")
	report(t, "ct", "x.png", "--simulate", "--noise", "0.2", "--angles", "120", "--save-degraded", "s.npy", "--method", "tv", "-q")
	r = report(t, "ct", "s.npy", "--angles", "120", "--size", "48", "--noise", "0.2", "--method", "tv", "-q")
	assert.Empty(t, r.Warning)
	r = report(t, "ct", "s.npy", "--angles", "120", "--size", "48", "--noise", "1", "--method", "tv", "-q")
	assert.Contains(t, r.Warning, "--noise is too large")
	code, _, stderr := restoring(t, "restore", "ct", "s.npy", "--angles", "120", "--size", "48", "--noise", "0.01", "--method", "tv", "--out", "r.png")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr, "WARNING: the data residual")
}

func TestRestoreBeatsTotalVariationAndWiener(t *testing.T) {
	inTemp(t)
	photo(t, "x.png", 64, 64)
	for _, task := range []string{"deblur", "inpaint", "superres"} {
		var psnr []float64
		for _, m := range []string{"hqs", "tv", "wiener"} {
			r := report(t, task, "x.png", "--simulate", "--method", m, "-q")
			psnr = append(psnr, *r.PSNR)
			// Below 1 by what the estimate fits of the noise: with fewer data than pixels, much.
			assert.Less(t, *r.Residual, 1.3, "%s by %s explains the data", task, m)
		}
		t.Logf("%s: hqs %.2f, tv %.2f, wiener %.2f dB", task, psnr[0], psnr[1], psnr[2])
		assert.Greater(t, psnr[0], max(psnr[1], psnr[2]), task)
	}
}

func TestRestoreSameBytesForAnyWorkersAndAgain(t *testing.T) {
	inTemp(t)
	photo(t, "x.png", 24, 24)
	var want []byte
	for i, w := range []string{"1", "2", "5"} {
		out := fmt.Sprintf("r%d.png", i)
		report(t, "inpaint", "x.png", "--simulate", "--samples", "3", "--steps", "3", "--seed", "4", "--workers", w, "--out", out, "-q")
		b, err := os.ReadFile(out)
		require.NoError(t, err)
		if i == 0 {
			want = b
		}
		assert.Equal(t, want, b)
	}
	m, err := readManifest("r0.png.json")
	require.NoError(t, err)
	var s restoreSettings
	require.NoError(t, json.Unmarshal(m.Settings, &s))
	b, err := remakeRestore(context.Background(), s, m.Output, 0)
	require.NoError(t, err)
	assert.Equal(t, want, b)
	assert.Contains(t, m.Inputs, "x.png")
}

// Every method runs on every task that it serves and gives a finite picture.
func TestEveryRestoreMethod(t *testing.T) {
	inTemp(t)
	photo(t, "x.png", 16, 16)
	for _, e := range restoreMethods {
		args := []string{"denoise", "x.png", "--simulate", "--noise", "0.1"}
		if e.tasks != nil {
			args = []string{e.tasks[0], "x.png", "--simulate"}
		}
		t.Run(e.Name, func(t *testing.T) {
			r := report(t, append(args, "--method", e.Name, "--nfe", "30", "-q")...)
			assert.False(t, math.IsNaN(*r.PSNR))
			assert.LessOrEqual(t, r.NFE, 32.0, "evaluations within the budget, and the last denoising")
		})
	}
	for _, sampler := range []string{"heun", "dpmpp-2m", "em"} {
		r := report(t, "denoise", "x.png", "--simulate", "--sampler", sampler, "--nfe", "9", "-q")
		assert.LessOrEqual(t, r.NFE, 9.0, sampler)
	}
}

func TestRestoreCTInItsUnits(t *testing.T) {
	inTemp(t)
	const n, views, h = 64, 90, 0.25
	s := linop.Scan{Rows: n, Cols: n, PixelSize: h, Spacing: h, Angles: linop.ViewAngles(views, 0, math.Pi), Detectors: n}
	phantom := linop.SheppLogan(n*h/2, false)
	// The noise stands for what pixels make of the skull's edges: a quarter of a pixel of it.
	truth, sino := make([]float64, n*n), make([]float64, views*n)
	require.NoError(t, phantom.Image(truth, s, 8))
	require.NoError(t, phantom.Sinogram(sino, s))
	for i := range sino {
		sino[i] *= 5 // attenuation in its own unit
	}
	require.NoError(t, dataio.WriteNPY("s.npy", sino, views, n))
	best := map[string]float64{}
	for _, m := range []string{"fbp", "hqs"} {
		r := report(t, "ct", "s.npy", "--angles", "90", "--pixel-size", "0.25", "--noise", "0.5", "--method", m, "--out", "x.npy", "-q")
		got, shape, err := dataio.ReadNPY("x.npy")
		require.NoError(t, err)
		assert.Equal(t, []int{n, n}, shape)
		seen := []float64{} // within the detector's circle; the corners are not measured
		known := []float64{}
		for i := range got {
			if math.Hypot(float64(i/n)-31.5, float64(i%n)-31.5) < 31 {
				seen, known = append(seen, got[i]/5), append(known, truth[i])
			}
		}
		best[m], err = metric.PSNR(seen, known, 1)
		require.NoError(t, err)
		assert.InDelta(t, 0.5, r.Sigma, 1e-12, "noise in the units of the file")
	}
	// A wrong scale or geometry leaves less than 15 dB.
	t.Logf("%v dB", best)
	assert.Greater(t, best["fbp"], 25.0)
	assert.Greater(t, best["hqs"], 20.0)
}

func TestRestoreMRIFromFiles(t *testing.T) {
	inTemp(t)
	truth := photo(t, "x.png", 48, 40)
	report(t, "mri", "x.png", "--simulate", "--coils", "4", "--sampling", "uniform:accel=2,centre=0.45", "--noise", "0.01", "--save-degraded", "k.cfl", "--save-maps", "m.npy", "--method", "zero-filled", "-q")
	assert.ElementsMatch(t, []string{"x.png", "m.npy", "k.cfl", "k.hdr"}, files(t))
	k, shape, err := dataio.ReadCFL("k")
	require.NoError(t, err)
	for i := range k {
		k[i] *= 1000 // scanners have units of their own
	}
	require.NoError(t, dataio.WriteCFL("k.cfl", k, shape...))
	require.NoError(t, dataio.WriteNPY("k.npy", k, shape...))
	for _, tt := range []struct {
		args  string
		floor float64 // dB; a wrong centre or phase leaves less than 10
	}{
		{"k.cfl", 16}, {"k.cfl --maps lowres", 15}, {"k.npy --phase free --maps espirit", 17}, {"k.cfl --maps file:m.npy", 32},
	} {
		args := strings.Fields(tt.args)
		r := report(t, append([]string{"mri"}, append(args, "--out", "r.png", "-q")...)...)
		assert.InDelta(t, 2, r.Acceleration, 0.05, "the empty lines were not measured")
		// Noise of 10 in each real number, from the outer tenth of the samples, where the
		// picture's own spectrum adds to it.
		assert.Greater(t, r.Sigma, 8.0)
		assert.Less(t, r.Sigma, 40.0)
		got, err := dataio.ReadPicture("r.png")
		require.NoError(t, err)
		// The scale of the picture is free in the maps: the best one is compared.
		var xy, xx float64
		for i, v := range got.Pix {
			xy, xx = xy+v*truth[i], xx+v*v
		}
		scaleBy(got.Pix, xy/xx)
		q, err := metric.PSNR(got.Pix, truth, 1)
		require.NoError(t, err)
		t.Logf("%v: %.1f dB, noise %.3g, residual %.3g", args, q, r.Sigma, *r.Residual)
		assert.Greater(t, q, tt.floor, "%v", args)
	}
}

func TestNoiseIsEstimated(t *testing.T) {
	p := &dataio.Picture{Rows: 100, Cols: 120, Channels: 1, Pix: make([]float64, 12000)}
	stream.New().Normals(p.Pix, 1, stream.Test, 0, 0)
	for i := range p.Pix {
		p.Pix[i] = 0.5 + 0.003*float64(i%120) + 0.07*p.Pix[i] // a ramp does not count
	}
	// The relative standard error of a median of n absolute normals is 1.17/√n; neighbours
	// share pixels, so four of them may count as one: 2 % of 0.07, and 3 of these.
	assert.InEpsilon(t, 0.07, pixelNoise(p, nil), 0.06)
	assert.InEpsilon(t, 0.07, rayNoise(p.Pix, 120), 0.06)
}

func TestComplexPriorIsTwoReal(t *testing.T) {
	g := prior.NewGaussian(8, 9, prior.Default().Spectrum(), prior.Mirror)
	c := newComplexPrior(g, g.MeanValue()).(complexJVP)
	x, v := make([]float64, 144), make([]float64, 144)
	src := stream.New()
	src.Normals(x, 1, stream.Test, 0, 1)
	src.Normals(v, 1, stream.Test, 0, 2)
	const alpha, sigma, eps = 0.8, 0.5, 1e-3
	lo, hi, jvp := make([]float64, 144), make([]float64, 144), make([]float64, 144)
	c.JVP(jvp, x, v, alpha, sigma)
	shifted := func(s float64) []float64 {
		y := make([]float64, len(x))
		for i := range y {
			y[i] = x[i] + s*v[i]
		}
		return y
	}
	c.Denoise(lo, shifted(-eps), alpha, sigma)
	c.Denoise(hi, shifted(eps), alpha, sigma)
	for i := range jvp {
		assert.InDelta(t, (hi[i]-lo[i])/(2*eps), jvp[i], 1e-10, "the map is affine, so differences are exact to rounding")
	}
	// The mean picture is real.
	for i := range x {
		x[i] = 0
		if i%2 == 0 {
			x[i] = alpha * g.MeanValue()
		}
	}
	c.Denoise(lo, x, alpha, sigma)
	for i, d := range lo {
		assert.InDelta(t, float64(1-i%2)*g.MeanValue(), d, 1e-12)
	}
}

func TestRestoreColour(t *testing.T) {
	inTemp(t)
	g := photo(t, "g.png", 32, 32)
	p := &dataio.Picture{Rows: 32, Cols: 32, Channels: 3, Depth: 8}
	for _, f := range []float64{1, 0.5, 0.2} {
		for _, v := range g {
			p.Pix = append(p.Pix, f*v)
		}
	}
	require.NoError(t, dataio.WritePicture("c.tiff", p))
	r := report(t, "superres", "c.tiff", "--simulate", "--out", "r.png", "--plot", "r.svg", "-q")
	assert.Equal(t, 3, r.Channels)
	assert.Greater(t, *r.PSNR, *r.InputPSNR)
	q, err := dataio.ReadPicture("r.png")
	require.NoError(t, err)
	assert.Equal(t, []int{32, 32, 3, 8}, []int{q.Rows, q.Cols, q.Channels, q.Depth})
}

func TestTrainPrior(t *testing.T) {
	inTemp(t)
	require.NoError(t, os.Mkdir("photos", 0o777))
	photo(t, "photos/a.png", 64, 64)
	photo(t, "x.png", 32, 32)
	code, stdout, stderr := restoring(t, "train", "prior", "--patches", "4", "--components", "3", "--draws", "2000", "--iterations", "3", "photos", "--out", "p.npz", "--json")
	require.Equal(t, exitOK, code, stderr)
	var r priorReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	assert.Equal(t, 3, r.Iterations)
	out := report(t, "denoise", "x.png", "--simulate", "--noise", "0.1", "--prior", "file:p.npz", "-q")
	assert.Greater(t, *out.PSNR, *out.InputPSNR+2)
	code, _, stderr = restoring(t, "train", "prior", "photos", "--out", "p.txt")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, ".npz")
}

// What counts and what joins two parts keep the transpose of a Jacobian that is not symmetric.
func TestTransposeOfPriors(t *testing.T) {
	count := new(tally)
	w := count.watch(newComplexPrior(netprior.Default().New(9, 10), 0.4))
	n := w.Dim()
	x, v, u := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, z := range [][]float64{x, v, u} {
		stream.New().Normals(z, 1, stream.Test, 0, uint64(i))
	}
	jv, ju := make([]float64, n), make([]float64, n)
	w.(score.JVPer).JVP(jv, x, v, 1, 0.3)
	w.(score.VJPer).VJP(ju, x, u, 1, 0.3)

	// Kept at a point they are the same.
	l, d, got := w.(score.Linearizer).NewLinear(), make([]float64, n), make([]float64, n)
	w.Denoise(d, x, 1, 0.3)
	l.At(got, x, 1, 0.3)
	assert.Equal(t, d, got)
	l.JVP(got, v)
	assert.Equal(t, jv, got)
	l.At(nil, x, 1, 0.3) // counts for nothing
	l.VJP(got, u)
	assert.Equal(t, ju, got)
	assert.EqualValues(t, 2, count.nfe.Load())
	assert.EqualValues(t, 4, count.jvp.Load())

	a, b, skew, size := 0.0, 0.0, 0.0, 0.0
	for i := range n {
		a, b, size = a+jv[i]*u[i], b+ju[i]*v[i], size+math.Abs(jv[i]*u[i])
	}
	assert.InDelta(t, a, b, 1e-5*size, "float32 in some twenty layers")
	w.(score.JVPer).JVP(ju, x, u, 1, 0.3)
	for i := range n {
		skew += ju[i] * v[i]
	}
	assert.Greater(t, math.Abs(skew-a), 1e-4*size, "or this shows nothing")
}

// The built-in network, and one that has learned next to nothing.
func TestNetworkPrior(t *testing.T) {
	inTemp(t)
	require.NoError(t, os.Mkdir("photos", 0o777))
	photo(t, "photos/a.png", 80, 72)
	photo(t, "x.png", 30, 33)
	r := report(t, "denoise", "x.png", "--simulate", "--noise", "0.1", "--prior", "unet", "-q")
	assert.Greater(t, *r.PSNR, *r.InputPSNR+4.8, "over ten seeds the gain is 6.0 ± 0.3 dB")
	args := []string{"train", "prior", "--network", "photos", "--steps", "2", "--batch", "2", "--hidden", "8", "--checkpoint", "c.safetensors", "--out", "p.safetensors", "--json"}
	code, stdout, stderr := restoring(t, args...)
	require.Equal(t, exitOK, code, stderr)
	var n pictureReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &n))
	assert.Equal(t, 2, n.Made)
	assert.Zero(t, n.Resumed)
	code, stdout, stderr = restoring(t, args...)
	require.Equal(t, exitOK, code, stderr)
	require.NoError(t, json.Unmarshal([]byte(stdout), &n))
	assert.Equal(t, 2, n.Resumed)
	report(t, "denoise", "x.png", "--simulate", "--noise", "0.1", "--prior", "file:p.safetensors", "-q")
	for _, bad := range [][]string{
		{"--out", "p.npz"}, {"--out", "q.safetensors", "--steps", "0"}, {"--out", "q.safetensors", "--hidden", "0"}, {"--out", "q.safetensors", "--depth", "0"}, {"--out", "q.safetensors", "--batch", "0"},
	} {
		code, _, stderr = restoring(t, append([]string{"train", "prior", "--network", "photos"}, bad...)...)
		assert.Equal(t, exitUsage, code, stderr)
	}
}

func TestRestoreBadInput(t *testing.T) {
	inTemp(t)
	photo(t, "x.png", 32, 32)
	photo(t, "small.png", 24, 24)
	write(t, "broken.png", "no picture")
	write(t, "k.hdr", "# Dimensions\n8 8 1 2\n")
	write(t, "k.cfl", "too short")
	nan := make([]float64, 64)
	nan[9] = math.NaN()
	require.NoError(t, dataio.WriteNPY("nan.npy", nan, 8, 8))
	require.NoError(t, dataio.WriteNPY("zero.npy", make([]float64, 32*32), 32, 32))
	bytes := make([]float64, 64)
	for i := range bytes {
		bytes[i] = 4 * float64(i)
	}
	require.NoError(t, dataio.WriteNPY("bytes.npy", bytes, 8, 8))
	require.NoError(t, dataio.WriteNPY("cube.npy", make([]float64, 8), 2, 2, 2))
	require.NoError(t, dataio.WriteNPY("zeros.npy", make([]float64, 2*8*8*2), 2, 8, 8, 2))
	code, _, stderr := restoring(t, "restore", "denoise", "x.png")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "nothing would be kept")
	before := files(t)
	for _, tt := range []struct {
		args string
		want string
	}{
		{"deblurr x.png", `did you mean "deblur"?`},
		{"deblur", "one input file"},
		{"deblur missing.png", "missing.png"},
		{"deblur broken.png", "accepted are png, jpeg, tiff and npy"},
		{"deblur nan.npy", "pixel (1, 1) is NaN"},
		{"deblur x.png --psf gausian", `did you mean "gaussian"?`},
		{"deblur x.png --psf gaussian:sigma=-1", "sigma"},
		{"deblur x.png --psf gaussian:sigma=9", "larger than the image"},
		{"deblur x.png --psf file", "needs a file"},
		{"deblur x.png --psf file:zero.npy", "sum"},
		{"deblur x.png --boundary reflekt", `did you mean "reflect"?`},
		{"deblur x.png --noise -0.1", "must not be negative"},
		{"deblur x.png --noise much", "not a number"},
		{"deblur x.png --simulate --noise auto", "--simulate"},
		{"deblur x.png --method mmpss", `did you mean "mmps"?`},
		{"deblur x.png --method fbp", "serves ct, not deblur"},
		{"deblur x.png --method ddrm", "singular value"},
		{"deblur x.png --method hqs --samples 4", "not samples"},
		{"deblur x.png --samples 0", "--samples"},
		{"deblur x.png --steps 5 --nfe 5", "give one"},
		{"deblur x.png --prior patch", `did you mean "patches"?`},
		{"deblur x.png --prior file:none.npz", "none.npz"},
		{"deblur x.png --prior none", "needs a prior"},
		{"deblur x.png --method dps --sampler heun", "steps of its own"},
		{"deblur x.png --sampler huen", `did you mean "heun"?`},
		{"deblur x.png --path kinetic", "not for restore"},
		{"deblur x.png --path edm --grid karas --method mmps", `did you mean "karras"?`},
		{"deblur x.png --out x.png", "would be replaced"},
		{"deblur x.png --out r.gif", ".png"},
		{"inpaint x.png --mask file:small.png", "24×24 pixels and the data 32×32"},
		{"inpaint x.png --mask file:zero.npy", "keeps nothing"},
		{"inpaint x.png --mask random:keep=2", "keep"},
		{"inpaint x.png --mask random:keep=0", "mask"},
		{"superres x.png --factor 1", "--factor"},
		{"ct zero.npy --angles 30", "32 views (rows) and --angles 30 gives 30"},
		{"ct zero.npy --angles 32 --detectors 31", "32 detectors (columns) and --detectors is 31"},
		{"ct cube.npy", "shape 2×2×2"},
		{"ct zero.npy --angles some", "not a number"},
		{"ct zero.npy --angles limited:from=90,to=0", "must be less"},
		{"ct zero.npy --angles 32 --beam fan", "needs source=NUMBER,detector=NUMBER"},
		{"denoise bytes.npy", "pictures from 0 to 1"},
		{"mri x.png --simulate --coils 1 --save-maps m.npy --method zero-filled", "there are no maps"},
		{"ct zero.npy --angles 32 --noise 1", "all zero"},
		{"mri k.cfl", "cut short"},
		{"mri zeros.npy", "all zero"},
		{"mri zeros.npy --phase fre", `did you mean "free"?`},
		{"mri x.png --simulate --sampling uniform:accel=0.5", "accel"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			args := append([]string{"restore"}, strings.Fields(tt.args)...)
			if !strings.Contains(tt.args, "--out") && len(args) > 2 {
				args = append(args, "--out", "r.png", "--plot", "f.png")
			}
			code, stdout, stderr := restoring(t, args...)
			assert.Equal(t, exitUsage, code)
			assert.Empty(t, stdout)
			assert.Equal(t, 1, strings.Count(stderr, "\n"), "one line: %s", stderr)
			assert.Contains(t, stderr, tt.want)
			assert.ElementsMatch(t, before, files(t), "nothing is written")
		})
	}
}
