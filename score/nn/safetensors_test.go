package nn

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file puts a header before data.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func sampleFile(t testing.TB) []byte {
	var b bytes.Buffer
	require.NoError(t, WriteTensors(&b, map[string]string{"a": "1", "b": "\"é\n"}, []Tensor{
		{"z", []int{2, 3}, []float32{1, 2, 3, 4, 5, -6e30}}, {"none", []int{0, 4}, nil}, {"a", nil, []float32{7}},
	}))
	return b.Bytes()
}

func TestTensorsRoundTrip(t *testing.T) {
	b := sampleFile(t)
	assert.Zero(t, binary.LittleEndian.Uint64(b)%8, "the data are aligned")
	meta, ts, err := ReadTensors(bytes.NewReader(b))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "1", "b": "\"é\n"}, meta)
	require.Len(t, ts, 3)
	assert.Equal(t, Tensor{"z", []int{2, 3}, []float32{1, 2, 3, 4, 5, -6e30}}, ts[0])
	assert.Equal(t, Tensor{"none", []int{0, 4}, []float32{}}, ts[1])
	assert.Equal(t, Tensor{"a", []int{}, []float32{7}}, ts[2])
}

// TestReadsAFileByHand reads bytes put together after the format's description.
func TestReadsAFileByHand(t *testing.T) {
	b := file(`{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  `, 0)
	_, ts, err := ReadTensors(bytes.NewReader(append(b, 0, 0, 0x80, 0x3f)))
	require.NoError(t, err)
	assert.Equal(t, []Tensor{{"t", []int{1}, []float32{1}}}, ts)
}

func TestBadTensorFiles(t *testing.T) {
	b := sampleFile(t)
	for n := range b {
		_, _, err := ReadTensors(bytes.NewReader(b[:n]))
		require.ErrorContains(t, err, "the file ends within", "%d bytes", n)
	}
	for want, b := range map[string][]byte{
		"goes on":           append(append([]byte(nil), b...), 0),
		"asks for a header": {1, 2, 3, 4, 5, 6, 7, 8},
		"not JSON":          file(`{"a":`, 0),
		"only F32 and F16":  file(`{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`, 2),
		"fit the offsets":   file(`{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}`, 4),
		"does not fit":      file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8),
		"[-1 -1]":           file(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 4),
		"4294967296":        file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
		"was expected":      file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
		"at byte 0":         file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4),
		"not strings":       file(`{"__metadata__":{"a":1}}`, 0),
		`tensor "a": json`:  file(`{"a":3}`, 0),
	} {
		_, _, err := ReadTensors(bytes.NewReader(b))
		assert.ErrorContains(t, err, want)
	}
	assert.Error(t, WriteTensors(new(bytes.Buffer), nil, []Tensor{{"a", []int{2}, []float32{1}}}))
	assert.Error(t, WriteTensors(new(bytes.Buffer), nil, []Tensor{{"a", nil, []float32{1}}, {"a", nil, []float32{1}}}))
}

// FuzzReadTensors: what can be read is written to a file that reads the same, a model that can
// be read evaluates, and nothing panics.
func FuzzReadTensors(f *testing.F) {
	f.Add(sampleFile(f))
	m, err := NewModel(Spec{Kind: "mlp", Dim: 1, Hidden: 1, Depth: 1}, Precond{Kind: EDM}, 1)
	require.NoError(f, err)
	var b bytes.Buffer
	require.NoError(f, m.Write(&b))
	f.Add(b.Bytes())
	f.Add([]byte(strings.Replace(b.String(), `depth\":1`, `depth\":9`, 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, ts, err := ReadTensors(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, WriteTensors(&again, meta, ts))
		_, ts2, err := ReadTensors(&again)
		require.NoError(t, err)
		require.Len(t, ts2, len(ts))
		if m, err := Read(bytes.NewReader(b), nil); err == nil && m.Precond.Kind != Raw && m.Dim() < 1000 {
			x := make([]float64, m.Dim())
			m.Denoise(make([]float64, m.Dim()), x, 1, 1)
		}
	})
}
