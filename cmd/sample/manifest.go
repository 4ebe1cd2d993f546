package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
)

// A manifest stands beside every output file and holds all that made it; sample rerun
// makes the file again from it.
type manifest struct {
	Command  string            `json:"command"`
	Version  string            `json:"version"`
	Platform string            `json:"platform"`
	Settings json.RawMessage   `json:"settings"`
	Grid     []float64         `json:"grid,omitempty"`   // times of the run
	LogSNR   []any             `json:"logsnr,omitempty"` // log(alpha/sigma) at the times; null where infinite
	Inputs   map[string]string `json:"inputs,omitempty"` // SHA-256 of the files read
	Output   string            `json:"output"`
	SHA256   string            `json:"sha256"` // of the output
	Result   any               `json:"result"`
}

func manifestPath(out string) string { return out + ".json" }

// writeWithManifest writes an output file and its manifest; neither is left behind if
// one of them fails.
func writeWithManifest(out string, m *manifest, write func(io.Writer) error) error {
	h := sha256.New()
	if err := dataio.WriteFile(out, func(w io.Writer) error { return write(io.MultiWriter(w, h)) }); err != nil {
		return asUsage(err)
	}
	m.Version, m.Platform = version(), runtime.GOOS+"/"+runtime.GOARCH
	m.Output, m.SHA256 = out, hex.EncodeToString(h.Sum(nil))
	err := dataio.WriteFile(manifestPath(out), func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(m)
	})
	if err != nil {
		os.Remove(out)
		return asUsage(err)
	}
	return nil
}

func readManifest(path string) (*manifest, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, asUsage(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, usagef("%s is not a manifest: %v", path, err)
	}
	if m.Command == "" || len(m.Settings) == 0 || m.Output == "" {
		return nil, usagef("%s is not a manifest written by sample: command, settings or output is missing", path)
	}
	return &m, nil
}

// hashInputs returns the SHA-256 of the files that specs name.
func hashInputs(files ...string) (map[string]string, error) {
	out := map[string]string{}
	for _, f := range files {
		if f == "" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, asUsage(err)
		}
		sum := sha256.Sum256(b)
		out[f] = hex.EncodeToString(sum[:])
	}
	return out, nil
}

// specFile returns the file that a spec such as points:FILE names, or "".
func specFile(text string) string {
	s := parseSpec(text)
	switch s.name {
	case "points", "image", "file", "list":
		file, _ := splitFile(s.rest)
		return file
	}
	return ""
}

// version returns the module's version, with the commit if it was built from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && !strings.Contains(v, s.Value[:min(12, len(s.Value))]):
			v += " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true" && !strings.Contains(v, "dirty"):
			v += " modified"
		}
	}
	return v
}
