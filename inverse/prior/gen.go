//go:build ignore

// Gen trains the embedded prior on the pictures of a folder:
//
//	go run gen.go DIR
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/seed-dea4846a/sampler/inverse/prior"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run gen.go DIR")
	}
	images, err := prior.ReadImages(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	model, res, err := prior.Train(context.Background(), images, &prior.PatchFit{
		Components: 100, Patches: 120000, Iterations: 30,
		Progress: func(i int, ll float64) { fmt.Println(i, ll) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Status, "held out", res.Held)
	if err := model.WriteFile("data/patches.npz"); err != nil {
		log.Fatal(err)
	}
}
