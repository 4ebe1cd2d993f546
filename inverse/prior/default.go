package prior

import (
	_ "embed"
	"sync"
)

//go:generate go run gen.go DIR

//go:embed data/patches.npz
var embedded []byte

// Default returns the prior that comes with the package: 100 components on patches of
// 8×8 pixels, trained by Train on eleven photographs and textures of 256² pixels, whose
// sources are in data/README.md. It is read at the first call.
var Default = sync.OnceValue(func() *Model {
	p, err := Read(embedded)
	if err != nil {
		panic(err)
	}
	return p
})
