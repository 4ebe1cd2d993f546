package metric

import "math"

// A sparsePlan holds the largest entries of a plan by rows: those of row i are
// val[start[i]:start[i+1]], in the columns col.
type sparsePlan struct {
	n     int
	start []int
	col   []int32
	val   []float64
	count []int // of each class
}

// classShift leaves the exponent and four bits of the fraction: values of a class agree
// to 6%.
const classShift = 48

// build keeps the k largest entries of the n×m plan but for one liberty: which of the
// entries that agree with the k-th to 6% are kept goes by their order.
func (s *sparsePlan) build(plan []float64, n, m, k int) {
	if s.count == nil {
		s.count = make([]int, 1<<(64-classShift))
	}
	clear(s.count)
	// The bits of floats that are not negative are in the order of the floats.
	for _, v := range plan {
		s.count[math.Float64bits(v)>>classShift]++
	}
	class := len(s.count) - 1
	for ; class > 0 && s.count[class] <= k; class-- {
		k -= s.count[class]
	}
	s.n = n
	s.start, s.col, s.val = append(s.start[:0], 0), s.col[:0], s.val[:0]
	for i := range n {
		for j, v := range plan[i*m : (i+1)*m] {
			c := int(math.Float64bits(v) >> classShift)
			if c < class || c == class && k == 0 || v == 0 {
				continue
			}
			if c == class {
				k--
			}
			s.col = append(s.col, int32(j))
			s.val = append(s.val, v)
		}
		s.start = append(s.start, len(s.col))
	}
}

// mul sets dst = [diag  S; Sᵀ  diag] x.
func (s *sparsePlan) mul(dst, x, diag []float64) {
	for i, d := range diag {
		dst[i] = d * x[i]
	}
	cols, y := dst[s.n:], x[s.n:]
	for i := range s.n {
		sum, xi := 0.0, x[i]
		for k := s.start[i]; k < s.start[i+1]; k++ {
			j, v := s.col[k], s.val[k]
			sum += v * y[j]
			cols[j] += v * xi
		}
		dst[i] += sum
	}
}
