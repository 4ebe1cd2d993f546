package dataio

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadSpec(t *testing.T) {
	p := filepath.Join(t.TempDir(), "gmm.json")
	require.NoError(t, os.WriteFile(p, []byte(`{
	  "type": "gmm", "weights": [0.25, 0.75], "means": [[0, 1], [2, 3]],
	  "covs": [[[1, 0], [0, 1]], [[2, 0.5], [0.5, 1]]]
	}`), 0o600))
	s, err := ReadSpec(p)
	require.NoError(t, err)
	assert.Equal(t, &GMMSpec{
		Weights: []float64{0.25, 0.75},
		Means:   [][]float64{{0, 1}, {2, 3}},
		Covs:    [][][]float64{{{1, 0}, {0, 1}}, {{2, 0.5}, {0.5, 1}}},
	}, s)

	s, err = DecodeSpec([]byte(`{"stds": [2], "means": [[7]], "weights": [1], "type": "gmm"}`))
	require.NoError(t, err)
	assert.Equal(t, &GMMSpec{Weights: []float64{1}, Means: [][]float64{{7}}, Stds: []float64{2}}, s)

	require.NoError(t, os.WriteFile(p, []byte("{"), 0o600))
	_, err = ReadSpec(p)
	assert.ErrorContains(t, err, "gmm.json: the file is cut short")
}

func TestDecodeSpecErrors(t *testing.T) {
	good := `"type": "gmm", "weights": [1, 2], "means": [[0, 1], [2, 3]]`
	for s, want := range map[string]string{
		"":                                                            "the file is empty",
		"[1]":                                                         "a specification is an object",
		`{"type": "gmm",}`:                                            "line 1: not JSON",
		"{\n\"type\" \"gmm\"}":                                        "line 2: not JSON",
		`{"type": "gmm"`:                                              "cut short",
		`{` + good + `, "stds": [1, 1]} x`:                            "line 1: more text after the object",
		`{` + good + `, "std": [1, 1]}`:                               `unknown field "std"; known are type, weights, means, covs, stds`,
		`{` + good + `, "Stds": [1, 1]}`:                              `unknown field "Stds"`,
		`{` + good + `, "type": "gmm"}`:                               "the field type is there twice",
		`{` + good + `, "stds": [1, NaN]}`:                            "not JSON",
		`{` + good + `, "stds": [1,` + "\nnull]}":                     "line 2: null where a number",
		`{` + good + `, "stds": [1, 1e999]}`:                          "stds: a number 1e999 where",
		`{` + good + `, "stds": [1, "2"]}`:                            "stds: a string where a list of numbers belongs",
		`{` + good + `, "stds": 1}`:                                   "stds: a number where a list of numbers belongs",
		`{` + good + `, "covs": [1, 1]}`:                              "covs: a number where a list of matrices",
		`{` + good + `}`:                                              "covs or stds is missing",
		`{` + good + `, "stds": [1]}`:                                 "there are 1 stds for 2 means",
		`{` + good + `, "covs": []}`:                                  "there are 0 covs for 2 means",
		`{` + good + `, "stds": [1, 1], "covs": []}`:                  "both covs and stds",
		`{` + good + `, "covs": [[[1, 0], [0, 1]], [[1]]]}`:           "covs[1] is not 2×2",
		`{` + good + `, "covs": [[[1, 0], [0, 1]], [[1, 0]]]}`:        "covs[1] is not 2×2",
		`{` + good + `, "covs": [[[1, 0], [0, 1]], [[1, 0], [0]]]}`:   "covs[1] is not 2×2",
		`{"type": "gmm", "weights": [1, 2], "means": [[0, 1], [2]]}`:  "means[1] has 1 numbers, means[0] has 2",
		`{"type": "gmm", "weights": [1], "means": [[0, 1], [2, 3]]}`:  "there are 1 weights for 2 means",
		`{"type": "gmm", "means": [[0]], "stds": [1]}`:                "there are 0 weights for 1 means",
		`{"type": "gmm", "weights": []}`:                              "means is missing or empty",
		`{"type": "gmm", "weights": [1], "means": [[]], "stds": [1]}`: "means is missing or empty",
		`{"type": "gnm"}`:                                             `type "gnm" is unknown; known is "gmm"`,
		`{}`:                                                          "the field type is missing",
	} {
		_, err := DecodeSpec([]byte(s))
		assert.ErrorContains(t, err, want, s)
	}
}

func FuzzSpec(f *testing.F) {
	f.Add([]byte(`{"type":"gmm","weights":[1],"means":[[0,1]],"stds":[2]}`))
	f.Add([]byte(`{"type":"gmm","weights":[0.5,0.5],"means":[[0],[1]],"covs":[[[1]],[[2]]]}`))
	f.Add([]byte(`{"type":"gmm","weights":[null]}`))
	f.Add([]byte(strings.Repeat(`{"means":[`, 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSpec(b)
		if err != nil {
			return
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeSpec(append([]byte(`{"type":"gmm",`), text[1:]...))
		if err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, s, again)
	})
}
