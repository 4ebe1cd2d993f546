package dataio

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"strings"
)

// A Picture has one or more channels of Rows×Cols values, channel after channel, each
// row after row from the top. In a file of integers 0 is black and 1 white.
type Picture struct {
	Pix                  []float64
	Rows, Cols, Channels int
	Depth                int // bits of a value in the file: 8, 16, or 64 for .npy
}

// Channel returns the values of a channel.
func (p *Picture) Channel(k int) []float64 {
	n := p.Rows * p.Cols
	return p.Pix[k*n : (k+1)*n]
}

// ReadPicture reads a .png, .jpeg or .tiff image, gray with one channel or coloured with
// three, of 8 or 16 bits; or a .npy array of shape (rows, cols) or (rows, cols, channels)
// with up to four channels. What is transparent counts as black. A value that is not
// finite is an error.
func ReadPicture(path string) (*Picture, error) {
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		return readNPYPicture(path)
	}
	var p *Picture
	err := read(path, func(r *bufio.Reader, _ int64) error {
		var err error
		p, err = DecodePicture(r)
		return err
	})
	return p, err
}

func readNPYPicture(path string) (*Picture, error) {
	x, shape, err := ReadNPY(path)
	if err != nil {
		return nil, err
	}
	p := &Picture{Channels: 1, Depth: 64}
	switch {
	case len(shape) == 3 && shape[2] <= 4:
		p.Channels = shape[2]
	case len(shape) != 2:
		return nil, fmt.Errorf("%s: shape %s; pictures have shape (rows, cols) or (rows, cols, channels) with up to 4 channels", path, shapeString(shape))
	}
	p.Rows, p.Cols = shape[0], shape[1]
	if len(x) == 0 {
		return nil, fmt.Errorf("%s: shape %s has no pixels", path, shapeString(shape))
	}
	p.Pix = make([]float64, len(x))
	for i, v := range x {
		at, k := i/p.Channels, i%p.Channels
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s: pixel (%d, %d) is %v; pictures must be finite", path, at/p.Cols, at%p.Cols, v)
		}
		p.Channel(k)[at] = v
	}
	return p, nil
}

// DecodePicture is ReadPicture of an image for a reader.
func DecodePicture(r io.Reader) (*Picture, error) {
	// The header is read twice: once for the size, once with the pixels.
	var head bytes.Buffer
	config, _, err := image.DecodeConfig(io.TeeReader(r, &head))
	if err != nil {
		return nil, pictureError(err)
	}
	if config.Width < 1 || config.Height < 1 || int64(config.Width)*int64(config.Height) > maxPixels {
		return nil, fmt.Errorf("the image has %d × %d pixels; accepted are from 1 to 2²⁶ in all", config.Width, config.Height)
	}
	img, _, err := image.Decode(io.MultiReader(&head, r))
	if err != nil {
		return nil, pictureError(err)
	}
	box := img.Bounds()
	p := &Picture{Rows: box.Dy(), Cols: box.Dx(), Channels: 3, Depth: 8}
	gray := false
	switch img.ColorModel() {
	case color.GrayModel:
		gray = true
	case color.Gray16Model:
		gray, p.Depth = true, 16
	case color.RGBA64Model, color.NRGBA64Model:
		p.Depth = 16
	}
	if gray {
		p.Channels = 1
	}
	n := p.Rows * p.Cols
	p.Pix = make([]float64, p.Channels*n)
	for i := range n {
		r, g, b, _ := img.At(box.Min.X+i%p.Cols, box.Min.Y+i/p.Cols).RGBA()
		p.Pix[i] = float64(r) / math.MaxUint16
		if !gray {
			p.Pix[n+i], p.Pix[2*n+i] = float64(g)/math.MaxUint16, float64(b)/math.MaxUint16
		}
	}
	return p, nil
}

// pictureError says in our words what is wrong with an image.
func pictureError(err error) error {
	if errors.Is(err, image.ErrFormat) {
		return errors.New("not an image that can be read; accepted are png, jpeg, tiff and npy")
	}
	return fmt.Errorf("the image is broken or cut short: %w", err)
}

