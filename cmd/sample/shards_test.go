package main

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
	"github.com/seed-dea4846a/sampler/score"
)

// TestShardsDoNotShow compares a run in shards with one in one piece, bit for bit.
func TestShardsDoNotShow(t *testing.T) {
	const n = 50_001
	for _, sampler := range []string{"euler", "em"} {
		p, err := runSettings{Target: "ring8", Path: "edm", Sampler: sampler, Steps: 2, N: n, Seed: 1}.check(t.Context(), 0)
		require.NoError(t, err)
		x := make([]float64, n*2)
		whole, err := p.route.draw(t.Context(), p.sampler, p.grid, x, 1, nil)
		require.NoError(t, err)
		for _, workers := range []int{1, 2, 5} {
			var last, puts, most atomic.Int64
			set := &ode.Settings{Workers: workers, Progress: func(done, total int64) {
				assert.EqualValues(t, n*(len(p.grid)-1), total)
				if before := last.Swap(done); workers == 1 {
					assert.Greater(t, done, before)
				}
				most.Store(max(most.Load(), done))
			}}
			var got []float64
			res, err := p.draw(t.Context(), set, func(x []float64) func() error {
				return func() error { got = append(got, x...); puts.Add(1); return nil }
			})
			require.NoError(t, err)
			assert.Greater(t, puts.Load(), int64(1))
			assert.EqualValues(t, n*(len(p.grid)-1), most.Load())
			assert.Equal(t, n, res.Points)
			assert.Equal(t, whole.Evals, res.Evals)
			assert.Equal(t, whole.MaxNFE, res.MaxNFE)
			assert.Equal(t, x, got)
		}
	}
}

// TestShardsAndTrace: trajectories of more samples than a shard would have, as in one piece.
func TestShardsAndTrace(t *testing.T) {
	p, err := runSettings{Target: "ring8", Path: "edm", Sampler: "em", Steps: 3, N: 100, Seed: 1}.check(t.Context(), 0)
	require.NoError(t, err)
	want := &ode.Trace{Rows: 40}
	_, err = p.route.draw(t.Context(), p.sampler, p.grid, make([]float64, 200), 1, &ode.Settings{Trace: want})
	require.NoError(t, err)
	got := &ode.Trace{Rows: 40}
	require.Less(t, shardRows(100, 2, 8), 40)
	_, err = p.draw(t.Context(), &ode.Settings{Workers: 8, Trace: got}, func([]float64) func() error { return func() error { return nil } })
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// TestDrawMemory holds what is alive at any time of a draw to a file to a few shards, 128 KiB
// each, whatever the number of samples: the longer run writes 4.8 MB more.
func TestDrawMemory(t *testing.T) {
	inTemp(t)
	peak := func(n int) (most int64) {
		p, err := runSettings{Target: "ring8", Path: "edm", Sampler: "euler", Steps: 2, N: n}.check(t.Context(), 0)
		require.NoError(t, err)
		sink, err := newDrawSink(p, outputs{out: "x.npy"}, nil)
		require.NoError(t, err)
		defer sink.abort()
		var heap runtime.MemStats
		_, err = p.draw(t.Context(), &ode.Settings{Workers: 2}, func(x []float64) func() error {
			put := sink.prepare(x)
			return func() error {
				runtime.GC()
				runtime.ReadMemStats(&heap)
				most = max(most, int64(heap.HeapAlloc))
				return put()
			}
		})
		require.NoError(t, err)
		return most
	}
	const n = 100_000
	peak(n) // what the process makes once
	short := peak(n)
	// Twelve shards are a worker's two at work and what waits in order, twice, as numbers and
	// as bytes.
	assert.InDelta(t, short, peak(4*n), 12*8192*16)
}

// BenchmarkDrawToFile is the draw of a million points of ring8 to a .npy file that
// docs/BENCHMARKS.md has for one and two workers.
func BenchmarkDrawToFile(b *testing.B) {
	file := filepath.Join(b.TempDir(), "x.npy")
	for _, workers := range []string{"1", "2"} {
		b.Run("workers="+workers, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				code := run(b.Context(), []string{"draw", "--target", "ring8", "--path", "edm", "--steps", "18", "-n", "1000000",
					"--metrics", "none", "--quiet", "--workers", workers, "--out", file}, io.Discard, io.Discard)
				require.Equal(b, exitOK, code)
				b.StopTimer()
				require.NoError(b, os.Remove(file)) // to replace a file makes ext4 write the new one out
				b.StartTimer()
			}
		})
	}
}

