package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/seed-dea4846a/sampler/internal/dataio"
	"github.com/seed-dea4846a/sampler/internal/figure"
	"github.com/seed-dea4846a/sampler/metric"
)

// A restoreReport is the JSON line of restore. Work is for each sample of a channel.
type restoreReport struct {
	restoreSettings
	Kind           string   `json:"kind"`
	Rows           int      `json:"rows"`
	Cols           int      `json:"cols"`
	Channels       int      `json:"channels"`
	Sigma          float64  `json:"sigma"` // of the noise, in the units of the data
	SigmaEstimated bool     `json:"sigma_estimated"`
	Scale          float64  `json:"scale"` // values of the file for one unit of the prior's
	Acceleration   float64  `json:"acceleration,omitempty"`
	NFE            float64  `json:"nfe"`
	JVP            float64  `json:"jvp"`
	Operator       float64  `json:"operator_calls"` // of A and of its adjoint
	Residual       *float64 `json:"residual"`       // ‖y - A x‖/(σ√m); null without noise
	PSNR           *float64 `json:"psnr,omitempty"`
	SSIM           *float64 `json:"ssim,omitempty"`
	InputPSNR      *float64 `json:"input_psnr,omitempty"`
	InputSSIM      *float64 `json:"input_ssim,omitempty"`
	Std            *float64 `json:"std,omitempty"` // root mean square over the pixels
	Narrow         bool     `json:"std_is_lower_bound,omitempty"`
	AlphaIgnored   bool     `json:"alpha_ignored,omitempty"`
	Warning        string   `json:"warning,omitempty"`
	Seconds        float64  `json:"seconds"`
	Workers        int      `json:"workers"`
}

// A restoreView is a result as pictures, complex ones by their modulus.
type restoreView struct {
	plan      *restorePlan
	channels  int
	mean, std []float64
	samples   []float64
	pairs     []float64 // the mean of a complex result
	truth     []float64
}

// view makes the pictures of n samples, in the units of the file.
func (p *restorePlan) view(x []float64) *restoreView {
	sc, n := p.scene, p.settings.Samples
	v := &restoreView{plan: p, channels: sc.channels, samples: x, truth: sc.truth}
	size := len(x) / n
	scaleBy(x, sc.scale)
	mean := make([]float64, size)
	for i, w := range x {
		mean[i%size] += w / float64(n)
	}
	v.mean = mean
	variance := make([]float64, size)
	for i, w := range x {
		if n > 1 {
			variance[i%size] += (w - mean[i%size]) * (w - mean[i%size]) / float64(n-1)
		}
	}
	if sc.pair { // E|x - m|² is the sum over both parts
		v.pairs, v.mean, v.samples = mean, magnitude(mean), magnitude(x)
		for i := range size / 2 {
			variance[i] = variance[2*i] + variance[2*i+1]
		}
		variance = variance[:size/2]
		if v.truth != nil {
			v.truth = magnitude(v.truth)
		}
	}
	if n > 1 {
		v.std = variance
		for i, w := range variance {
			v.std[i] = math.Sqrt(w)
		}
	}
	return v
}

// score measures the result, and the data as a picture, against the truth.
func (v *restoreView) score(rep *restoreReport) {
	if v.std != nil {
		s := 0.0
		for _, w := range v.std {
			s += w * w / float64(len(v.std))
		}
		rep.Std = finite(math.Sqrt(s))
	}
	if v.truth == nil {
		return
	}
	rep.PSNR, rep.SSIM = v.quality(v.mean)
	if seen := v.plan.scene.seen; seen != nil {
		rep.InputPSNR, rep.InputSSIM = v.quality(seen)
	}
}