// PictureFormats are the endings of the files that EncodePicture writes.
func PictureFormats() []string { return []string{".png", ".tif", ".tiff", ".npy"} }

// WritePicture writes a picture in the format that the extension of path asks for.
func WritePicture(path string, p *Picture) error {
	return WriteFile(path, func(w io.Writer) error { return EncodePicture(w, path, p) })
}

// EncodePicture writes a picture as .png or .tiff, with 16 bits if Depth is above 8, or as
// .npy of the shape that ReadPicture accepts, by the extension of path. In images values
// below 0 and above 1 become 0 and 1; NaN is an error, and so is a number of channels
// other than 1 and 3. It panics unless len(Pix) = Rows·Cols·Channels > 0.
func EncodePicture(w io.Writer, path string, p *Picture) error {
	if p.Rows < 1 || p.Cols < 1 || p.Channels < 1 || len(p.Pix) != p.Rows*p.Cols*p.Channels {
		panic("dataio: length of the picture is not rows times columns times channels")
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".npy":
		return encodeNPYPicture(w, p)
	case ".png":
		img, err := p.image()
		if err != nil {
			return err
		}
		return png.Encode(w, img)
	case ".tif", ".tiff":
		return encodeTIFF(w, p)
	default:
		return fmt.Errorf("%s: pictures are written to .png, .tiff or .npy, not %q", path, ext)
	}
}

func encodeNPYPicture(w io.Writer, p *Picture) error {
	if p.Channels == 1 {
		return EncodeNPY(w, p.Pix, p.Rows, p.Cols)
	}
	x := make([]float64, len(p.Pix))
	for k := range p.Channels {
		for i, v := range p.Channel(k) {
			x[i*p.Channels+k] = v
		}
	}
	return EncodeNPY(w, x, p.Rows, p.Cols, p.Channels)
}

// image returns the picture in integers.
func (p *Picture) image() (image.Image, error) {
	if p.Channels != 1 && p.Channels != 3 {
		return nil, fmt.Errorf("an image file has 1 or 3 channels, not %d; write a .npy file", p.Channels)
	}
	for i, v := range p.Pix {
		if math.IsNaN(v) {
			at := i % (p.Rows * p.Cols)
			return nil, fmt.Errorf("pixel (%d, %d) is NaN", at/p.Cols, at%p.Cols)
		}
	}
	box := image.Rect(0, 0, p.Cols, p.Rows)
	level := func(k, i int, top float64) float64 {
		return math.Round(top * min(1, max(0, p.Channel(k)[i])))
	}
	n := p.Rows * p.Cols
	switch {
	case p.Channels == 1 && p.Depth <= 8:
		img := image.NewGray(box)
		for i := range n {
			img.Pix[i] = uint8(level(0, i, math.MaxUint8))
		}
		return img, nil
	case p.Channels == 1:
		img := image.NewGray16(box)
		for i := range n {
			img.SetGray16(i%p.Cols, i/p.Cols, color.Gray16{Y: uint16(level(0, i, math.MaxUint16))})
		}
		return img, nil
	case p.Depth <= 8:
		img := image.NewNRGBA(box)
		for i := range n {
			img.SetNRGBA(i%p.Cols, i/p.Cols, color.NRGBA{
				R: uint8(level(0, i, math.MaxUint8)), G: uint8(level(1, i, math.MaxUint8)), B: uint8(level(2, i, math.MaxUint8)), A: math.MaxUint8,
			})
		}
		return img, nil
	}
	img := image.NewNRGBA64(box)
	for i := range n {
		img.SetNRGBA64(i%p.Cols, i/p.Cols, color.NRGBA64{
			R: uint16(level(0, i, math.MaxUint16)), G: uint16(level(1, i, math.MaxUint16)), B: uint16(level(2, i, math.MaxUint16)), A: math.MaxUint16,
		})
	}
	return img, nil
}
