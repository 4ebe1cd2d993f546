package metric

import "math"

// A sparsePlan holds the largest entries of a plan by rows: those of row i are
// val[start[i]:start[i+1]], in the columns col.
type sparsePlan struct {
	n     int
	start []int
	col   []int32
	val   []float64
	count []int   // of each class
	floor float64 // the least value of the last k-th entry's class
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
	// Most plans change little from one build to the next, so that entries far below the
	// last floor need not be counted.
	class, rest := s.rank(plan, k, s.floor/1024)
	if class == 0 {
		class, rest = s.rank(plan, k, 0)
	}
	k = rest
	s.floor = math.Float64frombits(uint64(class) << classShift)
	s.n = n
	s.start, s.col, s.val = append(s.start[:0], 0), s.col[:0], s.val[:0]
	for i := range n {
		for j, v := range plan[i*m : (i+1)*m] {
			if v < s.floor || v == 0 {
				continue
			}
			if int(math.Float64bits(v)>>classShift) == class {
				if k == 0 {
					continue
				}
				k--
			}
			s.col = append(s.col, int32(j))
			s.val = append(s.val, v)
		}
		s.start = append(s.start, len(s.col))
	}
}

// rank returns the class of the k-th largest entry, and how many of that class are among
// the k; 0 if fewer than k entries are above the value low.
func (s *sparsePlan) rank(plan []float64, k int, low float64) (class, rest int) {
	clear(s.count)
	// The bits of floats that are not negative are in the order of the floats.
	for _, v := range plan {
		if v > low {
			s.count[math.Float64bits(v)>>classShift]++
		}
	}
	class = len(s.count) - 1
	for ; class > 0 && s.count[class] <= k; class-- {
		k -= s.count[class]
	}
	return class, k
}

// mul sets dst = (diag - Sᵀ diag(rows)⁻¹ S) x.
func (s *sparsePlan) mul(dst, x, rows, diag []float64) {
	for j, d := range diag {
		dst[j] = d * x[j]
	}
	for i, d := range rows {
		lo, hi := s.start[i], s.start[i+1]
		if lo == hi {
			continue
		}
		col, val := s.col[lo:hi], s.val[lo:hi]
		val = val[:len(col)]
		var a, b float64 // two sums run side by side
		k := 0
		for ; k+1 < len(col); k += 2 {
			a += val[k] * x[col[k]]
			b += val[k+1] * x[col[k+1]]
		}
		if k < len(col) {
			a += val[k] * x[col[k]]
		}
		t := (a + b) / d
		for k, j := range col {
			dst[j] -= val[k] * t
		}
	}
}
