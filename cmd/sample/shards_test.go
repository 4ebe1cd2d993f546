package main

import (
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/simd"
	"github.com/seed-dea4846a/sampler/ode"
)

// TestShardsDoNotShow compares a run in shards with one in one piece, bit for bit, and holds
// the numbers alive at any time to a few shards: the whole would be twice 32 MB.
func TestShardsDoNotShow(t *testing.T) {
	n := 2_000_000
	if testing.Short() {
		n = 600_000 // more than one shard
	}
	for _, sampler := range []string{"euler", "em"} {
		p, err := runSettings{Target: "ring8", Path: "edm", Sampler: sampler, Steps: 2, N: n, Seed: 1}.check(t.Context(), 0)
		require.NoError(t, err)
		var heap runtime.MemStats
		live := func() uint64 {
			runtime.GC()
			runtime.ReadMemStats(&heap)
			return heap.HeapAlloc
		}
		before, most, hash := live(), uint64(0), uint64(0)
		digest := func(h uint64, x []float64) uint64 {
			for _, v := range x {
				h = simd.Mix(h + uint64(int64(v*0x1p40)))
			}
			return h
		}
		var seen []int
		sink := &drawSink{p: p}
		last := int64(0)
		set := &ode.Settings{Workers: 1, Progress: func(done, total int64) {
			assert.GreaterOrEqual(t, done, last)
			assert.LessOrEqual(t, done, total+2) // rounding
			last = done
		}}
		res, err := p.draw(t.Context(), set, func(x []float64) error {
			seen = append(seen, len(x))
			hash = digest(hash, x)
			most = max(most, live())
			return sink.take(x)
		})
		require.NoError(t, err)
		assert.Greater(t, len(seen), 1)
		assert.Equal(t, n, res.Points)
		assert.Less(t, most, before+4*8*shardValues)
		x, whole, err := p.route.draw(t.Context(), p.sampler, p.grid, n, 1, nil)
		require.NoError(t, err)
		assert.Equal(t, digest(0, x), hash)
		assert.Equal(t, whole.Evals, res.Evals)
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