// TestDrawStops: a draw ends with the error of a put, of the lowest shard that fails, or of
// the context, and nobody waits for a shard that does not come.
func TestDrawStops(t *testing.T) {
	p, err := runSettings{Target: "ring8", Path: "edm", Sampler: "euler", Steps: 2, N: 100_000}.check(t.Context(), 0)
	require.NoError(t, err)
	bad, route := *p, *p.route
	bad.route, route.base = &route, poisoned{score.BaseOf(route.path, 0)}
	row := -1
	for _, workers := range []int{1, 2, 5} {
		set := &ode.Settings{Workers: workers}
		full := errors.New("disk full")
		_, err = p.draw(t.Context(), set, func([]float64) func() error { return func() error { return full } })
		assert.ErrorIs(t, err, full)

		ctx, cancel := context.WithCancel(t.Context())
		res, err := p.draw(ctx, set, func([]float64) func() error { return func() error { cancel(); return nil } })
		var stop *ode.Error
		require.ErrorAs(t, err, &stop)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, ode.Cancelled, stop.Status)
		assert.Equal(t, ode.Cancelled, res.Status)
		assert.Less(t, res.Points, p.settings.N)

		_, err = bad.draw(t.Context(), set, func([]float64) func() error { return func() error { return nil } })
		require.ErrorAs(t, err, &stop)
		assert.Equal(t, ode.NonFinite, stop.Status)
		if row < 0 {
			row = stop.Row
		}
		assert.Equal(t, row, stop.Row)
	}
	assert.Greater(t, row, 8192) // not in the first shard
}

// poisoned is a base of which a few draws, those beyond four deviations, are not finite.
type poisoned struct{ score.Normal }

func (b poisoned) Rand(dst []float64, rng *rand.Rand) {
	b.Normal.Rand(dst, rng)
	if dst[0] > 4*b.Std {
		dst[0] = math.NaN()
	}
}

// TestDrawInShards runs the command over more than one shard: the file, the metrics of the
// first samples, the manifest and its rerun.
func TestDrawInShards(t *testing.T) {
	if testing.Short() {
		t.Skip("over a million points")
	}
	inTemp(t)
	code, _, stderr := sample(t, "draw", "--target", "ring8", "--sampler", "euler", "--steps", "2", "-n", "1100000", "--metrics", "mean_z", "--out", "x.npy")
	require.Equal(t, exitOK, code, stderr)
	assert.Contains(t, stderr, "metrics of the first 1000000 samples")
	x, shape, err := dataio.ReadNPY("x.npy")
	require.NoError(t, err)
	assert.Equal(t, []int{1_100_000, 2}, shape)
	code, _, stderr = sample(t, "draw", "--target", "ring8", "--sampler", "euler", "--steps", "2", "-n", "1000", "--metrics", "none", "--out", "y.npy")
	require.Equal(t, exitOK, code, stderr)
	y, _, err := dataio.ReadNPY("y.npy")
	require.NoError(t, err)
	assert.Equal(t, y, x[:2000])
	code, _, stderr = sample(t, "rerun", "x.npy.json", "--out", "z.npy")
	require.Equal(t, exitOK, code, stderr)
}

// TestLevelInManifest: the manifest has the level of vector instructions, and a rerun at
// another one says so.
func TestLevelInManifest(t *testing.T) {
	inTemp(t)
	code, _, stderr := sample(t, "draw", "--target", "ring8", "-n", "50", "--steps", "5", "--metrics", "none", "--out", "x.npy")
	require.Equal(t, exitOK, code, stderr)
	m, err := readManifest("x.npy.json")
	require.NoError(t, err)
	assert.Equal(t, simd.Current().String(), m.SIMD)
	code, stdout, _ := sample(t, "version")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stdout, m.SIMD)
	for _, l := range simd.Levels() {
		if l == simd.Current() {
			continue
		}
		restore := simd.Use(l)
		code, _, stderr := sample(t, "rerun", "x.npy.json", "--out", "y.npy")
		restore()
		assert.Contains(t, stderr, "the last bits may differ")
		if code != exitOK {
			assert.Contains(t, stderr, "at level "+l.String())
			_, err := os.Stat("y.npy")
			assert.Error(t, err)
		}
	}
}
