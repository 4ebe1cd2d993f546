package sampler

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/seed-dea4846a/sampler"

// allowed lists, for each package, the packages of the module that it may import
// directly beside internal ones. cmd, examples and bench may import everything.
var allowed = map[string][]string{
	"":                 {},
	"score/density":    {},
	"inverse/linop":    {},
	"metric":           {},
	"ode":              {},
	"sde":              {"ode"},
	"interpolant":      {"ode", "sde", "score/density"},
	"score":            {"ode", "sde", "interpolant", "score/density"},
	"score/train":      {"ode", "sde", "interpolant", "score", "score/density", "score/nn", "pfgm"},
	"score/nn":         {"ode", "sde", "interpolant", "score", "score/density"},
	"pfgm":             {"ode", "sde", "interpolant", "score", "score/density"},
	"tweedie":          {"ode", "sde", "interpolant", "score", "score/density"},
	"inverse/prior":    {"ode", "sde", "interpolant", "score", "score/density", "inverse/linop"},
	"inverse/netprior": {"score", "score/nn", "score/train", "inverse/linop", "inverse/prior"},
	"inverse":          {"ode", "sde", "interpolant", "score", "score/density", "tweedie", "inverse/linop"},
	"internal/figure":  {},
}

// TestImportsPointOneWay holds the packages, tests excluded, to the layers of the design:
// leaves at the bottom, the command and the examples at the top.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").CombinedOutput()
	require.NoError(t, err, "%s", out)
	seen := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(words[0], module), "/")
		if slices.ContainsFunc([]string{"cmd/", "examples/", "bench/"}, func(top string) bool { return strings.HasPrefix(pkg, top) }) {
			continue
		}
		seen++
		for _, imp := range words[1:] {
			dep, ours := strings.CutPrefix(imp, module+"/")
			switch {
			case !ours || strings.HasPrefix(dep, "internal/") && !strings.HasPrefix(dep, "internal/weak"):
			case strings.HasPrefix(dep, "cmd/") || strings.HasPrefix(dep, "examples/"):
				t.Errorf("%s imports %s: nothing imports the command", pkg, dep)
			case strings.HasPrefix(pkg, "internal/") && pkg != "internal/weak":
				t.Errorf("%s imports %s: internal packages are leaves", pkg, dep)
			case pkg == "internal/weak":
				// a tool of tests that measures sde methods
			default:
				rule, known := allowed[pkg]
				require.True(t, known, "%s has no place in the layers: add it to the table", pkg)
				if !slices.Contains(rule, dep) {
					t.Errorf("%s imports %s, which the layers do not allow", pkg, dep)
				}
			}
		}
	}
	require.Greater(t, seen, 5)
}