// quality returns PSNR over all channels and SSIM, its mean over them; nil where the
// picture is too small. The peak is 1, white.
func (v *restoreView) quality(x []float64) (psnr, ssim *float64) {
	if q, err := metric.PSNR(x, v.truth, 1); err == nil {
		psnr = finite(q)
	}
	sc := v.plan.scene
	n, mean := sc.rows*sc.cols, 0.0
	for k := range v.channels {
		q, err := metric.SSIM(x[k*n:(k+1)*n], v.truth[k*n:(k+1)*n], sc.rows, sc.cols, 1)
		if err != nil {
			return psnr, nil
		}
		mean += q / float64(v.channels)
	}
	return psnr, &mean
}

func (v *restoreView) picture(pix []float64) *dataio.Picture {
	sc := v.plan.scene
	return &dataio.Picture{Pix: pix, Rows: sc.rows, Cols: sc.cols, Channels: v.channels, Depth: sc.depth}
}

// encode writes the result in the format of a file: a complex one to .npy as pairs. Images
// of ct and mri, which have units of their own, show their 99.9 % quantile white.
func (v *restoreView) encode(w io.Writer, path string) error {
	sc := v.plan.scene
	npy := strings.EqualFold(filepath.Ext(path), ".npy")
	if npy && sc.pair {
		return dataio.EncodeNPY(w, v.pairs, sc.rows, sc.cols, 2)
	}
	pix := v.mean
	if sc.scale != 1 && !npy {
		pix = append([]float64(nil), pix...)
		scaleBy(pix, 1/quantile(pix, 0.999))
	}
	return dataio.EncodePicture(w, path, v.picture(pix))
}

// write writes all files; the result and its manifest last.
func (p *restorePlan) write(o restoreOutputs, v *restoreView, rep *restoreReport) (err error) {
	var done []string
	defer func() {
		if err != nil {
			for _, f := range done {
				os.Remove(f)
			}
		}
	}()
	put := func(path string, write func(w io.Writer) error) error {
		if err := dataio.WriteFile(path, write); err != nil {
			return asUsage(err)
		}
		done = append(done, path)
		return nil
	}
	if o.degraded != "" {
		if err := p.writeDegraded(o.degraded, put); err != nil {
			return err
		}
	}
	if o.maps != "" {
		sc := p.scene
		if sc.maps == nil {
			return usagef("--save-maps: there are no maps, as the one coil has the sensitivity 1")
		}
		if err := putComplex(o.maps, sc.maps, []int{len(sc.maps) / (2 * sc.rows * sc.cols), sc.rows, sc.cols, 2}, put); err != nil {
			return err
		}
	}
	if o.plot != "" {
		if err := put(o.plot, encoded(v.figure(rep), o.plot)); err != nil {
			return err
		}
	}
	if o.out == "" {
		return nil
	}
	if v.std != nil {
		std, strip := v.picture(v.std), v.strip(o.out)
		if ext := strings.ToLower(filepath.Ext(o.out)); ext != ".npy" { // white is the largest
			std.Pix = append([]float64(nil), v.std...)
			if top := quantile(std.Pix, 1); top > 0 {
				scaleBy(std.Pix, 1/top)
			}
		}
		if err := put(beside(o.out, "std"), func(w io.Writer) error { return dataio.EncodePicture(w, o.out, std) }); err != nil {
			return err
		}
		if err := put(beside(o.out, "samples"), strip); err != nil {
			return err
		}
	}
	settings, err := json.Marshal(p.settings)
	if err != nil {
		return err
	}
	inputs, err := hashInputs(p.settings.inputs()...)
	if err != nil {
		return err
	}
	m := &manifest{Command: "restore", Settings: settings, Grid: p.grid, Inputs: inputs, Result: rep}
	return writeWithManifest(o.out, m, func(w io.Writer) error { return v.encode(w, o.out) })
}

func (p *restorePlan) writeDegraded(path string, put func(string, func(io.Writer) error) error) error {
	pic, x, shape := p.scene.degraded()
	if pic != nil {
		return put(path, func(w io.Writer) error { return dataio.EncodePicture(w, path, pic) })
	}
	return putComplex(path, x, shape, put)
}

