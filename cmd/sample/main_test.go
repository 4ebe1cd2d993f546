package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/density"
)

// sample runs the command line in a fresh directory that it returns.
func sample(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errw bytes.Buffer
	code = run(context.Background(), args, &out, &errw)
	return code, out.String(), errw.String()
}

// inTemp makes a temporary directory the current one.
func inTemp(t *testing.T) string {
	dir := t.TempDir()
	t.Chdir(dir)
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o666))
}

func files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestDrawWritesFileManifestAndFigure(t *testing.T) {
	inTemp(t)
	code, stdout, stderr := sample(t, "draw", "--target", "ring8", "-n", "500", "--steps", "10", "--out", "x.npy", "--plot", "x.png", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rep drawReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
	assert.Equal(t, 1, strings.Count(stdout, "\n"), "one line of JSON")
	assert.Equal(t, "ring8", rep.Target)
	assert.Equal(t, 19.0, rep.NFE)
	assert.Equal(t, 2, rep.Dim)
	for _, m := range []string{"sliced_w2", "energy", "mmd", "mean_z", "cov_z", "mode_tv", "mode_missed", "nll"} {
		assert.Contains(t, rep.Metrics, m)
	}
	x, n, d, err := dataio.ReadPoints("x.npy")
	require.NoError(t, err)
	assert.Equal(t, []int{500, 2, 1000}, []int{n, d, len(x)})
	assert.ElementsMatch(t, []string{"x.npy", "x.npy.json", "x.png"}, files(t))

	m, err := readManifest("x.npy.json")
	require.NoError(t, err)
	assert.Len(t, m.Grid, 10)
	assert.Nil(t, m.LogSNR[0], "the straight path starts at -Inf")
	assert.InDelta(t, 6.2146, m.LogSNR[9], 1e-3, "log(1/0.002)")
}

func TestSameBytesForAnyWorkersAndFromRerun(t *testing.T) {
	inTemp(t)
	for _, smp := range []string{"heun", "tsit5:rtol=1e-4", "em:eta=0.7", "sra1:noise=tree"} {
		draw := func(out, workers string) []byte {
			code, _, stderr := sample(t, "draw", "--target", "moons", "--sampler", smp, "-n", "700", "--steps", "8",
				"--seed", "9", "--metrics", "none", "--workers", workers, "--out", out)
			require.Equal(t, exitOK, code, stderr)
			b, err := os.ReadFile(out)
			require.NoError(t, err)
			return b
		}
		one := draw("a.npy", "1")
		assert.Equal(t, one, draw("b.npy", "2"), smp)
		assert.Equal(t, one, draw("c.npy", "7"), smp)
		require.NoError(t, os.Remove("a.npy"))
		code, _, stderr := sample(t, "rerun", "a.npy.json", "--workers", "3")
		require.Equal(t, exitOK, code, stderr)
		again, err := os.ReadFile("a.npy")
		require.NoError(t, err)
		assert.Equal(t, one, again, smp)
		code, _, stderr = sample(t, "rerun", "a.npy.json", "--out", "d.npy")
		require.Equal(t, exitOK, code, stderr)
		assert.FileExists(t, "d.npy.json")
	}
}

func TestRerunRefuses(t *testing.T) {
	inTemp(t)
	write(t, "p.csv", "x,y\n0,0\n1,1\n2,0\n")
	code, _, stderr := sample(t, "draw", "--target", "points:p.csv", "-n", "50", "--steps", "5", "--out", "x.csv")
	require.Equal(t, exitOK, code, stderr)
	good, err := os.ReadFile("x.csv.json")
	require.NoError(t, err)

	write(t, "p.csv", "x,y\n0,0\n1,1\n2,1\n")
	code, _, stderr = sample(t, "rerun", "x.csv.json")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "p.csv has changed")

	write(t, "p.csv", "x,y\n0,0\n1,1\n2,0\n")
	write(t, "x.csv.json", strings.Replace(string(good), `"sha256": "`, `"sha256": "0`, 1))
	code, _, stderr = sample(t, "rerun", "x.csv.json")
	assert.Equal(t, exitRun, code, "not reproduced is a failed run")
	assert.Contains(t, stderr, "not reproduced")

	for _, c := range []struct{ name, text, says string }{
		{"not.csv.json", "hello", "not a manifest"},
		{"empty.csv.json", "{}", "not a manifest"},
		{"unknown.csv.json", strings.Replace(string(good), `"steps"`, `"stepz"`, 1), `"stepz"`},
		{"command.csv.json", strings.Replace(string(good), `"command": "draw"`, `"command": "paint"`, 1), `"paint"`},
		{"renamed.json", string(good), "name the file to write by --out"},
	} {
		write(t, c.name, c.text)
		code, _, stderr = sample(t, "rerun", c.name)
		assert.Equal(t, exitUsage, code, "%s: %s", c.name, stderr)
		assert.Contains(t, stderr, c.says, c.name)
	}
}

