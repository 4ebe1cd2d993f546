// Package sampler is the root of a toolkit that draws samples from diffusion models,
// flows and stochastic interpolants, and holds every sampler against a closed-form
// truth.
//
// Data flows one way:
//
//	target -> denoiser -> field or process -> integrator -> samples -> metrics
//
//	score/density  targets, exact under Gaussian noise
//	interpolant    Gaussian paths x_t = α x₁ + σ z and time grids
//	score          denoiser, probability flow, reverse process, Sampler
//	ode, sde       integrators, which know only fields, processes and grids
//	metric         distances between samples
//	cmd/sample     the command
//
// The root package itself holds no code.
package sampler