// putComplex writes pairs to .cfl and .hdr, or any array to .npy.
func putComplex(path string, x []float64, shape []int, put func(string, func(io.Writer) error) error) error {
	if strings.EqualFold(filepath.Ext(path), ".cfl") {
		if err := put(strings.TrimSuffix(path, filepath.Ext(path))+".hdr", func(w io.Writer) error {
			return dataio.EncodeCFL(w, io.Discard, x, shape...)
		}); err != nil {
			return err
		}
		return put(path, func(w io.Writer) error { return dataio.EncodeCFL(io.Discard, w, x, shape...) })
	}
	return put(path, func(w io.Writer) error { return dataio.EncodeNPY(w, x, shape...) })
}

// strip returns what writes all samples: side by side in an image, as the first axis of an
// array.
func (v *restoreView) strip(path string) func(w io.Writer) error {
	sc, n := v.plan.scene, v.plan.settings.Samples
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		return func(w io.Writer) error {
			return dataio.EncodeNPY(w, v.samples, n, v.channels, sc.rows, sc.cols)
		}
	}
	wide := int(math.Ceil(math.Sqrt(float64(n))))
	high := (n + wide - 1) / wide
	p := &dataio.Picture{Rows: high * sc.rows, Cols: wide * sc.cols, Channels: v.channels, Depth: sc.depth}
	p.Pix = make([]float64, p.Rows*p.Cols*p.Channels)
	for i := range n {
		for k := range v.channels {
			at := p.Channel(k)
			for r := range sc.rows {
				from := v.samples[((i*v.channels+k)*sc.rows+r)*sc.cols:]
				copy(at[((i/wide)*sc.rows+r)*p.Cols+(i%wide)*sc.cols:], from[:sc.cols])
			}
		}
	}
	if sc.scale != 1 {
		scaleBy(p.Pix, 1/quantile(v.mean, 0.999))
	}
	return func(w io.Writer) error { return dataio.EncodePicture(w, path, p) }
}

// figure shows the data beside the result, and the spread and the truth if there are any.
func (v *restoreView) figure(rep *restoreReport) *figure.Figure {
	sc, s := v.plan.scene, v.plan.settings
	white := 1.0
	if v.truth == nil && (sc.scan != nil || sc.mri != nil) {
		white = quantile(v.mean, 0.999)
	}
	print := func(title, note string, pix []float64, hi float64) figure.Print {
		channels := v.channels
		if channels != 1 && channels != 3 {
			channels = 1
		}
		return figure.Print{Title: title, Note: note, Pix: pix[:channels*sc.rows*sc.cols], Rows: sc.rows, Cols: sc.cols, Channels: channels, Hi: hi}
	}
	var g figure.Pictures
	g.Title = s.Task + ": " + filepath.Base(s.Input)
	what := v.plan.method.Name
	if s.Samples > 1 {
		what = fmt.Sprintf("%s, mean of %d", what, s.Samples)
	}
	if sc.seen != nil {
		seen := append([]float64(nil), sc.seen...)
		scaleBy(seen, sc.scale)
		g.Prints = append(g.Prints, print(sc.seenTitle, decibels(rep.InputPSNR), seen, white))
	}
	g.Prints = append(g.Prints, print(what, decibels(rep.PSNR), v.mean, white))
	if v.truth != nil {
		g.Prints = append(g.Prints, print("truth", "", v.truth, white))
	}
	if v.std != nil {
		top := quantile(v.std, 0.995)
		title := "standard deviation"
		if v.plan.method.narrow {
			title = "std, a lower bound"
		}
		p := print(title, fmt.Sprintf("dark: %.2g", top), v.std, max(top, math.SmallestNonzeroFloat64))
		p.Heat = true
		g.Prints = append(g.Prints, p)
	}
	g.Caption = fmt.Sprintf("noise %.3g, %.0f denoisings a picture, %.1f s", rep.Sigma, rep.NFE, rep.Seconds)
	return g.Figure()
}

func decibels(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.1f dB", *v)
}

