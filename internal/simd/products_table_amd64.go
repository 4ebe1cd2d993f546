package simd

var productsOf = [AVX512 + 1]productKernels{
	AVX2: {
		[2]func(*byte){products4AVX2, products1AVX2},
		[2]func(*byte){squares4AVX2, squares1AVX2},
		gaussLogitsAVX2,
		ballReachAVX2,
	},
	AVX512: {
		[2]func(*byte){products4AVX512, products1AVX512},
		[2]func(*byte){squares4AVX512, squares1AVX512},
		gaussLogitsAVX512,
		ballReachAVX512,
	},
}
