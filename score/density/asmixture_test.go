package density

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// As a mixture a target has the same law.
func TestAsMixture(t *testing.T) {
	points, err := NewPoints([]float64{0, 1, 2, 0, -1, 3}, 2)
	require.NoError(t, err)
	wide, err := Gaussian([]float64{1, 2}, []float64{2, 0.5, 0.5, 1})
	require.NoError(t, err)
	ring := Ring(5, 2, 0.3)
	for name, target := range map[string]Target{
		"mixture": ring, "points": points, "moons": Moons(0.1), "pinwheel": Pinwheel(3, Blade{Rate: 0.25, Radial: 0.3, Tangential: 0.1}, 0.1),
		"smooth points": Smooth(points, 0.2), "smooth ring": Smooth(ring, 0.2), "smooth wide": Smooth(wide, 0.4), "twice": Smooth(Smooth(points, 0.1), 0.3),
	} {
		m, ok := AsMixture(target)
		require.True(t, ok, name)
		x := Sample(target, 20, 1, 2, 1)
		want, got := make([]float64, 20), make([]float64, 20)
		for _, sigma := range []float64{0.1, 1} {
			target.LogProb(want, x, 0.8, sigma)
			m.LogProb(got, x, 0.8, sigma)
			require.InDeltaSlice(t, want, got, 1e-12, name) // rounding: the same sum
		}
		if weights, means, stds, ok := m.Isotropic(); ok && name != "points" {
			iso, err := NewIsotropicMixture(weights, means, stds, 2)
			require.NoError(t, err)
			iso.LogProb(got, x, 0.8, 1)
			require.InDeltaSlice(t, want, got, 1e-12, name)
		}
	}
	_, ok := AsMixture(NewFunnel(2))
	require.False(t, ok)
	_, ok = AsMixture(Smooth(Uniform(2, 0, 1), 0.1))
	require.False(t, ok)
	m, _ := AsMixture(Smooth(wide, 0.4))
	_, _, _, ok = m.Isotropic()
	require.False(t, ok)
}
