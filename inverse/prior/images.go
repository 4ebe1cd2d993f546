package prior

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/score/density"
)

// An Image is a grey picture: Rows×Cols values in [0, 1], row after row.
type Image struct {
	Name       string // for messages
	Pix        []float64
	Rows, Cols int
}

// ReadImages reads the .png and .jpeg files of a folder, in the order of their names.
// A file of another kind is passed over; a picture that cannot be read is an error, and
// so is a folder without any.
func ReadImages(dir string) ([]Image, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var images []Image
	for _, e := range entries {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".png", ".jpg", ".jpeg":
		default:
			continue
		}
		pix, rows, cols, err := dataio.ReadGray(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		images = append(images, Image{Name: e.Name(), Pix: pix, Rows: rows, Cols: cols})
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("prior: %s holds no .png or .jpeg picture", dir)
	}
	return images, nil
}

// NewEmpirical returns the empirical prior of pictures of one size, which are flattened
// row by row: mass 1/n at each. Its posteriors are exact, and can only be made of the
// given pictures.
func NewEmpirical(images []Image) (*density.Points, error) {
	if len(images) == 0 {
		return nil, errors.New("prior: an empirical prior needs at least one picture")
	}
	rows, cols := images[0].Rows, images[0].Cols
	x := make([]float64, 0, len(images)*rows*cols)
	for _, im := range images {
		if im.Rows != rows || im.Cols != cols {
			return nil, fmt.Errorf("prior: %s has %d×%d pixels and %s %d×%d: an empirical prior needs pictures of one size",
				images[0].Name, rows, cols, im.Name, im.Rows, im.Cols)
		}
		x = append(x, im.Pix...)
	}
	return density.NewPoints(x, rows*cols)
}
