// Package emit has what the generators of kernels share.
package emit

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

var consts = map[uint64]operand.Mem{}

// F64 returns the address of the float64 v in read-only data, 8 bytes to broadcast from.
// (avo writes integral floats as integers, so the bits go in.)
func F64(v float64) operand.Mem { return U64(math.Float64bits(v)) }

// U64 returns the address of the word v in read-only data.
func U64(v uint64) operand.Mem {
	m, ok := consts[v]
	if !ok {
		m = GLOBL(fmt.Sprintf("c64_%016x", v), attr.RODATA|attr.NOPTR)
		DATA(0, operand.U64(v))
		consts[v] = m
	}
	return m
}

var consts32 = map[uint32]operand.Mem{}

// F32 returns the address of the float32 v in read-only data, 4 bytes to broadcast from.
func F32(v float32) operand.Mem { return U32(math.Float32bits(v)) }

// U32 returns the address of the word v in read-only data.
func U32(v uint32) operand.Mem {
	m, ok := consts32[v]
	if !ok {
		m = GLOBL(fmt.Sprintf("c32_%08x", v), attr.RODATA|attr.NOPTR)
		DATA(0, operand.U32(v))
		consts32[v] = m
	}
	return m
}
