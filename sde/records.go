package sde

// A Record describes a sampler. Its claims are measured by a test.
type Record struct {
	Name    string
	Aliases []string // as other programs spell it
	Doc     string
	// Order is that without noise, η = 0.
	Order int
	// Weak and WeakMean are the orders of the variance and of the mean on processes with
	// affine drift, whatever the law at the start, for 0 < η < 1. Where they differ the
	// smaller is the weak order. 0 is no claim. At η = 1 the mean of methods in the
	// denoiser is exact.
	Weak, WeakMean float64
	// Strong is the order along the path of a Brownian tree, 0 if not claimed.
	Strong float64
	NFE    int // evaluations a step; starts of multistep methods cost more
	// History is the number of earlier evaluations a step uses.
	History int
	Source  string
	// Method is nil for samplers that are no fixed-step methods: call SolveAdaptive.
	Method Method
}

// Records returns all samplers of the package.
func Records() []Record {
	return []Record{
		{Name: "em", Aliases: []string{"euler-maruyama"}, Doc: "Euler-Maruyama in t",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Maruyama 1955", Method: EulerMaruyama{}},
		{Name: "em-variance", Doc: "Euler-Maruyama on the clock of the variance",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Song 2021, arXiv:2011.13456", Method: ReverseDiffusion{Variance: true}},
		{Name: "reverse-diffusion", Aliases: []string{"reverse_diffusion"}, Doc: "reverse diffusion of the forward chain",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Song 2021, arXiv:2011.13456", Method: ReverseDiffusion{}},
		{Name: "heun-sde", Doc: "stochastic Heun",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 2, Source: "Kloeden and Platen 1992, 15.1", Method: Heun{}},
		{Name: "interpolant-heun", Doc: "Heun step of the stochastic interpolants' code, stages at the right times",
			Order: 2, Weak: 1, WeakMean: 2, Strong: 1, NFE: 2, Source: "Albergo 2023, arXiv:2303.08797, code", Method: InterpolantHeun{}},
		{Name: "milstein", Doc: "Milstein; equals Euler-Maruyama for additive noise",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Milstein 1974", Method: Milstein{}},
		{Name: "sra1", Doc: "Rößler's SRA1",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1.5, NFE: 2, Source: "Rößler 2010", Method: SRA1},
		{Name: "sra2", Doc: "Rößler's SRA2",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1.5, NFE: 2, Source: "Rößler 2010", Method: SRA2},
		{Name: "sra3", Doc: "Rößler's SRA3",
			Order: 3, Weak: 2, WeakMean: 3, Strong: 1.5, NFE: 3, Source: "Rößler 2010", Method: SRA3},
		{Name: "sosra", Doc: "stability-optimised SRA",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1.5, NFE: 3, Source: "Rackauckas and Nie 2020, arXiv:1804.04344", Method: SOSRA},
		{Name: "sosra2", Doc: "stability-optimised SRA, second table",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1.5, NFE: 3, Source: "Rackauckas and Nie 2020, arXiv:1804.04344", Method: SOSRA2},
		{Name: "sriw1", Doc: "Rößler's SRIW1, made for diagonal noise",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1.5, NFE: 2, Source: "Rößler 2010", Method: SRIW1},

		{Name: "ddpm", Doc: "ancestral sampling; the posterior step of DDPM at η = 1",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Ho 2020, arXiv:2006.11239", Method: DDPM},
		{Name: "ddim-eta", Aliases: []string{"ddim_eta"}, Doc: "DDIM with noise η; the same method as ddpm",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Song 2021, arXiv:2010.02502", Method: DDIM},
		{Name: "euler-ancestral", Aliases: []string{"euler_ancestral", "euler_a", "k_euler_a"}, Doc: "Euler ancestral; the same method as ddpm",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "k-diffusion", Method: EulerAncestral},
		{Name: "dpmpp-2s-ancestral", Aliases: []string{"dpmpp_2s_ancestral", "dpmpp_2s_a"}, Doc: "2S to σ_down, then noise; order 2 in law, not as an SDE scheme",
			Order: 2, Weak: 1, WeakMean: 1, Strong: 1, NFE: 2, Source: "k-diffusion; Lu 2022, arXiv:2211.01095", Method: DPMPP2SAncestral{}},
		{Name: "dpm2-ancestral", Aliases: []string{"dpm_2_ancestral", "dpm2_a"}, Doc: "midpoint to σ_down, then noise; order 2 in law, not as an SDE scheme",
			Order: 2, Weak: 1, WeakMean: 1, Strong: 1, NFE: 2, Source: "k-diffusion; Karras 2022, arXiv:2206.00364", Method: DPM2Ancestral{}},

		{Name: "sde-dpmpp-1", Aliases: []string{"dpmpp_1_sde"}, Doc: "SDE-DPM-Solver++ 1",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Lu 2022, arXiv:2211.01095", Method: SDEDPMPP{Order: 1}},
		{Name: "sde-dpmpp-2m", Aliases: []string{"dpmpp_2m_sde", "dpmpp-2m-sde"}, Doc: "SDE-DPM-Solver++ 2M, midpoint",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 1, History: 1, Source: "Lu 2022, arXiv:2211.01095", Method: SDEDPMPP{Order: 2}},
		{Name: "sde-dpmpp-2m-heun", Aliases: []string{"dpmpp_2m_sde_heun"}, Doc: "SDE-DPM-Solver++ 2M, Heun: exponential Adams of two steps",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 1, History: 1, Source: "Lu 2022, arXiv:2211.01095", Method: SDEDPMPP{Order: 2, Heun: true}},
		{Name: "sde-dpmpp-3m", Aliases: []string{"dpmpp_3m_sde", "dpmpp-3m-sde"}, Doc: "SDE-DPM-Solver++ 3M, weight corrected: exponential Adams of three steps",
			Order: 3, Weak: 2, WeakMean: 3, Strong: 1, NFE: 1, History: 2, Source: "Lu 2022, arXiv:2211.01095; k-diffusion", Method: SDEDPMPP{Order: 3}},
		{Name: "dpmpp-sde", Aliases: []string{"dpmpp_sde"}, Doc: "DPM-Solver++ SDE of two stages on one Brownian path",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 2, Source: "k-diffusion", Method: DPMPPSDE{}},
		{Name: "seeds-1", Aliases: []string{"seeds_1"}, Doc: "SEEDS of one stage; the same method as sde-dpmpp-1",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Gonzalez 2023, arXiv:2305.14267", Method: SEEDS(1)},
		{Name: "seeds-2", Aliases: []string{"seeds_2"}, Doc: "SEEDS of two stages",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 2, Source: "Gonzalez 2023, arXiv:2305.14267", Method: SEEDS(2)},
		{Name: "seeds-3", Aliases: []string{"seeds_3"}, Doc: "SEEDS of three stages",
			Order: 3, Weak: 2, WeakMean: 3, Strong: 1, NFE: 3, Source: "Gonzalez 2023, arXiv:2305.14267", Method: SEEDS(3)},
		{Name: "er-sde-1", Aliases: []string{"er_sde_1"}, Doc: "extended reverse SDE, order 1",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Cui 2023, arXiv:2309.06169", Method: ERSDE{Order: 1}},
		{Name: "er-sde-2", Aliases: []string{"er_sde_2"}, Doc: "extended reverse SDE, order 2, exact quadrature",
			Order: 2, Weak: 2, WeakMean: 2, Strong: 1, NFE: 1, History: 1, Source: "Cui 2023, arXiv:2309.06169", Method: ERSDE{Order: 2}},
		{Name: "er-sde-3", Aliases: []string{"er_sde", "er_sde_3"}, Doc: "extended reverse SDE, order 3, exact quadrature and derivatives",
			Order: 3, Weak: 2, WeakMean: 3, Strong: 1, NFE: 1, History: 2, Source: "Cui 2023, arXiv:2309.06169", Method: ERSDE{Order: 3}},
		{Name: "sa", Aliases: []string{"sa_solver", "sa-solver"}, Doc: "SA-Solver, predictor 3, corrector 4, PEC",
			Order: 4, Weak: 2, WeakMean: 4, Strong: 1, NFE: 1, History: 3, Source: "Xue 2023, arXiv:2309.05019", Method: SASolver{}},

		{Name: "edm-churn", Aliases: []string{"heun-churn", "edm_stochastic"}, Doc: "EDM's stochastic sampler, Heun; order 2 in law, not as an SDE scheme",
			Order: 2, Weak: 1, WeakMean: 1, Strong: 1, NFE: 2, Source: "Karras 2022, arXiv:2206.00364", Method: Churn{}},
		{Name: "edm-churn-euler", Aliases: []string{"euler-churn"}, Doc: "EDM's stochastic sampler, Euler",
			Order: 1, Weak: 1, WeakMean: 1, Strong: 1, NFE: 1, Source: "Karras 2022, arXiv:2206.00364", Method: Churn{Euler: true}},
		{Name: "restart", Doc: "EDM's Heun with restarts from more noise",
			Order: 2, NFE: 2, Source: "Xu 2023, arXiv:2306.14878", Method: Restart{}},
		{Name: "pc", Aliases: []string{"predictor-corrector"}, Doc: "reverse diffusion with a Langevin corrector",
			NFE: 2, Source: "Song 2021, arXiv:2011.13456", Method: PredictorCorrector{}},
		{Name: "gotta-go-fast", Aliases: []string{"ggf", "sde-adaptive"}, Doc: "adaptive stochastic Heun, each point by itself",
			Order: 2, NFE: 2, Source: "Jolicoeur-Martineau 2021, arXiv:2105.14080"},
	}
}
