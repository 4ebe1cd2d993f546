package linop

import (
	"fmt"
	"math"
	"sync"

	"github.com/seed-dea4846a/sampler/internal/fft"
	"github.com/seed-dea4846a/sampler/internal/simd"
)

// An FBPFilter is the window W on the ramp of filtered back-projection, which tames noise
// at the price of sharpness. With r the frequency over Nyquist's,
//
//	FBPRamp        1                    FBPHann     (1 + cos πr)/2
//	FBPSheppLogan  sin(πr/2)/(πr/2)     FBPHamming  0.54 + 0.46 cos πr
//	FBPCosine      cos(πr/2)
type FBPFilter int

const (
	FBPRamp FBPFilter = iota
	FBPSheppLogan
	FBPCosine
	FBPHann
	FBPHamming
)

var fbpNames = [...]string{"ramp", "shepp-logan", "cosine", "hann", "hamming"}

func (f FBPFilter) String() string {
	if f < 0 || int(f) >= len(fbpNames) {
		return fmt.Sprintf("FBPFilter(%d)", int(f))
	}
	return fbpNames[f]
}

func (f FBPFilter) window(r float64) float64 {
	switch f {
	case FBPSheppLogan:
		if r == 0 {
			return 1
		}
		return math.Sin(math.Pi*r/2) / (math.Pi * r / 2)
	case FBPCosine:
		return math.Cos(math.Pi * r / 2)
	case FBPHann:
		return 0.5 + 0.5*math.Cos(math.Pi*r)
	case FBPHamming:
		return 0.54 + 0.46*math.Cos(math.Pi*r)
	}
	return 1
}

// FBP inverts the X-ray transform of a Scan by filtered back-projection. A parallel scan
// gives
//
//	f(x, y) ≈ Σ_β Δβ (h * p_β)(x cos β + y sin β)
//
// (Kak and Slaney 1988, section 3.3), Δβ being the measured angular step: half the gap to
// either neighbour modulo π, so that scans over 360°, uneven and limited ones are weighted
// as they are. The widest gap counts as not scanned if it is over three times the median.
// The ramp h is sampled in space (ibid., 3.3.3), which keeps the mean right where a
// sampled |frequency| does not, and p is padded with zeros for as far as the image
// reaches, so that pixels beside the detector's shadow are right too.
//
// Fans are weighted, filtered and back-projected as they are, without rebinning (ibid.,
// section 3.4). A line seen twice counts c/(c+c') for the view whose c it is,
// where c is 1 within the scanned range and falls to 0 over 10° at its ends (Noo, Defrise,
// Clackdoyle and Kudo 2002, Phys. Med. Biol. 47, 2525): full and short scans come
// out right, a shorter one as far as its lines go.
type FBP struct {
	scan     Scan
	response []float64 // of the filter, by frequency
	plan     *fft.Plan
	first, n int       // filtered cells: first, …, first+n−1 in units of the detector's
	scale    []float64 // of a cell before filtering
	steps    arc
	atan     atanTable // of an ArcFan
	pool     sync.Pool // of *fbpWork
	lines    sync.Pool // of *[]float64, padded views side by side
}

// maxFBPCells bounds the filtered detector, 16 MiB of scratch a view.
const maxFBPCells = 1 << 20

// NewFBP returns the reconstruction of a scan. It returns the error of Validate, and one
// if the image reaches over more than a million detector cells.
func NewFBP(s Scan, filter FBPFilter) (*FBP, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if filter < 0 || int(filter) >= len(fbpNames) {
		return nil, fmt.Errorf("linop: unknown filter %v: use one of FBPRamp to FBPHamming", filter)
	}
	s.Angles = append([]float64(nil), s.Angles...)
	f := &FBP{scan: s, steps: measureArc(s.Angles, s.period()), scale: make([]float64, s.Detectors)}

	reach := s.radius()
	if s.Beam != ParallelBeam {
		reach = math.Asin(reach / s.SourceDistance)
	}
	if s.Beam == FlatFan {
		reach = math.Tan(reach) * (s.SourceDistance + s.DetectorDistance)
	}
	lo, hi := math.Floor((-reach-s.cell(0))/s.spacing())-1, math.Ceil((reach-s.cell(0))/s.spacing())+2
	if hi-lo > maxFBPCells || math.Abs(lo) > maxFBPCells {
		return nil, fmt.Errorf("linop: the image reaches over the detector cells %.3g to %.3g: enlarge Spacing, or take the source further from the image", lo, hi)
	}
	f.first, f.n = int(lo), int(hi-lo)+1
	if s.Beam == ArcFan {
		f.atan = newAtanTable(&s, reach, f.first)
	}

	step := s.spacing() // of the ramp, at the rotation axis
	if s.Beam == FlatFan {
		step *= s.SourceDistance / (s.SourceDistance + s.DetectorDistance)
	}
	for k := range f.scale {
		f.scale[k] = 1
		if s.Beam != ParallelBeam {
			f.scale[k] = math.Cos(s.fan(s.cell(k)))
		}
		if s.Beam == ArcFan {
			f.scale[k] *= s.SourceDistance
		}
	}
	lag := max(f.first+f.n-1, s.Detectors-1-f.first, s.Detectors-1)
	size := 2
	for size < 2*lag+1 {
		size *= 2
	}
	f.response = rampResponse(size, lag, step, s.Beam == ArcFan, filter)
	f.plan = fft.New(size)
	f.lines.New = func() any { x := make([]float64, size*fft.Sequences); return &x }
	f.pool.New = func() any { return newFBPWork(f) }
	return f, nil
}

