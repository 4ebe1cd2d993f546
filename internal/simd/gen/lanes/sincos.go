package lanes

import "github.com/seed-dea4846a/sampler/internal/simd/gen/emit"

var (
	sinP = []float64{
		1.58962301576546568060e-10, -2.50507477628578072866e-8, 2.75573136213857245213e-6,
		-1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1,
	}
	cosQ = []float64{
		-1.13585365213876817300e-11, 2.08757008419747316778e-9, -2.75573141792967388112e-7,
		2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2, -0.5, 1,
	}
)

// SinCos returns sin x and cos x for |x| ≤ π/4 (and a little beyond), by the polynomials of
// Cephes (sin.c, as those of Go's math.Sincos): x + x³ P(x²) and 1 + x² (x² Q(x²) - ½).
func (l Lanes) SinCos(x Vec) (sin, cos Vec) {
	z := l.Reg()
	l.Mul(x, x, z)
	sin, cos = l.Broadcast(emit.F64(sinP[0])), l.Broadcast(emit.F64(cosQ[0]))
	for i, c := range cosQ[1:] {
		if i+1 < len(sinP) {
			l.FMA213(emit.F64(sinP[i+1]), z, sin)
		}
		l.FMA213(emit.F64(c), z, cos)
	}
	xz := l.Reg()
	l.Mul(x, z, xz)
	l.FMA213(x, xz, sin)
	return sin, cos
}
