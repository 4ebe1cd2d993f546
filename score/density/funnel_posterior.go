package density

import "math"

// A funnelPoint is the posterior of v at one point.
type funnelPoint struct {
	logp   float64
	v, k   float64 // means
	score1 float64 // first coordinate of the score
	inv    float64 // mean of 1/S
	vv     float64 // α/σ² times Var v, Cov(v, k), Var k
	vk, kk float64
}

// A funnelLogit is the logarithm of the integrand,
//
//	g(v) = -(v-m)²/(2s²) - (n/2) log(1+e^u) - A/(1+e^u),   u = v + log(α²/σ²),
//
// where A = r²/(2σ²); its terms are those of S = σ²(1+e^u).
type funnelLogit struct{ m, s2, shift, a, n2 float64 }

// value returns g(v).
func (f *funnelLogit) value(v float64) float64 {
	u := v + f.shift
	l := math.Log1p(math.Exp(min(u, 40)))
	if u > 40 {
		l = u
	}
	return -(v-f.m)*(v-f.m)/(2*f.s2) - f.n2*l - f.a*math.Exp(-l)
}

// split returns w = α²e^v/S and o = 1-w = σ²/S.
func (f *funnelLogit) split(v float64) (w, o float64) {
	u := v + f.shift
	return 1 / (1 + math.Exp(-u)), 1 / (1 + math.Exp(u))
}

// slope returns g' and g”.
func (f *funnelLogit) slope(v float64) (g1, g2 float64) {
	w, o := f.split(v)
	return (f.m-v)/f.s2 + w*(f.a*o-f.n2), -1/f.s2 + w*o*(f.a*(o-w)-f.n2)
}

// root returns a mode between lo and hi, where g' ≥ 0 and g' ≤ 0, to a thousandth of
// its width, by Newton's method, replaced by bisection where it leaves the bracket or
// does not halve its steps.
func (f *funnelLogit) root(lo, hi float64) float64 {
	v, last := (lo+hi)/2, hi-lo
	for range 100 {
		g1, g2 := f.slope(v)
		if g1 > 0 {
			lo = v
		} else {
			hi = v
		}
		next := v - g1/g2
		if !(next >= lo && next <= hi && math.Abs(next-v) <= last/2) {
			next = (lo + hi) / 2
		}
		last = math.Abs(next - v)
		v = next
		if last <= 1e-3/math.Sqrt(math.Abs(g2)) {
			break
		}
	}
	return v
}

// modes returns the one or two modes. With the likelihood's own mode at v_L, all modes
// lie between m and v_L. Its slope b(v) = w(A(1-w) - n/2), w = 1 - σ²/S, is negative
// above v_L, never below -n/2; below v_L it is a bump, concave in v only from
// u = -1.3 on, which the line (v-m)/s² may cross three times. A second mode that
// carries any weight has a slope well above 0 before it (the areas between bump and
// line decide), so that a few looks near the bump's top find it.
func (f *funnelLogit) modes() (left, right float64) {
	top := math.Inf(-1)
	if f.a > f.n2 && !math.IsInf(f.shift, -1) {
		top = math.Log(f.a/f.n2-1) - f.shift
	}
	if !(top > f.m) {
		v := f.root(max(top, f.m-f.n2*f.s2), f.m)
		return v, v
	}
	if f.m+f.shift >= 0 {
		v := f.root(f.m, top)
		return v, v
	}
	bump, best := f.m, math.Inf(-1)
	for u := -1.5; u <= 0; u += 0.25 {
		v := u - f.shift
		if g1, _ := f.slope(v); v > f.m && v < top && g1 > best {
			bump, best = v, g1
		}
	}
	// From m, where g' ≥ 0, Newton's method climbs to the left mode while g' is convex.
	last, v := f.m, f.m
	found := false
	for !found && v < bump {
		g1, g2 := f.slope(v)
		switch {
		case g1 <= 0:
			left, found = f.root(last, v), true
		case g2 >= 0:
			last, v = v, bump
		case -g1/g2 < 1e-3/math.Sqrt(-g2):
			left, found = v, true
		default:
			last, v = v, v-g1/g2
		}
	}
	switch {
	case best > 0 && found:
		return left, f.root(bump, top)
	case best > 0:
		right = f.root(bump, top)
		return right, right
	case !found:
		left = f.root(last, top)
	}
	return left, left
}