// rampResponse returns the transform of the ramp filter of a given sampling step,
//
//	h_0 = 1/(4 step²),  h_l = −1/(π l step)² for odd l,  h_l = 0 for even l
//
// times step and a window. On an arc it is multiplied by (γ/sin γ)², γ = l·step.
func rampResponse(size, lag int, step float64, onArc bool, filter FBPFilter) []float64 {
	h := make([]float64, size)
	h[0] = 1 / (4 * step)
	for l := 1; l <= lag; l += 2 {
		v := -1 / (math.Pi * math.Pi * float64(l) * float64(l) * step)
		if g := float64(l) * step; onArc {
			if g >= math.Pi {
				break // no two rays are so far apart
			}
			v *= g / math.Sin(g) * g / math.Sin(g)
		}
		h[l], h[size-l] = v, v
	}
	spectrum := make([]complex128, size)
	for l, v := range h {
		spectrum[l] = complex(v, 0)
	}
	fft.New(size).Forward(spectrum, spectrum)
	for i, c := range spectrum {
		h[i] = real(c) * filter.window(2*float64(min(i, size-i))/float64(size))
	}
	return h
}

// period returns the angle after which views repeat their lines.
func (s *Scan) period() float64 {
	if s.Beam == ParallelBeam {
		return math.Pi
	}
	return 2 * math.Pi
}

// Reconstruct writes the image of a sinogram. Work runs on GOMAXPROCS goroutines and
// allocates nothing once warm.
func (f *FBP) Reconstruct(dst, sino []float64) {
	s := &f.scan
	pixels, rays := s.Rows*s.Cols, len(s.Angles)*s.Detectors
	mustVectors(dst, s.slices()*pixels, sino, s.slices()*rays)
	w := f.pool.Get().(*fbpWork)
	for i := range s.slices() {
		w.dst, w.src = dst[i*pixels:(i+1)*pixels], sino[i*rays:(i+1)*rays]
		w.filtering = true
		w.crew.run((len(s.Angles) + fft.Sequences - 1) / fft.Sequences)
		w.filtering = false
		w.crew.run((s.Rows + band - 1) / band)
	}
	w.dst, w.src = nil, nil
	f.pool.Put(w)
}

type fbpWork struct {
	f         *FBP
	crew      *crew
	q         []float64 // filtered views, with room to read beyond each
	dst, src  []float64
	filtering bool
}

func newFBPWork(f *FBP) *fbpWork {
	w := &fbpWork{f: f, q: make([]float64, len(f.scan.Angles)*f.cells())}
	w.crew = newCrew(w.task)
	return w
}

func (w *fbpWork) task(i int) {
	if w.filtering {
		w.filter(i)
		return
	}
	s := &w.f.scan
	lo, hi := i*band, min((i+1)*band, s.Rows)
	clear(w.dst[lo*s.Cols : hi*s.Cols])
	for v := range s.Angles {
		q := w.f.view(w.q, v)
		for row := lo; row < hi; row++ {
			w.f.back(w.dst[row*s.Cols:(row+1)*s.Cols], q, v, row)
		}
	}
}

// cells returns the room of a filtered view.
func (f *FBP) cells() int { return f.n + simd.FixedPad }

func (f *FBP) view(q []float64, v int) []float64 { return q[v*f.cells() : (v+1)*f.cells()] }

// filter writes the filtered projections of group i of views.
func (w *fbpWork) filter(i int) {
	const group = fft.Sequences
	f, n := w.f, w.f.scan.Detectors
	buf := f.lines.Get().(*[]float64)
	x := *buf
	clear(x)
	views := min(group, len(f.scan.Angles)-i*group)
	for j := range views {
		v := i*group + j
		for k, p := range w.src[v*n : (v+1)*n] {
			x[k*group+j] = p * f.scale[k] * f.steps.width[v] * f.share(v, k)
		}
	}
	f.plan.FilterReal(x, f.response)
	size := f.plan.Len()
	for j := range views {
		q := f.view(w.q, i*group+j)
		for k := range f.n {
			q[k] = x[(f.first+k+size)%size*group+j]
		}
	}
	f.lines.Put(buf)
}

// share returns the part of its line that a ray counts for.
func (f *FBP) share(v, k int) float64 {
	if f.scan.Beam == ParallelBeam {
		return 1
	}
	if f.steps.full {
		return 0.5
	}
	beta := f.scan.Angles[v]
	c := f.steps.taper(beta)
	return c / (c + f.steps.taper(beta+math.Pi-2*f.scan.fan(f.scan.cell(k))))
}
