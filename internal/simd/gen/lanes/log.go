package lanes

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"

	"github.com/seed-dea4846a/sampler/internal/simd/gen/emit"
)

// logR interpolates Σ 2 zⁱ/(2i + 3) at Chebyshev's nodes on [0, 0.0401]; z times the error is
// below 1.2e-16.
var logR = []float64{
	0.6666666666666694, 0.39999999999335556, 0.2857142883604555, 0.22222182776674482,
	0.18184610246294064, 0.15283703752403147, 0.1511848710872457,
}

// Log returns log(x·2^-shift) for normal x > 0, which it destroys, to 2 ulp.
//
// With x = 2^k (1 + f), ¾ ≤ 1 + f < 1½, s = f/(2 + f) and R = s² Σ 2 s²ⁱ/(2i + 3),
//
//	log x = k log 2 + f - s (f - R).
func (l Lanes) Log(x Vec, shift int) Vec { return l.LogEnd(l.LogStart(x, shift)) }

// LogStart is Log's beginning as far as the division, which is slow but leaves the other units free.
func (l Lanes) LogStart(x Vec, shift int) (k, f, s Vec) {
	const half, mantissa = 1 << 51, 1<<52 - 1 // half carries from 1½ on
	k, f, s = l.Reg(), l.Reg(), l.Reg()
	if l.Wide() {
		l.AddQ(emit.U64(uint64(half-shift<<52)), x, k)
		l.Do(VGETEXPPD, k, k)
		l.Do(VGETMANTPD, operand.Imm(3), x, x)
	} else {
		l.AddQ(emit.U64(half), x, x)
		l.Do(VPSRLQ, operand.Imm(52), x, k) // biased by 1023
		l.Or(emit.F64(0x1p52), k, k)
		l.Sub(emit.F64(0x1p52+1023+float64(shift)), k, k)
		l.And(emit.U64(mantissa), x, x)
		l.AddQ(emit.F64(0.75), x, x)
	}
	l.Sub(emit.F64(1), x, f)
	l.Add(emit.F64(1), x, s)
	l.Do(VDIVPD, s, f, s)
	return k, f, s
}

// LogEnd returns the logarithm, in the place of f.
func (l Lanes) LogEnd(k, f, s Vec) Vec {
	s2 := l.Reg()
	l.Mul(s, s, s2)
	r := l.Broadcast(emit.F64(logR[len(logR)-1]))
	for i := len(logR) - 2; i >= 0; i-- {
		l.FMA213(emit.F64(logR[i]), s2, r)
	}
	l.Do(VFNMADD213PD, f, s2, r) // f - R
	l.Do(VFNMADD213PD, f, s, r)
	l.FMA231(emit.F64(math.Ln2), k, r)
	return r
}
