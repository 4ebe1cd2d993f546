package ode

// A Record describes a method: what users call it, what it claims, and where it comes from.
type Record struct {
	Name    string   // that of the method
	Aliases []string // spellings of k-diffusion, ComfyUI and diffusers, and short names
	Doc     string
	Order   int    // of the global error
	NFE     int    // evaluations a step, after the warm-up
	History int    // slopes kept from earlier steps
	Source  string // paper and place
	Method  Method
}

// Records returns all fixed-step methods of the package with the parameters in use,
// Runge-Kutta first, then the exponential methods, which need a Semilinear field.
func Records() []Record {
	records := append(classical(), singlestep()...)
	records = append(records, multistep()...)
	for i := range records {
		records[i].Name, records[i].Order = records[i].Method.Name(), records[i].Method.Order()
	}
	return records
}

func classical() []Record {
	return []Record{
		{Method: Euler, Doc: "Euler in t", NFE: 1, Source: "Euler 1768"},
		{Method: Heun, Doc: "Heun in t, the trapezoidal rule", Aliases: []string{"heun2"}, NFE: 2, Source: "Heun 1900"},
		{Method: Midpoint, Doc: "explicit midpoint", NFE: 2, Source: "Runge 1895"},
		{Method: Ralston, Doc: "least error bound of second order", NFE: 2, Source: "Ralston 1962"},
		{Method: Kutta3, Doc: "Kutta's third-order method", NFE: 3, Source: "Kutta 1901"},
		{Method: RK4, Doc: "the classical Runge-Kutta method", NFE: 4, Source: "Kutta 1901; HNW table II.1.2"},
		{Method: BogackiShampine32, Doc: "Bogacki-Shampine 3(2)", Aliases: []string{"bosh3", "rk23"}, NFE: 3, Source: "Bogacki and Shampine 1989"},
		{Method: DormandPrince54, Doc: "Dormand-Prince 5(4)", Aliases: []string{"rk45"}, NFE: 6, Source: "Dormand and Prince 1980; HNW table II.5.2"},
		{Method: Tsitouras54, Doc: "Tsitouras 5(4)", NFE: 6, Source: "Tsitouras 2011"},
		{Method: DormandPrince853, Doc: "Dormand-Prince 8(5,3)", NFE: 12, Source: "HNW II.5, dop853.f"},
		{Method: AdamsBashforth(2), Doc: "Adams-Bashforth in t, two steps", NFE: 1, History: 1, Source: "HNW III.1, III.5"},
		{Method: AdamsBashforth(3), Doc: "Adams-Bashforth in t, three steps", NFE: 1, History: 2, Source: "HNW III.1, III.5"},
		{Method: AdamsBashforth(4), Doc: "Adams-Bashforth in t, four steps", NFE: 1, History: 3, Source: "HNW III.1, III.5"},
	}
}

const (
	dpmSource  = "Lu et al. 2022, arXiv 2206.00927, algorithms 1, 3, 4"
	dppSource  = "Lu et al. 2022, arXiv 2211.01095, algorithms 1, 2, appendix"
	resSource  = "Zhang et al. 2023, arXiv 2308.02157; Hochbruck and Ostermann 2005, 2010"
	deisSource = "Zhang and Chen 2023, arXiv 2204.13902, equation 15"
	uniSource  = "Zhao et al. 2023, arXiv 2302.04867, algorithms 5, 6"
)

