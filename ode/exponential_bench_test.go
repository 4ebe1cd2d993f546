package ode

import (
	"fmt"
	"testing"
)

// BenchmarkExponentialStep measures the methods' own work, D being free of it.
func BenchmarkExponentialStep(b *testing.B) {
	for _, d := range []int{2, 64, 8192} {
		f := vp(make(constant, d))
		for _, m := range []Method{DDIM{}, DPMSolver{Stages: 3}, DPMSolverPPM{}, UniPC{P: 3}, DEIS{}} {
			b.Run(fmt.Sprintf("%s/d=%d", m.Name(), d), func(b *testing.B) {
				st := m.NewStepper(f, 1)
				st.Begin(0, 1)
				x := startAt(1, d, 1)
				b.ReportAllocs()
				now, h := 0.1, 1e-9
				for b.Loop() {
					st.Step(x, now, now+h)
					now += h
				}
			})
		}
	}
}
