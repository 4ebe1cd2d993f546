// Command sample draws samples from diffusion models, flows and stochastic
// interpolants, measures them against the truth, and compares samplers.
// Run it without arguments for help; README.md at the root of the module has examples.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second interrupt ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
