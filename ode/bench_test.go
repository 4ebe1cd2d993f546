package ode

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-dea4846a/sampler/internal/testprob"
)

// decay is the cheapest field there is, so that the methods' own work shows.
func decay(d int) Func {
	return Func{d, func(dst, x []float64, _ float64) {
		for i, v := range x {
			dst[i] = -v
		}
	}}
}

func BenchmarkStep(b *testing.B) {
	for _, d := range []int{2, 64, 8192} {
		for _, m := range []Method{Euler, Heun, RK4, Tsitouras54, DormandPrince853, AdamsBashforth(4)} {
			b.Run(fmt.Sprintf("%s/d=%d", m.Name(), d), func(b *testing.B) {
				st := m.NewStepper(decay(d), 1)
				st.Begin(0, 1)
				x := cloud(1, d)
				b.ReportAllocs()
				n := 0.0
				for b.Loop() {
					st.Step(x, n, n+1e-3)
					n += 1e-3
				}
			})
		}
		b.Run(fmt.Sprintf("rk4-by-hand/d=%d", d), func(b *testing.B) {
			var f Field = decay(d)
			x, y := cloud(1, d), make([]float64, d)
			k1, k2, k3, k4 := make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, d)
			const h = 1e-3
			b.ReportAllocs()
			for b.Loop() {
				f.Eval(k1, x, 0)
				for i := range y {
					y[i] = x[i] + h/2*k1[i]
				}
				f.Eval(k2, y, 0)
				for i := range y {
					y[i] = x[i] + h/2*k2[i]
				}
				f.Eval(k3, y, 0)
				for i := range y {
					y[i] = x[i] + h*k3[i]
				}
				f.Eval(k4, y, 0)
				for i := range x {
					x[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
				}
			}
		})
	}
}

func BenchmarkArenstorf(b *testing.B) {
	p := testprob.Arenstorf()
	for _, tab := range []*Tableau{DormandPrince54, Tsitouras54, DormandPrince853} {
		b.Run(tab.Label, func(b *testing.B) {
			g := newAdaptiveGroup(Func{p.Dim, p.F}, Adaptive{Tableau: tab, RTol: 1e-8, ATol: 1e-10}.withDefaults(), 1)
			x := make([]float64, p.Dim)
			b.ReportAllocs()
			var st Stats
			for b.Loop() {
				copy(x, p.X0)
				st, _ = g.solve(context.Background(), x, 0, 0, []float64{0, p.T1}, func(int) {}, nil)
			}
			b.ReportMetric(float64(st.Evals), "NFE")
			b.ReportMetric(distance(x, p.X0), "error")
		})
	}
}

func BenchmarkLogDensity(b *testing.B) {
	f := linear8()
	for _, div := range []Divergence{Exact{}, Hutchinson{Probes: 4}, HutchPP{Probes: 2, Repeats: 2}} {
		b.Run(fmt.Sprintf("%T", div), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _, _, err := LogDensity(context.Background(), f, cloud(64, 8), normalBase(8), uniform(0, 1, 10), Fixed(RK4), div, &Settings{Workers: 1})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
