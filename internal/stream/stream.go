// Package stream gives addressed random streams: every random number of the
// toolkit is found at an address (seed, domain, sample, index) and not consumed
// from a shared sequence. A sample's numbers therefore do not depend on how many
// samples are drawn, on the number of workers, on the order of the work, or on
// where an interrupted run was taken up again.
//
// Standard normals have a generator of their own, simd.Key: word i of an address is
// a keyed mix of i, so that they are made many at a time; the key is a hash of the
// address by the finaliser of SplitMix64 (Steele, Lea and Flood 2014). Everything
// else comes from a rand.Rand on PCG-DXSM of math/rand/v2, whose 128 bits of state
// are such a hash too. The two are unrelated at one address.
package stream

import (
	"math/rand/v2"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A Domain keeps the uses of randomness apart: two domains never share numbers,
// even for the same seed, sample and index.
type Domain uint64

// The domains in use. Their values are part of the reproducibility promise:
// append, never renumber.
const (
	Base   Domain = iota + 1 // the start of a path, x at t = t0
	Step                     // increments of independent noise; index = step
	Tree                     // nodes of a Brownian tree; index = node
	Target                   // exact draws from a target density
	Probe                    // probes of trace estimators
	Metric                   // directions, subsets and permutations of metrics
	Test                     // anything in tests
)

// A Source is a generator that can be moved to any address. It belongs to one
// goroutine. The zero value is not usable; call New.
type Source struct {
	pcg  rand.PCG
	rand *rand.Rand
}

// New returns a Source that has not been moved to an address yet.
func New() *Source {
	s := new(Source)
	s.rand = rand.New(&s.pcg)
	return s
}

// At moves the source to an address and returns its generator, which stays
// valid until the next call.
func (s *Source) At(seed uint64, d Domain, sample, index uint64) *rand.Rand {
	h := simd.Mix(seed + golden*uint64(d))
	h = simd.Mix(h + sample)
	s.pcg.Seed(h, simd.Mix(h+golden*(index+1)))
	return s.rand
}

// Normals fills dst with standard normal variates from the address. A longer dst
// begins with the numbers of a shorter one.
func (s *Source) Normals(dst []float64, seed uint64, d Domain, sample, index uint64) {
	simd.Normals(dst, row(seed, d, index).Sample(sample))
}

// Rows fills dst with dim standard normal variates for each of the samples first,
// first+1, …: those of Normals, several times as fast.
func (s *Source) Rows(dst []float64, seed uint64, d Domain, first, index uint64, dim int) {
	simd.NormalRows(dst, row(seed, d, index), first, dim)
}

// row returns the key of the samples of one index.
func row(seed uint64, d Domain, index uint64) simd.Key {
	h := simd.Mix(seed + golden*uint64(d))
	return simd.Key{A: simd.Mix(h + golden*index), B: simd.Mix(simd.Mix(h) + golden*index)}
}

// Signs fills dst with independent random signs, 64 of them a number.
func (s *Source) Signs(dst []float64, seed uint64, d Domain, sample, index uint64) {
	rng := s.At(seed, d, sample, index)
	var bits uint64
	for i := range dst {
		if i%64 == 0 {
			bits = rng.Uint64()
		}
		dst[i] = float64(int(bits&1)*2 - 1)
		bits >>= 1
	}
}

const golden = 0x9e3779b97f4a7c15 // 2⁶⁴ divided by the golden ratio, odd