// TestBadInput: one clear line, exit 2, no output file.
func TestBadInput(t *testing.T) {
	inTemp(t)
	write(t, "ragged.csv", "1,2\n3\n")
	write(t, "nan.csv", "1,2\n3,NaN\n")
	write(t, "empty.csv", "")
	write(t, "bad.npy", "\x93NUMPY")
	write(t, "notspd.json", `{"type":"gmm","weights":[1],"means":[[0,0]],"covs":[[[1,2],[2,1]]]}`)
	write(t, "negative.json", `{"type":"gmm","weights":[1,-1],"means":[[0],[1]],"stds":[1,1]}`)
	write(t, "zero.json", `{"type":"gmm","weights":[0,0],"means":[[0],[1]],"stds":[1,1]}`)
	write(t, "dims.json", `{"type":"gmm","weights":[1,1],"means":[[0],[1,2]],"stds":[1,1]}`)
	write(t, "cut.png", "\x89PNG\r\n\x1a\n\x00\x00")
	write(t, "points3.csv", "1,2,3\n")
	write(t, "p2.csv", "1,2\n")
	write(t, "down.txt", "0.9 0.5\n")
	write(t, "word.txt", "0.1 hello\n")
	write(t, "plain", "a file, not a directory")
	before := files(t)

	draw := func(args ...string) []string { return append([]string{"draw", "--out", "x.npy"}, args...) }
	for _, tt := range []struct {
		args []string
		want []string // what the message must say
	}{
		{[]string{"drow"}, []string{`"drow"`, `did you mean "draw"`}},
		{draw(), []string{"--target is missing"}},
		{draw("--target", "ringg8"), []string{`did you mean "ring8"`}},
		{draw("--target", "ring8:mods=3"), []string{`no parameter "mods"`, `did you mean "modes"`}},
		{draw("--target", "ring8:modes"), []string{"key=value"}},
		{draw("--target", "ring8:modes=2.5"), []string{"whole number"}},
		{draw("--target", "ring8:std=-1"), []string{"std=-1"}},
		{draw("--target", "ring8:std=NaN"), []string{"not a number"}},
		{draw("--target", "gauss:d=0"), []string{"d=0"}},
		{draw("--target", "checkerboard:foo=1"), []string{"foo"}},
		{draw("--target", "ring8", "-n", "0"), []string{"-n must be at least 1"}},
		{draw("--target", "ring8", "-n", "-5"), []string{"-n must be at least 1"}},
		{draw("--target", "ring8", "-n", "many"), []string{"many", "--help"}},
		{draw("--target", "ring8", "--steps", "0"), []string{"--steps must be at least 1"}},
		{draw("--target", "ring8", "--stepz", "3"), []string{`did you mean "steps"`}},
		{draw("--target", "ring8", "--path", "vpp"), []string{`did you mean "vp"`}},
		{draw("--target", "ring8", "--path", "ve:sigma_min=3,sigma_max=2"), []string{"sigma_min=3 must be less"}},
		{draw("--target", "ring8", "--path", "ddpm:beta_end=1"), []string{"beta[999]"}},
		{draw("--target", "ring8", "--path", "pfgm:D=0"), []string{"D=0"}},
		{draw("--target", "ring8", "--path", "pfgm:D=8", "--sampler", "em"), []string{"em is stochastic", "Student's t", "deterministic"}},
		{draw("--target", "ring8", "--path", "pfgm", "--from", "moons"), []string{"--path interpolant"}},
		{draw("--target", "student:dof=1.5", "--path", "kinetic"), []string{"+Inf", "finite"}},
		{draw("--target", "ring8", "--path", "interpolant"), []string{"--from moons"}},
		{draw("--target", "ring8", "--path", "interpolant:kind=mirror", "--from", "moons"), []string{"mirror", "the same"}},
		{draw("--target", "ring8", "--path", "interpolant", "--from", "gauss:d=3"), []string{"dimension 3", "dimension 2"}},
		{draw("--target", "ring8", "--path", "interpolant", "--from", "moon"), []string{"--from", "moons"}},
		{draw("--target", "ring8", "--path", "interpolant:gamma=root", "--from", "moons"), []string{"root", "sqrt"}},
		{draw("--target", "ring8", "--path", "interpolant", "--from", "moons", "--sampler", "unipc"), []string{"log-SNR", "heun"}},
		{draw("--target", "ring8", "--path", "interpolant", "--from", "moons", "--grid", "karras"), []string{"uniform, quadratic"}},
		{[]string{"loglik", "--target", "ring8", "--path", "interpolant", "--from", "points:p2.csv", "p2.csv"}, []string{"no density", "std=0.05"}},
		{[]string{"train", "--out", "m.safetensors"}, []string{"--data FILE or --target"}},
		{[]string{"train", "--data", "p2.csv", "--out", "m.npz"}, []string{".safetensors"}},
		{[]string{"train", "--data", "none.csv", "--out", "m.safetensors"}, []string{"none.csv"}},
		{[]string{"train", "--target", "ring8", "--objective", "dsn", "--out", "m.safetensors"}, []string{"dsn", `did you mean "dsm"`}},
		{[]string{"train", "piror"}, []string{`did you mean "prior"`}},
		{draw("--target", "ring8", "--model", "bad.npy"), []string{"bad.npy", "safetensors"}},
		{draw("--target", "ring8", "--model", "bad.npy", "--path", "pfgm"), []string{"Gaussian noise"}},
		{[]string{"path"}, []string{"--target is missing"}},
		{[]string{"path", "--target", "ring8", "--samples", "3"}, []string{"--samples"}},
		{[]string{"path", "--target", "ring8", "--plot", "x.gif"}, []string{".png or .svg"}},
		{draw("--target", "ring8", "--sampler", "hean"), []string{`did you mean "heun"`}},
		{draw("--target", "ring8", "--sampler", "em:eta=-1"), []string{"eta=-1"}},
		{draw("--target", "ring8", "--sampler", "em:noise=white"), []string{"steps, tree"}},
		{draw("--target", "ring8", "--sampler", "heun:rtol=x"), []string{"rtol"}},
		{draw("--target", "ring8", "--sampler", "em", "--grid", "uniform"), []string{"--grid logsnr"}},
		{draw("--target", "ring8", "--sampler", "unipc-4"), []string{"unknown sampler", "unipc-"}},
		{draw("--target", "ring8", "--sampler", "edm-churn:s_churn=-1"), []string{"s_churn=-1", "at least 0"}},
		{draw("--target", "ring8", "--sampler", "sa:predictor=1,corrector=4"), []string{"corrector=4 must not exceed"}},
		{draw("--target", "ring8", "--sampler", "deis:warmup=none"), []string{"matched, lean, published"}},
		{draw("--target", "ring8", "--sampler", "dpm-adaptive:order=4"), []string{"order=4", "from 2 to 3"}},
		{[]string{"loglik", "--target", "ring8", "--solver", "unipc", "p2.csv"}, []string{"tsit5:rtol=1e-6"}},
		{draw("--target", "ring8", "--grid", "karas"), []string{`did you mean "karras"`}},
		{draw("--target", "ring8", "--grid", "list:none.txt"), []string{"none.txt"}},
		{draw("--target", "ring8", "--grid", "list:down.txt"), []string{"down.txt"}},
		{draw("--target", "ring8", "--grid", "list:word.txt"), []string{"word.txt:1", "hello"}},
		{draw("--target", "ring8", "--metrics", "sliced"), []string{`did you mean "sliced_w2"`}},
		{draw("--target", "ring8", "--metrics", "w2"), []string{"dimension 1"}},
		{draw("--target", "ring8", "--trajectories", "5"), []string{"--plot"}},
		{[]string{"draw", "--target", "ring8", "-n", "100000000", "--trajectories", "9223372036854775807", "--plot", "x.png"}, []string{"at most 838860 of dimension 2 at 40 times"}},
		{draw("--target", "ring8", "--workers", "-1"), []string{"--workers"}},
		{draw("--target", "ring8", "--seed", "-1"), []string{"--seed", "whole number from 0"}},
		{draw("--target", "ring8", "-n", "99999999999999999999"), []string{"-n", "out of range"}},
		{draw("--target", "ring8", "--json=perhaps"), []string{"--json", "true or false"}},
		{[]string{"path", "--target", "ring8", "--floor", "x"}, []string{"--floor", "is not a number"}},
		{draw("--target", "ring8", "extra"), []string{`"extra"`}},
		{[]string{"draw", "--target", "ring8", "--out", "x.txt"}, []string{".npy or .csv"}},
		{[]string{"draw", "--target", "ring8", "--out", "no/such/x.npy"}, []string{"no/such/x.npy"}},
		{[]string{"draw", "--target", "ring8", "--plot", "x.gif"}, []string{".png or .svg"}},
		{draw("--target", "points:none.csv"), []string{"none.csv"}},
		{draw("--target", "points:ragged.csv"), []string{"ragged.csv", "2"}},
		{draw("--target", "points:nan.csv"), []string{"nan.csv"}},
		{draw("--target", "points:empty.csv"), []string{"empty.csv"}},
		{draw("--target", "points:bad.npy"), []string{"bad.npy"}},
		{draw("--target", "points"), []string{"needs a file"}},
		{draw("--target", "points:ragged.csv,std=-1"), []string{"std=-1"}},
		{draw("--target", "file:notspd.json"), []string{"notspd.json", "positive definite"}},
		{draw("--target", "file:negative.json"), []string{"negative.json", "weight"}},
		{draw("--target", "file:zero.json"), []string{"zero.json", "weight"}},
		{draw("--target", "file:dims.json"), []string{"dims.json"}},
		{draw("--target", "image:cut.png"), []string{"cut.png"}},
		{[]string{"loglik", "--target", "ring8", "points3.csv"}, []string{"dimension 3", "dimension 2"}},
		{[]string{"loglik", "--target", "ring8"}, []string{"one file of points"}},
		{[]string{"loglik", "--target", "ring8", "--solver", "em", "points3.csv"}, []string{"dimension 3"}},
		{[]string{"compare", "--target", "ring8"}, []string{"--out DIR"}},
		{[]string{"compare", "--target", "ring8", "--out", "plain"}, []string{"plain is a file"}},
		{[]string{"compare", "--target", "ring8", "--out", "no/dir"}, []string{"no"}},
		{[]string{"compare", "--target", "ring8", "--out", "r", "--nfe", "5,x"}, []string{`"x"`}},
		{[]string{"compare", "--target", "ring8", "--out", "r", "--samplers", "heun,foo"}, []string{"foo"}},
		{[]string{"recommend", "--target", "ring8", "--nfe", "0"}, []string{"--nfe", "from 1"}},
		{[]string{"recommend", "--target", "ring8", "--paths", ""}, []string{"--paths names no path"}},
		{[]string{"draw", "--target", "points:p2.csv", "--out", "p2.csv"}, []string{"p2.csv is read by this command"}},
		{[]string{"loglik", "--target", "points:p2.csv", "p2.csv"}, []string{"no density", "std=0.05"}},
		{[]string{"loglik", "--target", "box", "p2.csv"}, []string{"density 0 at every point"}},
		{[]string{"compare", "--target", "ring8", "--out", "-"}, []string{"directory"}},
		{draw("--target", "gauss:d=2,d=3"), []string{`"d" is given twice`}},
		{[]string{"metric", "p2.csv"}, []string{"two files"}},
		{[]string{"metric", "p2.csv", "points3.csv"}, []string{"p2.csv", "dimension 2", "points3.csv", "dimension 3"}},
		{[]string{"metric", "p2.csv", "empty.csv"}, []string{"empty.csv"}},
		{[]string{"metric", "p2.csv", "nan.csv"}, []string{"nan.csv"}},
		{[]string{"metric", "p2.csv", "p2.csv", "--metrics", "enrgy"}, []string{`did you mean "energy"`}},
		{[]string{"metric", "p2.csv", "p2.csv", "--metrics", "energy"}, []string{"energy", "too few"}},
		{[]string{"list", "samplerz"}, []string{`did you mean "samplers"`}},
		{[]string{"rerun"}, []string{"one manifest"}},
		{[]string{"rerun", "none.json"}, []string{"none.json"}},
		{[]string{"rerun", "none.json", "--workers", "-1"}, []string{"--workers"}},
	} {
		name := strings.Join(tt.args, " ")
		code, stdout, stderr := sample(t, tt.args...)
		assert.Equal(t, exitUsage, code, "%s: %s", name, stderr)
		assert.Empty(t, stdout, name)
		assert.Equal(t, 1, strings.Count(stderr, "\n"), "%s: one line, got %q", name, stderr)
		for _, w := range tt.want {
			assert.Contains(t, stderr, w, name)
		}
		assert.Equal(t, before, files(t), "%s left files", name)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	inTemp(t)
	require.NoError(t, os.Mkdir("locked", 0o555))
	code, _, stderr := sample(t, "draw", "--target", "ring8", "-n", "10", "--out", "locked/x.npy")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "locked/x.npy")
}

