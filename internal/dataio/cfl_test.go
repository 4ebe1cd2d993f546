package dataio

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func decodeCFL(hdr string, data []byte) ([]float64, []int, error) {
	return DecodeCFL(strings.NewReader(hdr), bytes.NewReader(data), int64(len(data)))
}

func floats32(v ...float32) []byte {
	b, _ := binary.Append(nil, binary.LittleEndian, v)
	return b
}

// A header as BART 0.8.00 writes it, with the sections after the dimensions, and one of
// an older program that ends at the last axis.
func TestDecodeCFL(t *testing.T) {
	const bart = "# Dimensions\n2 3 1 1 1 1 1 1 1 1 1 1 1 1 1 1 \n# Command\nphantom x \n# Files\n >x\n# Creator\nBART v0.8.00\n"
	data := floats32(1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6)
	for _, hdr := range []string{bart, "# Dimensions\n2 3\n", "# Creator\nme\n# Dimensions\r\n2 3 1", "# Dimensions\n2 3 1 1\n"} {
		x, shape, err := decodeCFL(hdr, data)
		require.NoError(t, err, "%q", hdr)
		assert.Equal(t, []int{3, 2, 2}, shape) // first axis fastest: the last of ours
		assert.Equal(t, []float64{1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6}, x)
	}
	x, shape, err := decodeCFL("# Dimensions\n1 1 1 1\n", floats32(2, 3))
	require.NoError(t, err)
	assert.Equal(t, []int{1, 2}, shape)
	assert.Equal(t, []float64{2, 3}, x)
	_, shape, err = decodeCFL("# Dimensions\n1 1 1 2 1\n", floats32(2, 3, 4, 5))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 1, 1, 1, 2}, shape)
}

func TestDecodeCFLErrors(t *testing.T) {
	for hdr, want := range map[string]string{
		"":                                      "no line",
		"2 3\n":                                 "no line",
		"# Dimensions":                          "no line",
		"# Dimensions\n\n":                      "0 dimensions",
		"# Dimensions\n2 x\n":                   `dimension 1 of the header is "x"`,
		"# Dimensions\n2 0\n":                   `dimension 1 of the header is "0"`,
		"# Dimensions\n-2\n":                    `dimension 0 of the header is "-2"`,
		"# Dimensions\n2 3\n":                   "cut short: the header's dimensions 2 3 need 48 bytes, 16 are there",
		"# Dimensions\n1\n":                     "too long: the header's dimensions 1 need 8 bytes, 16 are there",
		"# Dimensions\n4611686018427387904 4\n": "need more than 2⁶³ bytes",
		"# Dimensions\n" + strings.Repeat("1 ", 65):             "65 dimensions",
		strings.Repeat("x", cflMaxHeader) + "\n# Dimensions\n2": "no line",
	} {
		_, _, err := decodeCFL(hdr, floats32(1, 2, 3, 4))
		assert.ErrorContains(t, err, want, "%.40q", hdr)
	}
	_, _, err := DecodeCFL(strings.NewReader("# Dimensions\n2\n"), bytes.NewReader(floats32(1, 2)), 16)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestCFLFiles(t *testing.T) {
	dir := t.TempDir()
	x := make([]float64, 3*50*201*2) // longer than a buffer
	for i := range x {
		x[i] = float64(float32(math.Sin(float64(i))))
	}
	name := filepath.Join(dir, "k.space") // an extension that is not ours stays
	require.NoError(t, WriteCFL(name+".cfl", x, 3, 50, 201, 2))
	hdr, err := os.ReadFile(name + ".hdr")
	require.NoError(t, err)
	assert.Equal(t, "# Dimensions\n201 50 3 1 1 1 1 1 1 1 1 1 1 1 1 1\n", string(hdr))
	for _, path := range []string{name, name + ".cfl", name + ".hdr"} {
		got, shape, err := ReadCFL(path)
		require.NoError(t, err)
		assert.Equal(t, []int{3, 50, 201, 2}, shape)
		assert.Equal(t, x, got)
	}
	require.NoError(t, os.Truncate(name+".cfl", 1000))
	_, _, err = ReadCFL(name)
	assert.ErrorContains(t, err, name+".cfl: the data is cut short")
	require.NoError(t, os.WriteFile(name+".hdr", []byte("nothing"), 0o600))
	_, _, err = ReadCFL(name)
	assert.ErrorContains(t, err, name+".hdr: not a BART header")
	_, _, err = ReadCFL(filepath.Join(dir, "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.Remove(name+".cfl"))
	require.NoError(t, os.WriteFile(name+".hdr", hdr, 0o600))
	_, _, err = ReadCFL(name)
	assert.ErrorIs(t, err, os.ErrNotExist)

	bad := filepath.Join(dir, "bad")
	assert.ErrorContains(t, WriteCFL(bad, []float64{1, 2, 1e39, 0}, 2, 2), "value 1 is 1e+39")
	left, _ := filepath.Glob(bad + "*")
	assert.Empty(t, left)
	assert.Panics(t, func() { _ = WriteCFL(bad, x[:4], 4) })
	assert.Panics(t, func() { _ = WriteCFL(bad, x[:4], 4, 1) })
	assert.Panics(t, func() { _ = WriteCFL(bad, x[:4], 3, 2) })
	assert.Panics(t, func() { _ = WriteCFL(bad, nil, 0, 2) })
}

// Whatever the files hold, the reader ends with an error or with an array that is written
// and read back the same.
func FuzzDecodeCFL(f *testing.F) {
	f.Add("# Dimensions\n2 1 1 1\n", floats32(1, 2, 3, 4))
	f.Add("# Dimensions\n3\n# Command\n", floats32(1, 2))
	f.Add("# Dimensions\n9223372036854775807 2\n", []byte{})
	f.Fuzz(func(t *testing.T, hdr string, data []byte) {
		x, shape, err := decodeCFL(hdr, data)
		if err != nil || len(shape) > cflAxes+1 {
			return
		}
		var h, d bytes.Buffer
		require.NoError(t, EncodeCFL(&h, &d, x, shape...))
		back, again, err := decodeCFL(h.String(), d.Bytes())
		require.NoError(t, err)
		assert.Equal(t, shape, again)
		require.Len(t, back, len(x))
		for i, v := range x {
			if !(math.IsNaN(v) && math.IsNaN(back[i])) {
				assert.Equal(t, v, back[i])
			}
		}
	})
}
