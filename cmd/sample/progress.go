package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// A progress shows how far long work has come, on a terminal only and only once the work
// has taken a second.
type progress struct {
	w     io.Writer
	label string
	begin time.Time
	last  atomic.Int64 // nanoseconds since begin of the last drawing
	drawn atomic.Bool
}

// newProgress returns nil, which is usable, if w is not a terminal or quiet is set.
func newProgress(w io.Writer, label string, quiet bool) *progress {
	f, ok := w.(*os.File)
	if quiet || !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progress{w: w, label: label, begin: time.Now()}
}

// update is safe for concurrent use; it has the form of ode.Settings.Progress.
func (p *progress) update(done, total int64) {
	if p == nil || total == 0 {
		return
	}
	const every = 100 * time.Millisecond
	now := time.Since(p.begin)
	last := p.last.Load()
	if now < time.Second || now-time.Duration(last) < every || !p.last.CompareAndSwap(last, int64(now)) {
		return
	}
	const width = 30
	f := float64(done) / float64(total)
	fill := int(f * width)
	left := time.Duration(float64(now) * (1 - f) / max(f, 1e-9)).Round(time.Second)
	p.drawn.Store(true)
	fmt.Fprintf(p.w, "\r%s [%s%s] %3.0f%%  %s left   ", p.label, strings.Repeat("=", fill), strings.Repeat(" ", width-fill), 100*f, left)
}

// callback returns update in the form of ode.Settings.Progress, or nil if nothing is shown.
func (p *progress) callback() func(done, total int64) {
	if p == nil {
		return nil
	}
	return p.update
}

// clear removes the bar.
func (p *progress) clear() {
	if p != nil && p.drawn.Load() {
		fmt.Fprint(p.w, "\r"+strings.Repeat(" ", 79)+"\r")
	}
}
