package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// A listing is one row of sample list.
type listing struct {
	Name    string         `json:"name"`
	Aliases []string       `json:"aliases,omitempty"`
	Kind    string         `json:"kind,omitempty"`
	Order   string         `json:"order,omitempty"`
	NFE     int            `json:"nfe_per_step,omitempty"`
	History int            `json:"history,omitempty"`
	Source  string         `json:"source,omitempty"`
	Doc     string         `json:"doc"`
	Params  []listingParam `json:"params,omitempty"`
}

type listingParam struct {
	Key     string `json:"key"`
	Default string `json:"default,omitempty"`
	Doc     string `json:"doc"`
}

var listings = []struct {
	what string
	rows func() []listing
}{
	{"targets", listTargets},
	{"paths", listPaths},
	{"samplers", listSamplers},
	{"grids", listGrids},
	{"divergences", listDivergences},
	{"metrics", listMetrics},
	{"operators", listOperators},
	{"methods", listMethods},
	{"priors", listPriors},
}

func newList() *cobra.Command {
	var asJSON bool
	var names []string
	for _, l := range listings {
		names = append(names, l.what)
	}
	cmd := &cobra.Command{
		Use:   "list [" + strings.Join(names, "|") + "]",
		Short: "List what can be named on the command line",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("list takes one of %s, got %d words", strings.Join(names, ", "), len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				if asJSON {
					return usagef("list --json needs one of %s", strings.Join(names, ", "))
				}
				for i, l := range listings {
					if i > 0 {
						fmt.Fprintln(out)
					}
					fmt.Fprintln(out, strings.ToUpper(l.what))
					printListing(out, l.rows())
				}
				return nil
			}
			for _, l := range listings {
				if l.what == args[0] {
					if asJSON {
						return json.NewEncoder(out).Encode(l.rows())
					}
					printListing(out, l.rows())
					return nil
				}
			}
			return usagef("nothing to list under %q%s (one of %s)", args[0], didYouMean(args[0], names), strings.Join(names, ", "))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	return cmd
}

func printListing(w io.Writer, rows []listing) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, r := range rows {
		name := r.Name
		if len(r.Aliases) > 0 {
			name += " (" + strings.Join(r.Aliases, ", ") + ")"
		}
		cells := []string{name}
		if r.Kind != "" {
			cells = append(cells, r.Kind)
		}
		if r.Kind != "" {
			cells = append(cells, "order "+r.Order, fmt.Sprintf("%d NFE a step", r.NFE))
		}
		doc := r.Doc
		if len(r.Params) > 0 {
			var ps []string
			for _, p := range r.Params {
				ps = append(ps, p.Key+"="+p.Default)
			}
			doc += "  [" + strings.Join(ps, ",") + "]"
		}
		fmt.Fprintln(tw, strings.Join(append(cells, doc), "\t"))
	}
	tw.Flush()
}

func toListingParams(ps []param) []listingParam {
	var out []listingParam
	for _, p := range ps {
		out = append(out, listingParam{p.key, p.def, p.doc})
	}
	return out
}

func listPaths() []listing {
	var out []listing
	for _, e := range pathTable {
		out = append(out, listing{Name: e.Name, Aliases: e.Aliases, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return out
}

func listGrids() []listing {
	var out []listing
	for _, e := range gridTable {
		out = append(out, listing{Name: e.Name, Aliases: e.Aliases, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return append(out, listing{Name: "list:FILE", Doc: "times from a file, from noise (0) to data (1)"})
}

func listSamplers() []listing {
	var out []listing
	for _, e := range samplerTable {
		out = append(out, listing{
			Name: e.Name, Aliases: e.Aliases, Kind: e.Kind, Order: e.Order, NFE: e.NFE, History: e.History,
			Source: e.Source, Doc: e.Doc, Params: toListingParams(e.Params),
		})
	}
	return out
}

func listDivergences() []listing {
	var out []listing
	for _, e := range divTable {
		out = append(out, listing{Name: e.Name, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return out
}

func listMetrics() []listing {
	var out []listing
	for _, e := range metricTable() {
		doc := e.Doc
		if e.needs != "" {
			doc += " (needs " + e.needs + ")"
		}
		out = append(out, listing{Name: e.Name, Doc: doc})
	}
	return out
}

func listTargets() []listing {
	var out []listing
	for _, e := range targetTable {
		name := e.Name
		if e.file != "" {
			name += ":" + e.file
		}
		out = append(out, listing{Name: name, Aliases: e.Aliases, Doc: e.Doc, Params: toListingParams(e.Params)})
	}
	return out
}
