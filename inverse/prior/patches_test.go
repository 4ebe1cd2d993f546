package prior

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/metric"
	"github.com/seed-dea4846a/sampler/score/density"
)

// TestTiling: each pixel has the weight b/stride, and the average of means is symmetric.
func TestTiling(t *testing.T) {
	for _, c := range [][3]int{{8, 8, 1}, {8, 8, 2}, {13, 8, 2}, {20, 8, 1}, {5, 3, 1}, {9, 4, 2}} {
		tl := newTiling(c[0], c[1], c[2])
		weight := make([]float64, c[0])
		for i, a := range tl.start {
			for _, p := range tl.shows(a) {
				weight[p] += tl.weight[i]
			}
		}
		for _, w := range weight {
			assert.Equal(t, float64(c[1]/c[2]), w, "%v", c) // halves add exactly
		}
		x, y := normals(c[0], 1), normals(c[0], 2)
		bx, by := make([]float64, c[0]), make([]float64, c[0])
		tl.average(bx, x)
		tl.average(by, y)
		assert.InDelta(t, floats.Dot(bx, y), floats.Dot(x, by), 1e-14, "%v", c) // rounding of sums of size 1
	}
}

// toy is a mixture of three components on 3×3 patches, near enough to each other that none
// is gated away, with a Gaussian context and a blend.
func toy() *Model {
	p := &Model{Mean: 0.3, MeanVar: 0.05, Power: Radial{[]float64{0.05, 0.5}, []float64{2, 0.02}},
		BlendNoise: []float64{0.1, 1}, Blend: []float64{0.2, 0.6}}
	p.Side, p.Weights = 3, []float64{0.5, 0.3, 0.2}
	const m = 8
	for k := range 3 {
		f := mat.NewDense(m, m, normals(m*m, 10+uint64(k)))
		var c mat.Dense
		c.Mul(f, f.T())
		for i := range m {
			for j := range m {
				p.Cov = append(p.Cov, 0.004*c.At(i, j)*float64(k+1))
				if i == j {
					p.Cov[len(p.Cov)-1] += 0.02
				}
			}
		}
	}
	return p
}

// TestPatchesIsItsDefinition computes D as Patches documents it, patch by patch, with the
// exact mixture of package density. At these noises no direction is cut and no component
// gated away; 1e-10 is rounding in a well-conditioned formula.
func TestPatchesIsItsDefinition(t *testing.T) {
	p := toy()
	const b, m = 3, 8
	exact, err := density.NewMixture(p.Weights, make([]float64, 3*m), p.Cov, m)
	require.NoError(t, err)
	q := cosines(b)
	for _, n := range [][2]int{{3, 3}, {7, 5}, {4, 9}} {
		rows, cols := n[0], n[1]
		y := normals(rows*cols, 20)
		floats.Scale(0.3, y)
		for _, s := range []float64{0.2, 0.5, 2} {
			mirror := func(i, n int) int {
				if i < 0 {
					return -1 - i
				}
				if i >= n {
					return 2*n - 1 - i
				}
				return i
			}
			half := func(a, n int) float64 {
				if a < 0 || a > n-b {
					return 0.5
				}
				return 1
			}
			g := NewGaussian(rows, cols, p.Spectrum(), Mirror)
			u := make([]float64, len(y))
			for i, v := range y {
				u[i] = v - p.Mean
			}
			g.filter(u, func(v float64) float64 { return math.Sqrt(v / (v + s*s)) })
			want, means := make([]float64, len(y)), make([]float64, len(y))
			for r := 1 - b; r < rows; r++ {
				for c := 1 - b; c < cols; c++ {
					z, d := make([]float64, m), make([]float64, m)
					mean := 0.0
					for i := range b * b {
						at := mirror(r+i/b, rows)*cols + mirror(c+i%b, cols)
						mean += u[at] / (b * b)
						for j := range m {
							z[j] += q[i*m+j] * y[at]
						}
					}
					exact.Denoise(d, z, 1, s)
					w := half(r, rows) * half(c, cols) / (b * b)
					for i := range b * b {
						at := mirror(r+i/b, rows)*cols + mirror(c+i%b, cols)
						means[at] += w * mean
						want[at] += w * floats.Dot(q[i*m:(i+1)*m], d)
					}
				}
			}
			g.filter(means, func(v float64) float64 { return math.Sqrt(v / (v + s*s)) })
			wiener, got := make([]float64, len(y)), make([]float64, len(y))
			g.Denoise(wiener, y, 1, s)
			p.New(rows, cols, nil).Denoise(got, y, 1, s)
			for i := range got {
				beta := p.blend(s)
				assert.InDelta(t, (1-beta)*(p.Mean+means[i]+want[i])+beta*wiener[i], got[i], 1e-10, "%v s = %g", n, s)
			}
			// Another path: D(αy; α, αs) = D(y; 1, s).
			scaled, other := make([]float64, len(y)), make([]float64, len(y))
			floats.ScaleTo(scaled, 0.25, y)
			p.New(rows, cols, nil).Denoise(other, scaled, 0.25, 0.25*s)
			assert.InDeltaSlice(t, got, other, 1e-12)
		}
	}
}

