package simd

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestChoose(t *testing.T) {
	assert.Equal(t, AVX2, choose("", AVX2))
	assert.Equal(t, Generic, choose("generic", AVX512))
	assert.Equal(t, AVX2, choose("AVX2", AVX512))
	assert.Panics(t, func() { choose("avx512", AVX2) })
	assert.Panics(t, func() { choose("sse", AVX512) })
}

func TestUse(t *testing.T) {
	before := Current()
	for _, l := range Levels() {
		restore := Use(l)
		assert.Equal(t, l, Current())
		restore()
	}
	assert.Equal(t, before, Current())
}
