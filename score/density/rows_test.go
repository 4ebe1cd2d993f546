package density

import "math/rand/v2"

func init() {
	rng := rand.New(rand.NewPCG(1, 2))
	normals := func(n int, std float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = std * rng.NormFloat64()
		}
		return x
	}
	must := func(m *Mixture, err error) *Mixture {
		if err != nil {
			panic(err)
		}
		return m
	}
	// covs returns A Aᵀ + 0.1I of random A.
	covs := func(k, d int) []float64 {
		out := make([]float64, k*d*d)
		for c := range k {
			a := normals(d*d, 0.6)
			for i := range d {
				for j := range d {
					for l := range d {
						out[(c*d+i)*d+j] += a[i*d+l] * a[j*d+l]
					}
				}
				out[(c*d+i)*d+i] += 0.1
			}
		}
		return out
	}
	uniform := func(n int, lo, hi float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = lo + (hi-lo)*rng.Float64()
		}
		return x
	}
	points := func(x []float64, d int) *Points {
		p, err := NewPoints(x, d)
		if err != nil {
			panic(err)
		}
		return p
	}
	register(
		row{name: "normal1", target: Normal(1, 0.7), scale: 0.7},
		row{name: "normal64", target: Normal(64, 1), scale: 1},
		row{name: "ring8", target: Ring(8, 4, 0.3), scale: 4},
		row{name: "grid25", target: Grid(5, 2, 0.1), scale: 4},
		row{name: "iso1", target: must(NewIsotropicMixture(uniform(5, 0, 1), normals(5, 2), uniform(5, 0.1, 1), 1)), scale: 2},
		row{name: "iso3", target: must(NewIsotropicMixture([]float64{1, 0, 3, 2}, normals(12, 2), []float64{0.5, 0.1, 0.3, 1}, 3)), scale: 3},
		row{name: "iso5 shared", target: must(NewIsotropicMixture(nil, normals(7*5, 1), []float64{0.3}, 5)), scale: 2},
		// More components than a block, and not a multiple of four.
		row{name: "iso5 many", target: must(NewIsotropicMixture(uniform(301, 0, 1), normals(301*5, 2), uniform(301, 0.2, 0.4), 5)), scale: 4},
		row{name: "diag2", target: must(NewDiagonalMixture(uniform(3, 0, 1), normals(6, 2), uniform(6, 0.1, 1), 2)), scale: 2},
		row{name: "diag6", target: must(NewDiagonalMixture(uniform(3, 0, 1), normals(18, 1), uniform(18, 0.1, 1), 6)), scale: 2},
		row{name: "full2", target: must(NewMixture(uniform(3, 0, 1), normals(6, 2), covs(3, 2), 2)), scale: 2},
		row{name: "full6", target: must(NewMixture(uniform(9, 0, 1), normals(54, 1), covs(9, 6), 6)), scale: 3},
		row{name: "points2", target: points(normals(2*1000, 2), 2), scale: 2},
		row{name: "points7", target: points(normals(7*50, 1), 7), scale: 3},
		row{name: "smooth points", target: Smooth(points(normals(2*30, 2), 2), 0.2), scale: 2},
		// Of the wide forms, three with more components than a block.
		row{name: "diag5 many", target: must(NewDiagonalMixture(uniform(70, 0, 1), normals(70*5, 1), uniform(70*5, 0.2, 0.4), 5)), scale: 2},
		row{name: "full2 many", target: must(NewMixture(uniform(70, 0, 1), normals(140, 2), covs(70, 2), 2)), scale: 3},
		row{name: "full3", target: must(NewMixture(nil, normals(9, 1), covs(3, 3), 3)), scale: 2},
		row{name: "full13 many", target: must(NewMixture(uniform(33, 0, 1), normals(33*13, 1), covs(33, 13), 13)), scale: 4},
	)
}
