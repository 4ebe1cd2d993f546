package nn

import (
	"fmt"
	"math"

	"github.com/seed-dea4846a/sampler/interpolant"
)

// A Prediction says what the output of a network means.
type Prediction string

const (
	X0         Prediction = "x0"         // D = F
	Noise      Prediction = "noise"      // F = ε, D = (x - σF)/α
	Velocity   Prediction = "velocity"   // F = u of Path, D = (u - (σ̇/σ)x)/(α̇ - ασ̇/σ)
	EDM        Prediction = "edm"        // D = c_skip x + c_out F
	LogDensity Prediction = "logdensity" // F = φ = log p + const, D = (x + σ²∇φ)/α
	Raw        Prediction = "raw"        // F itself: a field of an interpolant, no denoiser
)

// A Precond turns the output of a network into D(x; α, σ). All predictions but the last two
// have the form (Karras et al. 2022, arXiv 2206.00364, equation 7)
//
//	D = c_skip x + c_out F(c_in x, c_noise)
//
// With Path the network is told its time t, where α(t)/σ(t) = α/σ, and x is first scaled
// to x(t) = (σ(t)/σ)x. Without, x is scaled to x/α of noise s = σ/α, and told c_noise =
// ln(s)/4. So either serves every path. Then with DataStd = σ_d
//
//	c_in = 1/√(α²σ_d² + σ²)   but 1 for LogDensity
//	EDM: c_skip = ασ_d²/(α²σ_d² + σ²),  c_out = σσ_d/√(α²σ_d² + σ²)
//
// which at α = 1 are EDM's of its table 1.
type Precond struct {
	Kind    Prediction       `json:"prediction"`
	DataStd float64          `json:"data_std,omitempty"` // σ_d; zero means 0.5, EDM's
	Path    interpolant.Path `json:"-"`                  // Velocity needs it
	// MinNoise and MaxNoise are the noise-to-signal ratios σ/α between which the network was
	// trained; beyond them it is told the nearer one. Zero means 1e-5 and 1e5.
	MinNoise float64 `json:"min_noise,omitempty"`
	MaxNoise float64 `json:"max_noise,omitempty"`
}

// Coeffs are those of D = Skip·x + Out·F(In·x, Noise); for LogDensity D = (x + σ²In∇φ)/α
// with the gradient at In·x.
type Coeffs struct{ In, Skip, Out, Noise float64 }

// Check returns an error that says what is wrong with the settings.
func (p *Precond) Check() error {
	switch p.Kind {
	case X0, Noise, EDM, LogDensity, Raw:
	case Velocity:
		if p.Path == nil {
			return fmt.Errorf("nn: a velocity network needs the path that it was trained on")
		}
	default:
		return fmt.Errorf("nn: no prediction %q: there are x0, noise, velocity, edm, logdensity and raw", p.Kind)
	}
	if !(p.DataStd >= 0) || !(p.MinNoise >= 0) || !(p.MaxNoise >= 0) || p.MaxNoise != 0 && p.MinNoise > p.MaxNoise || math.IsInf(p.DataStd, 0) {
		return fmt.Errorf("nn: the data's standard deviation and the range of noise are positive")
	}
	return nil
}

// At returns the coefficients. α > 0 for Noise, and for LogDensity without Path.
func (p *Precond) At(alpha, sigma float64) Coeffs {
	lo, hi := or(p.MinNoise, 1e-5), or(p.MaxNoise, 1e5)
	ratio := min(max(sigma/alpha, lo), hi)
	sd := or(p.DataStd, 0.5)
	norm := math.Hypot(alpha*sd, sigma)
	c := Coeffs{In: 1 / norm}
	var of interpolant.Coeffs
	toPath := 1 / alpha
	if p.Path != nil {
		c.Noise = p.Path.Time(-math.Log(ratio))
		of = p.Path.At(c.Noise)
		toPath = math.Hypot(of.Alpha, of.Sigma) / math.Hypot(alpha, sigma)
	} else {
		c.Noise = math.Log(ratio) / 4
	}
	switch p.Kind {
	case X0:
		c.Out = 1
	case Noise:
		c.Skip, c.Out = 1/alpha, -sigma/alpha
	case EDM:
		c.Skip, c.Out = alpha*sd*sd/(norm*norm), sigma*sd/norm
	case Velocity:
		a := of.DSigma / of.Sigma
		b := of.DAlpha - of.Alpha*a
		c.Skip, c.Out = -toPath*a/b, 1/b
	case LogDensity:
		c.In = toPath
	}
	return c
}
