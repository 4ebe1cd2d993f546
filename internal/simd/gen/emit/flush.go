package emit

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// Flush makes the function treat subnormal numbers as zero from here on, in what it reads and
// what it computes: each would cost more than a hundred cycles. The function it returns emits
// what undoes that, which has to come before every RET.
func Flush() (restore func()) {
	old, set := AllocLocal(8), GP32()
	VSTMXCSR(old)
	MOVL(old, set)
	ORL(operand.U32(0x8040), set) // flush to zero, denormals are zeros
	MOVL(set, old.Offset(4))
	VLDMXCSR(old.Offset(4))
	return func() { VLDMXCSR(old) }
}
