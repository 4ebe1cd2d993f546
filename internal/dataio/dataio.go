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

// WritePoints writes points of dimension d to a .npy file of shape (n, d) or to a
// .csv file, by the extension of path.
func WritePoints(path string, x []float64, d int) error {
	rows(x, d) // panics before a file is begun
	return WriteFile(path, func(w io.Writer) error { return EncodePoints(w, path, x, d) })
}

// EncodePoints writes points of dimension d to w in the format that the extension of
// path asks for.
func EncodePoints(w io.Writer, path string, x []float64, d int) error {
	p, err := NewPoints(w, path, rows(x, d), d)
	if err != nil {
		return err
	}
	return p.Write(x)
}

// Points writes n points of dimension d as they come, with the bytes of EncodePoints.
type Points struct {
	w    io.Writer
	d    int
	left int
	head []byte        // of a .npy file, until the first points
	csv  *bufio.Writer // nil for .npy
}

// NewPoints returns a writer of points in the format that path's ending names.
func NewPoints(w io.Writer, path string, n, d int) (*Points, error) {
	p := &Points{w: w, d: d, left: n}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		p.head = npyHead([]int{n, d})
	case ".csv":
		p.csv = bufio.NewWriter(w)
		writeCSVHeader(p.csv, d)
	default:
		return nil, fmt.Errorf("%s: points are written to .npy or .csv, not %q", path, ext)
	}
	return p, nil
}

// Write writes the next points. It panics if there are more than n.
func (p *Points) Write(x []float64) error {
	n := rows(x, p.d)
	if p.left -= n; p.left < 0 {
		panic("dataio: more points than were announced")
	}
	if p.csv != nil {
		writeCSVRows(p.csv, x, n, p.d)
		return p.csv.Flush()
	}
	head := p.head
	p.head = nil
	return writeNPYItems(p.w, head, x)
}

// rows returns n = len(x)/d and panics if x does not hold whole points.
func rows(x []float64, d int) int {
	if d < 1 || len(x)%d != 0 {
		panic("dataio: length of the points is not a multiple of the dimension")
	}
	return len(x) / d
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
