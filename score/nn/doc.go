// Package nn holds small neural networks with exact derivatives of up to third order, the
// optimisers that train them and the files that keep them.
//
// A network F(x, t) maps points x and one number t each, a time or a noise level, to
// outputs. It is a list of layers, each of which knows its value, its derivatives along
// given directions and the transpose of both. A Tape evaluates it on a batch and carries
// a jet through the layers, exactly:
//
//	F,   ∂_v F for chosen directions v in (x, t),   Σ_v ∂²_v F over the first of them
//
// For a linear layer every channel of the jet goes through the same product. Through an
// elementwise y = σ(a), with a dot for ∂_v and L for Σ_v ∂²_v,
//
//	ẏ = σ'ȧ      Ly = σ' La + σ'' Σ_v ȧ²
//
// (the forward Laplacian, Li et al. 2023, arXiv 2307.08214). Backward is the reverse mode
// over the whole jet: from the derivatives of a loss with respect to all channels to its
// gradient in the weights and in x and t. So one mechanism gives Jacobian-vector products,
// divergences, the score ∇φ of a log-density network φ(t, x) and the weights' gradient of
// any loss on it (double backward), and that of the Fokker-Planck residual
//
//	R = ∂_t φ + div f + f·∇φ - (g²/2)(Δφ + |∇φ|²),
//
// which has derivatives of third order. A direction can also lie in the weights; the
// gradient of that derivative is a Hessian-vector product.
//
// t is whatever the network is trained to be told: the time of a path, 0 noise and 1 data as
// everywhere here, or a noise level. A Model joins a network to the meaning of its output and
// is a score.Denoiser.
//
// Shapes: points and outputs are flat and batch-major, n·d values. Images are height,
// width, channel, the channel fastest. Networks compute in float32, or in float64 where
// derivatives are checked; what goes in and out is float64. A tape allocates nothing after
// it is made and belongs to one goroutine; a network may be read by many.
package nn

// Float is the precision in which a network computes.
type Float interface{ float32 | float64 }
