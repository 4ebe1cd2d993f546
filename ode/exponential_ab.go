package ode

// A Warmup is how a multistep method takes its first steps, before it has its history.
type Warmup int

// The kinds of warm-up.
const (
	// MatchedWarmup starts with the singlestep method RES of the multistep method's order,
	// at that many evaluations a step, so that the order holds from the start.
	MatchedWarmup Warmup = iota
	// PublishedWarmup starts as papers and released codes do, with the method's own forms
	// of order 1, 2, ... at one evaluation each. Its first step of order 1 leaves a global
	// error of order 2, whatever the order of the method.
	PublishedWarmup
	// LeanWarmup starts with the singlestep method of one order less, whose few steps leave
	// an error of the method's order all the same, at fewer evaluations.
	LeanWarmup
)

// start returns the order of the singlestep method that starts a method of order p; 1 means
// that none is needed.
func (w Warmup) start(p int) int {
	switch w {
	case PublishedWarmup:
		return 1
	case LeanWarmup:
		return p - 1
	}
	return p
}

// order returns the order of a method of order p after the warm-up.
func (w Warmup) order(p int) int {
	if w == PublishedWarmup {
		return min(p, 2)
	}
	return p
}

// suffix tells methods apart by their warm-up in their names.
func (w Warmup) suffix() string {
	return [...]string{MatchedWarmup: "", PublishedWarmup: "-published", LeanWarmup: "-lean"}[w]
}

// An abRule sets the weights, before the form's scale, of the slopes at past levels,
// newest first and at least one, for the step from past[0] to a level.
type abRule func(s *expAB, w []float64, past []level, to level)

// expAB is an exponential Adams-Bashforth stepper, x' = linear x + scale Σ w_j g_j over the
// last slopes g_j.
type expAB struct {
	expFlow
	history
	rule  abRule
	w     [4]float64
	start *expRK // nil if the rule starts by itself
}

// newExpAB returns a stepper with so many steps for a method of the given order.
func newExpAB(f Field, rows int, m form, name string, steps, order int, warm Warmup, rule abRule) *expAB {
	s := &expAB{expFlow: newExpFlow(f, m, name), rule: rule}
	s.history = newHistory(steps, rows*f.Dim())
	if start := warm.start(order); steps > 1 && start > 1 {
		s.start = RES{Stages: start}.newStepper(f, rows)
	}
	return s
}

func (s *expAB) Begin(_, rows int) {
	s.begin(rows * s.f.Dim())
	s.nfe = 0
	if s.start != nil {
		s.start.Begin(0, rows)
	}
}

func (s *expAB) NFE() int { return totalNFE(s.nfe, s.start) }

func (s *expAB) Step(x []float64, t0, t1 float64) {
	from, to := levelAt(s.f, t0), levelAt(s.f, t1)
	g := s.push(from)
	s.denoise(g, x, from)
	if singular(from, to) {
		ddim(x, g, from, to)
		s.n = 0
		return
	}
	starting := s.start != nil && s.n < s.steps
	if starting {
		copy(s.start.k[0], g)
	}
	s.form.slope(g, x, from)
	if starting {
		s.start.finish(x, from, to)
		return
	}
	s.rule(s, s.w[:s.n], s.at[:s.n], to)
	s.advance(x, x, from, to, s.w[:s.n], s.g[:s.n])
}

// history keeps the last slopes of a multistep method and their levels, newest first.
type history struct {
	steps int // slopes kept, at most 4
	n     int // slopes in store
	at    [4]level
	g     [4][]float64
}

func newHistory(steps, size int) history {
	h := history{steps: steps}
	for i := range steps {
		h.g[i] = make([]float64, size)
	}
	return h
}

func (h *history) begin(size int) {
	h.n = 0
	for i := range h.steps {
		h.g[i] = h.g[i][:size]
	}
}

// push makes room for the slope of a new level and returns it.
func (h *history) push(at level) []float64 {
	g := h.g[h.steps-1]
	copy(h.g[1:h.steps], h.g[:])
	copy(h.at[1:h.steps], h.at[:])
	h.g[0], h.at[0] = g, at
	h.n = min(h.n+1, h.steps)
	return g
}

func totalNFE(nfe int, start *expRK) int {
	if start != nil {
		nfe += start.NFE()
	}
	return nfe
}

// lambdaRule integrates the polynomial in λ: exponential Adams-Bashforth in the data
// form, DEIS in log ρ in the noise form.
func lambdaRule(s *expAB, w []float64, past []level, to level) {
	h := to.lambda - past[0].lambda
	var nodes, m [4]float64
	for j, p := range past {
		nodes[j] = (p.lambda - past[0].lambda) / h
	}
	expMoments(m[:len(w)], s.form.step(h))
	lagrangeWeights(w, nodes[:len(w)], m[:len(w)])
}

// rhoRule integrates the polynomial in ρ of the noise form.
func rhoRule(_ *expAB, w []float64, past []level, to level) {
	var nodes [4]float64
	for j, p := range past {
		nodes[j] = p.rho()
	}
	adamsWeights(w, nodes[:len(w)], to.rho())
	scaleBy(w, 1/to.rho())
}

// flowRule integrates the polynomial in s = σ/(α+σ) of the velocity form.
func flowRule(_ *expAB, w []float64, past []level, to level) {
	var nodes [4]float64
	for j, p := range past {
		nodes[j] = p.flow()
	}
	adamsWeights(w, nodes[:len(w)], to.flow())
}

// timeRule integrates the polynomial in t of the noise form.
func timeRule(s *expAB, w []float64, past []level, to level) {
	var nodes, m [4]float64
	for j, p := range past {
		nodes[j] = (p.t - past[0].t) / (to.t - past[0].t)
	}
	timeMoments(m[:len(w)], s.f, past[0], to)
	lagrangeWeights(w, nodes[:len(w)], m[:len(w)])
	scaleBy(w, 1/to.rho())
}

// scaleBy turns weights for the scale α' into weights for the noise form's scale σ'.
func scaleBy(w []float64, c float64) {
	for j := range w {
		w[j] *= c
	}
}
