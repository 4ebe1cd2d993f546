package simd

//go:generate go run -C gen ./rows -out ../rows_amd64.s -stubs ../rows_amd64.go -pkg simd

// Rows are rows of numbers that start Stride apart; a stride of 0 repeats one row.
type Rows[T Float] struct {
	X      []T
	Stride int
}

// Row returns x as Rows that repeat it, or that are one row.
func Row[T Float](x []T) Rows[T] { return Rows[T]{X: x} }

func (r Rows[T]) check(rows, n int) {
	if r.Stride < 0 || (rows-1)*r.Stride+n > len(r.X) {
		panic("simd: rows beyond their numbers")
	}
}

// AddProduct adds to the first n numbers of each of the rows of y
//
//	shift + f·a·b·c·d
//
// of the corresponding numbers of up to four factors. y may repeat a row, which then sums up
// in their order, or be one of the factors. Subnormal numbers may count as zero, as in all
// functions of this file. Each product is rounded, in assembly but for the last.
func AddProduct[T Float](y Rows[T], rows, n int, shift, f T, factors ...Rows[T]) {
	product(y, rows, n, false, shift, f, factors)
}

// SetProduct writes that to y.
func SetProduct[T Float](y Rows[T], rows, n int, shift, f T, factors ...Rows[T]) {
	product(y, rows, n, true, shift, f, factors)
}

func product[T Float](y Rows[T], rows, n int, set bool, shift, f T, factors []Rows[T]) {
	if rows < 1 || n < 1 {
		return
	}
	var p [4]*T
	var s [4]int
	size := 4
	if _, ok := any(f).(float64); ok {
		size = 8
	}
	y.check(rows, n)
	for i, a := range factors {
		a.check(rows, n)
		p[i], s[i] = &a.X[0], size*a.Stride
	}
	k := len(factors)
	if level == Generic {
		productTwin(y, rows, n, set, shift, f, factors)
		return
	}
	switch y0 := any(&y.X[0]).(type) {
	case *float32:
		p, shift, f := any(p).([4]*float32), float32(shift), float32(f)
		if level == AVX512 {
			product32AVX512(y0, p[0], p[1], p[2], p[3], size*y.Stride, s[0], s[1], s[2], s[3], rows, n, k, set, shift, f)
		} else {
			product32AVX2(y0, p[0], p[1], p[2], p[3], size*y.Stride, s[0], s[1], s[2], s[3], rows, n, k, set, shift, f)
		}
	case *float64:
		p, shift, f := any(p).([4]*float64), float64(shift), float64(f)
		if level == AVX512 {
			product64AVX512(y0, p[0], p[1], p[2], p[3], size*y.Stride, s[0], s[1], s[2], s[3], rows, n, k, set, shift, f)
		} else {
			product64AVX2(y0, p[0], p[1], p[2], p[3], size*y.Stride, s[0], s[1], s[2], s[3], rows, n, k, set, shift, f)
		}
	}
}

func productTwin[T Float](y Rows[T], rows, n int, set bool, shift, f T, factors []Rows[T]) {
	for r := range rows {
		out := y.X[r*y.Stride:][:n]
		for j, v := range out {
			if set {
				v = 0
			}
			t := f
			for _, a := range factors {
				t *= a.X[r*a.Stride+j]
			}
			out[j] = v + shift + t
		}
	}
}

// Dot returns the sum of the products of the first n numbers of each of the rows of a and b,
// in double precision.
func Dot[T Float](a, b Rows[T], rows, n int) float64 {
	if rows < 1 || n < 1 {
		return 0
	}
	a.check(rows, n)
	b.check(rows, n)
	if level == Generic {
		return dotTwin(a, b, rows, n)
	}
	switch a0 := any(&a.X[0]).(type) {
	case *float32:
		b0 := any(&b.X[0]).(*float32)
		if level == AVX512 {
			return dot32AVX512(a0, b0, 4*a.Stride, 4*b.Stride, rows, n)
		}
		return dot32AVX2(a0, b0, 4*a.Stride, 4*b.Stride, rows, n)
	case *float64:
		b0 := any(&b.X[0]).(*float64)
		if level == AVX512 {
			return dot64AVX512(a0, b0, 8*a.Stride, 8*b.Stride, rows, n)
		}
		return dot64AVX2(a0, b0, 8*a.Stride, 8*b.Stride, rows, n)
	}
	panic("unreachable")
}

func dotTwin[T Float](a, b Rows[T], rows, n int) float64 {
	sum := 0.0
	for r := range rows {
		y := b.X[r*b.Stride:][:n]
		for j, v := range a.X[r*a.Stride:][:n] {
			sum += float64(v) * float64(y[j])
		}
	}
	return sum
}
