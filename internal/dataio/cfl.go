package dataio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A BART array (https://bart-doc.readthedocs.io, "Data Format") is a pair of files:
// NAME.hdr, text with the line "# Dimensions" before the sizes of the axes, and NAME.cfl,
// the values as pairs of little-endian float32, first axis fastest.
const (
	cflAxes      = 16 // as BART writes them, those beyond the last being 1
	cflMaxHeader = 1 << 20
	cflItem      = 8 // bytes of a complex value
)

// ReadCFL reads the BART array NAME.hdr, NAME.cfl, where path is NAME or either file, as
// pairs (re, im).
//
// The shape has the slowest axis first and ends in the 2 of the pairs, so it is BART's
// sizes backwards: its image of 256 × 128 (first axis fastest) has shape {128, 256, 2}
// and its k-space of 256 × 128 × 1 × 8 coils {8, 1, 128, 256, 2}. Sizes of 1 beyond the
// last other are dropped.
func ReadCFL(path string) (x []float64, shape []int, err error) {
	name := cflName(path)
	if err := read(name+".hdr", func(r *bufio.Reader, _ int64) error {
		shape, err = decodeCFLHeader(r)
		return err
	}); err != nil {
		return nil, nil, err
	}
	err = read(name+".cfl", func(r *bufio.Reader, size int64) error {
		x, err = decodeCFLData(r, size, shape)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return x, shape, nil
}

// DecodeCFL is ReadCFL for readers, of which data holds size bytes.
func DecodeCFL(hdr, data io.Reader, size int64) (x []float64, shape []int, err error) {
	if shape, err = decodeCFLHeader(hdr); err != nil {
		return nil, nil, err
	}
	if x, err = decodeCFLData(data, size, shape); err != nil {
		return nil, nil, err
	}
	return x, shape, nil
}

// WriteCFL writes the pairs x as the BART array NAME.cfl, NAME.hdr, where path is NAME or
// either file; shape is as in ReadCFL. A value that is beyond float32 is an error. It
// panics unless shape has 2 to 17 axes, the last of size 2, and the product len(x).
func WriteCFL(path string, x []float64, shape ...int) error {
	mustCFLShape(x, shape)
	name := cflName(path)
	if err := WriteFile(name+".cfl", func(w io.Writer) error { return encodeCFLData(w, x) }); err != nil {
		return err
	}
	return WriteFile(name+".hdr", func(w io.Writer) error { return encodeCFLHeader(w, shape) })
}

// EncodeCFL is WriteCFL for writers.
func EncodeCFL(hdr, data io.Writer, x []float64, shape ...int) error {
	mustCFLShape(x, shape)
	if err := encodeCFLData(data, x); err != nil {
		return err
	}
	return encodeCFLHeader(hdr, shape)
}

func cflName(path string) string {
	if ext := filepath.Ext(path); ext == ".cfl" || ext == ".hdr" {
		return strings.TrimSuffix(path, ext)
	}
	return path
}

func mustCFLShape(x []float64, shape []int) {
	size := 1
	for _, n := range shape {
		if n < 1 {
			size = -1
			break
		}
		size *= n
	}
	if len(shape) < 2 || len(shape) > cflAxes+1 || shape[len(shape)-1] != 2 || size != len(x) {
		panic("dataio: a cfl array has 1 to 16 axes of positive size and then 2, of which its length is the product")
	}
}

// decodeCFLHeader returns the shape.
func decodeCFLHeader(r io.Reader) ([]int, error) {
	lines := bufio.NewScanner(io.LimitReader(r, cflMaxHeader))
	lines.Buffer(nil, cflMaxHeader)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) != "# Dimensions" {
			continue
		}
		if !lines.Scan() {
			break
		}
		return cflShape(strings.Fields(lines.Text()))
	}
	if err := lines.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return nil, err
	}
	return nil, errors.New(`not a BART header: no line "# Dimensions" with the sizes of the axes after it`)
}

func cflShape(sizes []string) ([]int, error) {
	if len(sizes) == 0 || len(sizes) > npyMaxAxes {
		return nil, fmt.Errorf("the header has %d dimensions; accepted are 1 to %d", len(sizes), npyMaxAxes)
	}
	dims := make([]int, len(sizes))
	for i, s := range sizes {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("dimension %d of the header is %q; accepted are integers from 1 on", i, s)
		}
		dims[i] = n
	}
	for len(dims) > 1 && dims[len(dims)-1] == 1 {
		dims = dims[:len(dims)-1]
	}
	slices.Reverse(dims)
	return append(dims, 2), nil
}

func decodeCFLData(r io.Reader, size int64, shape []int) ([]float64, error) {
	count, ok := int64(1), true
	for _, n := range shape {
		if ok = ok && count <= math.MaxInt64/cflItem/int64(n); ok {
			count *= int64(n)
		}
	}
	if want := count * (cflItem / 2); !ok || want != size {
		short := "cut short"
		if ok && want < size {
			short = "too long"
		}
		return nil, fmt.Errorf("the data is %s: the header's dimensions %s need %s bytes, %d are there",
			short, cflSizes(shape), bytesNeeded(want, ok), size)
	}
	x := make([]float64, count)
	buf := make([]byte, min(size, 1<<16))
	for i := 0; i < len(x); {
		b := buf[:min(len(buf), 4*(len(x)-i))]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, fmt.Errorf("the data ends early: %w", err)
		}
		for ; len(b) > 0; b = b[4:] {
			x[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			i++
		}
	}
	return x, nil
}

func encodeCFLData(w io.Writer, x []float64) error {
	b := make([]byte, 0, min(4*len(x), 1<<16))
	for i, v := range x {
		f := float32(v)
		if math.IsInf(float64(f), 0) && !math.IsInf(v, 0) {
			return fmt.Errorf("value %d is %g, beyond the float32 of a cfl file; scale the data", i/2, v)
		}
		if len(b) == cap(b) {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	_, err := w.Write(b)
	return err
}

func encodeCFLHeader(w io.Writer, shape []int) error {
	_, err := fmt.Fprintf(w, "# Dimensions\n%s%s\n", cflSizes(shape), strings.Repeat(" 1", cflAxes+1-len(shape)))
	return err
}

// cflSizes prints the sizes as the header has them.
func cflSizes(shape []int) string {
	s := make([]string, 0, len(shape))
	for i := len(shape) - 2; i >= 0; i-- {
		s = append(s, strconv.Itoa(shape[i]))
	}
	return strings.Join(s, " ")
}
