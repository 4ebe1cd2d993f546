// Package stream gives addressed random streams: every random number of the
// toolkit is found at an address (seed, domain, sample, index) and not consumed
// from a shared sequence. A sample's numbers therefore do not depend on how many
// samples are drawn, on the number of workers, on the order of the work, or on
// where an interrupted run was taken up again.
//
// The generator behind an address is PCG-DXSM of math/rand/v2; the 128 bits of
// its state are a hash of the address (the SplitMix64 finaliser of Steele, Lea
// and Flood 2014, applied once per word).
package stream

import "math/rand/v2"

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
	h := mix(seed + golden*uint64(d))
	h = mix(h + sample)
	s.pcg.Seed(h, mix(h+golden*(index+1)))
	return s.rand
}

// Normals fills dst with standard normal variates from the address.
func (s *Source) Normals(dst []float64, seed uint64, d Domain, sample, index uint64) {
	r := s.At(seed, d, sample, index)
	for i := range dst {
		dst[i] = r.NormFloat64()
	}
}

const golden = 0x9e3779b97f4a7c15 // 2⁶⁴ divided by the golden ratio, odd

// mix is the finaliser of SplitMix64, a bijection of the 64-bit words.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
