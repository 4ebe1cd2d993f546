package dataio

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A GMMSpec describes a mixture of K Gaussians in dimension d,
//
//	p(x) = Σₖ wₖ N(x; μₖ, Σₖ),
//
// with Covs (K matrices d×d) or, for Σₖ = sₖ² I, with Stds (K numbers); the other
// is nil. Lengths agree. That the numbers make a density (weights and standard
// deviations positive, covariances symmetric positive definite) is for the package
// that builds it to check.
type GMMSpec struct {
	Weights []float64     `json:"weights"`
	Means   [][]float64   `json:"means"`
	Covs    [][][]float64 `json:"covs,omitempty"`
	Stds    []float64     `json:"stds,omitempty"`
}

// specFields are the fields of a specification, in the order of error messages.
var specFields = []string{"type", "weights", "means", "covs", "stds"}

// ReadSpec reads a mixture from a JSON file:
//
//	{"type": "gmm", "weights": [...], "means": [[...], ...], "covs": [[[...], ...], ...]}
//
// with "stds": [...] in place of covs for isotropic components. Nothing else may be
// in the file.
func ReadSpec(path string) (*GMMSpec, error) {
	var s *GMMSpec
	err := read(path, func(r *bufio.Reader, _ int64) error {
		b, err := io.ReadAll(r)
		if err == nil {
			s, err = DecodeSpec(b)
		}
		return err
	})
	return s, err
}

// DecodeSpec is ReadSpec for text in memory.
func DecodeSpec(text []byte) (*GMMSpec, error) {
	if err := checkJSON(text); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, _ := dec.Token(); t != json.Delim('{') {
		return nil, errors.New(`a specification is an object, {"type": "gmm", ...}`)
	}
	var s GMMSpec
	var kind string
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key := t.(string)
		var value any
		switch key {
		case "type":
			value = &kind
		case "weights":
			value = &s.Weights
		case "means":
			value = &s.Means
		case "covs":
			value = &s.Covs
		case "stds":
			value = &s.Stds
		default:
			return nil, fmt.Errorf("unknown field %.40q; known are %s", key, strings.Join(specFields, ", "))
		}
		if seen[key] {
			return nil, fmt.Errorf("the field %s is there twice", key)
		}
		seen[key] = true
		if err := dec.Decode(value); err != nil {
			var te *json.UnmarshalTypeError
			if errors.As(err, &te) {
				return nil, fmt.Errorf("%s: a %s where %s", key, te.Value, wanted[key])
			}
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	switch {
	case !seen["type"]:
		return nil, errors.New(`the field type is missing; known is "gmm"`)
	case kind != "gmm":
		return nil, fmt.Errorf(`type %.40q is unknown; known is "gmm"`, kind)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return &s, nil
}

// wanted says what each field holds, for messages.
var wanted = map[string]string{
	"type":    "a word belongs",
	"weights": "a list of numbers belongs",
	"means":   "a list of lists of numbers belongs",
	"covs":    "a list of matrices, each a list of rows, belongs",
	"stds":    "a list of numbers belongs",
}

// checkJSON returns an error, with its line, unless text is exactly one JSON value
// without null, which package json would take for 0.
func checkJSON(text []byte) error {
	at := func(offset int64) int { return 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n")) }
	var raw json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&raw); err != nil {
		var se *json.SyntaxError
		switch {
		case errors.As(err, &se):
			return fmt.Errorf("line %d: not JSON: %w", at(se.Offset), err)
		case errors.Is(err, io.EOF):
			return errors.New("the file is empty")
		case errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the file is cut short: a bracket or a quote is not closed")
		}
		return err
	}
	if end := dec.InputOffset(); len(bytes.TrimSpace(text[end:])) > 0 {
		return fmt.Errorf("line %d: more text after the object", at(int64(len(text)-len(bytes.TrimLeft(text[end:], " \t\r\n")))))
	}
	for dec = json.NewDecoder(bytes.NewReader(text)); ; {
		switch t, err := dec.Token(); {
		case err != nil:
			return nil // the end: Decode has seen that it is well formed
		case t == nil:
			return fmt.Errorf("line %d: null where a number or a list belongs", at(dec.InputOffset()))
		}
	}
}

// check returns an error unless all lengths agree.
func (s *GMMSpec) check() error {
	k := len(s.Means)
	if k == 0 || len(s.Means[0]) == 0 {
		return errors.New("means is missing or empty")
	}
	d := len(s.Means[0])
	for i, m := range s.Means {
		if len(m) != d {
			return fmt.Errorf("means[%d] has %d numbers, means[0] has %d", i, len(m), d)
		}
	}
	if len(s.Weights) != k {
		return fmt.Errorf("there are %d weights for %d means", len(s.Weights), k)
	}
	switch {
	case s.Covs != nil && s.Stds != nil:
		return errors.New("both covs and stds are given; give one")
	case s.Covs == nil && s.Stds == nil:
		return errors.New("covs or stds is missing")
	case s.Stds != nil && len(s.Stds) != k:
		return fmt.Errorf("there are %d stds for %d means", len(s.Stds), k)
	case s.Covs != nil && len(s.Covs) != k:
		return fmt.Errorf("there are %d covs for %d means", len(s.Covs), k)
	}
	for i, c := range s.Covs {
		if len(c) != d || slices.ContainsFunc(c, func(row []float64) bool { return len(row) != d }) {
			return fmt.Errorf("covs[%d] is not %d×%d, the dimension of means[0]", i, d, d)
		}
	}
	return nil
}