// TestPatchesJacobian holds JVP to central differences, whose error is h² = 1e-10 times
// third derivatives and rounding 1e-16/h; to symmetry; and the divergence to the sum over
// unit pictures. With the embedded mixture a component could enter between two
// differences, which would show as an error of 1e-3/h; at these points none does.
func TestPatchesJacobian(t *testing.T) {
	for name, p := range map[string]*Model{"toy": toy(), "embedded": Default()} {
		for stride := 1; stride <= 2-p.Side%2; stride++ {
			rows, cols := 9, 11
			d := p.New(rows, cols, &PatchOptions{Stride: stride})
			n := d.Dim()
			for _, a := range [][2]float64{{1, 0.1}, {0.5, 0.2}, {1, 2}} {
				x, v, w := normals(n, 40), normals(n, 41), normals(n, 42)
				for i := range x {
					x[i] = a[0]*(0.4+0.02*float64(i%cols)+0.3*float64(i/cols/5)) + a[1]*x[i]
				}
				f := func(h float64) []float64 {
					y, out := make([]float64, n), make([]float64, n)
					floats.AddScaledTo(y, x, h, v)
					d.Denoise(out, y, a[0], a[1])
					return out
				}
				h := 1e-5 * a[1]
				up, down := f(h), f(-h)
				jv, jw := make([]float64, n), make([]float64, n)
				d.JVP(jv, x, v, a[0], a[1])
				d.JVP(jw, x, w, a[0], a[1])
				for i := range jv {
					assert.InDelta(t, (up[i]-down[i])/(2*h), jv[i], 1e-6*(1+floats.Norm(jv, math.Inf(1))), "%s stride %d at %v", name, stride, a)
				}
				assert.InDelta(t, floats.Dot(w, jv), floats.Dot(v, jw), 1e-11*floats.Norm(w, 2)*floats.Norm(jv, 2), "%s stride %d", name, stride)
				trace, e, je := 0.0, make([]float64, n), make([]float64, n)
				for i := range n {
					clear(e)
					e[i] = 1
					d.JVP(je, x, e, a[0], a[1])
					trace += je[i]
				}
				div := make([]float64, 1)
				d.Divergence(div, x, a[0], a[1])
				assert.InEpsilon(t, trace, div[0], 1e-10, "%s stride %d at %v", name, stride, a)
			}
		}
	}
}

// TestPatchesExtremes: without noise D is x, with nothing but noise the mean, and nothing
// in between is not finite.
func TestPatchesExtremes(t *testing.T) {
	d := Default().New(12, 17, nil)
	n := d.Dim()
	x, out := normals(n, 40), make([]float64, n)
	for i := range x {
		x[i] = 0.5 + 0.2*x[i]
	}
	d.Denoise(out, x, 1, 1e-7)
	// The least variance of a direction is 1.3e-6: gains are within 1e-8 of 1.
	assert.InDeltaSlice(t, x, out, 1e-6)
	for _, s := range []float64{1e-4, 1e-2, 1, 1e2, 9.9e3, 1e5, 1e8} {
		y := make([]float64, n)
		floats.AddScaledTo(y, x, s, normals(n, 41))
		d.Denoise(out, y, 1, s)
		assert.True(t, finite(out), "s = %g", s)
	}
	d.Denoise(out, x, 0, 1)
	for _, v := range out {
		assert.InDelta(t, Default().Mean, v, 1e-12)
	}
	// From patches to context only, the change is what the patches still said: their
	// largest variance over s² = 1e-8, times data of size s.
	below, above := make([]float64, n), make([]float64, n)
	y := normals(n, 42)
	floats.Scale(1e4, y)
	d.Denoise(below, y, 1, 1e4*(1-1e-12))
	d.Denoise(above, y, 1, 1e4)
	assert.InDeltaSlice(t, above, below, 0.02)
}

