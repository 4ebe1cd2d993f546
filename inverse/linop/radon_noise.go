package linop

import (
	"math"

	"github.com/seed-dea4846a/sampler/internal/stream"
	"gonum.org/v1/gonum/stat/distuv"
)

// NoisyLines adds Gaussian noise of standard deviation sigma to line integrals, drawn from the
// address (seed, sample): dst = lines + sigma·z. dst may be lines.
func NoisyLines(dst, lines []float64, sigma float64, seed, sample uint64) {
	mustLen("the output", len(dst), len(lines))
	if !(sigma >= 0) || !finite(sigma) {
		panic("linop: the standard deviation of noise must be finite and not negative")
	}
	rng := stream.New().At(seed, stream.Target, sample, 0)
	for i, v := range lines {
		dst[i] = v + sigma*rng.NormFloat64()
	}
}

// TransmissionCounts draws the photon counts behind an object: Poisson of mean i0·exp(−line),
// i0 being the count of an open ray. dst may be lines.
func TransmissionCounts(dst, lines []float64, i0 float64, seed, sample uint64) {
	mustLen("the output", len(dst), len(lines))
	mustPhotons(i0)
	p := distuv.Poisson{Src: stream.New().At(seed, stream.Target, sample, 0)}
	for i, v := range lines {
		p.Lambda = i0 * math.Exp(-v)
		if p.Lambda > 0 { // no photon passes exp(−750)
			dst[i] = p.Rand()
		} else {
			dst[i] = 0
		}
	}
}

// LogCounts turns photon counts into line integrals and the variance of their noise,
//
//	line = log(i0/I),   variance = 1/I
//
// the Gaussian approximation of the Poisson law after the logarithm (Sauer and Bouman
// 1993, IEEE Trans. Signal Process. 41, 534): good to a few per cent from about 20 counts,
// biased upward by 1/2I below. A ray without counts is taken as half a count, which keeps
// both finite: its line integral is at least of that order and its variance, 2, says
// little more. lines or variance may be counts.
func LogCounts(lines, variance, counts []float64, i0 float64) {
	mustLen("the output", len(lines), len(counts))
	mustLen("the variance", len(variance), len(counts))
	mustPhotons(i0)
	for i, c := range counts {
		if c < 0.5 {
			c = 0.5
		}
		lines[i], variance[i] = math.Log(i0/c), 1/c
	}
}

func mustPhotons(i0 float64) {
	if !(i0 > 0) || !finite(i0) {
		panic("linop: the photon count of an open ray must be finite and positive")
	}
}