func singlestep() []Record {
	return []Record{
		{Method: DDIM{}, Doc: "DDIM without noise, Euler in σ/α", NFE: 1, Source: "Song, Meng and Ermon 2021, arXiv 2010.02502, equation 12"},
		{Method: EDMHeun{}, Doc: "Heun in σ/α, the sampler of EDM", Aliases: []string{"edm", "edm_heun"}, NFE: 2, Source: "Karras et al. 2022, arXiv 2206.00364, algorithm 1"},
		{Method: DPMSolver{Stages: 1}, Doc: "DPM-Solver-1, equal to ddim", Aliases: []string{"dpm_1"}, NFE: 1, Source: dpmSource},
		{Method: DPMSolver{}, Doc: "DPM-Solver-2, the DPM2 of k-diffusion", Aliases: []string{"dpm_2", "dpm2"}, NFE: 2, Source: dpmSource},
		{Method: DPMSolver{Stages: 3}, Doc: "DPM-Solver-3", Aliases: []string{"dpm_3"}, NFE: 3, Source: dpmSource},
		{Method: DPMSolverPP{Stages: 1}, Doc: "DPM-Solver++ of order 1, equal to ddim", Aliases: []string{"dpmpp_1", "dpmpp_1s", "unip-1"}, NFE: 1, Source: dppSource},
		{Method: DPMSolverPP{}, Doc: "DPM-Solver++ 2S", Aliases: []string{"dpmpp_2s"}, NFE: 2, Source: dppSource},
		{Method: DPMSolverPP{Stages: 3}, Doc: "DPM-Solver++ 3S", Aliases: []string{"dpmpp_3s"}, NFE: 3, Source: dppSource},
		{Method: RES{}, Doc: "exponential Runge-Kutta of stiff order 2", Aliases: []string{"res_2s"}, NFE: 2, Source: resSource},
		{Method: RES{C2: 1}, Doc: "RES-2s with the second stage at the end", Aliases: []string{"exp_heun_2_x0", "exp_heun"}, NFE: 2, Source: resSource},
		{Method: RES{Stages: 3}, Doc: "exponential Runge-Kutta of stiff order 3", Aliases: []string{"res_3s"}, NFE: 3, Source: resSource},
		{Method: RES{Stages: 4}, Doc: "ETDRK4 of Krogstad", Aliases: []string{"res_4s_krogstad", "etdrk4", "etdrk4_4s"}, NFE: 4, Source: "Krogstad 2005; Hochbruck and Ostermann 2010, equation 2.42"},
	}
}

