package main

import (
	"slices"
	"strings"
)

// find looks a spec's name up in a table and reads its parameters against the entry's.
// describe returns an entry's name, aliases and parameters; more are names that the
// caller treats itself.
func find[E any](kind, text string, table []E, describe func(*E) (string, []string, []param), more ...string) (*E, *params, error) {
	s := parseSpec(text)
	names := slices.Clone(more)
	for i := range table {
		name, aliases, decl := describe(&table[i])
		same := func(n string) bool { return normalise(n) == normalise(s.name) }
		if same(name) || slices.ContainsFunc(aliases, same) {
			p := parseParams(kind+" "+name, s.rest, decl)
			return &table[i], p, p.err()
		}
		names = append(names, name)
	}
	if s.name == "" {
		return nil, nil, usagef("the %s has no name; known are %s", kind, strings.Join(names, ", "))
	}
	return nil, nil, usagef("unknown %s %q%s (see sample list %ss)", kind, s.name, didYouMean(s.name, names), kind)
}

// normalise brings the spellings of other programs to ours: dpmpp_2m_sde, Heun.
func normalise(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
