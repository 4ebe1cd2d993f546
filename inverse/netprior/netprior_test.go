package netprior

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/seed-dea4846a/sampler/inverse/prior"
)

func normals(n int, index uint64) []float64 {
	x := make([]float64, n)
	stream.New().Normals(x, 1, stream.Test, 0, index)
	return x
}

// photo returns a picture with an edge and a gradient.
func photo(rows, cols int) prior.Image {
	im := prior.Image{Name: "test", Rows: rows, Cols: cols, Pix: make([]float64, rows*cols)}
	for i := range im.Pix {
		r, c := i/cols, i%cols
		im.Pix[i] = 0.2 + 0.3*float64(c)/float64(cols)
		if math.Hypot(float64(r-rows/2), float64(c-cols/3)) < float64(rows)/4 {
			im.Pix[i] += 0.4
		}
	}
	return im
}

// small is a model of a few steps: what it has learned is little, but nothing in it is zero.
func small(t testing.TB, workers int) *Model {
	m, res, err := Train(context.Background(), []prior.Image{photo(40, 48), photo(36, 36)},
		Fit{Steps: 3, Batch: 3, Side: 16, Hidden: 4, Levels: 2, Seed: 5, Workers: workers})
	require.NoError(t, err)
	require.NoError(t, res.Err())
	return m
}

func TestTrainIsBitEqualForAnyWorkers(t *testing.T) {
	a, b := small(t, 1), small(t, 2)
	assert.Equal(t, a.Net.Net.W, b.Net.Net.W)
	assert.Equal(t, a.Law, b.Law)
}

func TestFileRoundTrip(t *testing.T) {
	m := small(t, 0)
	var file bytes.Buffer
	require.NoError(t, m.Write(&file))
	got, err := Read(bytes.NewReader(file.Bytes()))
	require.NoError(t, err)
	assert.Equal(t, m.Law, got.Law)
	for i, w := range m.Net.Net.W {
		// half a unit in the last of float16's 11 digits, or half of 2^-24
		assert.InDelta(t, w, got.Net.Net.W[i], math.Max(0x1p-11*math.Abs(float64(w)), 0x1p-25))
	}
	var again bytes.Buffer
	require.NoError(t, got.Write(&again))
	assert.Equal(t, file.Bytes(), again.Bytes(), "what is rounded is not rounded again")
	for n := 0; n < file.Len(); n += 97 {
		_, err := Read(bytes.NewReader(file.Bytes()[:n]))
		assert.Error(t, err, "%d bytes", n)
	}
}

func TestLawsThatAreNone(t *testing.T) {
	good := small(t, 0).Law
	require.NoError(t, good.check())
	for name, spoil := range map[string]func(l *Law){
		"blend ends below 1": func(l *Law) { l.Blend = []float64{0, 0.5}; l.BlendNoise = []float64{1, 2} },
		"no blend":           func(l *Law) { l.Blend, l.BlendNoise = nil, nil },
		"share":              func(l *Law) { l.Blend, l.BlendNoise = []float64{2, 1}, []float64{1, 2} },
		"noises fall":        func(l *Law) { l.Blend, l.BlendNoise = []float64{0, 1}, []float64{2, 1} },
		"no spectrum":        func(l *Law) { l.Power = prior.Radial{} },
		"no power":           func(l *Law) { l.Power = prior.Radial{Freq: []float64{0.1, 0.2}, Value: []float64{1, 0}} },
	} {
		l := good
		spoil(&l)
		assert.Error(t, l.check(), name)
	}
}