func TestPatchesWorkersAndAllocations(t *testing.T) {
	d := Default().New(70, 83, nil)
	x := normals(d.Dim(), 50)
	a, b, c, e := make([]float64, d.Dim()), make([]float64, d.Dim()), make([]float64, d.Dim()), make([]float64, d.Dim())
	ta, tb := make([]float64, 1), make([]float64, 1)
	was := runtime.GOMAXPROCS(1)
	d.Denoise(a, x, 1, 0.5)
	d.JVP(c, x, x, 1, 0.5)
	d.Divergence(ta, x, 1, 0.5)
	runtime.GOMAXPROCS(5)
	d.Denoise(b, x, 1, 0.5)
	d.JVP(e, x, x, 1, 0.5)
	d.Divergence(tb, x, 1, 0.5)
	runtime.GOMAXPROCS(was)
	assert.Equal(t, a, b)
	assert.Equal(t, c, e)
	assert.Equal(t, ta, tb)

	if raceEnabled {
		return
	}
	small := Default().New(16, 16, nil)
	y, dst := normals(256, 51), make([]float64, 256)
	g := NewGaussian(16, 16, Default().Spectrum(), Mirror)
	assert.Zero(t, testing.AllocsPerRun(5, func() { small.Denoise(dst, y, 1, 0.5) }))
	assert.Zero(t, testing.AllocsPerRun(5, func() { small.JVP(dst, y, y, 1, 0.5) }))
	assert.Zero(t, testing.AllocsPerRun(5, func() { g.Denoise(dst, y, 1, 0.5) }))
}

// TestPhotograph: on a photograph that training has not seen, the embedded prior removes
// noise better than Wiener's filter and total variation do, by figures well below those
// measured, 2.6 and 0.9 dB.
func TestPhotograph(t *testing.T) {
	pix, rows, cols, err := dataio.ReadGray("../../examples/image/camera.png")
	require.NoError(t, err)
	x, rows, cols := centre(Image{Pix: pix, Rows: rows, Cols: cols}, 128)
	const s = 0.1
	y, out := make([]float64, len(x)), make([]float64, len(x))
	floats.AddScaledTo(y, x, s, normals(len(x), 60))
	psnr := func() float64 { v, err := metric.PSNR(out, x, 1); require.NoError(t, err); return v }
	NewGaussian(rows, cols, Default().Spectrum(), Mirror).Denoise(out, y, 1, s)
	wiener := psnr()
	NewTVDenoiser(rows, cols, 0).Denoise(out, y, 1, s)
	tv := psnr()
	Default().New(rows, cols, nil).Denoise(out, y, 1, s)
	t.Logf("wiener %.2f, tv %.2f, patches %.2f", wiener, tv, psnr())
	assert.Greater(t, psnr(), wiener+1.5)
	assert.Greater(t, psnr(), tv+0.5)
}

func TestModelFile(t *testing.T) {
	p := toy()
	// A quarter of the way from (0.1, 0.2) to (1, 0.6) in log s.
	assert.InDelta(t, 0.3, p.blend(math.Pow(0.1, 0.75)), 1e-14)
	assert.Equal(t, 0.2, p.blend(0.01))
	assert.Equal(t, 0.6, p.blend(7))
	var file bytes.Buffer
	require.NoError(t, p.Write(&file))
	q, err := Read(file.Bytes())
	require.NoError(t, err)
	assert.InDeltaSlice(t, p.Cov, q.Cov, 1e-7) // float32 of values below 1
	assert.InDeltaSlice(t, p.Weights, q.Weights, 1e-7)
	assert.Equal(t, p.Power, q.Power)
	assert.Equal(t, p.Blend, q.Blend)
	var again bytes.Buffer
	require.NoError(t, q.Write(&again))
	assert.Equal(t, file.Bytes(), again.Bytes())

	for n := 0; n < file.Len(); n += 97 {
		_, err := Read(file.Bytes()[:n])
		assert.Error(t, err)
	}
	damaged := bytes.Clone(file.Bytes())
	damaged[200] ^= 0x55
	_, err = Read(damaged)
	assert.Error(t, err)
	for want, change := range map[string]func(p *Model){
		"sum to":              func(p *Model) { p.Weights[0] = 0.9 },
		"must be positive":    func(p *Model) { p.Weights[0] = -0.5 },
		"negative eigenvalue": func(p *Model) { p.Cov[0] = -1 },
		"not finite":          func(p *Model) { p.Cov[0] = math.NaN() },
		"ascend":              func(p *Model) { p.Power.Freq[1] = 0.01 },
		"shares be in [0, 1]": func(p *Model) { p.Blend[0] = 2 },
	} {
		p := toy()
		change(p)
		var file bytes.Buffer
		require.NoError(t, p.Write(&file))
		_, err := Read(file.Bytes())
		assert.ErrorContains(t, err, want)
	}
	assert.Less(t, len(embedded), 2<<20)
}

