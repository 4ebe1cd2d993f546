package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/linop"
)

// Every row of the photographs' table, the slow ones too, runs on a small picture of a disc.
func TestPhotoMethodsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of restorations")
	}
	*full = true
	defer func() { *full = false }()
	const n = 24
	clean := make([]float64, n*n)
	for i := range clean {
		clean[i] = 0.3
		if math.Hypot(float64(i/n)-12, float64(i%n)-11) < 7 {
			clean[i] = 0.8
		}
	}
	for _, d := range degradations[:1] {
		m, err := photograph(d, clean, n, n, 0)
		require.NoError(t, err)
		all, err := answers(context.Background(), &store{}, d.name, photoMethods(m, d, 0.003, 0.3, true), clean, n, n)
		require.NoError(t, err)
		for _, a := range all {
			assert.False(t, math.IsNaN(a.PSNR), a.Method)
		}
	}
}

// The complex prior denoises the parts by themselves, and its Jacobian is that of the parts.
func TestSplitIsTheTwoParts(t *testing.T) {
	model, err := ellipseModel(context.Background(), 1, 64, 2)
	require.NoError(t, err)
	const n = 16
	part := model.New(n, n, nil)
	s := newSplit(part)
	z := make([]float64, 2*2*n*n) // two complex pictures
	stream.New().Normals(z, 1, stream.Test, 0, 0)
	got, want, parts := make([]float64, len(z)), make([]float64, 2*n*n), make([]float64, 2*n*n)
	s.Denoise(got, z, 1, 0.3)
	for k := range 2 {
		planes(parts, z[k*2*n*n:(k+1)*2*n*n])
		part.Denoise(want, parts, 1, 0.3)
		for i := range n * n {
			assert.Equal(t, want[i], got[k*2*n*n+2*i])
			assert.Equal(t, want[n*n+i], got[k*2*n*n+2*i+1])
		}
	}
	v, jv := make([]float64, len(z)), make([]float64, len(z))
	v[3] = 1
	s.JVP(jv, z, v, 1, 0.3)
	for i := range n * n {
		assert.Zero(t, jv[2*i]) // the real parts do not feel an imaginary one
	}
	assert.NotZero(t, jv[3])
}

// The line integrals are the phantom's own: those of the projected picture agree with them to
// the error of pixels.
func TestScannedDataAreTheProjectors(t *testing.T) {
	m, err := geometry{angles: linop.ViewAngles(7, 0, math.Pi)}.scanned(testSeed, 0, 128)
	require.NoError(t, err)
	y := make([]float64, len(m.problem.Y()))
	m.problem.A().Apply(y, m.clean)
	sum := 0.0
	for i, v := range m.problem.Y() {
		sum += (v - y[i]) * (v - y[i])
	}
	// The noise is 0.01; pixels of 1/64 blur edges of height up to 1 and chords of up to
	// 1.8, which measured adds as much again.
	assert.InDelta(t, lineNoise, math.Sqrt(sum/float64(len(y))), 1.5*lineNoise)
}

// Rows that are in the file are not measured again, and the page gets its section from them.
func TestRowsAreKept(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rows.jsonl")
	const n = 12
	clean, noisy := make([]float64, n*n), make([]float64, n*n)
	noisy[0] = 0.1
	runs := 0
	methods := []restorer{{"one", func(context.Context) (answer, error) { runs++; return answer{x: noisy, NFE: 3}, nil }}}
	for range 2 {
		s, err := open("photos", file)
		require.NoError(t, err)
		assert.Equal(t, runs == 0, s.pending("task", methods))
		v, err := s.tuned("task", func() ([]float64, error) { runs += 10; return []float64{0.5}, nil })
		require.NoError(t, err)
		assert.Equal(t, []float64{0.5}, v)
		_, err = answers(context.Background(), s, "task", methods, clean, n, n)
		require.NoError(t, err)
	}
	assert.Equal(t, 11, runs)
	s, err := open("photos", file)
	require.NoError(t, err)
	assert.Equal(t, []string{"one"}, s.methods("task"))
	a, ok := s.get("task", "one")
	assert.True(t, ok)
	assert.InDelta(t, 10*math.Log10(n*n/0.01), a.PSNR, 1e-9) // one pixel is off by 0.1
	assert.Contains(t, s.table("task"), "| one | **41.58** |")
	other, err := open("mri", file)
	require.NoError(t, err)
	assert.Empty(t, other.rows)

	*out = dir
	defer func() { *out = "docs" }()
	page := filepath.Join(dir, "RESTORATION.md")
	require.NoError(t, os.WriteFile(page, []byte("before\n<!-- measured: mri -->\nold\n<!-- end: mri -->\nafter\n"), 0o600))
	require.NoError(t, replaceSection("mri", "new\n"))
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, "before\n<!-- measured: mri -->\n\nnew\n\n<!-- end: mri -->\nafter\n", string(text))
	assert.ErrorContains(t, replaceSection("ct", ""), "lacks the marks")
}

// The page has the marks of every experiment.
func TestPageHasAllSections(t *testing.T) {
	text, err := os.ReadFile("../../docs/RESTORATION.md")
	require.NoError(t, err)
	for _, e := range experiments {
		assert.Contains(t, string(text), "<!-- measured: "+e.name+" -->\n")
		assert.Contains(t, string(text), "<!-- end: "+e.name+" -->\n")
	}
}
