package nn

import (
	"encoding/json"
	"fmt"
)

// A Spec is an architecture. The zero value of a field means its default; a Spec of one
// network and of itself with the defaults filled in make the same network.
type Spec struct {
	Kind string `json:"kind"` // "mlp" or "unet"

	// MLP: Dim -> Hidden -> … -> Out, Depth hidden layers. With Residual the first layer is
	// followed by Depth blocks h + W₂σ(W₁σ(h)).
	Dim      int        `json:"dim,omitempty"`
	Out      int        `json:"out,omitempty"` // default Dim
	Hidden   int        `json:"hidden,omitempty"`
	Depth    int        `json:"depth,omitempty"`
	Residual bool       `json:"residual,omitempty"`
	Act      Activation `json:"act,omitempty"`  // default SiLU
	Beta     float64    `json:"beta,omitempty"` // of Softplus

	// Features is the number of sinusoidal features of t, half sines, half cosines, with
	// frequencies from 1 to Top (default 32) radians. Zero gives the MLP t itself.
	Features int     `json:"features,omitempty"`
	Top      float64 `json:"top,omitempty"`

	// U-Net: images of Height×Width×Channels in and out. Level i of Levels has Hidden
	// channels, twice as many below the first, and Depth residual blocks on either side.
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
	Channels int `json:"channels,omitempty"` // default 1
	Levels   int `json:"levels,omitempty"`
	// Fold is the side of the squares of pixels that become channels before the first layer,
	// and pixels again after the last (Shi et al. 2016, arXiv 1609.05158): Fold = 2 does a
	// quarter of the work, and as denoisers go loses little (Zhang et al. 2018, arXiv
	// 1710.04026). Default 1.
	Fold int `json:"fold,omitempty"`
	// Plain leaves out the normalisation: a denoiser's scale is that of its input.
	Plain bool `json:"plain,omitempty"`
	// Homogeneous leaves out biases, normalisation and t, and takes ReLU: then
	// F(ax) = aF(x) for a > 0, which generalises over noise levels (Mohan et al. 2020,
	// arXiv 1906.05478).
	Homogeneous bool `json:"homogeneous,omitempty"`
}

// groupSize is the number of channels that a group of a U-Net's GroupNorm has.
const groupSize = 8

// maxWeights bounds what a file may ask for.
const maxWeights = 1 << 28

func (s Spec) withDefaults() Spec {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if s.Act == "" {
		s.Act = SiLU
	}
	if s.Top == 0 {
		s.Top = 32
	}
	switch s.Kind {
	case "mlp":
		set(&s.Out, s.Dim)
		set(&s.Hidden, 128)
		set(&s.Depth, 3)
	case "unet":
		set(&s.Channels, 1)
		set(&s.Hidden, 32)
		set(&s.Depth, 1)
		set(&s.Levels, 3)
		set(&s.Features, 32)
		set(&s.Fold, 1)
	}
	return s
}

// check returns what keeps a spec with its defaults from being a network.
func (s Spec) check() error {
	switch {
	case s.Kind != "mlp" && s.Kind != "unet":
		return fmt.Errorf("nn: no architecture %q: there are mlp and unet", s.Kind)
	case s.Kind == "mlp" && (s.Dim < 1 || s.Out < 1):
		return fmt.Errorf("nn: an mlp needs the dimension of its points")
	case s.Kind == "unet" && (s.Height < 1 || s.Width < 1 || s.Channels < 1 || s.Levels < 1 || s.Levels > 16 || s.Fold < 1 || s.Fold > 8):
		return fmt.Errorf("nn: a unet needs a height, a width, channels, levels and a fold of at most 8")
	case max(s.Dim, s.Out, s.Hidden, s.Depth, s.Features, s.Height, s.Width, s.Channels) > maxWeights || s.Depth > 1000:
		return fmt.Errorf("nn: the network is too large")
	case s.Hidden < 1 || s.Depth < 1 || s.Features < 0 || s.Features%2 != 0:
		return fmt.Errorf("nn: a network needs hidden units, depth and an even number of features")
	case s.Kind == "unet" && !s.Homogeneous && (!s.Plain && s.Hidden%groupSize != 0 || s.Features == 0):
		return fmt.Errorf("nn: the hidden channels of a unet are a multiple of %d", groupSize)
	case s.Kind == "unet" && (s.Height%s.Unit() != 0 || s.Width%s.Unit() != 0):
		return fmt.Errorf("nn: a unet of %d levels and fold %d needs a height and width that are multiples of %d", s.Levels, max(s.Fold, 1), s.Unit())
	}
	switch s.Act {
	case SiLU, Softplus, Tanh, ReLU:
	default:
		return fmt.Errorf("nn: no activation %q: there are silu, softplus, tanh and relu", s.Act)
	}
	// float64 so that nothing overflows; twice what a block has at most
	if f := float64(s.Hidden); f*(float64(s.Dim)+float64(s.Out)+float64(s.Features)+float64(s.Depth)*2*f)+
		float64(s.Levels)*float64(s.Depth)*200*f*f*float64(s.Channels*s.Fold*s.Fold) > maxWeights ||
		float64(s.Height)*float64(s.Width)*float64(s.Channels) > maxWeights {
		return fmt.Errorf("nn: the network is too large: more than %d weights", maxWeights)
	}
	return nil
}