func BenchmarkPatches(b *testing.B) {
	for _, s := range []float64{0.02, 0.1, 0.5} {
		pix, rows, cols, err := dataio.ReadGray("../../examples/image/camera.png")
		require.NoError(b, err)
		x, rows, cols := centre(Image{Pix: pix, Rows: rows, Cols: cols}, 256)
		y, out := make([]float64, len(x)), make([]float64, len(x))
		floats.AddScaledTo(y, x, s, normals(len(x), 60))
		for _, stride := range []int{1, 2} {
			d := Default().New(rows, cols, &PatchOptions{Stride: stride})
			b.Run("stride="+string(rune('0'+stride)), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					d.Denoise(out, y, 1, s)
				}
			})
		}
	}
}

// TestLinearIsTheJacobian: what is kept of a point changes no bit of D and its Jacobian, also
// where the kept chunks end within a picture, after a move and with the context alone.
func TestLinearIsTheJacobian(t *testing.T) {
	for _, most := range []int{keptChunks, 3} {
		d := Default().New(70, 66, nil) // 4 chunks in 3 bands
		x, v := normals(2*d.Dim(), 71), normals(2*d.Dim(), 72)
		floats.Scale(0.3, x)
		l := &patchLinear{d: d, most: most}
		got, want := make([]float64, len(x)), make([]float64, len(x))
		for _, s := range []float64{0.3, 0.02, 2e4} {
			l.At(got, x, 1, s)
			d.Denoise(want, x, 1, s)
			require.Equal(t, want, got)
			d.JVP(want, x, v, 1, s)
			for range 2 {
				d.Denoise(got, v, 1, 0.1) // uses the same work spaces
				l.JVP(got, v)
				require.Equal(t, want, got)
			}
			floats.Scale(0.5, x)
			l.At(nil, x, 1, s)
			l.VJP(got, v)
			d.JVP(want, x, v, 1, s)
			require.Equal(t, want, got)
		}
	}
}

// TestLevelsAreShared: goroutines at more noises than are kept get what one alone gets.
func TestLevelsAreShared(t *testing.T) {
	d := Default().New(12, 14, nil)
	x := normals(d.Dim(), 70)
	noises := []float64{0.01, 0.03, 0.1, 0.3, 1, 3}
	want := make([][]float64, len(noises))
	for i, s := range noises {
		want[i] = make([]float64, d.Dim())
		d.Denoise(want[i], x, 1, s)
	}
	var wg sync.WaitGroup
	for i := range 4 * len(noises) {
		wg.Go(func() {
			got := make([]float64, d.Dim())
			for range 5 {
				d.Denoise(got, x, 1, noises[i%len(noises)])
				assert.Equal(t, want[i%len(noises)], got)
			}
		})
	}
	wg.Wait()
	for _, l := range d.c.levels.list {
		assert.Zero(t, l.users)
	}
}

func BenchmarkPatchesJVP(b *testing.B) {
	pix, rows, cols, err := dataio.ReadGray("../../examples/image/camera.png")
	require.NoError(b, err)
	x, rows, cols := centre(Image{Pix: pix, Rows: rows, Cols: cols}, 256)
	y, v, out := make([]float64, len(x)), normals(len(x), 61), make([]float64, len(x))
	d := Default().New(rows, cols, nil)
	for _, s := range []float64{0.02, 0.1, 0.5} {
		floats.AddScaledTo(y, x, s, normals(len(x), 60))
		l := d.NewLinear()
		for name, f := range map[string]func(){
			"product":   func() { d.JVP(out, y, v, 1, s) },
			"linearise": func() { l.At(nil, y, 1, s) },
			"linear":    func() { l.JVP(out, v) },
		} {
			l.At(nil, y, 1, s)
			b.Run(fmt.Sprintf("%s s=%g", name, s), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}
