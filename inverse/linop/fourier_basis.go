package linop

// A fourierBasis orders the rows·cols real numbers of the half spectrum of a real image.
// The columns l = 1..(cols-1)/2 hold one frequency of each pair ±f: (re, im) go to the
// columns 2l-1 and 2l. Column 0 and, if cols is even, cols/2 hold both: of each of their
// pairs (k, rows-k) the first, along the column, likewise; it becomes column 0 or cols-1.
type fourierBasis struct{ rows, cols, half int }

// realColumns returns the columns of the half spectrum that are spectra of real columns.
func (b fourierBasis) realColumns() []int {
	if b.cols%2 == 0 {
		return []int{0, b.cols / 2}
	}
	return []int{0}
}

// pack writes the numbers of z, times pair for those of a pair of frequencies and times
// self for those of a frequency that is its own opposite.
func (b fourierBasis) pack(dst []float64, z []complex128, pair, self float64) {
	for i := range b.rows {
		line, out := z[i*b.half:][:b.half], dst[i*b.cols:][:b.cols]
		for l := 1; l <= (b.cols-1)/2; l++ {
			out[2*l-1], out[2*l] = pair*real(line[l]), pair*imag(line[l])
		}
	}
	b.packColumn(dst, z, 0, 0, pair, self)
	if b.cols%2 == 0 {
		b.packColumn(dst, z, b.cols-1, b.cols/2, pair, self)
	}
}

// unpack is the inverse of pack with reciprocal factors.
func (b fourierBasis) unpack(z []complex128, v []float64, pair, self float64) {
	for i := range b.rows {
		line, in := z[i*b.half:][:b.half], v[i*b.cols:][:b.cols]
		for l := 1; l <= (b.cols-1)/2; l++ {
			line[l] = complex(pair*in[2*l-1], pair*in[2*l])
		}
	}
	b.unpackColumn(z, v, 0, 0, pair, self)
	if b.cols%2 == 0 {
		b.unpackColumn(z, v, b.cols-1, b.cols/2, pair, self)
	}
}

// packColumn packs the column l of z into the column j of dst.
func (b fourierBasis) packColumn(dst []float64, z []complex128, j, l int, pair, self float64) {
	dst[j] = self * real(z[l])
	for i := 1; i <= (b.rows-1)/2; i++ {
		v := z[i*b.half+l]
		dst[(2*i-1)*b.cols+j], dst[2*i*b.cols+j] = pair*real(v), pair*imag(v)
	}
	if b.rows%2 == 0 {
		dst[(b.rows-1)*b.cols+j] = self * real(z[b.rows/2*b.half+l])
	}
}

func (b fourierBasis) unpackColumn(z []complex128, v []float64, j, l int, pair, self float64) {
	z[l] = complex(self*v[j], 0)
	for i := 1; i <= (b.rows-1)/2; i++ {
		re, im := pair*v[(2*i-1)*b.cols+j], pair*v[2*i*b.cols+j]
		z[i*b.half+l], z[(b.rows-i)*b.half+l] = complex(re, im), complex(re, -im)
	}
	if b.rows%2 == 0 {
		z[b.rows/2*b.half+l] = complex(self*v[(b.rows-1)*b.cols+j], 0)
	}
}
