package dataio

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGrayRoundTrip(t *testing.T) {
	p := filepath.Join(t.TempDir(), "a.png")
	pix := []float64{0, 0.2, 0.4, 0.6, 1, 51. / 255}
	require.NoError(t, WriteGray(p, pix, 2, 3))
	got, rows, cols, err := ReadGray(p)
	require.NoError(t, err)
	assert.Equal(t, [2]int{2, 3}, [2]int{rows, cols})
	// All six are whole multiples of 1/255; what is left is the rounding of a division.
	assert.InDeltaSlice(t, pix, got, 1e-15)

	require.NoError(t, WriteGray(p, []float64{-3, math.Inf(1), 0.5}, 1, 3))
	got, _, _, err = ReadGray(p)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float64{0, 1, 0.5}, got, 0.5/255+1e-15) // half a gray level

	assert.ErrorContains(t, WriteGray(p, []float64{0, 0, 0, math.NaN()}, 2, 2), "pixel (1, 1) is NaN")
	assert.Panics(t, func() { _ = EncodeGray(&bytes.Buffer{}, pix, 2, 2) })
}

func TestDecodeGrayColour(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 1))
	for x, c := range []color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}, {255, 255, 255, 0}} {
		img.SetNRGBA(x, 0, c)
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	pix, _, _, err := DecodeGray(&b)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float64{0.299, 0.587, 0.114, 1, 0}, pix, 1e-15) // rounding

	// 16 bits are kept.
	deep := image.NewGray16(image.Rect(0, 0, 2, 1))
	deep.SetGray16(0, 0, color.Gray16{Y: 1})
	deep.SetGray16(1, 0, color.Gray16{Y: 32769})
	b.Reset()
	require.NoError(t, png.Encode(&b, deep))
	pix, _, _, err = DecodeGray(&b)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float64{1. / 65535, 32769. / 65535}, pix, 1e-15)

	flat := image.NewGray(image.Rect(0, 0, 16, 8))
	for i := range flat.Pix {
		flat.Pix[i] = 102
	}
	b.Reset()
	require.NoError(t, jpeg.Encode(&b, flat, nil))
	pix, rows, cols, err := DecodeGray(&b)
	require.NoError(t, err)
	assert.Equal(t, [2]int{8, 16}, [2]int{rows, cols})
	for _, v := range pix {
		assert.InDelta(t, 0.4, v, 1.5/255) // one level of jpeg's quantisation
	}
}

func TestDecodeGrayErrors(t *testing.T) {
	var b bytes.Buffer
	noise := make([]float64, 64*64)
	for i := range noise {
		noise[i] = math.Mod(float64(i)*0.618, 1)
	}
	require.NoError(t, EncodeGray(&b, noise, 64, 64))
	for _, cut := range []int{20, 40, b.Len() / 2, b.Len() - 20} {
		_, _, _, err := DecodeGray(bytes.NewReader(b.Bytes()[:cut]))
		assert.ErrorContains(t, err, "the image is broken or cut short", "at %d of %d", cut, b.Len())
	}
	broken := bytes.Clone(b.Bytes())
	broken[len(broken)/2] ^= 1
	_, _, _, err := DecodeGray(bytes.NewReader(broken))
	assert.ErrorContains(t, err, "the image is broken or cut short")

	p := filepath.Join(t.TempDir(), "a.png")
	require.NoError(t, os.WriteFile(p, []byte("GIF89a"), 0o600))
	_, _, _, err = ReadGray(p)
	assert.ErrorContains(t, err, "a.png: not an image that can be read; accepted are png and jpeg")

	// A header that claims 2³¹-1 columns is refused before anything is allocated.
	huge := bytes.Clone(b.Bytes()[:33])
	binary.BigEndian.PutUint32(huge[16:], 1<<31-1)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	_, _, _, err = DecodeGray(bytes.NewReader(huge))
	assert.ErrorContains(t, err, "2147483647 × 64 pixels")
}
