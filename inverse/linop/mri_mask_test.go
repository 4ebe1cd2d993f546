package linop

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLineMasksHitTheAcceleration(t *testing.T) {
	for _, cols := range []int{64, 320, 255, 17} {
		for _, accel := range []float64{1, 2, 4, 5.5, 8} {
			for _, centre := range []float64{0, 0.04, 0.08, 0.125} {
				lines := math.Round(float64(cols) / accel)
				for kind, make := range map[string]func() (SamplingMask, error){
					"uniform":  func() (SamplingMask, error) { return UniformMask(3, cols, accel, centre) },
					"gaussian": func() (SamplingMask, error) { return GaussianMask(3, cols, accel, centre, 5) },
				} {
					m := must(make())
					assert.InDelta(t, float64(cols)/lines, m.Acceleration(), 1e-12, "%s %d R=%g", kind, cols, accel)
					for j := range cols {
						assert.True(t, m.Keep[j] == m.Keep[cols+j] && m.Keep[j] == m.Keep[2*cols+j])
					}
					for k := range int(math.Round(centre * float64(cols))) {
						assert.True(t, m.Keep[cols/2-int(math.Round(centre*float64(cols)))/2+k], "%s centre", kind)
					}
				}
			}
		}
	}
	// Without a centre the gaps of the uniform mask differ by one at most.
	m := must(UniformMask(1, 100, 7, 0))
	last, gaps := -1, map[int]bool{}
	for j, k := range m.Keep {
		if k {
			if last >= 0 {
				gaps[j-last] = true
			}
			last = j
		}
	}
	assert.Equal(t, map[int]bool{7: true, 8: true}, gaps)

	a, b := must(GaussianMask(1, 128, 4, 0.1, 1)), must(GaussianMask(1, 128, 4, 0.1, 2))
	assert.NotEqual(t, a, b)
	assert.Equal(t, a, must(GaussianMask(1, 128, 4, 0.1, 1)))
	// Few lines of many: the draw is nearly independent, with the density's deviation 15.
	// 2000 draws of 2 lines, a relative error of 1/√(2·4000) = 1.1 %, 4 of which fit 5 %.
	sum := 0.
	for seed := range uint64(2000) {
		for j, k := range must(GaussianMask(1, 128, 64, 0, seed)).Keep {
			if k {
				sum += float64((j - 64) * (j - 64))
			}
		}
	}
	assert.InEpsilon(t, 15, math.Sqrt(sum/4000), 0.05)
}

func TestPoissonMask(t *testing.T) {
	for _, c := range []struct {
		rows, cols, calib int
		accel, slope      float64
	}{{64, 64, 0, 4, 0}, {64, 48, 12, 4, 1}, {63, 65, 10, 8, 2}, {40, 40, 0, 1, 0}, {32, 32, 0, 1.5, 0}, {20, 20, 10, 4, 0}, {16, 16, 0, 256, 0}, {64, 64, 0, 30, 0.5}} {
		m := must(PoissonMask(c.rows, c.cols, c.accel, c.calib, c.slope, 3))
		want := float64(c.rows*c.cols) / math.Round(float64(c.rows*c.cols)/c.accel)
		assert.InDelta(t, want, m.Acceleration(), 1e-12, "%+v", c)
		for i := range c.rows * c.cols {
			if inMiddle(i/c.cols, c.rows, c.calib) && inMiddle(i%c.cols, c.cols, c.calib) {
				assert.True(t, m.Keep[i], "%+v", c)
			}
		}
		assert.Equal(t, m, must(PoissonMask(c.rows, c.cols, c.accel, c.calib, c.slope, 3)))
	}
	// The smallest distance for R = 8: no two neighbours, also not diagonal ones, while
	// a random choice of 512 of 4096 would have hundreds. A hexagonal packing of the
	// plane, area 8 a point, has distance 3.04; random throwing reaches 0.7 of that.
	m := must(PoissonMask(64, 64, 8, 0, 0, 4))
	nearest := math.Inf(1)
	var at [][2]int
	for i, k := range m.Keep {
		if k {
			for _, p := range at {
				nearest = min(nearest, math.Hypot(float64(i/64-p[0]), float64(i%64-p[1])))
			}
			at = append(at, [2]int{i / 64, i % 64})
		}
	}
	assert.GreaterOrEqual(t, nearest, 2.)
	// With a slope the middle quarter of the area is denser than the rest.
	m = must(PoissonMask(64, 64, 8, 0, 3, 4))
	in := 0
	for i, k := range m.Keep {
		if k && inMiddle(i/64, 64, 32) && inMiddle(i%64, 64, 32) {
			in++
		}
	}
	assert.Greater(t, in, 512/3)
}

// All accepted points are r apart or more, and a point is left out only for one nearer
// than r, whether neighbourhoods (small r) or lists (large r) are searched.
func TestPoissonThrow(t *testing.T) {
	const n = 20
	p := poisson{rows: n, cols: n, taken: make([]bool, n*n)}
	for i := range n * n {
		p.order = append(p.order, i*7%(n*n))
	}
	for _, r := range []float64{0, 1, 1.2, 2.5, 7.3, 100} {
		got := p.throw(r, nil)
		for i := range n * n {
			nearest := math.Inf(1)
			for _, g := range got {
				if g != i {
					nearest = min(nearest, math.Hypot(float64(i/n-g/n), float64(i%n-g%n)))
				}
			}
			assert.Equal(t, p.taken[i], nearest >= r, "point %d, r=%g", i, r)
		}
	}
}

func TestMaskErrors(t *testing.T) {
	_, err := UniformMask(4, 16, 0.5, 0)
	assert.ErrorContains(t, err, "acceleration 0.5 of 16")
	_, err = GaussianMask(4, 16, math.NaN(), 0, 1)
	assert.ErrorContains(t, err, "acceleration NaN")
	_, err = UniformMask(4, 16, 4, 0.5)
	assert.ErrorContains(t, err, "keeps 4 of 16 columns, fewer than the 8 of the centre")
	_, err = UniformMask(4, 16, 4, -1)
	assert.ErrorContains(t, err, "centre of -1")
	_, err = PoissonMask(8, 8, 65, 0, 0, 1)
	assert.ErrorContains(t, err, "acceleration 65 of 64")
	_, err = PoissonMask(8, 8, 4, 5, 0, 1)
	assert.ErrorContains(t, err, "calibration region of 5×5 for 16 samples")
	_, err = PoissonMask(8, 8, 4, 2, math.Inf(1), 1)
	assert.ErrorContains(t, err, "slope")
}

func TestRadialTrajectory(t *testing.T) {
	p := RadialTrajectory(4, 8, false)
	require.Len(t, p, 64)
	for s := range 8 {
		assert.Equal(t, 0., p[2*s])
		assert.Equal(t, float64(s-4)/8, p[2*s+1])
	}
	// The third of four spokes is vertical; all have their point 4 at the origin.
	assert.InDelta(t, -0.5, p[2*2*8], 1e-15)
	assert.InDelta(t, 0, p[2*2*8+1], 1e-15)
	p = RadialTrajectory(2, 8, true)
	assert.InDelta(t, 111.2461179749811, math.Atan2(-p[16], -p[17])*180/math.Pi, 1e-12)
}
