package dataio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ReadCSV reads a table of finite numbers with a point of dimension d a row, flat.
//
// The separator is found from the first row: a semicolon, a comma, a tab, or else
// blanks. A # starts a comment, blank lines are skipped, and a first row without
// any number is taken for a header. Rows of different length, empty fields, NaN,
// infinities and words are errors that name the line and the column, counting from
// 1. A file without rows gives no points and no error.
func ReadCSV(path string) (x []float64, d int, err error) {
	err = read(path, func(r *bufio.Reader, _ int64) error {
		x, d, err = DecodeCSV(r)
		return err
	})
	return x, d, err
}

// DecodeCSV is ReadCSV for a reader.
func DecodeCSV(r io.Reader) (x []float64, d int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, math.MaxInt)
	var sep byte
	first := true
	for line := 1; lines.Scan(); line++ {
		s := lines.Text()
		if line == 1 {
			s = strings.TrimPrefix(s, "\ufeff") // the mark that spreadsheets put first
		}
		s, _, _ = strings.Cut(s, "#")
		if strings.TrimSpace(s) == "" {
			continue
		}
		if first {
			sep = separator(s)
		}
		if sep == 0 {
			s = strings.TrimSpace(s)
		}
		have := len(x)
		x, err = appendRow(x, s, sep)
		if err != nil && first && isHeader(s, sep) {
			x, err = x[:have], nil
			first, d = false, columns(s, sep)
			continue
		}
		first = false
		if err != nil {
			return nil, 0, fmt.Errorf("line %d, %w", line, err)
		}
		switch n := len(x) - have; {
		case d == 0:
			d = n
		case n != d:
			return nil, 0, fmt.Errorf("line %d has %d columns, those before it %d", line, n, d)
		}
	}
	return x, d, lines.Err()
}

// EncodeCSV writes points of dimension d with the header x0,x1,... and with as many
// digits as reading them back exactly takes.
func EncodeCSV(w io.Writer, x []float64, d int) error {
	return csvPoints(w, rows(x, d), d).Write(x)
}

// csvPoints is NewPoints for .csv.
func csvPoints(w io.Writer, n, d int) *Points {
	var head []byte
	for j := range d {
		head = strconv.AppendInt(append(head, ",x"...), int64(j), 10)
	}
	return &Points{w: w, d: d, left: n, head: append(head[1:], '\n'), encode: func(b []byte, x []float64) []byte {
		for i, v := range x {
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
			if (i+1)%d == 0 {
				b = append(b, '\n')
			} else {
				b = append(b, ',')
			}
		}
		return b
	}}
}

// separator finds what separates the fields of a row; 0 stands for blanks.
func separator(s string) byte {
	for _, c := range []byte(";,\t") {
		if strings.IndexByte(s, c) >= 0 {
			return c
		}
	}
	return 0
}

// cutField splits the first field, without blanks and quotes, from a row, which has
// no blanks around it if they are what separates.
func cutField(s string, sep byte) (field, rest string, more bool) {
	if sep == 0 {
		field = s
		if i := strings.IndexAny(s, " \t"); i >= 0 {
			field, rest, more = s[:i], strings.TrimLeft(s[i:], " \t"), true
		}
	} else {
		field, rest, more = strings.Cut(s, string(rune(sep)))
		field = strings.TrimSpace(field)
	}
	if n := len(field); n >= 2 && field[0] == '"' && field[n-1] == '"' {
		field = field[1 : n-1]
	}
	return field, rest, more
}

// appendRow appends the numbers of a row to x.
func appendRow(x []float64, s string, sep byte) ([]float64, error) {
	for col, more := 1, true; more; col++ {
		var field string
		field, s, more = cutField(s, sep)
		v, err := strconv.ParseFloat(field, 64)
		switch {
		case field == "":
			return x, fmt.Errorf("column %d is empty", col)
		case errors.Is(err, strconv.ErrRange):
			return x, fmt.Errorf("column %d: %s is too large for a float64", col, field)
		case err != nil:
			return x, fmt.Errorf("column %d: %.40q is not a number", col, field)
		case math.IsNaN(v) || math.IsInf(v, 0):
			return x, fmt.Errorf("column %d is %s; numbers must be finite", col, field)
		}
		x = append(x, v)
	}
	return x, nil
}

// isHeader tells whether no field of a row is a number.
func isHeader(s string, sep byte) bool {
	for more := true; more; {
		var field string
		field, s, more = cutField(s, sep)
		if _, err := strconv.ParseFloat(field, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return false
		}
	}
	return true
}

// columns counts the fields of a row.
func columns(s string, sep byte) (n int) {
	for more := true; more; n++ {
		_, s, more = cutField(s, sep)
	}
	return n
}
