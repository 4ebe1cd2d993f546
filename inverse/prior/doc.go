// Package prior holds priors of grey pictures that need no network: a stationary
// Gaussian, a mixture of Gaussians on patches, the empirical law of a folder, and total
// variation for comparison.
//
// A picture has rows×cols pixels in [0, 1], flat, row by row. A prior is made for one
// size and is a score.Denoiser, D(x; α, σ) = E[x₁ | x = α·x₁ + σ·z], so every sampler
// and every posterior sampler takes it; x may hold several pictures. Denoisers are safe for
// concurrent use, share the work on large pictures among GOMAXPROCS goroutines, and give
// the same bits for any number of these.
//
// Gaussian is exact, so whatever is built on it has a closed form. Patches removes noise
// best, and is what Default gives. TVDenoiser is no posterior mean of anything.
package prior
