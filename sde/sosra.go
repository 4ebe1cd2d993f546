package sde

// The stability-optimised tables of Rackauckas and Nie 2020 (Stability-optimized high
// order methods and stiffness detection for pathwise stiff stochastic differential
// equations, IEEE HPEC, arXiv:1804.04344), with the digits of constructSOSRA and
// constructSOSRA2 in StochasticDiffEq.jl, src/tableaus.jl. Without noise both have order
// 2.
var (
	SOSRA = &SRA{
		Label: "sosra",
		A:     [][]float64{{}, {0.6923962376159507}, {-3.1609142252828395, 4.1609142252828395}},
		B:     [][]float64{{}, {1.3371632704399763}, {1.442371048468624, 1.8632741501139225}},
		Alpha: []float64{0.2889874966892885, 0.6859880440839937, 0.025024459226717772},
		Beta1: []float64{-16.792534242221663, 17.514995785380226, 0.27753845684143835},
		Beta2: []float64{0.4237535769069274, 0.6010381474428539, -1.0247917243497813},
		C0:    []float64{0, 0.6923962376159507, 1},
		C1:    []float64{0, 0.041248171110700504, 1},
	}
	SOSRA2 = &SRA{
		Label: "sosra2",
		A:     [][]float64{{}, {1}, {0.9511849235504364, 0.04881507644956362}},
		B:     [][]float64{{}, {0.7686101171003622}, {0.43886792994934987, 0.7490415909204886}},
		Alpha: []float64{0.4999999999999998, -0.9683897375354181, 1.4683897375354185},
		Beta1: []float64{0, 0.92438032145683, 0.07561967854316998},
		Beta2: []float64{1, -0.8169981105823436, -0.18300188941765633},
		C0:    []float64{0, 1, 1},
		C1:    []float64{0, 1, 1},
	}
)