func TestInterruptLeavesNothing(t *testing.T) {
	inTemp(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errw bytes.Buffer
	code := run(ctx, []string{"draw", "--target", "ring8", "--out", "x.npy"}, &out, &errw)
	assert.Equal(t, exitRun, code)
	assert.Contains(t, errw.String(), "interrupted")
	assert.Empty(t, files(t))
	errw.Reset()
	code = run(ctx, []string{"compare", "--target", "ring8", "-n", "100", "--out", "r"}, &out, &errw)
	assert.Equal(t, exitRun, code)
	assert.Contains(t, errw.String(), "interrupted")
	assert.Empty(t, files(t))
}

func TestCSVAndStdout(t *testing.T) {
	inTemp(t)
	code, stdout, stderr := sample(t, "draw", "--target", "gauss:d=3", "-n", "4", "--steps", "3", "--out", "-", "--metrics", "none", "-q")
	require.Equal(t, exitOK, code)
	assert.Empty(t, stderr)
	assert.Equal(t, 5, strings.Count(stdout, "\n"), "a header and four points")
	code, _, _ = sample(t, "draw", "--target", "gauss:d=3", "-n", "4", "--steps", "3", "--out", "x.csv")
	require.Equal(t, exitOK, code)
	b, err := os.ReadFile("x.csv")
	require.NoError(t, err)
	assert.Equal(t, stdout, string(b))
}

func TestLoglikAgainstTheClosedForm(t *testing.T) {
	inTemp(t)
	code, _, stderr := sample(t, "draw", "--target", "grid25", "-n", "50", "--out", "x.npy", "--metrics", "none")
	require.Equal(t, exitOK, code, stderr)
	for solver, tol := range map[string]float64{
		"tsit5:rtol=1e-8,atol=1e-8": 1e-6, // the tolerance, summed over the path
		"rk4":                       2,    // 100 fixed steps: the flow of narrow modes is stiff near the data
	} {
		code, stdout, stderr := sample(t, "loglik", "--target", "grid25", "--solver", solver, "--json", "--out", "ll.npy", "x.npy")
		require.Equal(t, exitOK, code, stderr)
		var rep loglikReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
		require.NotNil(t, rep.MaxAbsError)
		assert.Less(t, *rep.MaxAbsError, tol, solver)
		before, err := os.ReadFile("ll.npy")
		require.NoError(t, err)
		code, _, stderr = sample(t, "rerun", "ll.npy.json")
		require.Equal(t, exitOK, code, stderr)
		after, err := os.ReadFile("ll.npy")
		require.NoError(t, err)
		assert.Equal(t, before, after)
	}
	code, stdout, stderr := sample(t, "loglik", "--target", "grid25", "--div", "hutchinson:probes=8", "--json", "x.npy")
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stdout, "estimator_stderr")
}

