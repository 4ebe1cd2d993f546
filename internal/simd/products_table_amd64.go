package simd

var productsOf = [AVX512 + 1]productKernels{
	AVX2: {
		[2]func(*byte){products4AVX2, products1AVX2},
		[2]func(*byte){squares4AVX2, squares1AVX2},
		[2]func(*byte){weighted4AVX2, weighted1AVX2},
		[2]func(q, x, b, w *float64, n int, alpha float64){whitened2AVX2, whitened3AVX2},
		gaussLogitsAVX2,
		ballReachAVX2,
	},
	AVX512: {
		[2]func(*byte){products4AVX512, products1AVX512},
		[2]func(*byte){squares4AVX512, squares1AVX512},
		[2]func(*byte){weighted4AVX512, weighted1AVX512},
		[2]func(q, x, b, w *float64, n int, alpha float64){whitened2AVX512, whitened3AVX512},
		gaussLogitsAVX512,
		ballReachAVX512,
	},
}
