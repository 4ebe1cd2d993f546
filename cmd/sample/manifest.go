package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A manifest stands beside every output file and holds all that made it; sample rerun
// makes the file again from it.
type manifest struct {
	Command  string            `json:"command"`
	Version  string            `json:"version"`
	Platform string            `json:"platform"`
	SIMD     string            `json:"simd,omitempty"` // level of vector instructions; others round differently
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
	f, err := createHashed(out)
	if err != nil {
		return asUsage(err)
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return asUsage(err)
	}
	return f.commit(m)
}

// A hashedFile is an output file, which appears whole or not at all, with its SHA-256.
type hashedFile struct {
	*dataio.File
	path string
	hash hash.Hash
}

func createHashed(path string) (*hashedFile, error) {
	f, err := dataio.Create(path)
	if err != nil {
		return nil, err
	}
	return &hashedFile{File: f, path: path, hash: sha256.New()}, nil
}

func (f *hashedFile) Write(p []byte) (int, error) {
	f.hash.Write(p)
	n, err := f.File.Write(p)
	var pe *fs.PathError
	if errors.As(err, &pe) { // without the temporary name
		err = fmt.Errorf("cannot write %s: %w", f.path, pe.Err)
	}
	return n, err
}

func (f *hashedFile) sum() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// commit gives the file its name and writes its manifest; neither is left behind if one of
// them fails.
func (f *hashedFile) commit(m *manifest) error {
	out := f.path
	if err := f.Commit(); err != nil {
		return asUsage(err)
	}
	m.Version, m.Platform, m.SIMD = version(), runtime.GOOS+"/"+runtime.GOARCH, simd.Current().String()
	m.Output, m.SHA256 = out, f.sum()
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
