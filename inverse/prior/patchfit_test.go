package prior

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// stripes is a picture whose left half has waves down and whose right half faint noise.
func stripes(rows, cols int) Image {
	im := Image{Name: "stripes", Pix: make([]float64, rows*cols), Rows: rows, Cols: cols}
	stream.New().Normals(im.Pix, 1, stream.Test, 0, 70)
	for i := range im.Pix {
		im.Pix[i] *= 0.01
		if c := i % cols; c < cols/2 {
			im.Pix[i] += 0.5 * math.Sin(float64(i/cols)+im.Pix[c])
		}
	}
	return im
}

// TestFitOne: with one component the fit is the second moment of the training patches,
// and its log-likelihood that of a Gaussian at its own moments, -½ (log det 2πC + m).
func TestFitOne(t *testing.T) {
	im := []Image{stripes(40, 50)}
	set := PatchFit{Side: 4, Components: 1, Patches: 900, Held: 100, Iterations: 3}
	model, res, err := FitPatches(context.Background(), im, &set)
	require.NoError(t, err)
	assert.Equal(t, Converged, res.Status)
	set.Patches = 900
	train, _, err := drawPatches(im, &set)
	require.NoError(t, err)
	const m = 15
	c := mat.NewSymDense(m, nil)
	for i := range 900 {
		c.SymRankOne(c, 1./900, mat.NewVecDense(m, train[i*m:(i+1)*m]))
	}
	for i := range m {
		for j := range m {
			assert.InDelta(t, c.At(i, j), model.Cov[i*m+j], 1e-13) // a sum in another order
		}
	}
	var chol mat.Cholesky
	require.True(t, chol.Factorize(c))
	want := -0.5 * (chol.LogDet() + m*math.Log(2*math.Pi) + m)
	assert.InDelta(t, want, res.LogLik[len(res.LogLik)-1], 1e-10)
}

// TestFitMoment: after any step of EM the mixture has the second moment of the patches,
// Σ w_k C_k = Σ_i Σ_k r_ik z_i z_iᵀ/n, to the rounding of a sum, unless eigenvalues were clipped.
func TestFitMoment(t *testing.T) {
	im := []Image{stripes(40, 50)}
	set := PatchFit{Side: 3, Components: 3, Patches: 900, Held: 10, Iterations: 1, Floor: 1e-12}
	model, _, err := FitPatches(context.Background(), im, &set)
	require.NoError(t, err)
	train, _, err := drawPatches(im, &set)
	require.NoError(t, err)
	for i := range 64 {
		got, want := 0.0, 0.0
		for k, w := range model.Weights {
			got += w * model.Cov[k*64+i]
		}
		for p := 0; p < len(train); p += 8 {
			want += train[p+i/8] * train[p+i%8] / 900
		}
		assert.InDelta(t, want, got, 1e-13)
	}
}

// TestFitMixture: the likelihood never falls (rounding of 100 nats apart), the two textures are told apart,
// covariances respect the floor, and workers change nothing.
func TestFitMixture(t *testing.T) {
	im := []Image{stripes(60, 60), stripes(41, 53)}
	set := PatchFit{Side: 4, Components: 4, Patches: 1500, Held: 300, Iterations: 12, Tol: 1e-9, Floor: 2e-5, Workers: 1}
	model, res, err := FitPatches(context.Background(), im, &set)
	require.NoError(t, err)
	for i, v := range res.LogLik[1:] {
		assert.Greater(t, v, res.LogLik[i]-1e-10)
	}
	one := set
	one.Components = 1
	_, single, err := FitPatches(context.Background(), im, &one)
	require.NoError(t, err)
	// Half of the patches have some 15 log(0.5/0.01)/4 nats to win, held out too.
	assert.Greater(t, res.Held, single.Held+5)
	assert.InDelta(t, res.LogLik[len(res.LogLik)-1], res.Held, 3) // 300 patches, deviation 15/√300
	total := 0.0
	for k, w := range model.Weights {
		total += w
		c := mat.NewSymDense(15, append([]float64(nil), model.Cov[k*225:(k+1)*225]...))
		var eig mat.EigenSym
		require.True(t, eig.Factorize(c, false))
		assert.GreaterOrEqual(t, eig.Values(nil)[0], 2e-5*(1-1e-9))
	}
	assert.InDelta(t, 1, total, 1e-12)
	set.Workers = 3
	again, res2, err := FitPatches(context.Background(), im, &set)
	require.NoError(t, err)
	assert.Equal(t, model, again)
	assert.Equal(t, res, res2)
}

// TestTrain makes a working prior of a few pictures.
func TestTrain(t *testing.T) {
	p, _, err := Train(context.Background(), []Image{stripes(60, 60), stripes(41, 53)}, &PatchFit{Side: 4, Components: 3, Patches: 500, Held: 50, Iterations: 3})
	require.NoError(t, err)
	d := p.New(20, 20, nil)
	out := make([]float64, 400)
	d.Denoise(out, normals(400, 71), 1, 0.3)
	assert.True(t, finite(out))
}

func TestFitErrors(t *testing.T) {
	fit := func(im Image, s *PatchFit) error {
		_, _, err := FitPatches(context.Background(), []Image{im}, s)
		return err
	}
	small := &PatchFit{Side: 4, Components: 2, Patches: 100, Held: 10}
	assert.ErrorContains(t, fit(Image{Name: "a", Pix: make([]float64, 25), Rows: 5, Cols: 5}, small), "a has 5×5 pixels: too few for patches of side 4")
	assert.ErrorContains(t, fit(Image{Pix: make([]float64, 400), Rows: 20, Cols: 20}, small), "no contrast")
	bad := stripes(20, 20)
	bad.Pix[3] = math.NaN()
	assert.ErrorContains(t, fit(bad, small), "stripes holds values that are not finite")
	assert.ErrorContains(t, fit(stripes(20, 20), &PatchFit{Side: 99}), "side 99")
	_, _, err := FitPatches(context.Background(), nil, small)
	assert.Error(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err = FitPatches(ctx, []Image{stripes(20, 20)}, small)
	assert.True(t, errors.Is(err, context.Canceled))
}
