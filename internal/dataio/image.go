package dataio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // accepted by ReadGray
	"image/png"
	"io"
	"math"
)

// maxPixels bounds the images that are read: a file of a few bytes may claim any
// size.
const maxPixels = 1 << 26

// ReadGray reads a .png or .jpeg image as rows×cols brightness values from 0
// (black) to 1 (white), row after row from the top. Of a coloured image it takes
// the luma of Rec. ITU-R BT.601,
//
//	Y = 0.299 R + 0.587 G + 0.114 B
//
// of the stored, gamma-encoded values; what is transparent counts as black.
func ReadGray(path string) (pix []float64, rows, cols int, err error) {
	err = read(path, func(r *bufio.Reader, _ int64) error {
		pix, rows, cols, err = DecodeGray(r)
		return err
	})
	return pix, rows, cols, err
}

// DecodeGray is ReadGray for a reader.
func DecodeGray(r io.Reader) (pix []float64, rows, cols int, err error) {
	// The header is read twice: once for the size, once with the pixels.
	var head bytes.Buffer
	config, _, err := image.DecodeConfig(io.TeeReader(r, &head))
	if err != nil {
		return nil, 0, 0, imageError(err)
	}
	if int64(config.Width)*int64(config.Height) > maxPixels {
		return nil, 0, 0, fmt.Errorf("the image has %d × %d pixels; accepted are up to 2²⁶ in all", config.Width, config.Height)
	}
	img, _, err := image.Decode(io.MultiReader(&head, r))
	if err != nil {
		return nil, 0, 0, imageError(err)
	}
	box := img.Bounds()
	rows, cols = box.Dy(), box.Dx()
	pix = make([]float64, 0, rows*cols)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			if r == g && g == b { // gray exactly, without the rounding of the weights
				pix = append(pix, float64(r)/math.MaxUint16)
				continue
			}
			pix = append(pix, (0.299*float64(r)+0.587*float64(g)+0.114*float64(b))/math.MaxUint16)
		}
	}
	return pix, rows, cols, nil
}

// imageError says in our words what is wrong with an image.
func imageError(err error) error {
	if errors.Is(err, image.ErrFormat) {
		return errors.New("not an image that can be read; accepted are png and jpeg")
	}
	return fmt.Errorf("the image is broken or cut short: %w", err)
}

// WriteGray writes rows×cols brightness values as an 8-bit gray .png. Values below 0
// and above 1 become black and white; NaN is an error. It panics unless
// len(pix) = rows·cols.
func WriteGray(path string, pix []float64, rows, cols int) error {
	return WriteFile(path, func(w io.Writer) error { return EncodeGray(w, pix, rows, cols) })
}

// EncodeGray is WriteGray for a writer.
func EncodeGray(w io.Writer, pix []float64, rows, cols int) error {
	if rows < 1 || cols < 1 || rows*cols != len(pix) {
		panic("dataio: length of the image is not rows times columns")
	}
	img := image.NewGray(image.Rect(0, 0, cols, rows))
	for i, v := range pix {
		if math.IsNaN(v) {
			return fmt.Errorf("pixel (%d, %d) is NaN", i/cols, i%cols)
		}
		img.Pix[i] = uint8(math.Round(255 * min(1, max(0, v))))
	}
	return png.Encode(w, img)
}
