// Package dataio reads and writes the files of the command: points as .npy or
// .csv, gray images as .png or .jpeg, mixtures as .json.
//
// Points are flat: x holds n points of dimension d, one after another. Numbers
// are float64 whatever the file held. A file that comes from outside is never
// trusted: each reader checks before it allocates, so that memory stays in
// proportion to the size of the file, and each error is one sentence that names
// the file, what is wrong, and what is accepted.
//
// Files are written beside their place and renamed into it (see File), so that
// a reader sees the old content or the new and never a part.
package dataio

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// ReadPoints reads n points of dimension d, flat, from a .npy file of shape (n, d)
// or (n,) (then d = 1), or from a .csv, .tsv or .txt file with a point a row. No
// points, or a coordinate that is not finite, is an error.
func ReadPoints(path string) (x []float64, n, d int, err error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		x, d, err = readNPYPoints(path)
	case ".csv", ".tsv", ".txt":
		x, d, err = ReadCSV(path)
	default:
		return nil, 0, 0, fmt.Errorf("%s: points are read from .npy, .csv, .tsv or .txt, not %q", path, ext)
	}
	if err != nil {
		return nil, 0, 0, err
	}
	if len(x) == 0 {
		return nil, 0, 0, fmt.Errorf("%s: no points", path)
	}
	return x, len(x) / d, d, nil
}

// readNPYPoints is ReadPoints for .npy.
func readNPYPoints(path string) (x []float64, d int, err error) {
	x, shape, err := ReadNPY(path)
	if err != nil {
		return nil, 0, err
	}
	switch len(shape) {
	case 1:
		d = 1
	case 2:
		d = shape[1]
	default:
		return nil, 0, fmt.Errorf("%s: shape %s; points have shape (n,) or (n, d)", path, shapeString(shape))
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, 0, fmt.Errorf("%s: row %d, column %d (counting from 0) is %v; points must be finite", path, i/d, i%d, v)
		}
	}
	return x, d, nil
}

// read opens the file at path and gives decode a buffered reader of its content
// and the content's size in bytes. An error of decode gets the path in front.
func read(path string, decode func(r *bufio.Reader, size int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, size := bufio.NewReader(f), info.Size()
	if info.IsDir() {
		return fmt.Errorf("%s: is a directory", path)
	}
	if !info.Mode().IsRegular() { // a pipe has no size beforehand
		b, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		r, size = bufio.NewReader(bytes.NewReader(b)), int64(len(b))
	}
	if err := decode(r, size); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
