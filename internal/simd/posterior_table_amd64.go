package simd

// posteriorKernels are the kernels of each level, of shared and varied variances, in 1, 2
// and 3 dimensions.
var posteriorKernels = [AVX512 + 1][2][3]posteriorKernel{
	AVX2: {
		{
			{posteriorRows1SharedAVX2, posteriorEach1SharedAVX2, posteriorRow1SharedAVX2, posteriorBlock1SharedAVX2, posteriorSpread1SharedAVX2, posteriorProduct1SharedAVX2},
			{posteriorRows2SharedAVX2, posteriorEach2SharedAVX2, posteriorRow2SharedAVX2, posteriorBlock2SharedAVX2, posteriorSpread2SharedAVX2, posteriorProduct2SharedAVX2},
			{nil, nil, posteriorRow3SharedAVX2, posteriorBlock3SharedAVX2, posteriorSpread3SharedAVX2, posteriorProduct3SharedAVX2},
		},
		{
			{posteriorRows1VariedAVX2, nil, posteriorRow1VariedAVX2, posteriorBlock1VariedAVX2, posteriorSpread1VariedAVX2, posteriorProduct1VariedAVX2},
			{posteriorRows2VariedAVX2, nil, posteriorRow2VariedAVX2, posteriorBlock2VariedAVX2, posteriorSpread2VariedAVX2, posteriorProduct2VariedAVX2},
			{nil, nil, posteriorRow3VariedAVX2, posteriorBlock3VariedAVX2, posteriorSpread3VariedAVX2, posteriorProduct3VariedAVX2},
		},
	},
	AVX512: {
		{
			{posteriorRows1SharedAVX512, posteriorEach1SharedAVX512, posteriorRow1SharedAVX512, posteriorBlock1SharedAVX512, posteriorSpread1SharedAVX512, posteriorProduct1SharedAVX512},
			{posteriorRows2SharedAVX512, posteriorEach2SharedAVX512, posteriorRow2SharedAVX512, posteriorBlock2SharedAVX512, posteriorSpread2SharedAVX512, posteriorProduct2SharedAVX512},
			{nil, nil, posteriorRow3SharedAVX512, posteriorBlock3SharedAVX512, posteriorSpread3SharedAVX512, posteriorProduct3SharedAVX512},
		},
		{
			{posteriorRows1VariedAVX512, nil, posteriorRow1VariedAVX512, posteriorBlock1VariedAVX512, posteriorSpread1VariedAVX512, posteriorProduct1VariedAVX512},
			{posteriorRows2VariedAVX512, nil, posteriorRow2VariedAVX512, posteriorBlock2VariedAVX512, posteriorSpread2VariedAVX512, posteriorProduct2VariedAVX512},
			{nil, nil, posteriorRow3VariedAVX512, posteriorBlock3VariedAVX512, posteriorSpread3VariedAVX512, posteriorProduct3VariedAVX512},
		},
	},
}
