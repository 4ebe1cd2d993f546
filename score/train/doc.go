// Package train fits networks to the fields of generative models, and measures what they
// have learned against exact ones.
//
// An Objective is a loss on a batch of pairs (x₀, x₁), the start and the clean point. Its
// minimiser over all functions is an exact field: with x = αx₁ + σx₀ and x₀ ~ N(0, I)
//
//	Denoising     E w|D_θ(x) - x₁|²                     D = E[x₁|x], in any prediction
//	Implicit      E σ²(½|s_θ|² + div s_θ)               s = ∇ log p, without x₁
//	Poisson       Denoising with the noise of PFGM++
//	Interpolation E ½|f_θ|² - f·f_θ                     b, v, s and η of a two-sided interpolant
//	Map           Δ(T_θ(x₀), x₁) + λ(Monge gap of T_θ)  a map in one step
//
// and FokkerPlanck adds to any of them the residual of the equation that the logarithm of
// the true density obeys. Flow matching is Denoising of a velocity, its minibatch optimal
// transport a Coupled source, and reflow its training on Pairs.
//
// Time runs from 0 (noise) to 1 (data). Points are flat. Every random number of a run has an
// address, (seed, step, row): a run is the same bit for bit for any number of workers and
// after it was stopped and taken up again.
package train
