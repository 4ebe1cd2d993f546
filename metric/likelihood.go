package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
)

// NLL returns the mean negative log-likelihood -1/n Σ log p(x_i), in nats a point,
// from the log-densities at the points, and its standard error. It is +Inf, with
// StdErr +Inf, if a point has density 0.
func NLL(logp []float64) (Value, error) {
	if err := checkLog("log-density", logp); err != nil {
		return Value{}, err
	}
	v := make([]float64, len(logp))
	floats.AddScaled(v, -1, logp)
	return meanValue(v), nil
}

// KL returns the Kullback-Leibler divergence of a model q from a target p, in nats,
//
//	KL(q||p) = E_q log(q/p) ≈ 1/n Σ (log q(x_i) - log p(x_i)),   x_i ~ q,
//
// from both log-densities at points drawn from the model, and its standard error. It
// is unbiased and may be negative by chance. A point where p is 0 makes it +Inf.
func KL(logq, logp []float64) (Value, error) {
	v, err := logRatios(logq, logp)
	if err != nil {
		return Value{}, err
	}
	return meanValue(v), nil
}

// KLPositive returns KL(q||p) from the same points with p/q - 1, of mean 0 under q,
// as control variate:
//
//	KL(q||p) ≈ 1/n Σ (log(q/p) + p/q - 1),
//
// of which no term is negative. It is unbiased if q is positive wherever p is, and
// far more precise than KL where q is near p, since its terms are of second order in
// p/q - 1; where p/q has heavy tails it is worse, and StdErr with it. (Schulman 2020,
// "Approximating KL divergence", estimator k3.)
func KLPositive(logq, logp []float64) (Value, error) {
	v, err := logRatios(logq, logp)
	if err != nil {
		return Value{}, err
	}
	for i, l := range v {
		v[i] = l + math.Expm1(-l)
	}
	return meanValue(v), nil
}

// BitsPerDim converts a log-likelihood in nats a point to bits per dimension:
//
//	bits = nats/(d ln 2) + offset.
//
// The offset answers for the units of the points: if the data u were scaled to
// x = u/s before the model, the density of u is smaller by s^d, and offset = log₂ s
// restores it (s = 127.5 for bytes scaled to [-1, 1]).
func BitsPerDim(nats Value, dim int, offset float64) Value {
	if dim < 1 {
		panic("metric: dimension must be positive")
	}
	bits := nats
	bits.Value = nats.Value/(float64(dim)*math.Ln2) + offset
	bits.StdErr = nats.StdErr / (float64(dim) * math.Ln2)
	return bits
}

// logRatios returns log q - log p, checked.
func logRatios(logq, logp []float64) ([]float64, error) {
	if len(logq) != len(logp) {
		panic("metric: the two log-densities are of different points")
	}
	if err := checkLog("log-density of the target", logp); err != nil {
		return nil, err
	}
	if err := checkLog("log-density of the model", logq); err != nil {
		return nil, err
	}
	v := make([]float64, len(logq))
	for i, l := range logq {
		if math.IsInf(l, -1) {
			return nil, fmt.Errorf("metric: log-density of the model at its own point %d is -Inf", i)
		}
		v[i] = l - logp[i]
	}
	return v, nil
}

// checkLog refuses what no log-density is: NaN and +Inf.
func checkLog(what string, logp []float64) error {
	if len(logp) == 0 {
		return fmt.Errorf("metric: %s has no points", what)
	}
	for i, l := range logp {
		if math.IsNaN(l) || math.IsInf(l, 1) {
			return fmt.Errorf("metric: %s at point %d is %v", what, i, l)
		}
	}
	return nil
}

// meanValue returns the mean of v and its standard error; +Inf stays +Inf.
func meanValue(v []float64) Value {
	if math.IsInf(floats.Max(v), 1) {
		return Value{Value: math.Inf(1), StdErr: math.Inf(1), NX: len(v)}
	}
	mean, se := meanErr(v)
	return Value{Value: mean, StdErr: se, NX: len(v)}
}
