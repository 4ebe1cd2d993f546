package pfgm

import (
	"math"

	"github.com/seed-dea4846a/sampler/ode"
)

var _ ode.Field = (*Poisson)(nil)

// Poisson is PFGM as Xu et al. (2022, arXiv 2209.11178) state it: the case D = 1, in N+1
// dimensions. The data are charges in the plane z = 0, whose field at X = (x, z) is
//
//	E(X) = 1/S ∫ (X - Y)/|X - Y|^{N+1} dp(y),   Y = (y, 0),   S the area of the unit sphere of R^{N+1}
//
// and samples follow the lines of E from a far plane z = z_max down to the data,
//
//	dx/dz = E_x/E_z,   dz/dz = 1       Poisson{…}
//	dx/ds = z E_x/E_z, dz/ds = z       Poisson{LogZ: true}, s = ln z (section 3.3)
//
// As E_z is half the law of x = y + zT, T Student's t of one degree of freedom (a half,
// because half of the flux goes down), and E_x/E_z = (x - D)/z, the lines are those of
// PFGM++ at D = 1 with z = r = σ.
//
// It is a field of dimension N+1 whose points carry their own z > 0; t is not used. A
// start at z_max is a draw of Kernel{Sigma: z_max, D: 1} and z_max.
type Poisson struct {
	Model Model // of D = 1: New(target, 1, 0) or NewPoints(data, dim, 1)
	LogZ  bool
}

// Dim returns N + 1.
func (p *Poisson) Dim() int { return p.Model.Dim() + 1 }

// Eval writes the slope of the field lines.
func (p *Poisson) Eval(dst, x []float64, _ float64) {
	d, n := p.Dim(), p.Model.Dim()
	checkBatch(dst, x, d, d)
	for i := 0; i < len(x); i += d {
		xi, z, row := x[i:i+n], x[i+n], dst[i:i+n]
		p.Model.Denoise(row, xi, 1, z)
		unit := 1.0
		if !p.LogZ {
			unit = z
		}
		for j := range row {
			row[j] = (xi[j] - row[j]) / unit
		}
		dst[i+n] = z / unit
	}
}

// Electric writes the field E itself, N+1 values a point. In high dimensions it is out of
// the range of float64, unlike its direction.
func (p *Poisson) Electric(dst, x []float64) {
	d, n := p.Dim(), p.Model.Dim()
	checkBatch(dst, x, d, d)
	for i := 0; i < len(x); i += d {
		xi, z, row := x[i:i+n], x[i+n], dst[i:i+n]
		p.Model.LogProb(dst[i+n:i+d], xi, 1, z)
		ez := math.Exp(dst[i+n]) / 2
		p.Model.Denoise(row, xi, 1, z)
		for j := range row {
			row[j] = ez * (xi[j] - row[j]) / z
		}
		dst[i+n] = ez
	}
}
