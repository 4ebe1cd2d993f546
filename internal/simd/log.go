package simd

import "math"

//go:generate go run -C gen ./log -out ../log_amd64.s -stubs ../log_amd64.go -pkg simd

// Log writes the natural logarithms of x, with the special cases of math.Log, to 2 ulp; levels
// agree to 3. dst may be x.
func Log(dst, x []float64) {
	if len(dst) != len(x) {
		panic("simd: lengths differ")
	}
	width := vectorWidth()
	if width == 0 {
		for i, v := range x {
			dst[i] = math.Log(v)
		}
		return
	}
	for len(x) > 0 {
		if n := len(x) / width; n > 0 {
			left := logVectors(&dst[0], &x[0], n)
			done := (n - left) * width
			dst, x = dst[done:], x[done:]
			if left == 0 {
				continue
			}
		}
		// A vector with numbers that the kernel leaves to math.Log, or the last few.
		var buf [8]float64
		m := min(width, len(x))
		copy(buf[:], x[:m])
		for i, v := range buf[:width] {
			if !logVector(v) {
				buf[i] = 1
			}
		}
		logVectors(&buf[0], &buf[0], 1)
		for i, v := range x[:m] {
			if logVector(v) {
				dst[i] = buf[i]
			} else {
				dst[i] = math.Log(v)
			}
		}
		dst, x = dst[m:], x[m:]
	}
}

// logVector tells whether the kernels take v.
func logVector(v float64) bool { return v >= 0x1p-1022 && v <= 0x1p1023 }

func logVectors(dst, x *float64, n int) (left int) {
	if level == AVX512 {
		return logAVX512(dst, x, n)
	}
	return logAVX2(dst, x, n)
}
