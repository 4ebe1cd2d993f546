package dataio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadComplexNPY reads an array of complex numbers as pairs (re, im), with a shape that
// ends in the 2 of the pairs: a .npy file of dtype c8 or c16 in C order, or one of real
// numbers whose last axis is 2.
func ReadComplexNPY(path string) (x []float64, shape []int, err error) {
	err = read(path, func(r *bufio.Reader, size int64) error {
		x, shape, err = DecodeComplexNPY(r, size)
		return err
	})
	return x, shape, err
}

// DecodeComplexNPY is ReadComplexNPY for a reader that holds size bytes.
func DecodeComplexNPY(r io.Reader, size int64) (x []float64, shape []int, err error) {
	var head bytes.Buffer
	h, left, err := readNPYHeader(io.TeeReader(r, &head), size)
	if err != nil {
		return nil, nil, err
	}
	real, isComplex := strings.CutSuffix(h.descr, "c8")
	real += "f4"
	if !isComplex {
		real, isComplex = strings.CutSuffix(h.descr, "c16")
		real += "f8"
	}
	if !isComplex {
		x, shape, err = DecodeNPY(io.MultiReader(&head, r), size)
		if err == nil && (len(shape) < 2 || shape[len(shape)-1] != 2) {
			err = fmt.Errorf("shape %s of %s; complex data is of dtype c8 or c16, or pairs (re, im) along a last axis of 2", shapeString(shape), h.descr)
		}
		if err != nil {
			return nil, nil, err
		}
		return x, shape, nil
	}
	if h.fortran {
		return nil, nil, fmt.Errorf("complex data in Fortran order is not read; write it with numpy.ascontiguousarray")
	}
	// A complex array is a real one with an axis of pairs more: the rest of the file
	// under the header of that one.
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", real, shapeString(append(slices.Clone(h.shape), 2)))
	b := append([]byte(npyMagic), 2, 0)
	b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	return DecodeNPY(io.MultiReader(bytes.NewReader(b), r), int64(len(b))+left)
}
