package simd

// The kernels of Combine2Each and ScaleEach in 1 and 2 dimensions.
var (
	combineEachKernels = [AVX512 + 1][2]func(dst, a, x, b, y *float64, n int){
		AVX2:   {combineEach1AVX2, combineEach2AVX2},
		AVX512: {combineEach1AVX512, combineEach2AVX512},
	}
	scaleEachKernels = [AVX512 + 1][2]func(dst, a, x *float64, n int){
		AVX2:   {scaleEach1AVX2, scaleEach2AVX2},
		AVX512: {scaleEach1AVX512, scaleEach2AVX512},
	}
)
