package netprior

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/inverse/prior"
	"github.com/seed-dea4846a/sampler/score/nn"
)

// A Model is a trained prior, good for pictures of any size. It must not be changed once it is
// used.
type Model struct {
	Net *nn.Model // of pictures less Centre
	Law
}

// A Law is what a Model holds beside its network.
type Law struct {
	Centre float64 `json:"centre"` // of the range of pixels
	// Mean, MeanVar and Power are the stationary Gaussian law of the pictures, as in
	// prior.Spectrum.
	Mean    float64      `json:"mean"`
	MeanVar float64      `json:"mean_var"`
	Power   prior.Radial `json:"power"`
	// Blend is the share β of that law's denoiser at the noises BlendNoise, ascending: linear
	// in log s between them, constant beyond.
	BlendNoise []float64 `json:"blend_noise"`
	Blend      []float64 `json:"blend"`
}

// lawKey is that of a Law in the metadata of a file.
const lawKey = "pictures"

// Spectrum returns the law of the pictures as a stationary Gaussian.
func (l *Law) Spectrum() prior.Spectrum {
	return prior.Spectrum{Mean: l.Mean, MeanVar: l.MeanVar, Power: l.Power.Power}
}

func (l *Law) blend(s float64) float64 {
	n := len(l.Blend)
	switch {
	case s <= l.BlendNoise[0]:
		return l.Blend[0]
	case !(s < l.BlendNoise[n-1]):
		return l.Blend[n-1]
	}
	i := sort.SearchFloat64s(l.BlendNoise, s)
	t := math.Log(s/l.BlendNoise[i-1]) / math.Log(l.BlendNoise[i]/l.BlendNoise[i-1])
	return (1-t)*l.Blend[i-1] + t*l.Blend[i]
}

func (l *Law) check() error {
	if n := len(l.Power.Freq); n < 2 || n != len(l.Power.Value) || len(l.Blend) == 0 || len(l.Blend) != len(l.BlendNoise) {
		return errors.New("its spectrum or its blend is not whole")
	}
	up := func(x []float64) bool {
		return x[0] > 0 && sort.Float64sAreSorted(x) && !math.IsInf(x[len(x)-1], 0)
	}
	for i, b := range l.Blend {
		if !(b >= 0 && b <= 1) || i > 0 && l.BlendNoise[i] == l.BlendNoise[i-1] {
			return errors.New("the shares of its blend are from 0 to 1, at ascending noises")
		}
	}
	for _, p := range l.Power.Value {
		if !(p > 0) || math.IsInf(p, 0) {
			return errors.New("its spectrum is not positive")
		}
	}
	if !up(l.BlendNoise) || !up(l.Power.Freq) || !(l.MeanVar >= 0) || l.Blend[len(l.Blend)-1] != 1 {
		return errors.New("its frequencies and noises ascend from above 0, and at the last noise the Gaussian has all the weight")
	}
	return nil
}

// Write writes the model as a safetensors file, weights in float16.
func (m *Model) Write(w io.Writer) error {
	text, err := json.Marshal(&m.Law)
	if err != nil {
		return err
	}
	if m.Net.Meta == nil {
		m.Net.Meta = map[string]string{}
	}
	m.Net.Meta[lawKey] = string(text)
	return m.Net.WriteHalf(w)
}

// WriteFile writes the model to a file, which appears whole or not at all.
func (m *Model) WriteFile(file string) error { return dataio.WriteFile(file, m.Write) }

// Read reads a model that Write wrote, and checks it.
func Read(r io.Reader) (*Model, error) {
	net, err := nn.Read(r, nil)
	if err != nil {
		return nil, err
	}
	m := &Model{Net: net}
	text := net.Meta[lawKey]
	if text == "" || net.Spec.Kind != "unet" || net.Spec.Channels != 1 {
		return nil, errors.New("the network is no prior of pictures")
	}
	if err := json.Unmarshal([]byte(text), &m.Law); err != nil {
		return nil, fmt.Errorf("the law of its pictures: %w", err)
	}
	if err := m.Law.check(); err != nil {
		return nil, fmt.Errorf("the law of its pictures: %w", err)
	}
	if net.Precond.Kind != nn.EDM {
		return nil, fmt.Errorf("a prior's network predicts %q, not %q", nn.EDM, net.Precond.Kind)
	}
	return m, nil
}

// ReadFile reads a model from a file.
func ReadFile(file string) (*Model, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}
