package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A spec is "name", "name:key=value,key=value" or, for names that take a file,
// "name:file".
type spec struct {
	name string
	rest string // what follows the first colon
}

func parseSpec(s string) spec {
	name, rest, _ := strings.Cut(s, ":")
	return spec{name: strings.TrimSpace(name), rest: strings.TrimSpace(rest)}
}

// splitFile cuts "FILE,key=value" into the file and its parameters. A comma that no
// key=value follows belongs to the file's name.
func splitFile(rest string) (file, params string) {
	for i := range len(rest) {
		if rest[i] == ',' && strings.Contains(strings.SplitN(rest[i+1:], ",", 2)[0], "=") {
			return rest[:i], rest[i+1:]
		}
	}
	return rest, ""
}

// splitSpecs cuts a list of specs at its commas, except at commas between the
// parameters of one spec: "heun,dopri5:rtol=1e-6,atol=1e-9,em" is three specs.
func splitSpecs(s string) []string {
	var out []string
	for _, piece := range strings.Split(s, ",") {
		piece = strings.TrimSpace(piece)
		isParam := strings.Contains(piece, "=") && !strings.Contains(piece, ":")
		if isParam && len(out) > 0 && strings.Contains(out[len(out)-1], ":") {
			out[len(out)-1] += "," + piece
		} else if piece != "" {
			out = append(out, piece)
		}
	}
	return out
}

// A param declares one parameter of a registered name.
type param struct {
	key, def, doc string
}

// params are the values of a spec's parameters. The first error is kept and returned by
// err, and the default stands in for a bad value, so that builders read as plain
// assignments.
type params struct {
	owner    string // "target gauss", for messages
	values   map[string]string
	defaults map[string]string
	required []string // without default, in order
	failed   error
}

// parseParams reads "key=value,key=value" against the declared parameters.
func parseParams(owner, text string, decl []param) *params {
	p := &params{owner: owner, values: map[string]string{}, defaults: map[string]string{}}
	var keys []string
	for _, d := range decl {
		keys = append(keys, d.key)
		p.values[d.key], p.defaults[d.key] = d.def, d.def
		if d.def == "" {
			p.required = append(p.required, d.key+"=NUMBER")
		}
	}
	if text == "" {
		return p
	}
	given := map[string]bool{}
	for _, piece := range strings.Split(text, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(piece), "=")
		switch {
		case len(decl) == 0:
			p.fail(usagef("%s takes no parameters, got %q", owner, text))
		case !ok:
			p.fail(usagef("%s: parameter %q is not of the form key=value (parameters: %s)", owner, piece, strings.Join(keys, ", ")))
		case !slices.Contains(keys, key):
			p.fail(usagef("%s has no parameter %q%s (parameters: %s)", owner, key, didYouMean(key, keys), strings.Join(keys, ", ")))
		case given[key]:
			p.fail(usagef("%s: parameter %q is given twice", owner, key))
		default:
			p.values[key] = strings.TrimSpace(value)
			given[key] = true
		}
	}
	return p
}

func (p *params) fail(err error) {
	if p.failed == nil {
		p.failed = err
	}
}

func (p *params) err() error { return p.failed }

// given tells whether the parameter has a value.
func (p *params) given(key string) bool { return p.values[key] != "" }

// float returns a parameter that must be a finite number in [lo, hi].
func (p *params) float(key string, lo, hi float64) float64 {
	v, err := strconv.ParseFloat(p.values[key], 64)
	switch {
	case !p.given(key):
		p.fail(usagef("%s needs %s", p.owner, strings.Join(p.required, ",")))
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		p.fail(usagef("%s: %s=%q is not a number", p.owner, key, p.values[key]))
	case v < lo || v > hi:
		p.fail(usagef("%s: %s=%g is out of range, it must be %s", p.owner, key, v, rangeText(lo, hi)))
	default:
		return v
	}
	v, _ = strconv.ParseFloat(p.defaults[key], 64)
	return v
}

// positive returns a parameter that must be a number > 0.
func (p *params) positive(key string) float64 {
	return p.float(key, math.SmallestNonzeroFloat64, math.MaxFloat64)
}

// int returns a parameter that must be a whole number in [lo, hi].
func (p *params) int(key string, lo, hi int) int {
	v, err := strconv.Atoi(p.values[key])
	switch {
	case err != nil:
		p.fail(usagef("%s: %s=%q is not a whole number", p.owner, key, p.values[key]))
	case v < lo || v > hi:
		p.fail(usagef("%s: %s=%d is out of range, it must be from %d to %d", p.owner, key, v, lo, hi))
	default:
		return v
	}
	v, _ = strconv.Atoi(p.defaults[key])
	return v
}

// oneOf returns a parameter that must be one of the given words.
func (p *params) oneOf(key string, words ...string) string {
	v := p.values[key]
	if !slices.Contains(words, v) {
		p.fail(usagef("%s: %s=%q is unknown%s (one of %s)", p.owner, key, v, didYouMean(v, words), strings.Join(words, ", ")))
		return p.defaults[key]
	}
	return v
}

func rangeText(lo, hi float64) string {
	switch {
	case lo == math.SmallestNonzeroFloat64:
		return "greater than 0"
	case hi == math.MaxFloat64:
		return fmt.Sprintf("at least %g", lo)
	}
	return fmt.Sprintf("from %g to %g", lo, hi)
}

// didYouMean returns ", did you mean …?" for the nearest name if it is near enough.
func didYouMean(name string, names []string) string {
	best, bestDist := "", len(name)/3+2
	for _, n := range names {
		if d := editDistance(strings.ToLower(name), n); d < bestDist {
			best, bestDist = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// editDistance is Levenshtein's, where a prefix costs at most 1: "ring" is near "ring8".
func editDistance(a, b string) int {
	if len(a) > 2 && strings.HasPrefix(b, a) {
		return 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
