package nn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// A Tensor is a named array of a safetensors file.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// WriteTensors writes arrays and a table of strings in the safetensors format, which is
// (github.com/huggingface/safetensors)
//
//	8 bytes      length of the header, little-endian
//	header       JSON: name -> {dtype, shape, data_offsets}, "__metadata__" -> strings
//	data         the arrays, one after another, little-endian; here all F32
func WriteTensors(w io.Writer, meta map[string]string, tensors []Tensor) error {
	return writeTensors(w, meta, tensors, "F32")
}

// WriteHalfTensors is WriteTensors with values rounded to float16, F16. Those beyond its range,
// ±65504, are an error.
func WriteHalfTensors(w io.Writer, meta map[string]string, tensors []Tensor) error {
	for _, t := range tensors {
		for _, v := range t.Data {
			if math.Abs(float64(v)) >= 65520 { // NaN, rounded to one, is for the reader to refuse
				return fmt.Errorf("tensor %q: %g is beyond float16", t.Name, v)
			}
		}
	}
	return writeTensors(w, meta, tensors, "F16")
}

// dtypes are the sizes of the types that are read.
var dtypes = map[string]int{"F32": 4, "F16": 2}

func writeTensors(w io.Writer, meta map[string]string, tensors []Tensor, dtype string) error {
	var h bytes.Buffer
	h.WriteByte('{')
	item := func(name string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		k, err := json.Marshal(name)
		if err != nil {
			return err
		}
		if h.Len() > 1 {
			h.WriteByte(',')
		}
		fmt.Fprintf(&h, "%s:%s", k, b)
		return nil
	}
	if len(meta) > 0 {
		if err := item(metaKey, meta); err != nil {
			return err
		}
	}
	at, seen := 0, map[string]bool{metaKey: true}
	for _, t := range tensors {
		if size, ok := count(t.Shape); !ok || size != len(t.Data) || seen[t.Name] {
			return fmt.Errorf("tensor %q: a second of its name, or %d values for the shape %v", t.Name, len(t.Data), t.Shape)
		}
		seen[t.Name] = true
		end := at + dtypes[dtype]*len(t.Data)
		shape := t.Shape
		if shape == nil {
			shape = []int{}
		}
		if err := item(t.Name, entry{dtype, shape, []int{at, end}}); err != nil {
			return err
		}
		at = end
	}
	h.WriteByte('}')
	for h.Len()%8 != 0 {
		h.WriteByte(' ')
	}
	b := bufio.NewWriter(w)
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], uint64(h.Len()))
	b.Write(word[:])
	b.Write(h.Bytes())
	for _, t := range tensors {
		for _, v := range t.Data {
			if dtype == "F16" {
				binary.LittleEndian.PutUint16(word[:], toHalf(v))
			} else {
				binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
			}
			b.Write(word[:dtypes[dtype]])
		}
	}
	return b.Flush() // a bufio.Writer keeps its first error
}

const (
	metaKey   = "__metadata__"
	maxHeader = 100_000_000 // the format's own limit
)

type entry struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
}

// count returns the number of values of a shape, and whether it is one.
func count(shape []int) (int, bool) {
	n := 1
	for _, s := range shape {
		if s < 0 || s > 0 && n > math.MaxInt32/s {
			return 0, false
		}
		n *= s
	}
	return n, true
}

// ReadTensors reads a safetensors file whose arrays are F32 or F16, in the order of the file.
// As the format demands, the arrays must cover the data without gap or overlap, and nothing
// may follow.
func ReadTensors(r io.Reader) (meta map[string]string, tensors []Tensor, err error) {
	br := bufio.NewReader(r)
	var word [8]byte
	if _, err := io.ReadFull(br, word[:]); err != nil {
		return nil, nil, short("the length of its header", err)
	}
	size := binary.LittleEndian.Uint64(word[:])
	if size > maxHeader {
		return nil, nil, fmt.Errorf("not a safetensors file: it asks for a header of %d bytes", size)
	}
	header, err := io.ReadAll(io.LimitReader(br, int64(size)))
	if err == nil && uint64(len(header)) < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, short("its header", err)
	}
	var items map[string]json.RawMessage
	if err := json.Unmarshal(header, &items); err != nil {
		return nil, nil, fmt.Errorf("not a safetensors file: its header is not JSON: %w", err)
	}
	if raw, ok := items[metaKey]; ok {
		if err := json.Unmarshal(raw, &meta); err != nil {
			return nil, nil, fmt.Errorf("the metadata are not strings: %w", err)
		}
		delete(items, metaKey)
	}
	entries := map[string]entry{}
	for name, raw := range items {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if dtypes[e.Dtype] == 0 {
			return nil, nil, fmt.Errorf("tensor %q is of type %q: only F32 and F16 are read", name, e.Dtype)
		}
		n, ok := count(e.Shape)
		if !ok || len(e.Offsets) != 2 || e.Offsets[0] < 0 || e.Offsets[1]-e.Offsets[0] != dtypes[e.Dtype]*n {
			return nil, nil, fmt.Errorf("tensor %q: the shape %v does not fit the offsets %v", name, e.Shape, e.Offsets)
		}
		entries[name] = e
	}
	names := slices.SortedFunc(maps.Keys(entries), func(a, b string) int {
		if c := slices.Compare(entries[a].Offsets, entries[b].Offsets); c != 0 {
			return c
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	at := 0
	for _, name := range names {
		e := entries[name]
		if e.Offsets[0] != at {
			return nil, nil, fmt.Errorf("tensor %q starts at byte %d of the data, %d was expected", name, e.Offsets[0], at)
		}
		at = e.Offsets[1]
		// read by the amount that is there, not by the amount that is claimed
		raw, err := io.ReadAll(io.LimitReader(br, int64(at-e.Offsets[0])))
		if err == nil && len(raw) < at-e.Offsets[0] {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, nil, short(fmt.Sprintf("tensor %q", name), err)
		}
		data := make([]float32, len(raw)/dtypes[e.Dtype])
		for i := range data {
			if e.Dtype == "F16" {
				data[i] = fromHalf(binary.LittleEndian.Uint16(raw[2*i:]))
			} else {
				data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
			}
		}
		tensors = append(tensors, Tensor{name, e.Shape, data})
	}
	if _, err := br.ReadByte(); err == nil {
		return nil, nil, fmt.Errorf("the file goes on after its last tensor")
	} else if err != io.EOF {
		return nil, nil, err
	}
	return meta, tensors, nil
}

// short says where a file ends too early.
func short(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the file ends within %s: it is no safetensors file, or cut off", what)
	}
	return err
}
