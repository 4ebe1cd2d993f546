package nn

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/interpolant"
)

// The metadata of a model's file beside Model.Meta.
const (
	keyArchitecture = "architecture" // Spec as JSON
	keyPrecond      = "precond"      // Precond as JSON
	keyPath         = "path"         // the path's name, in Model.Meta
	keyMean         = "mean"         // Model.Mean as JSON, if there is one
)

// Write writes the model in the safetensors format. If its Precond has a Path, Meta["path"]
// must hold the name by which Read can find it; else it holds none.
func (m *Model) Write(w io.Writer) error { return m.write(w, WriteTensors) }

// WriteHalf is Write with weights rounded to float16.
func (m *Model) WriteHalf(w io.Writer) error { return m.write(w, WriteHalfTensors) }

func (m *Model) write(w io.Writer, tensors func(io.Writer, map[string]string, []Tensor) error) error {
	pre, err := json.Marshal(m.Precond)
	if err != nil {
		return err
	}
	meta := map[string]string{}
	for k, v := range m.Meta {
		meta[k] = v
	}
	if m.Precond.Path != nil && meta[keyPath] == "" {
		return fmt.Errorf("the model has a path without a name: set Meta[%q]", keyPath)
	}
	if m.Precond.Path == nil && meta[keyPath] != "" {
		return fmt.Errorf("the metadata %q names a path, on which the file would be read, but the model has none", keyPath)
	}
	meta[keyArchitecture], meta[keyPrecond] = m.Spec.String(), string(pre)
	if m.Mean != nil {
		mean, err := json.Marshal(m.Mean)
		if err != nil {
			return err
		}
		meta[keyMean] = string(mean)
	}
	var ts []Tensor
	for i := range m.Net.Params {
		p := &m.Net.Params[i]
		ts = append(ts, Tensor{p.Name, p.Shape, m.Net.W[p.Offset : p.Offset+p.Len()]})
	}
	return tensors(w, meta, ts)
}

// Save writes the model to a file, which appears whole or not at all.
func (m *Model) Save(file string) error { return dataio.WriteFile(file, m.Write) }

// Load reads a model from a file; see Read.
func Load(file string, paths func(name string) (interpolant.Path, error)) (*Model, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := Read(f, paths)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// Read reads a model. If its file names a path, that is what paths returns for the name.
func Read(r io.Reader, paths func(name string) (interpolant.Path, error)) (*Model, error) {
	meta, tensors, err := ReadTensors(r)
	if err != nil {
		return nil, err
	}
	var s Spec
	var p Precond
	for key, v := range map[string]any{keyArchitecture: &s, keyPrecond: &p} {
		if meta[key] == "" {
			return nil, fmt.Errorf("the file names no %s: it was not written by this program", key)
		}
		if err := json.Unmarshal([]byte(meta[key]), v); err != nil {
			return nil, fmt.Errorf("its %s: %w", key, err)
		}
		delete(meta, key)
	}
	if name := meta[keyPath]; name != "" && paths != nil {
		if p.Path, err = paths(name); err != nil {
			return nil, fmt.Errorf("its path %q: %w", name, err)
		}
	} else if name != "" {
		return nil, fmt.Errorf("the model was trained on the path %q, which nothing here can look up", name)
	}
	m, err := newModel(s, p)
	if err != nil {
		return nil, err
	}
	if text := meta[keyMean]; text != "" {
		if err := json.Unmarshal([]byte(text), &m.Mean); err != nil || len(m.Mean) != m.Dim() {
			return nil, fmt.Errorf("its mean is no list of %d numbers", m.Dim())
		}
		delete(meta, keyMean)
	}
	m.Meta = meta
	got := map[string]Tensor{}
	for _, t := range tensors {
		got[t.Name] = t
	}
	// all shapes first: a small file does not make a large network
	for i := range m.Net.Params {
		want := &m.Net.Params[i]
		t, ok := got[want.Name]
		if !ok || !slices.Equal(t.Shape, want.Shape) {
			return nil, fmt.Errorf("tensor %q is missing or not of the shape %v that the architecture asks for", want.Name, want.Shape)
		}
	}
	if len(got) != len(m.Net.Params) {
		return nil, fmt.Errorf("the file has %d tensors, the architecture %d", len(got), len(m.Net.Params))
	}
	m.Net.W = make([]float32, m.Net.size)
	for i := range m.Net.Params {
		p := &m.Net.Params[i]
		for _, v := range got[p.Name].Data {
			if v-v != 0 {
				return nil, fmt.Errorf("tensor %q holds a value that is not finite", p.Name)
			}
		}
		copy(m.Net.W[p.Offset:], got[p.Name].Data)
	}
	return m, nil
}
