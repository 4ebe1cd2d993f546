package dataio

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeCSV(t *testing.T) {
	want := []float64{1, -2.5, 3e-7, 4}
	for name, s := range map[string]string{
		"comma":      "1,-2.5\n3e-7,4\n",
		"no newline": "1,-2.5\n3e-7,4",
		"header":     "x0,x1\n1,-2.5\n3e-7,4\n",
		"quotes":     "\"x\",\"y\"\n\"1\",-2.5\n3e-7,\"4\"\n",
		"semicolon":  "a; b\r\n1; -2.5\r\n3e-7; 4\r\n",
		"tab":        "1\t-2.5\n3e-7\t4\n",
		"blanks":     "   1   -2.5\n 3e-7  4  \n",
		"comments":   "# from numpy.savetxt\n\n1 -2.5 # here too\n\t\n3e-7 4\n#\n",
		"mark":       "\ufeffx,y\n1,-2.5\n3e-7,4\n",
	} {
		x, d, err := DecodeCSV(strings.NewReader(s))
		require.NoError(t, err, name)
		assert.Equal(t, want, x, name)
		assert.Equal(t, 2, d, name)
	}
	x, d, err := DecodeCSV(strings.NewReader("1\n2\n3\n"))
	require.NoError(t, err)
	assert.Equal(t, []float64{1, 2, 3}, x)
	assert.Equal(t, 1, d)
}

func TestDecodeCSVErrors(t *testing.T) {
	for s, want := range map[string]string{
		"1,2\n3\n":              "line 2 has 1 columns, those before it 2",
		"x,y\n1,2,3\n":          "line 2 has 3 columns, those before it 2",
		"1,2\n\n# c\n3,4,5\n":   "line 4 has 3 columns, those before it 2",
		"1,2\n3,abc\n":          `line 2, column 2: "abc" is not a number`,
		"1,abc\n":               `line 1, column 2: "abc" is not a number`,
		"x,y\na,b\n":            `line 2, column 1: "a" is not a number`,
		"1,2\n3,\n":             "line 2, column 2 is empty",
		"1,,2\n":                "line 1, column 2 is empty",
		"1,2\nnan,4\n":          "line 2, column 1 is nan; numbers must be finite",
		"1,2\n3,-Inf\n":         "line 2, column 2 is -Inf; numbers must be finite",
		"nan,nan\n":             "line 1, column 1 is nan",
		"1e999,2\n":             "line 1, column 1: 1e999 is too large",
		"1,5;2,5\n3,5;4,5\n":    `line 2, column 1: "3,5" is not a number`,
		"x 1\n":                 `line 1, column 1: "x" is not a number`,
		"1\n2\n3\nx\n4 5 6 7\n": `line 4, column 1`,
	} {
		_, _, err := DecodeCSV(strings.NewReader(s))
		assert.ErrorContains(t, err, want, "%q", s)
	}
}

func TestEncodeCSV(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, EncodeCSV(&b, []float64{0.1, -1e300, math.Pi, 0}, 2))
	assert.Equal(t, "x0,x1\n0.1,-1e+300\n3.141592653589793,0\n", b.String())

	// Every finite float64 comes back with the same bits.
	rng := rand.New(rand.NewPCG(1, 2))
	var x []float64
	for len(x) < 30000 {
		if v := math.Float64frombits(rng.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			x = append(x, v)
		}
	}
	x[0], x[1] = math.Copysign(0, -1), math.SmallestNonzeroFloat64
	b.Reset()
	require.NoError(t, EncodeCSV(&b, x, 3))
	y, d, err := DecodeCSV(&b)
	require.NoError(t, err)
	assert.Equal(t, 3, d)
	require.Len(t, y, len(x))
	for i := range x {
		require.Equal(t, math.Float64bits(x[i]), math.Float64bits(y[i]))
	}
	assert.Panics(t, func() { _ = EncodeCSV(&b, x[:4], 3) })
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{"x,y\n1,2\n3,4\n", "1;2\n", "1\t2\n3\t4", "# c\n 1 2 # d\n", "\"1\",\"2\"\n", "\ufeff0x1p-3\n", "nan\n", ",\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, d, err := DecodeCSV(bytes.NewReader(b))
		if err != nil || len(x) == 0 {
			return
		}
		if d < 1 || len(x)%d != 0 || len(x) > len(b) {
			t.Fatalf("%d numbers of dimension %d out of %d bytes", len(x), d, len(b))
		}
		var out bytes.Buffer
		if err := EncodeCSV(&out, x, d); err != nil {
			t.Fatal(err)
		}
		y, d2, err := DecodeCSV(&out)
		if err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, d, d2)
		assert.Equal(t, x, y)
	})
}

// TestPointsInParts writes the bytes of EncodePoints, however the points come.
func TestPointsInParts(t *testing.T) {
	x := []float64{1, 2, 3, 4, 5.5, -6, 7, 8}
	for _, name := range []string{"p.npy", "p.csv"} {
		var whole, parts bytes.Buffer
		require.NoError(t, EncodePoints(&whole, name, x, 2))
		p, err := NewPoints(&parts, name, 4, 2)
		require.NoError(t, err)
		for _, part := range [][]float64{x[:2], nil, x[2:6], x[6:]} {
			require.NoError(t, p.Write(part))
		}
		assert.Equal(t, whole.String(), parts.String(), name)
		assert.Panics(t, func() { _ = p.Write(x[:2]) })
	}
}
