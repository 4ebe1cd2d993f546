package density

import "math"

// AsMixture returns a target as the mixture of Gaussians that it is: a Mixture, a Curve (of
// which the mixture is the law but for the quadrature), Points (of width 0), or one of these
// under Smooth. It returns false for other targets.
func AsMixture(t Target) (*Mixture, bool) {
	switch t := t.(type) {
	case *Mixture:
		return t, true
	case *Curve:
		return &Mixture{t.gaussians}, true
	case *Points:
		return &Mixture{t.gaussians}, true
	case *smooth:
		return blurred(t)
	case *smoothMoments:
		return blurred(&t.smooth)
	}
	return nil, false
}

// blurred adds τ²I to every component.
func blurred(t *smooth) (*Mixture, bool) {
	m, ok := AsMixture(t.Target)
	if !ok {
		return nil, false
	}
	weights, means, widths, ok := m.Isotropic()
	if ok {
		for k, s := range widths {
			widths[k] = math.Hypot(s, t.tau)
		}
		m, err := NewIsotropicMixture(weights, means, widths, m.d)
		return m, err == nil
	}
	weights, means, covs := m.Components()
	for k := range m.k {
		for i := range m.d {
			covs[(k*m.d+i)*m.d+i] += t.tau * t.tau
		}
	}
	m, err := NewMixture(weights, means, covs, m.d)
	return m, err == nil
}

// Isotropic returns the weights, means and standard deviations of the components, flat, or
// false if a covariance is not a multiple of the identity.
func (m *Mixture) Isotropic() (weights, means, stds []float64, ok bool) {
	if len(m.eig) > 0 {
		return nil, nil, nil, false
	}
	weights, means, _ = m.Modes()
	stds = make([]float64, m.k)
	for k := range stds {
		switch len(m.vars) {
		case 0:
		case 1:
			stds[k] = math.Sqrt(m.vars[0])
		default:
			stds[k] = math.Sqrt(m.vars[k])
		}
	}
	return weights, means, stds, true
}
