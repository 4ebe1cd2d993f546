package main

// The words of the page.
const (
	head = `# Posterior samplers against the truth

Every method of package inverse against posteriors that are known exactly. One command measures and writes all of
this page and its figures (some twenty minutes on two cores; more with -problems, -n and -nfe):

    go run ./bench/posterior

**Measures.** Sliced W1 and W2 over 256 directions to as many exact draws; *exact draws* is the distance between two exact
samples, the floor under which a difference means nothing. *mean*: |error of the mean| over the root of the trace of the posterior's covariance.
*covariance*: |error| over its size, Frobenius norms. *mode TV*: total variation between the weights of the 25 components
given y and the shares of the draws next to their centres. *intervals*: posterior mass within the draws' central 90 % intervals, mean
over the coordinates. *region*: share of the draws in the posterior's 90 % region of highest density; above 0.9 draws are
too close together, below they are misplaced or too wide. *misfit*: median |y - Ax|²/(mσ²). *s*: seconds of
processor time for 1000 draws, on machines that did other work too. NFE are evaluations of the denoiser for each draw, products of its
Jacobian not counted. Intervals are 95 % by Student's t over the problems, and narrow only where these are many.

**Reference.** The columns of this name are sliced W1 of an independent program (NumPy, own random problems of
the same law: 20, 10 and 3 at d = 8, 80, 800; 2000 draws, 100 levels; 1000 particles, resampled at every step but in
the covariance-twisted rows; DAPS with 200 levels of 5 and PnP-DM with 60 sweeps of 30 evaluations). Problems differ, so compare distributions, not digits.

**Problems.** The benchmark of MCGdiff (Cardoso, Janati Idrissi, Le Corff and Moulines 2023, arXiv 2308.07983): 25 unit Gaussians in
d = 8, 80, 800 with means (8i, 8j, 8i, 8j, …), i, j = -2 … 2, and weights that are squared normals; m = 1, 2, 4 measurements with random
singular vectors, uniform singular values and noise uniform up to the largest of them; β from 0.02 down to 1e-4 in 999 steps,
levels even in √ᾱ; η = 0.6 up to 20 evaluations and 0.85 above where the method has an η. Parameters are the authors' or stated, and nothing was tuned to these problems.
`
	textGauss = `Prior N(0, S), y = x + σn, DDPM's schedule, evenly spaced steps. On a Gaussian these methods' steps are affine, so the law of
their output is computed, not sampled: gain of the mean on y / variance, over the posterior's. 1.000 / 1.000 is exact.
Without new noise (η = 0) the start at N(0, σ²), which lacks the signal of ᾱ = 4e-5, is not forgotten: the 0.997 to 0.999 of
the exact mean and of the corrected step. One step ends at the mean in all but the corrected one.
`
	textAnnealed = `Methods with levels of their own: DAPS with exact draws, 200 levels of five evaluations from σ = 100 to 0.1; PnP-DM in the limit of exact draws and many sweeps, in closed form.
`
	textVerdict = `Sliced W1 over that of exact draws on the same problem: geometric mean over the problems of all m, with its 95 % interval. A method whose interval
stays above that of *exact denoiser, DDIM*, which errs by its steps alone, is biased at this budget; only particle methods (but FPS) lose the bias, with particles and steps.
What more evaluations do is in the column before the last: a ratio near 1 is an error that steps do not mend.
`
	textPairs = `Ratios of sliced W1 on the same problems (all d and m), geometric mean and 95 % interval: below 1, A is nearer to the truth.
`
	textGains = `DDIM and the covariance-corrected step with the same conditional mean (MMPS, solved), d = 8; m = 0 is sampling without data. On a Gaussian the corrected
step is exact at any number of steps (above); here each component is Gaussian and the whole is not. mode TV and the rest are medians over the problems.
`
	textParticles = `d = 8, 100 levels, η = 0.85, systematic resampling below half the effective sample size, independent populations pooled to 1000 draws or a few more; mean ± 95 %
(median). *over exact draws*: ratio on the same problems. *log evidence*: median of the estimate less the truth, in nats. *ancestors*: share of
the first particles that have descendants. Medians over all problems where one figure is given.

**TDS.** With r² as published, of data of variance 1, it comes to the floor only slowly, and this is no error of the program: its
estimates are unbiased on Gaussians, and where r² is of the data's size its errors fall as 1/√particles (tests
TestParticlesAreUnbiased, TestParticlesConverge). The data of this benchmark have variance 115. At high noise Cov[x₁|x] is then near 115 I, while
the twist N(y; A D, r²AAᵀ + σ²I) has r² below 1: its logarithm is wrong by |y - A D|² over a variance a hundred times too small,
tens to hundreds of nats. The weights go to the few particles whose A D lies nearest to y, at the first level to two of 1024 where m = 4
(below), and these decide the mode. More particles reach out only as the tail of a Gaussian does, by the root of a logarithm, and the
evidence falls short by as many nats, which an unbiased estimate makes up for once in so many e-fold runs. In addition the proposal moves by
C AᵀS⁻¹(y - A D) with the true C and that S, far too far. With r² for the data's variance TDS is within twice the floor from
16 particles on and falls to it.

**FPS** converges with particles to its own limit, which is not the posterior: it uses y once a level, so that its draws lie too near to the data, the
more levels the more (400 levels are farther off than 100).
`
	textESS = `Effective particles over 1024 before resampling, at shares of the way through the levels, and at x₁ with the likelihood; m = 4, median over the problems:
`
	textPlane = `One measurement in the plane. The first panel is the exact posterior. 100 evaluations (a tenth or less of what PnP-DM, DAPS and point estimates are published with).
`
)
