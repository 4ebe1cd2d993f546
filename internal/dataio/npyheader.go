package dataio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// npyHeader is the dictionary at the head of a .npy file.
type npyHeader struct {
	descr   string
	fortran bool
	shape   []int
}

// item returns the item type and its byte order.
func (h *npyHeader) item() (npyItem, binary.ByteOrder, error) {
	var order binary.ByteOrder = binary.LittleEndian
	code := h.descr
	if len(code) > 0 && strings.IndexByte("<>|=", code[0]) >= 0 {
		if code[0] == '>' {
			order = binary.BigEndian
		}
		code = code[1:]
	}
	item, ok := npyItems[code]
	if !ok {
		return item, nil, fmt.Errorf("dtype %q is not supported; %s", h.descr, npyAccepted)
	}
	return item, order, nil
}

// readNPYHeader reads up to the first item and returns how many of the size bytes
// are left.
func readNPYHeader(r io.Reader, size int64) (h npyHeader, left int64, err error) {
	cut := errors.New("the file is cut short inside the .npy header")
	var b [12]byte
	if n, _ := io.ReadFull(r, b[:6]); string(b[:n]) != npyMagic {
		return h, 0, errors.New(`not a .npy file: it does not start with "\x93NUMPY"`)
	}
	if _, err := io.ReadFull(r, b[6:10]); err != nil {
		return h, 0, cut
	}
	left = size - 10
	length := int64(binary.LittleEndian.Uint16(b[8:]))
	switch major := b[6]; major {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, b[10:12]); err != nil {
			return h, 0, cut
		}
		left -= 2
		length = int64(binary.LittleEndian.Uint32(b[8:]))
	default:
		return h, 0, fmt.Errorf(".npy version %d.%d is not supported; accepted are 1, 2 and 3", major, b[7])
	}
	left -= length
	if length > npyMaxHeader {
		return h, 0, fmt.Errorf("the .npy header has %d bytes; accepted are up to %d", length, npyMaxHeader)
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, 0, cut
	}
	p := npyParser{s: string(text)}
	if h, err = p.header(); err != nil {
		return h, 0, fmt.Errorf("bad .npy header: %w", err)
	}
	return h, left, nil
}

// An npyParser reads the part of Python's literals that a .npy header is made of.
type npyParser struct{ s string }

// header reads the whole dictionary.
func (p *npyParser) header() (h npyHeader, err error) {
	seen := map[string]bool{}
	if !p.take("{") {
		return h, fmt.Errorf("%s, not a dictionary", p.near())
	}
	for !p.take("}") {
		key, err := p.quoted()
		if err != nil {
			return h, err
		}
		if seen[key] || !p.take(":") {
			return h, fmt.Errorf("%s after the key %q", p.near(), key)
		}
		seen[key] = true
		switch key {
		case "descr":
			if strings.HasPrefix(p.s, "[") {
				return h, errors.New("structured dtypes are not supported; " + npyAccepted)
			}
			h.descr, err = p.quoted()
		case "fortran_order":
			h.fortran = p.take("True")
			if !h.fortran && !p.take("False") {
				err = fmt.Errorf("%s where True or False was expected", p.near())
			}
		case "shape":
			h.shape, err = p.tuple()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		if err != nil {
			return h, err
		}
		if !p.take(",") && !strings.HasPrefix(p.s, "}") {
			return h, fmt.Errorf("%s where , or } was expected", p.near())
		}
	}
	if len(seen) != 3 {
		return h, errors.New("it needs descr, fortran_order and shape")
	}
	if p.s != "" {
		return h, fmt.Errorf("%s after the dictionary", p.near())
	}
	return h, nil
}

// take consumes token, and the blanks around it, if it comes next.
func (p *npyParser) take(token string) bool {
	s, ok := strings.CutPrefix(strings.TrimLeft(p.s, " \t\r\n"), token)
	if ok {
		p.s = strings.TrimLeft(s, " \t\r\n")
	}
	return ok
}

// near shows what comes next.
func (p *npyParser) near() string {
	if p.s == "" {
		return "the end"
	}
	return strconv.Quote(p.s[:min(len(p.s), 12)])
}

// quoted reads a string without escapes.
func (p *npyParser) quoted() (string, error) {
	for _, q := range []string{"'", `"`} {
		if strings.HasPrefix(p.s, q) {
			if s, rest, ok := strings.Cut(p.s[1:], q); ok {
				p.s = strings.TrimLeft(rest, " \t\r\n")
				return s, nil
			}
		}
	}
	return "", fmt.Errorf("%s where a quoted word was expected", p.near())
}

// tuple reads a tuple of integers ≥ 0, which in files of Python 2 may end in L.
func (p *npyParser) tuple() ([]int, error) {
	bad := func() ([]int, error) { return nil, fmt.Errorf("%s in the shape", p.near()) }
	if !p.take("(") {
		return bad()
	}
	var shape []int
	comma := true
	for !p.take(")") {
		end := 0
		for end < len(p.s) && '0' <= p.s[end] && p.s[end] <= '9' {
			end++
		}
		n, err := strconv.Atoi(p.s[:end])
		if err != nil || !comma {
			return bad()
		}
		p.s = p.s[end:]
		p.take("L")
		comma = p.take(",")
		if shape = append(shape, n); len(shape) > npyMaxAxes {
			return nil, fmt.Errorf("the shape has more than %d axes", npyMaxAxes)
		}
	}
	if len(shape) == 1 && !comma { // (3) is a number in Python
		return bad()
	}
	return shape, nil
}
