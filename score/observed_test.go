package score

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/score/density"
)

// TestObservedIsTheSlice: the law of the unknown coordinates is the prior's density along
// the slice x_k = y, up to one constant; the denoiser is the posterior mean under it, and its
// derivatives are those of the denoiser.
func TestObservedIsTheSlice(t *testing.T) {
	const d = 4
	covs := make([]float64, 0, 3*d*d)
	for k := range 3 {
		a := mat.NewDense(d, d, normals(d*d, uint64(60+k)))
		var c mat.Dense
		c.Mul(a, a.T())
		for i := range d {
			for j := range d {
				v := (c.At(i, j) + c.At(j, i)) / 8
				if i == j {
					v += 0.2
				}
				covs = append(covs, v)
			}
		}
	}
	prior, err := density.NewMixture([]float64{0.5, 0.2, 0.3}, normals(3*d, 63), covs, d)
	require.NoError(t, err)
	known, y := []bool{false, true, false, true}, []float64{math.NaN(), 0.4, math.NaN(), -0.3}
	o, err := NewObserved(prior, known, y)
	require.NoError(t, err)
	u := normals(20, 64)
	joint, rest, slice := make([]float64, 40), make([]float64, 10), make([]float64, 10)
	for i := range 10 {
		copy(joint[i*d:], []float64{u[2*i], 0.4, u[2*i+1], -0.3})
	}
	prior.CleanLogProb(slice, joint)
	o.rest.CleanLogProb(rest, u)
	for i := range rest {
		// log-densities of some tens, by two decompositions
		assert.InDelta(t, rest[0]-slice[0], rest[i]-slice[i], 1e-12, "point %d", i)
	}
	x, v := normals(40, 65), normals(40, 66)
	got, want, slow := make([]float64, 40), make([]float64, 20), make([]float64, 40)
	o.Denoise(got, x, 0.6, 0.8)
	var xu []float64
	for i := range 10 {
		xu = append(xu, x[i*d], x[i*d+2])
	}
	o.rest.Denoise(want, xu, 0.6, 0.8)
	for i := range 10 {
		assert.Equal(t, []float64{want[2*i], 0.4, want[2*i+1], -0.3}, got[i*d:(i+1)*d])
	}
	o.JVP(got, x, v, 0.6, 0.8)
	jvp(bare{o}, slow, x, v, 0.6, 0.8)
	div, slowDiv := make([]float64, 10), make([]float64, 10)
	o.Divergence(div, x, 0.6, 0.8)
	traceJacobian(bare{o}, slowDiv, x, 0.6, 0.8)
	for i := range got {
		assert.InDelta(t, got[i], slow[i], 1e-8) // central differences: eps·|D|/5e-6
	}
	for i := range div {
		assert.InDelta(t, div[i], slowDiv[i], 1e-8)
	}
}
