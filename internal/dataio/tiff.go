package dataio

import (
	"io"

	"golang.org/x/image/tiff"
)

// encodeTIFF writes a picture as .tiff, compressed without loss.
func encodeTIFF(w io.Writer, p *Picture) error {
	img, err := p.image()
	if err != nil {
		return err
	}
	return tiff.Encode(w, img, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
}
