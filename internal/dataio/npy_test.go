package dataio

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// header is a .npy header of the given version as numpy lays it out.
func header(major byte, dict string) []byte {
	b := append([]byte(npyMagic), major, 0)
	prefix := 10
	if major > 1 {
		prefix = 12
	}
	dict += strings.Repeat(" ", 64-(prefix+len(dict)+1)%64) + "\n"
	if major > 1 {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(dict)))
	} else {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(dict)))
	}
	return append(b, dict...)
}

func decode(b []byte) ([]float64, []int, error) {
	return DecodeNPY(bytes.NewReader(b), int64(len(b)))
}

// The bytes were written by numpy 1.24.2: numpy.save(f, numpy.array([[1, -2.5], [numpy.pi, 0]])).
func TestEncodeNPYGolden(t *testing.T) {
	want := "\x93NUMPY\x01\x00v\x00" +
		"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }" + strings.Repeat(" ", 58) + "\n" +
		"\x00\x00\x00\x00\x00\x00\xf0?\x00\x00\x00\x00\x00\x00\x04\xc0\x18-DT\xfb!\t@\x00\x00\x00\x00\x00\x00\x00\x00"
	var b bytes.Buffer
	require.NoError(t, EncodeNPY(&b, []float64{1, -2.5, math.Pi, 0}, 2, 2))
	assert.Equal(t, want, b.String())

	b.Reset() // one axis, and a body longer than the encoder's buffer
	x := make([]float64, 20001)
	for i := range x {
		x[i] = float64(i) / 3
	}
	require.NoError(t, EncodeNPY(&b, x, len(x)))
	assert.Equal(t, 128+8*len(x), b.Len())
	assert.Contains(t, b.String()[:128], "'shape': (20001,), }")
	got, shape, err := decode(b.Bytes())
	require.NoError(t, err)
	assert.Equal(t, x, got)
	assert.Equal(t, []int{20001}, shape)
}

func TestDecodeNPYTypes(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	want := []float64{3, -2}
	unsigned := []float64{3, 1}
	for descr, c := range map[string]struct {
		body []byte
		want []float64
	}{
		"<f8": {le.AppendUint64(le.AppendUint64(nil, math.Float64bits(3)), math.Float64bits(-2)), want},
		">f8": {be.AppendUint64(be.AppendUint64(nil, math.Float64bits(3)), math.Float64bits(-2)), want},
		"<f4": {le.AppendUint32(le.AppendUint32(nil, math.Float32bits(3)), math.Float32bits(-2)), want},
		">f4": {be.AppendUint32(be.AppendUint32(nil, math.Float32bits(3)), math.Float32bits(-2)), want},
		"<i8": {append(le.AppendUint64(nil, 3), 0xfe, 255, 255, 255, 255, 255, 255, 255), want},
		">i8": {append(be.AppendUint64(nil, 3), 255, 255, 255, 255, 255, 255, 255, 0xfe), want},
		"<i4": {append(le.AppendUint32(nil, 3), 0xfe, 255, 255, 255), want},
		">i4": {append(be.AppendUint32(nil, 3), 255, 255, 255, 0xfe), want},
		"|u1": {[]byte{3, 1}, unsigned},
		"|b1": {[]byte{1, 0}, []float64{1, 0}},
	} {
		for major := byte(1); major <= 3; major++ {
			b := append(header(major, "{'descr': '"+descr+"', 'fortran_order': False, 'shape': (2,), }"), c.body...)
			x, shape, err := decode(b)
			require.NoError(t, err, "%s version %d", descr, major)
			assert.Equal(t, c.want, x, "%s version %d", descr, major)
			assert.Equal(t, []int{2}, shape)
		}
	}
}

func TestDecodeNPYFortran(t *testing.T) {
	// a[i][j][k] = 100i + 10j + k has to come out in C order.
	shape := []int{2, 3, 4}
	var body []byte
	for k := range 4 {
		for j := range 3 {
			for i := range 2 {
				body = append(body, byte(100*i+10*j+k))
			}
		}
	}
	var want []float64
	for i := range 2 {
		for j := range 3 {
			for k := range 4 {
				want = append(want, float64(100*i+10*j+k))
			}
		}
	}
	// Keys in another order, double quotes, Python 2's long integers, no last comma.
	b := append(header(1, `{"shape": (2L, 3, 4L), "fortran_order": True, "descr": "|u1"}`), body...)
	x, got, err := decode(b)
	require.NoError(t, err)
	assert.Equal(t, want, x)
	assert.Equal(t, shape, got)
}