func multistep() []Record {
	return []Record{
		{Method: DPMSolverPPM{}, Doc: "DPM-Solver++ 2M", Aliases: []string{"dpmpp_2m", "unip-2"}, NFE: 1, History: 1, Source: dppSource},
		{Method: DPMSolverPPM{Heun: true}, Doc: "DPM-Solver++ 2M with the linear polynomial integrated exactly", Aliases: []string{"dpmpp_2m_heun"}, NFE: 1, History: 1, Source: dppSource},
		{Method: DPMSolverPPM{Steps: 3}, Doc: "DPM-Solver++ 3M with the weight that makes it third order", Aliases: []string{"dpmpp_3m", "unip-3"}, NFE: 1, History: 2, Source: dppSource},
		{Method: ExponentialAB{}, Doc: "exponential Adams-Bashforth for D, two steps", Aliases: []string{"res_2m", "res_multistep", "eab-2"}, NFE: 1, History: 1, Source: resSource},
		{Method: ExponentialAB{Steps: 3}, Doc: "exponential Adams-Bashforth for D, three steps", Aliases: []string{"res_3m", "eab-3"}, NFE: 1, History: 2, Source: resSource},
		{Method: ExponentialAB{Steps: 4}, Doc: "exponential Adams-Bashforth for D, four steps", Aliases: []string{"res_4m", "eab-4"}, NFE: 1, History: 3, Source: resSource},
		{Method: UniPC{P: 1}, Doc: "UniPC-1, B₂", Aliases: []string{"unipc-1-bh2"}, NFE: 1, History: 1, Source: uniSource},
		{Method: UniPC{}, Doc: "UniPC-2, B₂", Aliases: []string{"unipc-2-bh2", "uni_pc_bh2"}, NFE: 1, History: 2, Source: uniSource},
		{Method: UniPC{P: 3}, Doc: "UniPC-3; B₁ and B₂ agree in it", Aliases: []string{"unipc-3-bh1", "unipc-3-bh2", "unipc"}, NFE: 1, History: 3, Source: uniSource},
		{Method: UniPC{P: 1, B1: true}, Doc: "UniPC-1, B₁", NFE: 1, History: 1, Source: uniSource},
		{Method: UniPC{B1: true}, Doc: "UniPC-2, B₁", Aliases: []string{"uni_pc"}, NFE: 1, History: 2, Source: uniSource},
		{Method: DEIS{Steps: 2}, Doc: "DEIS in t (tAB), two steps", Aliases: []string{"deis_2", "deis_2m", "tab-2"}, NFE: 1, History: 1, Source: deisSource},
		{Method: DEIS{}, Doc: "DEIS in t (tAB), three steps", Aliases: []string{"deis_3", "deis_3m", "tab-3", "deis"}, NFE: 1, History: 2, Source: deisSource},
		{Method: DEIS{Steps: 4}, Doc: "DEIS in t (tAB), four steps", Aliases: []string{"deis_4", "deis_4m", "tab-4"}, NFE: 1, History: 3, Source: deisSource},
		{Method: DEIS{Steps: 2, Clock: RhoClock}, Doc: "linear multistep in σ/α (ρAB), two steps", Aliases: []string{"lms_2", "rhoab-2"}, NFE: 1, History: 1, Source: deisSource},
		{Method: DEIS{Clock: RhoClock}, Doc: "linear multistep in σ/α (ρAB), three steps", Aliases: []string{"lms_3", "rhoab-3"}, NFE: 1, History: 2, Source: deisSource},
		{Method: DEIS{Steps: 4, Clock: RhoClock}, Doc: "linear multistep in σ/α (ρAB, iPNDM with variable steps), four steps", Aliases: []string{"lms", "lms_4", "rhoab-4", "ipndm-v", "ipndm_v"}, NFE: 1, History: 3, Source: deisSource},
		{Method: DEIS{Steps: 2, Clock: LogRhoClock}, Doc: "DEIS in log(σ/α), two steps", Aliases: []string{"deis_logrho_2"}, NFE: 1, History: 1, Source: deisSource},
		{Method: DEIS{Clock: LogRhoClock}, Doc: "DEIS in log(σ/α), as in diffusers, three steps", Aliases: []string{"deis_logrho_3", "deis_multistep"}, NFE: 1, History: 2, Source: deisSource},
		{Method: DEIS{Steps: 4, Clock: LogRhoClock}, Doc: "DEIS in log(σ/α), four steps", Aliases: []string{"deis_logrho_4"}, NFE: 1, History: 3, Source: deisSource},
		{Method: VelocityAB{}, Doc: "Adams-Bashforth for the straight path's velocity, two steps", Aliases: []string{"vab_2", "vab"}, NFE: 1, History: 1, Source: "the library azula"},
		{Method: VelocityAB{Steps: 3}, Doc: "Adams-Bashforth for the straight path's velocity, three steps", Aliases: []string{"vab_3"}, NFE: 1, History: 2, Source: "the library azula"},
		{Method: VelocityAB{Steps: 4}, Doc: "Adams-Bashforth for the straight path's velocity, four steps", Aliases: []string{"vab_4"}, NFE: 1, History: 3, Source: "the library azula"},
		{Method: IPNDM{}, Doc: "improved PNDM, equal-step weights of four steps, of order 2", Aliases: []string{"ipndm", "ipndm_4"}, NFE: 1, History: 3, Source: "Liu et al. 2022, arXiv 2202.09778; Zhang and Chen 2023"},
		{Method: GradientEstimation{}, Doc: "DDIM with the noise extrapolated, γ = 2", Aliases: []string{"gradient_estimation"}, NFE: 1, History: 1, Source: "Permenter and Yuan 2024, arXiv 2306.04848, algorithm 2"},
	}
}
