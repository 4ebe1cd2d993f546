package linop

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/stream"
)

// A SamplingMask says which points of a rows by cols k-space, with its origin at
// (Rows/2, Cols/2) rounded down, are measured. One-dimensional masks keep whole columns,
// the lines of a readout along the rows' index.
type SamplingMask struct {
	Rows, Cols int
	Keep       []bool
}

// Acceleration returns the achieved acceleration, points over measured points.
func (m SamplingMask) Acceleration() float64 {
	n := 0
	for _, k := range m.Keep {
		if k {
			n++
		}
	}
	return float64(len(m.Keep)) / float64(n)
}

// UniformMask keeps round(cols/accel) columns: the round(centre·cols) in the middle, and
// the rest equally spaced over those outside, so that the whole has the acceleration
// that is asked for. An error is returned if accel < 1, centre is not in [0, 1], or the
// centre alone has more columns than accel leaves.
func UniformMask(rows, cols int, accel, centre float64) (SamplingMask, error) {
	return lineMask(rows, cols, accel, centre, func(outside []int, n int) []int {
		lines := make([]int, n)
		for k := range lines { // the middles of n equal parts
			lines[k] = outside[(2*k+1)*len(outside)/(2*n)]
		}
		return lines
	})
}

// GaussianMask is UniformMask with the outer columns drawn, without replacement, with
// probabilities proportional to a normal density about the centre with standard deviation
// 15/128 of the columns. The seed determines it.
func GaussianMask(rows, cols int, accel, centre float64, seed uint64) (SamplingMask, error) {
	return lineMask(rows, cols, accel, centre, func(outside []int, n int) []int {
		// The n largest log w + Gumbel noise are such a draw (Efraimidis and Spirakis,
		// Inf. Process. Lett. 97, 2006).
		rng := stream.New().At(seed, stream.Target, 0, 0)
		key := make([]float64, cols)
		for _, j := range outside {
			t := float64(j-cols/2) / (15. / 128 * float64(cols))
			key[j] = -t*t/2 - math.Log(rng.ExpFloat64())
		}
		slices.SortStableFunc(outside, func(a, b int) int { return cmp.Compare(key[b], key[a]) })
		return outside[:n]
	})
}

// lineMask keeps the middle columns and those of the outside, which choose may reorder.
func lineMask(rows, cols int, accel, centre float64, choose func(outside []int, n int) []int) (SamplingMask, error) {
	mustPositive(rows, cols)
	total, err := kept(cols, accel)
	if err != nil {
		return SamplingMask{}, err
	}
	if !(centre >= 0 && centre <= 1) {
		return SamplingMask{}, fmt.Errorf("linop: a centre of %g of the columns; it must be in [0, 1]", centre)
	}
	middle := int(math.Round(centre * float64(cols)))
	if middle > total {
		return SamplingMask{}, fmt.Errorf("linop: acceleration %g keeps %d of %d columns, fewer than the %d of the centre", accel, total, cols, middle)
	}
	line := make([]bool, cols)
	var outside []int
	for j := range line {
		if line[j] = inMiddle(j, cols, middle); !line[j] {
			outside = append(outside, j)
		}
	}
	for _, j := range choose(outside, total-middle) {
		line[j] = true
	}
	m := SamplingMask{rows, cols, nil}
	for range rows {
		m.Keep = append(m.Keep, line...)
	}
	return m, nil
}

// kept returns how many of n points or lines an acceleration leaves.
func kept(n int, accel float64) (int, error) {
	if !(accel >= 1) || accel > float64(n) {
		return 0, fmt.Errorf("linop: acceleration %g of %d; it must be from 1 to that number", accel, n)
	}
	return int(math.Round(float64(n) / accel)), nil
}

// inMiddle says whether i is one of the m indices about the origin n/2 of n.
func inMiddle(i, n, m int) bool { first := n/2 - m/2; return i >= first && i < first+m }

