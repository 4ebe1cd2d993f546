package inverse

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/floats"
)

// FPS is the filtering posterior sampler with particles (Dou and Song 2024, Diffusion
// posterior sampling for linear inverse problem solving: a filtering perspective, ICLR,
// algorithm 2). The data get noisy versions of their own, one path for each population,
//
//	y_K = α_K y + σ_K A z,   y_k = (α_k/α_{k+1}) y_{k+1} + √(σ_k² - (α_kσ_{k+1}/α_{k+1})²) A z,
//
// and the particles filter them as if their errors were independent,
//
//	p(y_k|x_k) = N(A x_k, α_k² R),
//
// with the exact proposal p(x'|x, y') and the weights p(y'|x). No Jacobian, one evaluation
// of the prior for each particle and step, any operator of up to 64 measurements.
//
// All y_k share the noise of y, and to take them as independent uses y more often than
// once: with any number of particles the points are too close to the data, the more so
// the more steps there are. The error vanishes with the noise. Other methods of SMC have no
// such bias. There is no estimate of the evidence.
type FPS struct{}

func (FPS) prepare(r *smcRun) (func() mover, error) {
	p := r.c.problem
	m, d := p.Dims()
	if m > formed {
		return nil, fmt.Errorf("inverse: FPS forms matrices of the size of the data, %d; the limit is %d", m, formed)
	}
	rows := operatorRows(r)
	aat := make([]float64, m*m)
	for i := range m {
		for j := range m {
			aat[i*m+j] = floats.Dot(rows[i*d:(i+1)*d], rows[j*d:(j+1)*d])
		}
	}
	r.noEvidence = true
	y := fpsData(r)
	return func() mover {
		return &fps{run: r, l: newLocal(p, r.c.model), aat: aat, y: y, at: -1, s: make([]float64, m*m), u: make([]float64, m), r: make([]float64, m)}
	}, nil
}

// fpsData returns the paths y_0 … y_K, one a population.
func fpsData(r *smcRun) []float64 {
	m, d := r.c.problem.Dims()
	times := len(r.at)
	y, z, az := make([]float64, len(r.out.LogEvidence)*times*m), make([]float64, d), make([]float64, m)
	for pop := range r.out.LogEvidence {
		number := uint64(r.set.First/r.Particles + pop)
		last := r.c.problem.y
		alpha, sigma := 1.0, 0.0
		for k := times - 1; k >= 0; k-- {
			c := r.at[k]
			f := c.Alpha / alpha
			// Beyond the addresses of the resampling.
			r.src.Normals(z, r.s.Seed, stream.Tree, number, uint64(times+2+k))
			r.c.problem.a.Apply(az, z)
			yk := y[(pop*times+k)*m:][:m]
			floats.ScaleTo(yk, f, last)
			floats.AddScaled(yk, math.Sqrt((c.Sigma-f*sigma)*(c.Sigma+f*sigma)), az)
			last, alpha, sigma = yk, c.Alpha, c.Sigma
		}
	}
	r.c.counts.add(&Counts{Apply: int64(len(r.out.LogEvidence) * times)})
	return y
}

type fps struct {
	run    *smcRun
	l      *Local
	aat, y []float64
	at     int       // the time that s belongs to
	s      []float64 // factor of v A Aᵀ + α²R
	u, r   []float64
}

func (w *fps) local() *Local { return w.l }

// draw moves x from its mean given the step before to a draw of N(x, v I) given y_k, and
// returns log p(y_k) of that Gaussian.
func (w *fps) draw(p *particle, v float64, z []float64, k int) float64 {
	l := w.l
	m, d := l.Dims()
	alpha := w.run.at[k].Alpha
	if w.at != k {
		floats.ScaleTo(w.s, v, w.aat)
		for i := range m {
			w.s[i*m+i] += alpha * alpha * l.Variance(i)
		}
		w.at = k
		if !factor(w.s, m) {
			return math.NaN()
		}
	}
	y := w.y[(p.population*len(w.run.at)+k)*m:][:m]
	l.Apply(w.r, p.x)
	floats.SubTo(w.r, y, w.r)
	copy(w.u, w.r)
	logw := logNormal(w.r, w.u, solveFactored(w.u, w.s))

	floats.AddScaled(p.x, math.Sqrt(v), z[:d])
	l.Apply(w.u, p.x)
	for i, ax := range w.u {
		w.u[i] = y[i] - ax - alpha*math.Sqrt(l.Variance(i))*z[d+i]
	}
	solveFactored(w.u, w.s)
	l.Adjoint(l.d1, w.u)
	floats.AddScaled(p.x, v, l.d1)
	return logw
}

func (w *fps) start(p *particle, z []float64) float64 {
	clear(p.x)
	c := w.run.at[0]
	return w.draw(p, c.Sigma*c.Sigma, z, 0)
}

func (w *fps) look(*particle, int) {}

func (w *fps) move(p *particle, z []float64, k int) float64 {
	g := w.run.legs[k]
	for i, v := range p.x {
		p.x[i] = g.keep*v + g.gain*p.mean[i]
	}
	return w.draw(p, g.v, z, k)
}

// finish ends at D(x): y_K has said all.
func (w *fps) finish(p *particle, _ []float64) float64 {
	copy(p.x, p.mean)
	return 0
}