// Pictures of sizes that the network does not take as they are, and at a noise where the Gaussian
// has a part.
func TestJacobian(t *testing.T) {
	m := small(t, 0)
	m.BlendNoise, m.Blend = []float64{0.1, 10}, []float64{0, 1}
	for _, size := range [][2]int{{16, 16}, {13, 18}, {3, 2}} {
		p := m.New(size[0], size[1])
		n := p.Dim()
		const alpha, sigma = 0.7, 0.5
		x, v, u := normals(n, 1), normals(n, 2), normals(n, 3)
		for i := range x {
			x[i] = alpha * (0.5 + 0.3*x[i])
		}
		jv, ju := make([]float64, n), make([]float64, n)
		p.JVP(jv, x, v, alpha, sigma)
		p.VJP(ju, x, u, alpha, sigma)
		a, b, size := 0.0, 0.0, 0.0
		for i := range n {
			a += jv[i] * u[i]
			b += ju[i] * v[i]
			size += math.Abs(jv[i] * u[i])
		}
		assert.InDelta(t, a, b, 1e-5*size, "float32 in some twenty layers")
		// A ReLU network is linear but for the kinks that the difference crosses.
		const h = 1e-3
		up, down, y := make([]float64, n), make([]float64, n), make([]float64, n)
		for _, sign := range []float64{1, -1} {
			for i := range x {
				y[i] = x[i] + sign*h*v[i]
			}
			to := up
			if sign < 0 {
				to = down
			}
			p.Denoise(to, y, alpha, sigma)
		}
		miss, norm := 0.0, 0.0
		for i := range n {
			d := (up[i]-down[i])/(2*h) - jv[i]
			miss += d * d
			norm += jv[i] * jv[i]
		}
		assert.Less(t, math.Sqrt(miss/norm), 0.01)
	}
}

// A batch is its pictures one by one, and large noise leaves the Gaussian.
func TestDenoise(t *testing.T) {
	m := small(t, 0)
	p := m.New(13, 18)
	n := p.Dim()
	x, all, one := normals(3*n, 1), make([]float64, 3*n), make([]float64, n)
	for _, s := range []float64{0.05, 3, 1000} {
		p.Denoise(all, x, 1, s)
		for k := range 3 {
			p.Denoise(one, x[k*n:(k+1)*n], 1, s)
			assert.Equal(t, one, all[k*n:(k+1)*n])
		}
	}
	g := prior.NewGaussian(13, 18, m.Spectrum(), prior.Mirror)
	g.Denoise(one, x[:n], 0.1, 100)
	p.Denoise(all, x, 0.1, 100)
	assert.Equal(t, one, all[:n])
	g.Denoise(one, x[:n], 0, 1)
	p.Denoise(all, x, 0, 1)
	assert.Equal(t, one, all[:n], "no signal at all")
	require.NoError(t, p.Err())
}

func TestCrops(t *testing.T) {
	im := photo(64, 70)
	c, err := NewCrops([]prior.Image{im}, 32)
	require.NoError(t, err)
	d := c.Dim()
	x0, x1 := make([]float64, 16*d), make([]float64, 16*d)
	for _, shares := range [][2]float64{{0, 0}, {1, 0}, {0, 1}} {
		c.Leaves, c.Phantoms = shares[0], shares[1]
		require.NoError(t, c.Draw(x0, x1, 3, 7))
		y0, y1 := make([]float64, 16*d), make([]float64, 16*d)
		require.NoError(t, c.Draw(y0, y1, 3, 7))
		assert.Equal(t, x1, y1)
		assert.Equal(t, x0, y0)
		require.NoError(t, c.Draw(y0, y1, 3, 8))
		assert.NotEqual(t, x1, y1)
		for _, v := range x1 {
			// phantoms go up to 1.5, shaded leaves a little beyond the range of pixels
			require.True(t, v > -1.5 && v < 2.5, "%g", v)
		}
	}
	_, err = NewCrops([]prior.Image{im}, 65)
	assert.Error(t, err)
}

// Shrinking keeps the mean, and a linear ramp.
func TestResize(t *testing.T) {
	im := prior.Image{Rows: 10, Cols: 14, Pix: make([]float64, 140)}
	for i := range im.Pix {
		im.Pix[i] = float64(i%14) + 100*float64(i/14)
	}
	s := resize(im, 0.5)
	require.Equal(t, [2]int{5, 7}, [2]int{s.Rows, s.Cols})
	for i, v := range s.Pix {
		assert.InDelta(t, 2*float64(i%7)+0.5+100*(2*float64(i/7)+0.5), v, 1e-9)
	}
}
