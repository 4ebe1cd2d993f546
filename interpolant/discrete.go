package interpolant

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/interp"
)

// Discrete is the continuous path through a discrete diffusion schedule of N steps
//
//	x_k = √ᾱ_k x + √(1-ᾱ_k) z,   ᾱ_k = Π_{j≤k} (1 - β_j),   k = 0 … N-1
//
// as DDPM and its successors are trained on. Step k stands at t = 1 - (k+1)/N, where α
// and σ are exact; between the steps λ = log(α/σ) is a monotone cubic in t (Fritsch
// and Butland 1984), and beyond t = 1 - 1/N it goes on along its tangent. The path is
// variance preserving throughout.
type Discrete struct {
	times, lambdas []float64 // ascending
	cubic          interp.FritschButland
	endSlope       float64 // dλ/dt at the last time
}

// FromBetas returns the path through the schedule β_0 … β_{N-1}, least noise first. It
// needs at least two steps and every β in (0, 1); a β of 1 would have no signal left
// (zero terminal SNR) and no finite λ.
func FromBetas(betas []float64) (*Discrete, error) {
	n := len(betas)
	if n < 2 {
		return nil, fmt.Errorf("interpolant: a discrete schedule needs at least 2 betas, got %d", n)
	}
	p := &Discrete{times: make([]float64, n), lambdas: make([]float64, n)}
	logAlphaBar := 0.0
	for k, b := range betas {
		if !(b > 0 && b < 1) {
			return nil, fmt.Errorf("interpolant: beta[%d] = %v is not between 0 and 1", k, b)
		}
		logAlphaBar += math.Log1p(-b)
		p.times[n-1-k] = p.Index(float64(k))
		// λ = ½ log(ᾱ/(1-ᾱ))
		p.lambdas[n-1-k] = (logAlphaBar - math.Log(-math.Expm1(logAlphaBar))) / 2
	}
	if err := p.cubic.Fit(p.times, p.lambdas); err != nil {
		return nil, fmt.Errorf("interpolant: %w", err)
	}
	p.endSlope = p.cubic.PredictDerivative(p.times[n-1])
	if p.endSlope <= 0 { // the monotone cubic may end flat; the last secant does not
		p.endSlope = (p.lambdas[n-1] - p.lambdas[n-2]) / (p.times[n-1] - p.times[n-2])
	}
	return p, nil
}

// LinearBetas returns n betas in equal steps from first to last: DDPM has n = 1000, 1e-4
// and 0.02 (Ho, Jain and Abbeel 2020, arXiv 2006.11239, section 4).
func LinearBetas(n int, first, last float64) []float64 {
	b := make([]float64, n)
	for i := range b {
		b[i] = first + (last-first)*float64(i)/float64(max(1, n-1))
	}
	return b
}

// ScaledLinearBetas returns n betas whose square roots are in equal steps, the schedule
// of latent diffusion (Rombach et al. 2022): n = 1000, 0.00085 and 0.012.
func ScaledLinearBetas(n int, first, last float64) []float64 {
	b := LinearBetas(n, math.Sqrt(first), math.Sqrt(last))
	for i, v := range b {
		b[i] = v * v
	}
	return b
}

// Index returns the time t = 1 - (k+1)/N of the discrete step k, which may be
// fractional.
func (p *Discrete) Index(k float64) float64 { return 1 - (k+1)/float64(len(p.times)) }

// At returns α, σ and their time derivatives.
func (p *Discrete) At(t float64) Coeffs {
	last := len(p.times) - 1
	var l, dl float64
	if t <= p.times[last] {
		l, dl = p.cubic.Predict(t), p.cubic.PredictDerivative(t)
	} else {
		l, dl = p.lambdas[last]+p.endSlope*(t-p.times[last]), p.endSlope
	}
	// α² and σ² are the logistic functions of ±2λ, so α̇ = α σ² λ̇ and σ̇ = -σ α² λ̇.
	a := math.Exp(-log1pExp(-2*l) / 2)
	s := math.Exp(-log1pExp(2*l) / 2)
	return Coeffs{Alpha: a, Sigma: s, DAlpha: a * s * s * dl, DSigma: -s * a * a * dl}
}

// Time returns the t at which log(α/σ) = logSNR.
func (p *Discrete) Time(logSNR float64) float64 {
	last := len(p.times) - 1
	switch i := sort.SearchFloat64s(p.lambdas, logSNR); {
	case i <= last && p.lambdas[i] == logSNR:
		return p.times[i]
	case i == 0:
		return 0
	case i > last:
		return clip01(p.times[last] + (logSNR-p.lambdas[last])/p.endSlope)
	default: // the cubic is monotone between two knots: bisect down to rounding
		lo, hi := p.times[i-1], p.times[i]
		for {
			mid := lo + (hi-lo)/2
			if mid <= lo || mid >= hi {
				return mid
			}
			if p.cubic.Predict(mid) < logSNR {
				lo = mid
			} else {
				hi = mid
			}
		}
	}
}

// Span returns 0 and 1 - 1/N, the times of the noisiest and the cleanest step.
func (p *Discrete) Span() (t0, t1 float64) { return 0, p.Index(0) }