func TestCompareWritesASelfContainedReport(t *testing.T) {
	inTemp(t)
	code, stdout, stderr := sample(t, "compare", "--target", "ring8", "--samplers", "euler,heun,tsit5:rtol=1e-3,atol=1e-3,em", "--nfe", "1,5,12",
		"-n", "400", "--out", "r", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rep compareReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
	assert.Len(t, rep.Cells, 3*3+1, "an adaptive sampler runs once")
	for _, c := range rep.Cells {
		if c.Sampler != "tsit5:rtol=1e-3,atol=1e-3" {
			assert.LessOrEqual(t, c.NFE, float64(c.Budget), c.Sampler)
			assert.Positive(t, c.Steps)
		}
	}
	for _, f := range []string{"report.html", "results.csv", "error.png", "error.svg", "compare.json"} {
		assert.FileExists(t, filepath.Join("r", f))
	}
	html, err := os.ReadFile("r/report.html")
	require.NoError(t, err)
	text := regexp.MustCompile(`base64,[^"]*`).ReplaceAllString(string(html), "")
	for _, bad := range []string{"src=\"http", "href=\"http", "ZgotmplZ", "<no value>", "NaN"} {
		assert.NotContains(t, text, bad)
	}
	results, err := os.ReadFile("r/results.csv")
	require.NoError(t, err)
	assert.Equal(t, 1+1+10, strings.Count(string(results), "\n"))
}

func TestRecommendGivesEvidence(t *testing.T) {
	inTemp(t)
	code, stdout, stderr := sample(t, "recommend", "--target", "ring8", "--nfe", "12", "-n", "500", "--samplers", "euler,heun,dpmpp-2m,em", "--paths", "condot,edm", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rows []candidate
	require.NoError(t, json.Unmarshal([]byte(stdout), &rows))
	assert.Len(t, rows, 8)
	for i, r := range rows {
		assert.LessOrEqual(t, r.NFE, 12.0)
		if i > 0 {
			assert.GreaterOrEqual(t, max(r.Worst, 1), max(rows[i-1].Worst, 1))
		}
	}
	assert.Contains(t, stderr, "use: sample draw --target ring8")
}

func TestMetricComparesFiles(t *testing.T) {
	inTemp(t)
	for name, args := range map[string][]string{
		"a.npy": {"--target", "ring8", "--seed", "1"}, "b.csv": {"--target", "ring8", "--seed", "2"}, "c.npy": {"--target", "moons"},
	} {
		code, _, stderr := sample(t, append([]string{"draw", "-n", "600", "--metrics", "none", "--out", name}, args...)...)
		require.Equal(t, exitOK, code, stderr)
	}
	compare := func(a, b string) map[string]float64 {
		code, stdout, stderr := sample(t, "metric", a, b, "--metrics", "all", "--json")
		require.Equal(t, exitOK, code, stderr)
		var out map[string]float64
		require.NoError(t, json.Unmarshal([]byte(stdout), &out))
		return out
	}
	same, other := compare("a.npy", "b.csv"), compare("a.npy", "c.npy")
	for _, name := range []string{"sliced_w2", "energy", "mmd", "w2_exact", "sinkhorn", "frechet"} {
		assert.Less(t, same[name], other[name], name)
	}
	for _, name := range []string{"energy_p", "mmd_p", "classifier_p"} {
		assert.Greater(t, same[name], 1e-3, name) // false alarm 1e-3
		assert.Less(t, other[name], 0.01, name)
	}
	assert.Greater(t, same["coverage"], other["coverage"])
}

// One step collapses a Gaussian onto its mean: the verdict must not be NaN or "exact".
func TestRecommendKnowsACollapse(t *testing.T) {
	code, stdout, stderr := sample(t, "recommend", "--target", "gauss:d=3", "--nfe", "1", "-n", "200", "--samplers", "euler", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rows []candidate
	require.NoError(t, json.Unmarshal([]byte(stdout), &rows))
	assert.Greater(t, rows[0].Worst, 1.0)
	assert.NotContains(t, stderr, "cannot be told")
}

// rerun finds the files of the run from any directory.
func TestRerunFromElsewhere(t *testing.T) {
	dir := inTemp(t)
	write(t, "p.csv", "0,0\n1,1\n2,0\n")
	require.NoError(t, os.Mkdir("out", 0o777))
	code, _, stderr := sample(t, "draw", "--target", "points:p.csv", "-n", "20", "--steps", "3", "--out", "out/x.npy")
	require.Equal(t, exitOK, code, stderr)
	want, err := os.ReadFile("out/x.npy")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	code, _, stderr = sample(t, "rerun", filepath.Join(dir, "out", "x.npy.json"))
	require.Equal(t, exitOK, code, stderr)
	got, err := os.ReadFile(filepath.Join(dir, "out", "x.npy"))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestListEverything(t *testing.T) {
	code, stdout, _ := sample(t, "list")
	require.Equal(t, exitOK, code)
	for _, l := range listings {
		assert.Contains(t, stdout, strings.ToUpper(l.what))
		code, stdout, _ := sample(t, "list", l.what, "--json")
		require.Equal(t, exitOK, code)
		var rows []listing
		require.NoError(t, json.Unmarshal([]byte(stdout), &rows), l.what)
		assert.NotEmpty(t, rows)
		seen := map[string]bool{}
		for _, r := range rows {
			assert.NotEmpty(t, r.Doc, r.Name)
			for _, n := range append(r.Aliases, r.Name) {
				assert.False(t, seen[n], "%s: %s is named twice", l.what, n)
				seen[n] = true
			}
		}
	}
}

func TestAliases(t *testing.T) {
	for alias, name := range map[string]string{
		"RK45": "dopri5", "euler_maruyama": "em", "Heun": "heun", "dpmpp_2m": "dpmpp-2m", "dpmpp_2m_sde": "sde-dpmpp-2m",
		"uni_pc_bh2": "unipc-2", "unipc": "unipc-3", "lms": "lms-4", "deis": "deis-3", "euler_ancestral": "euler-ancestral",
		"er_sde": "er-sde-3", "sa_solver": "sa", "exp_heun_2_x0": "exp-heun",
	} {
		s, err := buildSampler(alias)
		require.NoError(t, err, alias)
		assert.Equal(t, name, s.entry.Name, alias)
	}
	// One spelling must not name two samplers.
	seen := map[string]string{}
	for _, e := range samplerTable {
		for _, n := range append([]string{e.Name}, e.Aliases...) {
			n = normalise(n)
			assert.Contains(t, []string{"", e.Name}, seen[n], "%s is %s and %s", n, seen[n], e.Name)
			seen[n] = e.Name
		}
	}
}

// TestEverySamplerDraws runs every registered sampler with 1, 2, 3 and 12 steps on three
// paths: finite samples, the documented number of evaluations, and no more than asked.
func TestEverySamplerDraws(t *testing.T) {
	for _, e := range samplerTable {
		for _, path := range []string{"condot", "edm", "vp"} {
			for _, steps := range []int{1, 2, 3, 12} {
				p, err := runSettings{Target: "ring8", Path: path, Sampler: e.Name, Steps: steps, N: 20, Seed: 1}.check(t.Context(), 0)
				require.NoError(t, err, e.Name)
				x := make([]float64, 20*2)
				res, err := p.route.draw(t.Context(), p.sampler, p.grid, x, p.settings.Seed, nil)
				require.NoError(t, err, "%s on %s, %d steps", e.Name, path, steps)
				assert.True(t, allFinite(x), "%s on %s, %d steps", e.Name, path, steps)
				if p.sampler.adaptive {
					continue
				}
				n, err := p.sampler.nfe(steps)
				require.NoError(t, err)
				assert.Equal(t, n, res.MaxNFE, "%s on %s: evaluations of %d steps", e.Name, path, steps)
				if steps == 1 {
					assert.Equal(t, 1, n, "%s: one step is the denoising", e.Name)
				}
			}
		}
	}
}

// Each route draws its target, and the same bytes again from its manifest.
func TestRoutes(t *testing.T) {
	inTemp(t)
	routes := map[string][]string{
		"kinetic":    {"--path", "kinetic"},
		"kinetic vp": {"--path", "kinetic:vp=true,floor=0.3"},
		"pfgm":       {"--path", "pfgm:D=8"},
		"mixtures":   {"--from", "gauss", "--path", "interpolant:gamma=bump", "--sampler", "heun"},
		"forward":    {"--from", "gauss", "--path", "interpolant", "--sampler", "em", "--steps", "60"},
		"adaptive":   {"--from", "gauss", "--path", "interpolant:kind=trig", "--sampler", "dopri5:rtol=1e-4"},
		"falling":    {"--from", "box", "--path", "interpolant:eps=0.5,schedule=constant", "--sampler", "heun-sde", "--steps", "30"},
		"transport":  {"--from", "ring8", "--path", "interpolant:coupling=ot,centres=200", "--sampler", "heun"},
	}
	for name, args := range routes {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := sample(t, append([]string{"draw", "--target", "ring8:modes=4", "-n", "600", "--out", "r.npy", "--plot", "r.png", "--trajectories", "3", "--json"}, args...)...)
			require.Equal(t, exitOK, code, stderr)
			var rep drawReport
			require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
			for _, m := range rep.Measurements {
				if name == "transport" && m.Name != "sliced_w2" {
					continue // 200 draws stand for the target
				}
				assert.Less(t, m.excess(), 1.5, "%s: %v", m.Name, m.Value) // of three standard deviations of exact samples
			}
			if rep.Kind == kindODE {
				require.NotNil(t, rep.PathEnergy)
				assert.Greater(t, *rep.PathEnergy, *rep.Straightness)
			}
			code, _, stderr = sample(t, "rerun", "r.npy.json", "--out", "again.npy", "--workers", "2")
			require.Equal(t, exitOK, code, stderr)
		})
	}
}

// A network learns the data, draws with every command, and its run is the same after an
// interruption.
func TestTrain(t *testing.T) {
	inTemp(t)
	var rows strings.Builder
	for _, x := range density.Sample(density.Normal(1, 2), 400, 1, 0, 1) {
		fmt.Fprintf(&rows, "%g\n", 3+x)
	}
	write(t, "x.csv", rows.String())
	train := func(args ...string) trainReport {
		code, stdout, stderr := sample(t, append([]string{"train", "--data", "x.csv", "--batch", "128", "--seed", "2", "--json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		var rep trainReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
		return rep
	}
	a := train("--steps", "400", "--out", "a.safetensors", "--plot", "loss.png")
	require.Equal(t, 1, a.Dim)
	require.NotNil(t, a.Held)
	train("--steps", "400", "--out", "b.safetensors", "--checkpoint", "state", "--workers", "1")
	train("--steps", "400", "--out", "c.safetensors", "--checkpoint", "state")
	first, err := os.ReadFile("a.safetensors")
	require.NoError(t, err)
	for _, f := range []string{"b.safetensors", "c.safetensors"} {
		again, err := os.ReadFile(f)
		require.NoError(t, err)
		require.Equal(t, first, again, f)
	}
	code, stdout, stderr := sample(t, "draw", "--target", "gauss:d=1,mean=3,std=2", "--model", "a.safetensors", "-n", "2000", "--out", "y.npy", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rep drawReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
	// A fit to 360 points in 400 steps: mean and deviation are right to some 10 %.
	require.Less(t, rep.Metrics["w2"], 0.6)
	code, _, stderr = sample(t, "rerun", "y.npy.json", "--out", "z.npy")
	require.Equal(t, exitOK, code, stderr)
	code, _, stderr = sample(t, "loglik", "--target", "gauss:d=1,mean=3,std=2", "--model", "a.safetensors", "--solver", "rk4", "--steps", "40", "x.csv")
	require.Equal(t, exitOK, code, stderr)
}

// Densities with edges and sets of points have infinite fields at the ends of time, which
// the default settings keep away from.
func TestBridgesToRoughTargets(t *testing.T) {
	inTemp(t)
	write(t, "four.csv", "1,2\n-1,0\n3,1\n0,-2\n")
	for target, from := range map[string]string{"ring8": "points:four.csv", "points:four.csv": "gauss", "moons:std=0.002": "gauss", "checkerboard": "gauss", "box:d=1": "gauss:d=1", "sphere": "gauss:d=3", "grid25:std=0.01": "gauss:std=3"} {
		code, stdout, stderr := sample(t, "draw", "--from", from, "--target", target, "--path", "interpolant", "-n", "800", "--metrics", "sliced_w2", "--json")
		require.Equal(t, exitOK, code, stderr)
		var rep drawReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
		assert.Less(t, rep.Measurements[0].excess(), 1.5, target) // of three standard deviations of exact samples
	}
}

func TestLoglikAlongABridge(t *testing.T) {
	inTemp(t)
	write(t, "p.csv", "0.1,4\n-3.9,0.3\n2.8,2.8\n")
	for _, args := range [][]string{{"--from", "moons"}, {"--from", "box", "--solver", "rk4", "--steps", "200"}} {
		code, stdout, stderr := sample(t, append([]string{"loglik", "--target", "ring8", "--path", "interpolant:gamma=bump", "p.csv", "--json"}, args...)...)
		require.Equal(t, exitOK, code, stderr)
		var rep loglikReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
		assert.Less(t, *rep.MaxAbsError, 1e-3, "%v", args) // rtol 1e-6 on a flow that stretches 1e2
	}
}

// The figures of N(0, I) and of a standardised target are known.
func TestPathEnergies(t *testing.T) {
	inTemp(t)
	code, stdout, stderr := sample(t, "path", "--target", "gauss", "--samples", "256", "--energy", "--plot", "p.svg", "--json")
	require.Equal(t, exitOK, code, stderr)
	var rep pathReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep))
	for _, e := range rep.Energies {
		if e.Path == "optimum" {
			assert.InDelta(t, 0, e.Energy, 1e-12)
		}
	}
	assert.InDelta(t, 0, rep.Bound, 1e-12)
	assert.Equal(t, []string{"p.svg"}, files(t))
}

func TestSplitSpecs(t *testing.T) {
	assert.Equal(t, []string{"heun", "dopri5:rtol=1e-6,atol=1e-9", "em"}, splitSpecs("heun, dopri5:rtol=1e-6,atol=1e-9,em"))
	assert.Equal(t, []string{"em:eta=1", "sra1:eta=0.5,noise=tree"}, splitSpecs("em:eta=1,sra1:eta=0.5,noise=tree"))
	file, params := splitFile("a,b.csv,std=0.1")
	assert.Equal(t, []string{"a,b.csv", "std=0.1"}, []string{file, params})
}

func FuzzSpecs(f *testing.F) {
	for _, s := range []string{"ring8:modes=3", "gauss:d=64,std=2", "x:=", ":", "a:b=c,,d", "heun:rtol=1e-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if specFile(s) != "" {
			return // would open files
		}
		for _, piece := range splitSpecs(s) {
			_, _ = buildSampler(piece)
			_, _ = buildRoute(piece, &ends{target: density.Normal(1, 1), ctx: t.Context()})
		}
		_, _, err := find("target", s, targetTable, func(e *targetEntry) (string, []string, []param) { return e.Name, e.Aliases, e.Params })
		_ = err
	})
}

// The likelihood errs on both sides and may be negative: its distance from the floor
// counts, not its value.
func TestNegativeLikelihoodIsJudged(t *testing.T) {
	floor, sd, limit := -1.0, 0.01, -0.9
	far := measurement{Name: "nll", Value: -2, Floor: &floor, FloorSD: &sd, Limit: &limit}
	near := measurement{Name: "nll", Value: -1.05, Floor: &floor, FloorSD: &sd, Limit: &limit}
	assert.False(t, far.withinFloor())
	assert.True(t, near.withinFloor())
}