func (f *Funnel) point(x []float64, alpha, sigma float64) (p funnelPoint) {
	n := float64(f.d - 1)
	r := length(x[1:])
	s0 := funnelVar*alpha*alpha + sigma*sigma
	logit := funnelLogit{
		m: funnelVar * alpha * x[0] / s0, s2: funnelVar * sigma / s0 * sigma,
		shift: 2 * math.Log(alpha/sigma), a: r / sigma * (r / sigma) / 2, n2: n / 2,
	}
	left, right := logit.modes()
	main, other := left, right
	if logit.value(right) > logit.value(left) {
		main, other = right, left
	}
	_, c1 := logit.slope(main)
	_, c2 := logit.slope(other)
	sum := funnelSum{logit: &logit, alpha: alpha, ref: main, h: tauStep(max(-c1, -c2))}
	sum.w, sum.o = logit.split(main)
	// From the main mode both ways, then from the other one both ways, down to the
	// nodes already taken.
	const far = math.MaxInt
	above := sum.walk(0, 1, far)
	below := sum.walk(-1, -1, -far)
	switch mid := int(math.Round((other - main) / sum.h)); {
	case mid >= above:
		sum.walk(mid, 1, far)
		sum.walk(mid-1, -1, above-1)
	case mid <= below:
		sum.walk(mid, -1, -far)
		sum.walk(mid+1, 1, below+1)
	}
	z, c := sum.z, alpha/sigma/sigma
	v1, k1 := sum.v1/z, sum.k1/z
	p.v, p.k, p.inv = main+v1, sum.gain(sum.w)+k1, sum.o1/z/sigma/sigma
	p.vv, p.vk, p.kk = c*(sum.vv/z-v1*v1), c*(sum.vk/z-v1*k1), c*(sum.kk/z-k1*k1)
	// αm - x₁ = -x₁σ²/s₀².
	p.score1 = -x[0]/s0 + alpha*((main-logit.m)+v1)/sigma/sigma
	p.logp = logit.value(main) + math.Log(z*sum.h) - (math.Log(2*math.Pi*logit.s2)+math.Log(2*math.Pi*s0)+x[0]/s0*x[0])/2 -
		n*(math.Log(2*math.Pi)/2+math.Log(sigma))
	return p
}

// A funnelSum adds up moments of v - ref and of k less its value at ref, the larger
// mode, where w and o are those of split. Nodes are ref + qh.
type funnelSum struct {
	logit         *funnelLogit
	alpha, ref, h float64
	w, o          float64
	z, v1, k1, o1 float64
	vv, vk, kk    float64
}

// gain returns k = αe^v/S = w/α, which is 0 at α = 0.
func (s *funnelSum) gain(w float64) float64 {
	if s.alpha == 0 {
		return 0
	}
	return w / s.alpha
}

// walk adds the nodes q, q+dir, ... before stop until they are negligible and returns
// the first one left out. The integrand's logarithm is taken relative to ref, term by
// term, because g itself may be too large to tell one node from the next. With
// δ = v - ref and e = S(v)/S(ref) = o + w e^δ
//
//	g(v) - g(ref) = -δ(δ + 2(ref-m))/(2s²) - (n/2) log e + A o w (e^δ-1)/e
func (s *funnelSum) walk(q, dir, stop int) int {
	f := s.logit
	for ; q != stop; q += dir {
		d := float64(q) * s.h
		var grow, e, l float64 // e-1, e, log e
		if math.Abs(d) < 1 {
			grow = s.w * math.Expm1(d)
			e, l = 1+grow, math.Log1p(grow)
		} else {
			part := s.w * math.Exp(min(d, 700))
			grow, e = part-s.w, part+s.o
			l = math.Log(e)
		}
		drop := s.o * grow / e // o at ref less o at v
		g := -d*(d+2*(s.ref-f.m))/(2*f.s2) - f.n2*l + f.a*drop
		if !(g > -negligible) {
			break
		}
		p := math.Exp(g)
		k := s.gain(drop)
		s.z += p
		s.v1 += p * d
		s.k1 += p * k
		s.o1 += p * s.o / e
		s.vv += p * d * d
		s.vk += p * d * k
		s.kk += p * k * k
	}
	return q
}
