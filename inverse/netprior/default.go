package netprior

import (
	"bytes"
	_ "embed"
	"sync"
)

//go:embed data/unet.safetensors
var embedded []byte

// Default returns the prior that comes with the package; data/README.md says how it was made. It
// is read at the first call.
var Default = sync.OnceValue(func() *Model {
	m, err := Read(bytes.NewReader(embedded))
	if err != nil {
		panic(err)
	}
	return m
})
