package sde

// Func adapts ordinary functions to Process. All must be safe for concurrent use.
type Func struct {
	D int                               // dimension of a point
	F func(dst, x []float64, t float64) // drift
	G func(t float64) float64           // diffusion
}

// Dim returns the dimension of a point.
func (p Func) Dim() int { return p.D }

// Drift calls F.
func (p Func) Drift(dst, x []float64, t float64) { p.F(dst, x, t) }

// Diffusion calls G.
func (p Func) Diffusion(t float64) float64 { return p.G(t) }

// DiagonalFunc adapts ordinary functions to DiagonalProcess. All must be safe for
// concurrent use.
type DiagonalFunc struct {
	D int                               // dimension of a point
	F func(dst, x []float64, t float64) // drift
	G func(dst, x []float64, t float64) // diffusion, coordinate by coordinate
}

// Dim returns the dimension of a point.
func (p DiagonalFunc) Dim() int { return p.D }

// Drift calls F.
func (p DiagonalFunc) Drift(dst, x []float64, t float64) { p.F(dst, x, t) }

// DiffusionDiag calls G.
func (p DiagonalFunc) DiffusionDiag(dst, x []float64, t float64) { p.G(dst, x, t) }

// Diagonal returns the process as one with diagonal noise whose coefficients do not
// depend on the state. It is a DiagonalDeriver, and offers the process's Err.
func Diagonal(p Process) DiagonalProcess { return diagonal{p} }

type diagonal struct{ Process }

func (p diagonal) DiffusionDiag(dst, x []float64, t float64) {
	g := p.Diffusion(t)
	for i := range dst {
		dst[i] = g
	}
}

func (p diagonal) DiffusionDeriv(dst, x []float64, t float64) { clear(dst) }

func (p diagonal) Err() error {
	if m, ok := p.Process.(interface{ Err() error }); ok {
		return m.Err()
	}
	return nil
}
