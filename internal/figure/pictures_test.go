package figure

import (
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPrintsShowTheirValues(t *testing.T) {
	gray := Print{Pix: []float64{0, 0.2, 1, 7}, Rows: 2, Cols: 2, Channels: 1}
	at := func(p Print, x, y int) color.NRGBA { return p.image().At(x, y).(color.NRGBA) }
	assert.Equal(t, color.NRGBA{0, 0, 0, 255}, at(gray, 0, 0))
	assert.Equal(t, color.NRGBA{51, 51, 51, 255}, at(gray, 1, 0))
	assert.Equal(t, color.NRGBA{255, 255, 255, 255}, at(gray, 1, 1))
	gray.Lo, gray.Hi = -1, 3 // 0 is a quarter of the way
	assert.Equal(t, uint8(64), at(gray, 0, 0).R)
	gray.Lo, gray.Hi, gray.Heat = 0, 1, true
	assert.Equal(t, color.NRGBA{sea[51].R, sea[51].G, sea[51].B, 255}, at(gray, 1, 0))

	rgb := Print{Pix: []float64{1, 0, 0.2, 0, 0, 1}, Rows: 1, Cols: 2, Channels: 3}
	assert.Equal(t, color.NRGBA{255, 51, 0, 255}, at(rgb, 0, 0))
	assert.Equal(t, color.NRGBA{0, 0, 255, 255}, at(rgb, 1, 0))
	assert.Panics(t, func() { Pictures{Prints: []Print{{Pix: []float64{1}, Rows: 1, Cols: 2, Channels: 1}}}.Figure() })
	assert.Panics(t, func() { Pictures{}.Figure() })
}

func TestPicturesKeepTheAspect(t *testing.T) {
	p := Print{Title: "a", Pix: make([]float64, 200), Rows: 10, Cols: 20, Channels: 1}
	one, _ := Pictures{Prints: []Print{p}}.Figure().Size()
	two, _ := Pictures{Prints: []Print{p, p}}.Figure().Size()
	// A picture twice as wide as high is 260 points wide, the gap between two is 14.
	assert.InDelta(t, 260+14, two-one, 1e-9)
}
