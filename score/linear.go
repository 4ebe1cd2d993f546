package score

// A Linearizer is a JVPer that can keep what all products of its Jacobian at one point have
// in common, for methods that take many of them there or the denoised point as well.
// LinearOf serves these with any JVPer.
type Linearizer interface {
	JVPer
	// NewLinear returns a Jacobian that is at no point yet.
	NewLinear() Linear
}

// A Linear is the Jacobian ∂D/∂x of a denoiser at the points that it was last moved to. It
// has the rules of Denoise, holds its own work space and belongs to one goroutine.
type Linear interface {
	// At moves it to the points x, which must stay as they are, and writes D(x) into dst
	// unless that is nil.
	At(dst, x []float64, alpha, sigma float64)
	// JVP writes (∂D/∂x) v.
	JVP(dst, v []float64)
	// VJP writes (∂D/∂x)ᵀ u.
	VJP(dst, u []float64)
}

// A Differentiable is a Denoiser that is a JVPer.
type Differentiable interface {
	Denoiser
	JVPer
}

// LinearOf returns the Linear of m, which calls Denoise, JVP and VJP of m if that is no
// Linearizer, and JVP for both if it is no VJPer.
func LinearOf(m Differentiable) Linear {
	if l, ok := m.(Linearizer); ok {
		return l.NewLinear()
	}
	l := &plainLinear{m: m, vjp: m.JVP}
	if v, ok := m.(VJPer); ok {
		l.vjp = v.VJP
	}
	return l
}

type plainLinear struct {
	m            Differentiable
	vjp          func(dst, x, u []float64, alpha, sigma float64)
	x            []float64
	alpha, sigma float64
}

func (l *plainLinear) At(dst, x []float64, alpha, sigma float64) {
	l.x, l.alpha, l.sigma = x, alpha, sigma
	if dst != nil {
		l.m.Denoise(dst, x, alpha, sigma)
	}
}

func (l *plainLinear) JVP(dst, v []float64) { l.m.JVP(dst, l.x, v, l.alpha, l.sigma) }
func (l *plainLinear) VJP(dst, u []float64) { l.vjp(dst, l.x, u, l.alpha, l.sigma) }
