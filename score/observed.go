package score

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"

	"github.com/seed-dea4846a/sampler/score/density"
)

// Observed is the exact denoiser of a mixture some of whose coordinates are known without
// noise, E[x₁ | x, y]: given y the noisy known coordinates say nothing more, and the
// unknown ones have the law of a mixture again,
//
//	μ' = μ_u + G (y - μ_k),   C' = C_uu - G C_ku,   G = C_uk C_kk⁻¹,   w' ∝ w N(y; μ_k, C_kk),
//
// whose denoiser it is. At the known coordinates D = y.
type Observed struct {
	rest *density.Mixture // law of the unknown coordinates
	free []int            // the unknown coordinates
	y    []float64        // 0 at unknown coordinates
}

// NewObserved returns the denoiser of the prior given the values y at the coordinates
// marked in known; both have d values, and those of y at unknown coordinates have no
// meaning. It returns an error unless some coordinates are known and some are not, or if
// a covariance is singular to rounding.
func NewObserved(prior *density.Mixture, known []bool, y []float64) (*Observed, error) {
	d := prior.Dim()
	if len(known) != d || len(y) != d {
		panic("score: known and y have one value a coordinate")
	}
	o := &Observed{y: make([]float64, d)}
	var seen []int
	var values []float64
	for j, k := range known {
		if k {
			seen, values, o.y[j] = append(seen, j), append(values, y[j]), y[j]
		} else {
			o.free = append(o.free, j)
		}
	}
	u := len(o.free)
	if u == 0 || u == d {
		return nil, errors.New("score: an observation needs known and unknown coordinates")
	}
	weights, means, covs := prior.Components()
	logw := make([]float64, len(weights))
	newMeans, newCovs := make([]float64, 0, len(weights)*u), make([]float64, 0, len(weights)*u*u)
	for k := range weights {
		joint, ok := distmv.NewNormal(means[k*d:(k+1)*d], mat.NewSymDense(d, covs[k*d*d:(k+1)*d*d]), nil)
		if !ok {
			return nil, fmt.Errorf("score: the covariance of component %d is not positive definite", k)
		}
		cond, ok1 := joint.ConditionNormal(seen, values, nil)
		marginal, ok2 := joint.MarginalNormal(seen, nil)
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("score: the covariance of component %d is singular to rounding", k)
		}
		logw[k] = math.Log(weights[k]) + marginal.LogProb(values)
		newMeans = append(newMeans, cond.Mean(nil)...)
		var c mat.SymDense
		cond.CovarianceMatrix(&c)
		for i := range u {
			for j := range u {
				newCovs = append(newCovs, c.At(i, j))
			}
		}
	}
	top := slices.Max(logw)
	for k := range logw {
		logw[k] = math.Exp(logw[k] - top)
	}
	var err error
	o.rest, err = density.NewMixture(logw, newMeans, newCovs, u)
	return o, err
}

// Dim returns the dimension of a point.
func (o *Observed) Dim() int { return len(o.y) }

// Denoise writes E[x₁ | x, y].
func (o *Observed) Denoise(dst, x []float64, alpha, sigma float64) {
	s := scratches.Get().(*scratch)
	s.a, s.b = o.gather(s.a, x), grow(s.b, len(x)/o.Dim()*len(o.free))
	o.rest.Denoise(s.b, s.a, alpha, sigma)
	for i := 0; i < len(dst); i += o.Dim() {
		copy(dst[i:], o.y)
	}
	o.scatter(dst, s.b)
	scratches.Put(s)
}

// JVP writes (∂D/∂x) v, which is 0 at the known coordinates.
func (o *Observed) JVP(dst, x, v []float64, alpha, sigma float64) {
	s := scratches.Get().(*scratch)
	s.a, s.b, s.c = o.gather(s.a, x), grow(s.b, len(x)/o.Dim()*len(o.free)), o.gather(s.c, v)
	o.rest.JVP(s.b, s.a, s.c, alpha, sigma)
	clear(dst)
	o.scatter(dst, s.b)
	scratches.Put(s)
}

// Divergence writes tr ∂D/∂x, one value a point.
func (o *Observed) Divergence(dst, x []float64, alpha, sigma float64) {
	s := scratches.Get().(*scratch)
	s.a = o.gather(s.a, x)
	o.rest.Divergence(dst, s.a, alpha, sigma)
	scratches.Put(s)
}

// gather returns the unknown coordinates of x, in buf if it is large enough.
func (o *Observed) gather(buf, x []float64) []float64 {
	d, u := o.Dim(), len(o.free)
	buf = grow(buf, len(x)/d*u)
	for i := range len(x) / d {
		for k, j := range o.free {
			buf[i*u+k] = x[i*d+j]
		}
	}
	return buf
}

// scatter writes unknown coordinates into dst.
func (o *Observed) scatter(dst, from []float64) {
	d, u := o.Dim(), len(o.free)
	for i := range len(dst) / d {
		for k, j := range o.free {
			dst[i*d+j] = from[i*u+k]
		}
	}
}
