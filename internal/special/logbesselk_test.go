package special

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reference rows, from testdata/bessel.txt by gen_bessel.go.
type besselRow struct{ nu, x, i, iScaled, k, kScaled, rho, r float64 }

func besselTable(t *testing.T) (rows []besselRow) {
	file, err := os.Open("testdata/bessel.txt")
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	for scan := bufio.NewScanner(file); scan.Scan(); {
		var v [8]float64
		words := strings.Fields(scan.Text())
		require.Len(t, words, len(v))
		for j, w := range words {
			bits, err := strconv.ParseUint(w, 16, 64)
			require.NoError(t, err)
			v[j] = math.Float64frombits(bits)
		}
		rows = append(rows, besselRow{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]})
	}
	return rows
}

// TestBesselTable holds every function against 2,000 pairs computed with 77 digits: the
// logarithms relative to the larger of 1 and their size, the ratios and derivatives
// relatively. The limits are 1.5 times the worst error seen, a few roundings.
func TestBesselTable(t *testing.T) {
	rows := besselTable(t)
	require.Len(t, rows, 2000)
	names := []string{"LogI", "LogIScaled", "LogK", "LogKScaled", "RatioI", "RatioK", "DLogI", "DLogK"}
	limits := []float64{6e-15, 3e-15, 3e-15, 3e-15, 2.5e-15, 2.5e-15, 2.5e-15, 4e-15}
	worst, where := make([]float64, len(names)), make([]string, len(names))
	for _, p := range rows {
		rho, _ := RatioI(p.nu, p.x)
		got := []float64{LogI(p.nu, p.x), LogIScaled(p.nu, p.x), LogK(p.nu, p.x), LogKScaled(p.nu, p.x),
			rho, RatioK(p.nu, p.x), DLogI(p.nu, p.x), DLogK(p.nu, p.x)}
		want := []float64{p.i, p.iScaled, p.k, p.kScaled, p.rho, p.r, p.nu/p.x + p.rho, p.nu/p.x - p.r}
		for j := range got {
			unit := math.Abs(want[j])
			if j < 4 {
				unit = max(1, unit)
			}
			if e := math.Abs(got[j]-want[j]) / unit; !(e <= worst[j]) {
				worst[j], where[j] = e, fmt.Sprintf("ν=%g x=%g", p.nu, p.x)
			}
		}
	}
	for j, name := range names {
		t.Logf("%s: worst error %.2g at %s", name, worst[j], where[j])
		assert.Less(t, worst[j], limits[j], name)
	}
}

// TestWronskian: x (I_ν K_{ν+1} + I_{ν+1} K_ν) = 1 at random pairs off the table, to the
// rounding of the logarithms.
func TestWronskian(t *testing.T) {
	rng := stream.New().At(1, stream.Test, 0, 0)
	for range 20_000 {
		nu, x := logUniform(rng, -4, 6), logUniform(rng, -300, 300)
		if rng.IntN(2) == 0 {
			nu, x = logUniform(rng, -2, 2), logUniform(rng, -2, 2)
		}
		rho, _ := RatioI(nu, x)
		r := RatioK(nu, x)
		i, k := LogIScaled(nu, x), LogKScaled(nu, x)
		got := math.Log(x) + i + k + math.Log(rho+r)
		tol := 5e-16*(math.Abs(math.Log(x))+math.Abs(i)+math.Abs(k)) + 1e-14
		require.InDelta(t, 0, got, tol, "ν=%g x=%g", nu, x)
		// The plain forms: the same, but for the rounding of x.
		i, k = LogI(nu, x), LogK(nu, x)
		got = math.Log(x) + i + k + math.Log(rho+r)
		tol = 5e-16*(math.Abs(math.Log(x))+math.Abs(i)+math.Abs(k)) + 1e-14
		require.InDelta(t, 0, got, tol, "ν=%g x=%g", nu, x)
	}
}

func logUniform(rng *rand.Rand, lo, hi float64) float64 {
	return math.Pow(10, lo+(hi-lo)*rng.Float64())
}

// TestBesselDerivatives against central differences of the logarithms in log x, of order
// 4: step 1e-3 leaves 1e-12·s of truncation and 1e-13·|log| of rounding.
func TestBesselDerivatives(t *testing.T) {
	const h = 1e-3
	slope := func(f func(nu, x float64) float64, nu, x float64) float64 {
		at := func(k float64) float64 { return f(nu, x*math.Exp(k*h)) }
		return (8*(at(1)-at(-1)) - (at(2) - at(-2))) / (12 * h) / x
	}
	for _, nu := range []float64{0, 0.3, 2, 29, 33, 200} {
		for _, x := range []float64{1e-3, 0.7, 1.3, 20, 31, 400} {
			at := fmt.Sprintf("ν=%g x=%g", nu, x)
			tol := 1e-10 * (1 + nu + x) / x
			assert.InDelta(t, slope(LogI, nu, x), DLogI(nu, x), tol, at)
			assert.InDelta(t, slope(LogK, nu, x), DLogK(nu, x), tol, at)
		}
	}
}

func TestBesselKEnds(t *testing.T) {
	for _, nu := range []float64{0, 0.5, 7, 1e6} {
		assert.Equal(t, math.Inf(1), LogK(nu, 0))
		assert.Equal(t, math.Inf(1), LogKScaled(nu, 0))
		assert.Equal(t, math.Inf(1), RatioK(nu, 0))
		for _, x := range []float64{1e-300, 1e300, math.MaxFloat64 / 4} {
			for j, v := range []float64{LogI(nu, x), LogK(nu, x), LogKScaled(nu, x), RatioK(nu, x), DLogI(nu, x), DLogK(nu, x)} {
				assert.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%d: ν=%g x=%g: %g", j, nu, x, v)
			}
		}
	}
	// At the smallest argument of all: the leading terms I = (x/2)^ν/Γ(ν+1), K = Γ(ν) (2/x)^ν/2,
	// their parts of 1e9 to some roundings.
	for _, nu := range []float64{7, 50, 1e6} {
		const x = 5e-324
		big, l := nu*(math.Log(x)-math.Ln2), math.Ln2
		lg, _ := math.Lgamma(nu)
		assert.InEpsilon(t, big-lg-math.Log(nu), LogI(nu, x), 1e-15)
		assert.InEpsilon(t, big-lg-math.Log(nu), LogIScaled(nu, x), 1e-15)
		assert.InEpsilon(t, lg-big-l, LogK(nu, x), 1e-15)
		assert.InEpsilon(t, lg-big-l, LogKScaled(nu, x), 1e-15)
	}
	// K_{1/2} = √(π/2x) e^{-x}, K_{3/2} = K_{1/2} (1 + 1/x).
	for _, x := range []float64{1e-9, 0.2, 1, 1.01, 29, 31, 1e9} {
		assert.InDelta(t, 0.5*math.Log(math.Pi/2/x), LogKScaled(0.5, x), 1e-14) // roundings of logs up to 10
		assert.InEpsilon(t, 1+1/x, RatioK(0.5, x), 2e-15)
	}
	for _, f := range []func(){func() { LogK(-1, 1) }, func() { LogKScaled(1, math.NaN()) }, func() { RatioK(1, -1) }} {
		assert.PanicsWithValue(t, "special: the Bessel function K needs an order and an argument of at least 0", f)
	}
}
