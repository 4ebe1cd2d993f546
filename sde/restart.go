package sde

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

// A RestartInterval is one interval of Restart, in σ̄ = σ/α.
type RestartInterval struct {
	Min, Max float64 // 0 < Min < Max
	Steps    int     // of the way back from Max
	Times    int     // how often it is repeated
}

// Restart adds noise in large portions (Xu et al. 2023, arXiv:2306.14878):
// after the step on which σ̄ first reaches Min of an interval it takes, Times times,
//
//	y ← y + SNoise √(Max² - σ̄²) z,   y = x/α
//
// and goes back from Max to the time of that step in Steps steps, spaced as in EDM (ρ =
// 7), of the inner method. The law is kept to the order of the inner method. Its history
// is dropped at every restart. The noise draws on intervals more than once, so
// Independent noise is required.
type Restart struct {
	// Inner is used on the way and on the ways back, with the process's η. Nil means
	// EDM's Heun method without noise, whatever η, as in the paper.
	Inner     Method
	Intervals []RestartInterval // nil means DefaultRestart
	SNoise    float64           // 0 means 1
}

// DefaultRestart is the interval that the authors use for CIFAR-10 on the
// variance-preserving model of EDM (benchmarks/params_cifar10_vp.txt in
// Newbeeer/diffusion_restart_sampling).
var DefaultRestart = []RestartInterval{{Min: 0.06, Max: 0.30, Steps: 3, Times: 2}}

var _ Method = Restart{}

// Name returns "restart".
func (Restart) Name() string { return "restart" }

// StrongOrder returns 0: the noise of restarts is no part of the Brownian motion.
func (Restart) StrongOrder() float64 { return 0 }

func (m Restart) inner() Method {
	if m.Inner == nil {
		return heunFlow{}
	}
	return m.Inner
}

// WeakOrder returns 0: restarts have a number of steps of their own, so that their error
// does not vanish with the grid's.
func (Restart) WeakOrder() float64 { return 0 }

// heunFlow is EDM's deterministic sampler.
type heunFlow struct{ Churn }

func (heunFlow) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	s := Churn{}.NewStepper(p, noise, rows).(*churnStepper)
	s.rate = func(Semilinear, node, node) float64 { return 0 }
	return s
}

// NewStepper returns the stepper of one goroutine. It panics unless p is a Semilinear, if
// the noise is a Tree, or if an interval is not valid.
func (m Restart) NewStepper(p Process, noise NoiseSource, rows int) ode.Stepper {
	refuseTree(m.Name(), noise)
	if m.Intervals == nil {
		m.Intervals = DefaultRestart
	}
	for _, iv := range m.Intervals {
		if !(iv.Min > 0 && iv.Max > iv.Min) || math.IsInf(iv.Max, 0) || iv.Steps < 1 || iv.Times < 1 {
			panic("sde: a restart interval needs 0 < Min < Max and at least one step and time")
		}
	}
	if !(m.SNoise >= 0) {
		panic("sde: SNoise of Restart is negative or not a number")
	}
	if m.SNoise == 0 {
		m.SNoise = 1
	}
	s := &restartStepper{semi: newSemi(m.Name(), p, noise, rows, nil), m: m}
	s.inner = m.inner().NewStepper(p, sharedNoise{s.noise}, rows)
	return s
}

type restartStepper struct {
	semi
	m           Restart
	inner       ode.Stepper
	first, rows int
}

func (s *restartStepper) Begin(first, rows int) {
	s.base.Begin(first, rows)
	s.inner.Begin(first, rows)
	s.first, s.rows = first, rows
}

func (s *restartStepper) NFE() int { return s.nfe + s.inner.NFE() }

func (s *restartStepper) Step(x []float64, t0, t1 float64) {
	s.inner.Step(x, t0, t1)
	a, b := s.node(t0), s.node(t1)
	low := b.ratio()
	for _, iv := range s.m.Intervals {
		if !(low <= iv.Min && iv.Min < a.ratio()) || b.sigma == 0 {
			continue
		}
		top := s.node(s.p.Time(-math.Log(iv.Max)))
		for range iv.Times {
			s.setNoisy(x, top.alpha/b.alpha, x, s.m.SNoise*top.alpha*math.Sqrt(iv.Max*iv.Max-low*low), top.t, t1)
			s.nfe += s.inner.NFE()
			s.inner.Begin(s.first, s.rows)
			s.back(x, iv, low, top.t, t1)
		}
	}
}

// back goes from Max, at time t, to the time t1, where σ̄ = low.
func (s *restartStepper) back(x []float64, iv RestartInterval, low, t, t1 float64) {
	const rho = 7
	u0, u1 := math.Pow(iv.Max, 1./rho), math.Pow(low, 1./rho)
	for k := 1; k <= iv.Steps; k++ {
		next := t1
		if k < iv.Steps {
			u := u0 + float64(k)/float64(iv.Steps)*(u1-u0)
			next = s.p.Time(-rho * math.Log(u))
		}
		s.inner.Step(x, t, next)
		t = next
	}
}
