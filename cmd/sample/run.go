package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-dea4846a/sampler/ode"
)

// Exit codes.
const (
	exitOK    = 0
	exitRun   = 1 // the run failed or was interrupted
	exitUsage = 2 // bad usage or bad input
)

// A usageError is the user's to mend: a wrong name, flag, value or file.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef returns a usageError.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// asUsage marks err, if not nil, as a usageError.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "sample: "+oneLine(err))
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitRun
}

// oneLine prepares an error for the user: one line, without the package's name.
func oneLine(err error) string {
	s := strings.Join(strings.Fields(err.Error()), " ")
	for _, p := range []string{"ode", "sde", "score", "density", "interpolant", "metric", "pfgm", "inverse", "linop", "prior", "tweedie", "dataio", "figure"} {
		s = strings.ReplaceAll(": "+s, ": "+p+": ", ": ")[2:]
	}
	var e *ode.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &e) && e.Status == ode.Cancelled {
		return "interrupted; no file was written"
	}
	return s
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "sample",
		Short: "Draw, measure and compare samples of diffusion models and flows",
		Long: `sample draws samples from diffusion models, flows and stochastic interpolants,
measures them against the exact truth, compares ODE with SDE samplers, and restores
pictures, tomograms and MRI data.

  sample draw --target ring8 -n 20000 --out ring8.npy --plot ring8.png
  sample draw --target points:my.csv --out new.csv
  sample compare --target grid25 --samplers heun,em --nfe 5,10,20,50 --out report
  sample recommend --target moons --nfe 10
  sample restore deblur photo.png --psf gaussian:sigma=2 --out sharp.png
  sample list samplers`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var names []string
			for _, c := range cmd.Commands() {
				names = append(names, c.Name())
			}
			return usagef("unknown command %q%s", args[0], didYouMean(args[0], names))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newDraw(), newCompare(), newLoglik(), newRecommend(), newPath(), newRestore(), newTrain(), newMetric(), newList(), newRerun(), newVersion())
	return root
}

// noArgs refuses positional arguments in words that help.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument %q; settings are flags, see sample %s --help", cmd.Name(), args[0], cmd.Name())
	}
	return nil
}

// flagError adds the nearest flag to cobra's message.
func flagError(cmd *cobra.Command, err error) error {
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "unknown flag: --"); ok {
		return usagef("unknown flag --%s%s", name, didYouMean(name, flagNames(cmd)))
	}
	// "invalid argument "1e4" for "-n, --n" flag: strconv.ParseInt: …" says too much.
	if head, tail, ok := strings.Cut(msg, " flag: strconv.Parse"); ok {
		kind, _, _ := strings.Cut(tail, ":")
		fault := map[string]string{"Int": "is not a whole number", "Uint": "is not a whole number from 0", "Float": "is not a number", "Bool": "is not true or false"}[kind]
		if strings.HasSuffix(tail, strconv.ErrRange.Error()) {
			fault = "is out of range"
		}
		return usagef("%s %s; see sample %s --help", strings.Replace(head, "invalid argument ", "the value ", 1), fault, cmd.Name())
	}
	return usagef("%s; see sample %s --help", msg, cmd.Name())
}
