package prior

import "github.com/seed-dea4846a/sampler/score"

// keptChunks is the number of chunks of 512 patches whose choices a linearisation keeps:
// 131,072 patches, of 716² pixels at stride 2. At 1 to 6 components a patch of 8×8 pixels
// they take 0.07 to 0.4 GB. The others are chosen anew for each product.
const keptChunks = 256

// A patchLinear is the Jacobian of Patches at some pictures, with the components of their
// patches chosen and applied to these once for all products.
type patchLinear struct {
	d            *Patches
	x            []float64
	alpha, sigma float64
	kept         []choice
	most         int // of them
}

// NewLinear returns a Jacobian that costs an evaluation to move and then about half of JVP a
// product, to the same bits. It keeps up to 3 kB a patch of 8×8 pixels.
func (d *Patches) NewLinear() score.Linear { return &patchLinear{d: d, most: keptChunks} }

// At moves to the pictures of x and writes D unless dst is nil.
func (l *patchLinear) At(dst, x []float64, alpha, sigma float64) {
	l.x, l.alpha, l.sigma = x, alpha, sigma
	for len(l.kept) < min(len(x)/l.d.Dim()*l.d.chunks, l.most) {
		l.kept = append(l.kept, choice{})
	}
	l.d.denoise(dst, x, alpha, sigma, l.kept)
}

// JVP writes (∂D/∂x) v.
func (l *patchLinear) JVP(dst, v []float64) { l.d.jvp(dst, l.x, v, l.alpha, l.sigma, l.kept) }

// VJP is JVP, as the Jacobian is symmetric.
func (l *patchLinear) VJP(dst, u []float64) { l.JVP(dst, u) }

// keptOf returns the part of kept that is for picture i.
func (d *Patches) keptOf(kept []choice, i int) []choice {
	lo := min(i*d.chunks, len(kept))
	return kept[lo:min(lo+d.chunks, len(kept))]
}