// Unit returns what the height and width of a U-Net's images must be multiples of.
func (s Spec) Unit() int { return max(s.Fold, 1) << (max(s.Levels, 1) - 1) }

// New returns the network of an architecture, its weights not drawn yet.
func New[T Float](s Spec) (*Net[T], error) {
	s = s.withDefaults()
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.Kind == "mlp" {
		return mlp[T](s), nil
	}
	return unet[T](s), nil
}

// String returns the spec as JSON.
func (s Spec) String() string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func mlp[T Float](s Spec) *Net[T] {
	n := NewNet[T](Shape{1, 1, s.Dim})
	t := n.T()
	if s.Features > 0 {
		t = n.Fourier(t, Frequencies(s.Features/2, s.Top))
	}
	h := n.Dense("in", n.Concat(n.X(), t), s.Hidden, true)
	if s.Residual {
		for i := range s.Depth {
			name := fmt.Sprintf("block%d.", i)
			a := n.Dense(name+"0", n.Act(s.Act, h, s.Beta), s.Hidden, true)
			h = n.Add(h, n.Dense(name+"1", n.Act(s.Act, a, s.Beta), s.Hidden, true))
		}
	} else {
		for i := range s.Depth - 1 {
			h = n.Dense(fmt.Sprintf("hidden%d", i), n.Act(s.Act, h, s.Beta), s.Hidden, true)
		}
	}
	n.Output(n.Dense("out", n.Act(s.Act, h, s.Beta), s.Out, true))
	return n
}

// unet is the U-Net of Ho, Jain and Abbeel 2020 (arXiv 2006.11239, appendix B) in small:
// residual blocks that are told the noise level, and no attention.
func unet[T Float](s Spec) *Net[T] {
	n := NewNet[T](Shape{s.Height, s.Width, s.Channels})
	u := &unetBuilder[T]{n: n, s: s}
	if !s.Homogeneous {
		e := n.Dense("embed0", n.Fourier(n.T(), Frequencies(s.Features/2, s.Top)), 2*s.Hidden, true)
		e = n.Dense("embed1", n.Act(s.Act, e, s.Beta), 2*s.Hidden, true)
		u.embed = n.Act(s.Act, e, s.Beta)
	}
	width := func(level int) int { return s.Hidden * min(level+1, 2) }
	h := n.Conv("in", n.Fold(n.X(), s.Fold), s.Hidden, !s.Homogeneous)
	skips := make([]Value, s.Levels)
	for i := range s.Levels {
		if i > 0 {
			h = n.Down(h)
		}
		for j := range s.Depth {
			h = u.block(fmt.Sprintf("down%d.%d.", i, j), h, width(i))
		}
		skips[i] = h
	}
	for i := s.Levels - 2; i >= 0; i-- {
		h = n.Concat(n.Up(h), skips[i])
		for j := range s.Depth {
			h = u.block(fmt.Sprintf("up%d.%d.", i, j), h, width(i))
		}
	}
	h = n.Conv("out", u.act("out.norm", h), s.Channels*s.Fold*s.Fold, !s.Homogeneous)
	n.Output(n.Unfold(h, s.Fold))
	return n
}

type unetBuilder[T Float] struct {
	n     *Net[T]
	s     Spec
	embed Value
}

// act normalises, unless the network is plain, and activates.
func (u *unetBuilder[T]) act(name string, h Value) Value {
	if u.s.Homogeneous {
		return u.n.Act(ReLU, h, 0)
	}
	if !u.s.Plain {
		h = u.n.Scale(name, u.n.GroupNorm(h, u.n.Shape(h).C/groupSize), true)
	}
	return u.n.Act(u.s.Act, h, u.s.Beta)
}

// block is h + conv(act(conv(act(h)) + embedding)).
func (u *unetBuilder[T]) block(name string, h Value, out int) Value {
	n, bias := u.n, !u.s.Homogeneous
	a := n.Conv(name+"conv0", u.act(name+"norm0", h), out, bias)
	if bias {
		a = n.Spread(a, n.Dense(name+"embed", u.embed, out, true))
	}
	a = n.Conv(name+"conv1", u.act(name+"norm1", a), out, bias)
	if n.Shape(h).C != out {
		h = n.Dense(name+"skip", h, out, false)
	}
	return n.Add(h, a)
}