// print tells what was done.
func (r *restoreReport) print(w io.Writer, files []string) {
	what := "estimate"
	if r.Kind == kindPosterior {
		what = fmt.Sprintf("%d posterior samples", r.Samples)
		if r.Samples == 1 {
			what = "one posterior sample"
		}
	}
	guess := ""
	if r.SigmaEstimated {
		guess = " (estimated)"
	}
	fmt.Fprintf(w, "%s of %s by %s: %d×%d pixels, %d channel(s), noise %.3g%s, %s, %.0f denoisings, %.0f operator calls, %.1f s\n",
		r.Task, r.Input, r.Method, r.Rows, r.Cols, r.Channels, r.Sigma, guess, what, r.NFE, r.Operator, r.Seconds)
	if r.Acceleration > 0 {
		fmt.Fprintf(w, "acceleration achieved %.3g\n", r.Acceleration)
	}
	if r.AlphaIgnored {
		fmt.Fprintln(w, "the transparency of the input is ignored: it counts as black")
	}
	if r.Narrow {
		fmt.Fprintf(w, "the standard deviation is a lower bound: by %s it is 20 to 30 %% too small at 12 steps for Gaussian priors; --method corrected mends it\n", r.Method)
	}
	if r.Warning != "" {
		fmt.Fprintln(w, "WARNING:", r.Warning)
	}
	if r.Residual != nil {
		fmt.Fprintf(w, "data residual %.3g σ\n", *r.Residual)
	}
	row := func(name string, psnr, ssim *float64) {
		if psnr != nil {
			fmt.Fprintf(w, "%-7s PSNR %6.2f dB", name, *psnr)
			if ssim != nil {
				fmt.Fprintf(w, "   SSIM %.4f", *ssim)
			}
			fmt.Fprintln(w)
		}
	}
	row("input", r.InputPSNR, r.InputSSIM)
	row("result", r.PSNR, r.SSIM)
	if len(files) > 0 {
		fmt.Fprintln(w, "wrote", strings.Join(files, ", "))
	}
}

// inputs are the files that the settings name, folders excepted.
func (s *restoreSettings) inputs() []string {
	out := []string{s.Input}
	if s.Task == "mri" && !s.Simulate && !strings.EqualFold(filepath.Ext(s.Input), ".npy") {
		name := strings.TrimSuffix(strings.TrimSuffix(s.Input, ".cfl"), ".hdr")
		out = []string{name + ".cfl", name + ".hdr"}
	}
	for _, spec := range []string{s.PSF, s.Mask, s.Prior, s.Grid, s.Angles, s.Sampling, s.Maps} {
		if f := specFile(spec); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// remakeRestore makes the content of a restored file again, for sample rerun.
func remakeRestore(ctx context.Context, s restoreSettings, output string, workers int) ([]byte, error) {
	p, err := s.check()
	if err != nil {
		return nil, err
	}
	x, _, err := p.run(ctx, workers, nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = p.view(x).encode(&b, output)
	return b.Bytes(), err
}

// A restoreLine shows how a restoration goes, on a terminal only.
type restoreLine struct {
	w     io.Writer
	label string
	begin time.Time
	drawn bool
}

// newRestoreLine returns nil, which is usable, if w is not a terminal or quiet is set.
func newRestoreLine(w io.Writer, label string, quiet bool) *restoreLine {
	f, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &restoreLine{w: w, label: label, begin: time.Now()}
}

// callback returns what shows a message, or nil if nothing is shown. It is not safe for
// concurrent use.
func (l *restoreLine) callback() func(format string, args ...any) {
	if l == nil {
		return nil
	}
	return func(format string, args ...any) {
		l.drawn = true
		fmt.Fprintf(l.w, "\r%-78s", fmt.Sprintf("%s %.0f s, ", l.label, time.Since(l.begin).Seconds())+fmt.Sprintf(format, args...))
	}
}

// clear removes the message.
func (l *restoreLine) clear() {
	if l != nil && l.drawn {
		fmt.Fprint(l.w, "\r"+strings.Repeat(" ", 78)+"\r")
	}
}
