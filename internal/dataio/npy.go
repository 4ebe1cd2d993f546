package dataio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The .npy format (numpy/lib/format.py; NEP 1): a magic string, a version, the
// length of the header, the header, which is a Python dictionary, and the items.
//
//	"\x93NUMPY" major minor length {'descr': '<f8', 'fortran_order': False, 'shape': (n, d), } items
//
// length is 2 bytes in version 1 and 4 bytes in versions 2 and 3, little endian.
const (
	npyMagic = "\x93NUMPY"
	npyAlign = 64 // the items start at a multiple of this many bytes
	// npyGrowth is the width kept for the first axis, so that numpy can append in
	// place: the decimal digits of 8·2⁶⁴.
	npyGrowth    = 21
	npyMaxHeader = 1 << 16 // real headers have about 120 bytes; version 2 allows 4 GiB
	npyMaxAxes   = 64      // as in numpy 2
)

// npyItem is an item type: its width in bytes and its value as a float64.
type npyItem struct {
	width int
	value func(b []byte, order binary.ByteOrder) float64
}

// npyItems are the item types that are read, by their code without byte order.
// 8-byte integers beyond ±2⁵³ are rounded to the nearest float64.
var npyItems = map[string]npyItem{
	"f8": {8, func(b []byte, o binary.ByteOrder) float64 { return math.Float64frombits(o.Uint64(b)) }},
	"f4": {4, func(b []byte, o binary.ByteOrder) float64 { return float64(math.Float32frombits(o.Uint32(b))) }},
	"i8": {8, func(b []byte, o binary.ByteOrder) float64 { return float64(int64(o.Uint64(b))) }},
	"i4": {4, func(b []byte, o binary.ByteOrder) float64 { return float64(int32(o.Uint32(b))) }},
	"u1": {1, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }},
	"b1": {1, func(b []byte, _ binary.ByteOrder) float64 { return float64(b[0]) }},
}

const npyAccepted = "accepted are f4, f8, i4, i8, u1 and bool"

// ReadNPY reads an array of one or more axes in C order, whatever the order in
// the file.
func ReadNPY(path string) (x []float64, shape []int, err error) {
	err = read(path, func(r *bufio.Reader, size int64) error {
		x, shape, err = DecodeNPY(r, size)
		return err
	})
	return x, shape, err
}

// WriteNPY writes x as float64 in C order, version 1.0, with the bytes of
// numpy.save. It panics unless len(x) is the product of shape.
func WriteNPY(path string, x []float64, shape ...int) error {
	return WriteFile(path, func(w io.Writer) error { return EncodeNPY(w, x, shape...) })
}

// EncodeNPY is WriteNPY for a writer.
func EncodeNPY(w io.Writer, x []float64, shape ...int) error {
	size := 1
	for _, n := range shape {
		size *= n
	}
	if len(shape) == 0 || len(shape) > npyMaxAxes || size != len(x) {
		panic("dataio: length of the array is not the product of its shape, of 1 to 64 axes")
	}
	p := Points{w: w, d: 1, left: size, head: npyHead(shape), encode: appendNPYItems}
	return p.Write(x)
}

// npyHead returns what stands before the items.
func npyHead(shape []int) []byte {
	h := "{'descr': '<f8', 'fortran_order': False, 'shape': " + shapeString(shape) + ", }"
	h += strings.Repeat(" ", max(0, npyGrowth-len(strconv.Itoa(shape[0]))))
	prefix := len(npyMagic) + 4
	h += strings.Repeat(" ", npyAlign-(prefix+len(h)+1)%npyAlign) + "\n"

	b := append([]byte(npyMagic), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(h)))
	return append(b, h...)
}

// appendNPYItems appends the items x to b.
func appendNPYItems(b []byte, x []float64) []byte {
	b = slices.Grow(b, 8*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// DecodeNPY is ReadNPY for a reader that holds size bytes.
func DecodeNPY(r io.Reader, size int64) (x []float64, shape []int, err error) {
	h, left, err := readNPYHeader(r, size)
	if err != nil {
		return nil, nil, err
	}
	item, order, err := h.item()
	if err != nil {
		return nil, nil, err
	}
	if len(h.shape) == 0 {
		return nil, nil, errors.New("the array has no axes (a single number); accepted are one or more")
	}
	count, ok := int64(1), true
	for _, n := range h.shape {
		if n == 0 {
			count, ok = 0, true
			break
		}
		if ok = ok && count <= math.MaxInt64/8/int64(n); ok {
			count *= int64(n)
		}
	}
	if want := count * int64(item.width); !ok || want != left {
		short := "cut short"
		if ok && want < left {
			short = "too long"
		}
		return nil, nil, fmt.Errorf("the file is %s: shape %s of %s needs %s bytes of data, %d are there",
			short, shapeString(h.shape), h.descr, bytesNeeded(want, ok), left)
	}

	x = make([]float64, count)
	buf := make([]byte, min(left, 1<<16))
	for i := 0; i < len(x); {
		b := buf[:min(len(buf), (len(x)-i)*item.width)]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, nil, err
		}
		for ; len(b) > 0; b = b[item.width:] {
			x[i] = item.value(b, order)
			i++
		}
	}
	if h.fortran && len(h.shape) > 1 && len(x) > 0 {
		x = fromFortran(x, h.shape)
	}
	return x, h.shape, nil
}

// bytesNeeded prints a size that may be beyond int64.
func bytesNeeded(want int64, ok bool) string {
	if !ok {
		return "more than 2⁶³"
	}
	return strconv.FormatInt(want, 10)
}

// fromFortran returns x, first axis fastest, with the last axis fastest.
func fromFortran(x []float64, shape []int) []float64 {
	y := make([]float64, len(x))
	index := make([]int, len(shape))
	for i := range y {
		at := 0
		for k := len(shape) - 1; k >= 0; k-- {
			at = at*shape[k] + index[k]
		}
		y[i] = x[at]
		for k := len(shape) - 1; k >= 0; k-- {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
	}
	return y
}

// shapeString prints a shape as Python does: (n,) or (n, d).
func shapeString(shape []int) string {
	s := make([]string, len(shape))
	for i, n := range shape {
		s[i] = strconv.Itoa(n)
	}
	if len(s) == 1 {
		return "(" + s[0] + ",)"
	}
	return "(" + strings.Join(s, ", ") + ")"
}
