// Peers times this toolkit beside NumPy, SciPy, PyTorch, scikit-image, POT, BART and others on the
// same work, in one run on one machine, and prints the ratios:
//
//	go run ./bench/peers [-threads 2,1] [-cases REGEXP] [-runs 5] [-python /usr/bin/python3] [SUITE …]
//
// A suite is a script peer_SUITE.py beside the cases here that have its name. What the scripts need
// comes from the distribution (Debian 12):
//
//	python3-numpy python3-scipy python3-torch python3-skimage python3-pot python3-mpmath bart
//
// A script whose packages are absent is skipped with a message; our figures are printed all the same.
// Sources of k-diffusion, torchdiffeq and diffusers are taken from KDIFFUSION_SRC, TORCHDIFFEQ_SRC,
// DIFFUSERS_SRC and HF_HUB_SRC where these are set. Times are medians in seconds; ours are taken
// before and after the script's, so that a change of the machine's load shows.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-dea4846a/sampler/internal/simd"
)

// A task is one run of our side, made ready; it returns what it has to say of the quality.
type task struct {
	name  string // of the script's case, and what of ours it is in brackets
	per   int    // units of the case's work that a run does
	ready func() (run func() string)
}

var suites = []struct {
	name  string
	tasks []task
}{
	{"denoiser", denoisers}, {"normals", normals}, {"gmm", samplers}, {"mlp", networks}, {"train", training},
	{"ode", adaptive}, {"radon", tomography}, {"deblur", deblurring}, {"mri", resonance}, {"ot", transport},
	{"bessel", bessel}, {"diffusers", nil},
}

var (
	threads = flag.String("threads", "2,1", "numbers of threads, one pass each")
	cases   = flag.String("cases", "", "only the cases whose names match; scripts run whole")
	runs    = flag.Int("runs", 5, "runs of which the median counts")
	python  = flag.String("python", "/usr/bin/python3", "the interpreter that has the packages")
	dir     = flag.String("dir", "bench/peers", "folder of the scripts")
)

// A row is what a script prints of one measurement.
type row struct {
	Case, Peer string
	Seconds    float64
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	wanted, err := regexp.Compile(*cases)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range flag.Args() {
		known := false
		for _, s := range suites {
			known = known || s.name == name
		}
		if !known {
			log.Fatalf("no suite %q", name)
		}
	}
	fmt.Printf("%s, %s, %s kernels\n\n| case | threads | ours | fastest peer | ratio | all peers |\n|---|---|---|---|---|---|\n",
		processor(), runtime.Version(), simd.Current())
	for _, field := range strings.Split(*threads, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 {
			log.Fatalf("-threads wants numbers with commas between, not %q", *threads)
		}
		runtime.GOMAXPROCS(n)
		for _, s := range suites {
			if len(flag.Args()) == 0 || slices.Contains(flag.Args(), s.name) {
				compare(s.name, s.tasks, n, wanted)
			}
		}
	}
}

// compare runs a suite on n threads and prints a line for every case.
func compare(suite string, tasks []task, n int, wanted *regexp.Regexp) {
	ours := map[string][]float64{}
	says := map[string]string{}
	var order []string
	measure := func() {
		for _, t := range tasks {
			if wanted.MatchString(t.name) {
				run := t.ready()
				says[t.name] = run() // and warm
				for range *runs {
					begin := time.Now()
					run()
					ours[t.name] = append(ours[t.name], time.Since(begin).Seconds()/float64(max(1, t.per)))
				}
			}
		}
	}
	known := map[string]bool{}
	for _, t := range tasks {
		order = append(order, t.name)
		known[base(t.name)] = true
	}
	measure()
	peers := map[string][]row{}
	rows, err := script(suite, n)
	if err != nil {
		log.Printf("# %s: %v", suite, err)
	}
	for _, r := range rows {
		if !known[r.Case] {
			known[r.Case] = true
			order = append(order, r.Case)
		}
		if r.Seconds > 0 {
			peers[r.Case] = append(peers[r.Case], r)
		}
	}
	measure()
	for _, name := range order {
		peers := peers[base(name)]
		if !wanted.MatchString(name) || len(ours[name]) == 0 && len(peers) == 0 {
			continue
		}
		print := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
		mine, best, ratio, all := "", "", "", []string{}
		if v := ours[name]; len(v) > 0 {
			slices.Sort(v)
			mine = print(v[len(v)/2]) + says[name]
		}
		slices.SortFunc(peers, func(a, b row) int { return cmp.Compare(a.Seconds, b.Seconds) })
		for i, p := range peers {
			if all = append(all, p.Peer+" "+print(p.Seconds)); i == 0 {
				best = all[0]
			}
		}
		if mine != "" && best != "" {
			ratio = print(peers[0].Seconds / ours[name][len(ours[name])/2])
		}
		fmt.Printf("| %s | %d | %s | %s | %s | %s |\n", name, n, mine, best, ratio, strings.Join(all, ", "))
	}
}

// base returns the script's name of a case.
func base(name string) string {
	name, _, _ = strings.Cut(name, " (")
	return name
}

// script returns what a suite's script prints on n threads.
func script(suite string, n int) ([]row, error) {
	cmd := exec.Command(*python, *dir+"/peer_"+suite+".py")
	cmd.Env = append(os.Environ(), fmt.Sprint("PEER_THREADS=", n), fmt.Sprint("PEER_RUNS=", *runs), "PYTHONDONTWRITEBYTECODE=1")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	var rows []row
	for line := range strings.Lines(string(out)) {
		var r row
		if json.Unmarshal([]byte(line), &r) == nil && r.Case != "" {
			rows = append(rows, r)
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		err = fmt.Errorf("the peers are left out: %s", lines[len(lines)-1])
	}
	return rows, err
}

// processor names the machine.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	fields := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok {
			fields[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return fmt.Sprintf("%s (family %s, model %s), %d cores", fields["model name"], fields["cpu family"], fields["model"], runtime.NumCPU())
}

// must returns v where err is nil.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