func TestDecodeNPYErrors(t *testing.T) {
	dict := func(descr, shape string) string {
		return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }"
	}
	big := header(2, dict("<f8", "(2,)"))
	for want, b := range map[string][]byte{
		"not a .npy file":          []byte("PK\x03\x04 something else"),
		"cut short inside":         []byte("\x93NUMPY\x01\x00v\x00{'descr'"),
		"version 4.0":              append([]byte("\x93NUMPY\x04\x00v\x00"), make([]byte, 128)...),
		"up to 65536":              append([]byte("\x93NUMPY\x02\x00\x00\x00\x02\x00"), make([]byte, 1<<17)...),
		`dtype "<c16" is not`:      header(1, dict("<c16", "(2,)")),
		`dtype "|O" is not`:        header(1, dict("|O", "(2,)")),
		`dtype "" is not`:          header(1, dict("", "(2,)")),
		"structured dtypes":        header(1, "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (2,), }"),
		"not a dictionary":         header(1, "[1, 2]"),
		"it needs descr":           header(1, "{'descr': '<f8', 'shape': (2,), }"),
		`unknown key "shade"`:      header(1, "{'shade': (2,), }"),
		"True or False":            header(1, "{'fortran_order': 0}"),
		`after the key "descr"`:    header(1, "{'descr': '<f8', 'descr': '<f8', }"),
		"after the dictionary":     header(1, dict("<f8", "(2,)")+"x"),
		"in the shape":             header(1, dict("<f8", "(-2,)")),
		"has no axes":              header(1, dict("<f8", "()")),
		"more than 64 axes":        header(1, dict("<f8", "("+strings.Repeat("1,", 65)+")")),
		"needs 16 bytes":           append(big, 1, 2, 3),
		"more than 2⁶³":            header(1, dict("<f8", "(4611686018427387904, 4611686018427387904)")),
		"needs 1000000000000000":   header(1, dict("|u1", "(1000000000000000,)")),
		"the file is too long":     append(header(1, dict("|u1", "(2,)")), 1, 2, 3),
		"the file is cut short: s": append(header(1, dict("|u1", "(2,)")), 1),
	} {
		_, _, err := decode(b)
		assert.ErrorContains(t, err, want)
	}
	// (2) without a comma is a number in Python, not a tuple.
	_, _, err := decode(header(1, dict("<f8", "(2)")))
	assert.ErrorContains(t, err, "in the shape")

	// Empty arrays are arrays.
	x, shape, err := decode(header(1, dict("<f8", "(0, 3)")))
	require.NoError(t, err)
	assert.Empty(t, x)
	assert.Equal(t, []int{0, 3}, shape)

	assert.Panics(t, func() { _ = EncodeNPY(&bytes.Buffer{}, make([]float64, 5), 2, 3) })
	assert.Panics(t, func() { _ = EncodeNPY(&bytes.Buffer{}, nil) })
}

// A file that claims a large array must not make the reader allocate it.
func TestDecodeNPYAllocation(t *testing.T) {
	b := header(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (100000000000,), }")
	n := testing.Benchmark(func(b2 *testing.B) {
		b2.ReportAllocs()
		for b2.Loop() {
			_, _, _ = decode(b)
		}
	}).AllocedBytesPerOp()
	assert.Less(t, n, int64(1<<14)) // header and message take a few hundred bytes
}

func TestReadPoints(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(p, b, 0o600))
		return p
	}
	x := []float64{1, 2, math.Pi, -0.1, 1e-300, 6}
	for _, name := range []string{"a.npy", "a.csv", "b.NPY"} {
		p := filepath.Join(dir, name)
		require.NoError(t, WritePoints(p, x, 3))
		got, n, d, err := ReadPoints(p)
		require.NoError(t, err)
		assert.Equal(t, x, got)
		assert.Equal(t, [2]int{2, 3}, [2]int{n, d})
	}
	p := filepath.Join(dir, "flat.npy")
	require.NoError(t, WriteNPY(p, x, 6))
	_, n, d, err := ReadPoints(p)
	require.NoError(t, err)
	assert.Equal(t, [2]int{6, 1}, [2]int{n, d})

	for want, p := range map[string]string{
		"missing.npy: no such file":      filepath.Join(dir, "missing.npy"),
		`not ".parquet"`:                 write("x.parquet", nil),
		"e.npy: no points":               write("e.npy", header(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 0), }")),
		"e.csv: no points":               write("e.csv", []byte("x0,x1\n")),
		"shape (1, 1, 1); points":        write("3.npy", append(header(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1), }"), 7)),
		"t.npy: not a .npy file":         write("t.npy", []byte("x")),
		"t.csv: line 1, column 2: \"a\"": write("t.csv", []byte("1,a\n")),
		"is a directory":                 func() string { p := filepath.Join(dir, "d.npy"); _ = os.Mkdir(p, 0o700); return p }(),
	} {
		_, _, _, err := ReadPoints(p)
		assert.ErrorContains(t, err, want)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		p := filepath.Join(dir, "nan.npy")
		require.NoError(t, WriteNPY(p, []float64{0, 1, 2, v}, 2, 2))
		_, _, _, err := ReadPoints(p)
		assert.ErrorContains(t, err, "row 1, column 1 (counting from 0) is")
	}
	assert.ErrorContains(t, WritePoints(filepath.Join(dir, "x.mat"), x, 3), `not ".mat"`)
	assert.Panics(t, func() { _ = WritePoints(filepath.Join(dir, "y.npy"), x, 4) })
}

func FuzzNpy(f *testing.F) {
	var b bytes.Buffer
	_ = EncodeNPY(&b, []float64{1, 2, 3, 4, 5, 6}, 3, 2)
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:140])
	f.Add(append(header(2, "{'descr': '>i4', 'fortran_order': True, 'shape': (1, 2), }"), 0, 0, 0, 1, 0, 0, 0, 2))
	f.Add(append(header(3, "{'shape': (2L,), 'descr': '|b1', 'fortran_order': False}"), 0, 1))
	f.Add(header(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999), }"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, shape, err := decode(b)
		if err != nil {
			return
		}
		if len(x) > len(b) {
			t.Fatalf("%d numbers out of %d bytes", len(x), len(b))
		}
		var out bytes.Buffer
		if err := EncodeNPY(&out, x, shape...); err != nil {
			t.Fatal(err)
		}
		y, shape2, err := decode(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, shape, shape2)
		for i := range x { // bit for bit: NaN keeps its payload
			if math.Float64bits(x[i]) != math.Float64bits(y[i]) {
				t.Fatalf("item %d: %v became %v", i, x[i], y[i])
			}
		}
	})
}
