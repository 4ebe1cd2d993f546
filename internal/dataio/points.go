package dataio

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
)

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
	w      io.Writer
	d      int
	left   int                                // points to come
	head   []byte                             // what stands before the points, until it is written
	encode func(b []byte, x []float64) []byte // appends whole points to b
	free   sync.Pool                          // of *[]byte, what encode has filled
}

// NewPoints returns a writer of points in the format that path's ending names.
func NewPoints(w io.Writer, path string, n, d int) (*Points, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		return &Points{w: w, d: d, left: n, head: npyHead([]int{n, d}), encode: appendNPYItems}, nil
	case ".csv":
		return csvPoints(w, n, d), nil
	default:
		return nil, fmt.Errorf("%s: points are written to .npy or .csv, not %q", path, ext)
	}
}

// Encode makes the bytes of points, which may be done by several goroutines at a time; put
// writes them as the next points, and is to be called once, one put at a time. Encode keeps x
// no longer than it runs. put panics if there are more than n points.
func (p *Points) Encode(x []float64) (put func() error) {
	n := rows(x, p.d)
	b, ok := p.free.Get().(*[]byte)
	if !ok {
		b = new([]byte)
	}
	*b = p.encode((*b)[:0], x)
	return func() error {
		defer p.free.Put(b)
		if p.left -= n; p.left < 0 {
			panic("dataio: more points than were announced")
		}
		if p.head != nil {
			if _, err := p.w.Write(p.head); err != nil {
				return err
			}
			p.head = nil
		}
		_, err := p.w.Write(*b)
		return err
	}
}

// encodeBlock bounds the numbers of which Write has the bytes at a time, if a point is not
// larger: the bytes stay in a level-2 cache.
const encodeBlock = 1 << 14

// Write writes the next points. It panics if there are more than n.
func (p *Points) Write(x []float64) error {
	rows(x, p.d)
	size := max(1, encodeBlock/p.d) * p.d
	for {
		part := x[:min(size, len(x))]
		if err := p.Encode(part)(); err != nil {
			return err
		}
		if x = x[len(part):]; len(x) == 0 {
			return nil
		}
	}
}

// rows returns n = len(x)/d and panics if x does not hold whole points.
func rows(x []float64, d int) int {
	if d < 1 || len(x)%d != 0 {
		panic("dataio: length of the points is not a multiple of the dimension")
	}
	return len(x) / d
}
