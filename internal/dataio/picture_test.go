package dataio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPicturesComeBack(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, channels := range []int{1, 3} {
		p := &Picture{Rows: 5, Cols: 7, Channels: channels, Pix: make([]float64, 35*channels)}
		for i := range p.Pix {
			p.Pix[i] = rng.Float64()
		}
		for _, ext := range PictureFormats() {
			for _, depth := range []int{8, 16} {
				t.Run(fmt.Sprintf("%d channels, %d bits, %s", channels, depth, ext), func(t *testing.T) {
					p.Depth = depth
					// Rounding to the nearest of 2^depth levels moves a value by half a step.
					want, tol := depth, 0.5/(math.Pow(2, float64(depth))-1)
					if ext == ".npy" {
						want, tol = 64, 0
					}
					path := filepath.Join(dir, "p"+ext)
					require.NoError(t, WritePicture(path, p))
					q, err := ReadPicture(path)
					require.NoError(t, err)
					assert.Equal(t, []int{5, 7, channels, want}, []int{q.Rows, q.Cols, q.Channels, q.Depth})
					assert.InDeltaSlice(t, p.Pix, q.Pix, tol*(1+1e-12))
				})
			}
		}
	}
}

func TestPictureErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.npy")
	require.NoError(t, WriteNPY(path, []float64{0, math.NaN(), 1, 1}, 2, 2))
	_, err := ReadPicture(path)
	assert.ErrorContains(t, err, "pixel (0, 1) is NaN")
	require.NoError(t, WriteNPY(path, make([]float64, 10), 2, 1, 5))
	_, err = ReadPicture(path)
	assert.ErrorContains(t, err, "shape (2, 1, 5)")
	_, err = DecodePicture(bytes.NewReader([]byte("II*\x00garbage")))
	assert.ErrorContains(t, err, "broken or cut short")
	_, err = DecodePicture(bytes.NewReader([]byte("no image")))
	assert.ErrorContains(t, err, "accepted are png, jpeg, tiff")

	p := &Picture{Pix: make([]float64, 8), Rows: 2, Cols: 2, Channels: 2}
	assert.ErrorContains(t, WritePicture(filepath.Join(dir, "p.png"), p), "1 or 3 channels, not 2")
	p.Channels, p.Pix = 1, []float64{0, 0, math.NaN(), 0}
	assert.ErrorContains(t, WritePicture(filepath.Join(dir, "p.tif"), p), "pixel (1, 0) is NaN")
	assert.ErrorContains(t, WritePicture(filepath.Join(dir, "p.bmp"), p), ".png, .tiff or .npy")
	assert.NoFileExists(t, filepath.Join(dir, "p.tif"))
}

// complexNPY is a file of 2×1 complex numbers as numpy.save writes them.
func complexNPY(descr string, order bool) []byte {
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (2, 1), }\n", descr, map[bool]string{false: "False", true: "True"}[order])
	b := append([]byte(npyMagic), 1, 0)
	b = append(binary.LittleEndian.AppendUint16(b, uint16(len(text))), text...)
	for _, v := range []float64{1, -2, 0.5, 3} {
		switch descr {
		case "<c8":
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		case ">c16":
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b
}

func TestComplexNPY(t *testing.T) {
	for _, descr := range []string{"<c8", ">c16"} {
		b := complexNPY(descr, false)
		x, shape, err := DecodeComplexNPY(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err, descr)
		assert.Equal(t, []int{2, 1, 2}, shape)
		assert.Equal(t, []float64{1, -2, 0.5, 3}, x)
		_, _, err = DecodeComplexNPY(bytes.NewReader(b[:len(b)-3]), int64(len(b)-3))
		assert.ErrorContains(t, err, "cut short")
	}
	b := complexNPY("<c8", true)
	_, _, err := DecodeComplexNPY(bytes.NewReader(b), int64(len(b)))
	assert.ErrorContains(t, err, "Fortran order")

	var pairs bytes.Buffer
	require.NoError(t, EncodeNPY(&pairs, []float64{1, 2, 3, 4}, 2, 2))
	x, shape, err := DecodeComplexNPY(bytes.NewReader(pairs.Bytes()), int64(pairs.Len()))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 2}, shape)
	assert.Equal(t, []float64{1, 2, 3, 4}, x)
	pairs.Reset()
	require.NoError(t, EncodeNPY(&pairs, []float64{1, 2, 3}, 3))
	_, _, err = DecodeComplexNPY(bytes.NewReader(pairs.Bytes()), int64(pairs.Len()))
	assert.ErrorContains(t, err, "last axis of 2")
}
