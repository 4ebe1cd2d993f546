package score

// A VJPer knows the product of its transposed Jacobian with a vector, dst = (∂D/∂x)ᵀ u,
// under the rules of Denoise. For a posterior mean it is that of a JVPer, as ∂D/∂x is
// symmetric; models for which that fails, networks above all, offer it to be
// differentiated exactly.
type VJPer interface {
	VJP(dst, x, u []float64, alpha, sigma float64)
}