// PoissonMask keeps round(rows·cols/accel) points: the calib by calib in the middle, and
// points that have a minimum distance to each other of
//
//	r (1 + slope·ρ),   ρ = √((k/(rows/2))² + (l/(cols/2))²)
//
// so that slope > 0 makes the density fall away from the centre. Points are thrown in
// random order; r is found by bisection as large as the number of points allows, and the
// last ones over the number are left out. The seed determines it.
func PoissonMask(rows, cols int, accel float64, calib int, slope float64, seed uint64) (SamplingMask, error) {
	mustPositive(rows, cols)
	total, err := kept(rows*cols, accel)
	if err != nil {
		return SamplingMask{}, err
	}
	if calib < 0 || calib > min(rows, cols) || calib*calib > total {
		return SamplingMask{}, fmt.Errorf("linop: a calibration region of %d×%d for %d samples of %d×%d", calib, calib, total, rows, cols)
	}
	if !(slope >= 0) || !finite(slope) {
		return SamplingMask{}, fmt.Errorf("linop: a slope of %g of the Poisson disc; it must not be negative", slope)
	}
	p := poisson{rows: rows, cols: cols, slope: slope, taken: make([]bool, rows*cols)}
	middle := func(i int) bool { return inMiddle(i/cols, rows, calib) && inMiddle(i%cols, cols, calib) }
	for _, i := range stream.New().At(seed, stream.Target, 0, 0).Perm(rows * cols) {
		if !middle(i) {
			p.order = append(p.order, i)
		}
	}
	total -= calib * calib
	lo, hi := 0., 1.
	best, got := p.throw(lo, nil), p.throw(hi, nil)
	for ; len(got) >= total && hi < float64(rows+cols); got = p.throw(hi, got) {
		lo, best, got = hi, got, best
		hi *= 2
	}
	for hi-lo > 1e-3 { // in grid cells
		mid := (lo + hi) / 2
		if got = p.throw(mid, got); len(got) >= total {
			lo, best, got = mid, got, best
		} else {
			hi = mid
		}
	}
	m := SamplingMask{rows, cols, make([]bool, rows*cols)}
	for i := range m.Keep {
		m.Keep[i] = middle(i)
	}
	for _, i := range best[:total] {
		m.Keep[i] = true
	}
	return m, nil
}

type poisson struct {
	rows, cols int
	slope      float64
	order      []int
	taken      []bool
}

// throw returns, in dst, the points that are accepted in order with the radius r.
func (p *poisson) throw(r float64, dst []int) []int {
	dst = dst[:0]
	clear(p.taken)
	for _, at := range p.order {
		i, j := at/p.cols, at%p.cols
		rho := math.Hypot(2*float64(i-p.rows/2)/float64(p.rows), 2*float64(j-p.cols/2)/float64(p.cols))
		if p.free(dst, i, j, r*(1+p.slope*rho)) {
			p.taken[at] = true
			dst = append(dst, at)
		}
	}
	return dst
}

// free says whether none of the points got is nearer than d: it looks at the neighbourhood
// or at all points, whichever are fewer.
func (p *poisson) free(got []int, i, j int, d float64) bool {
	near := func(a, b int) bool { return float64((a-i)*(a-i)+(b-j)*(b-j)) < d*d }
	reach := int(math.Ceil(min(d, float64(p.rows+p.cols)))) - 1 // offsets of d or more are free
	if len(got) < (2*reach+1)*(2*reach+1) {
		return !slices.ContainsFunc(got, func(at int) bool { return near(at/p.cols, at%p.cols) })
	}
	for a := max(0, i-reach); a <= min(p.rows-1, i+reach); a++ {
		for b := max(0, j-reach); b <= min(p.cols-1, j+reach); b++ {
			if p.taken[a*p.cols+b] && near(a, b) {
				return false
			}
		}
	}
	return true
}

// RadialTrajectory returns the frequencies (κ, λ), for NewNonCartesianMRI, of spokes
// through the origin, each with samples points at radii (s - samples/2)/samples cycles
// per pixel (the half rounded down). Successive spokes are π/spokes apart, or, if golden,
// π(√5-1)/2, so that any number of them in a row covers the circle nearly evenly. Spokes
// short of the π/2·n that a full n×n scan takes are an acceleration of π n/(2·spokes).
//
// Source: Winkelmann et al., IEEE Trans. Med. Imaging 26 (2007), for the golden angle.
func RadialTrajectory(spokes, samples int, golden bool) []float64 {
	mustPositive(spokes, samples)
	step := math.Pi / float64(spokes)
	if golden {
		step = math.Pi * (math.Sqrt(5) - 1) / 2
	}
	points := make([]float64, 0, 2*spokes*samples)
	for k := range spokes {
		sin, cos := math.Sincos(float64(k) * step)
		for s := range samples {
			r := float64(s-samples/2) / float64(samples)
			points = append(points, r*sin, r*cos)
		}
	}
	return points
}
