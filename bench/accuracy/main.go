// Accuracy draws samples of every registered target with the default sampler and prints
// a Markdown table of all metrics beside what exact samples give. From the root of the
// module:
//
//	go build -o /tmp/sample ./cmd/sample && go run ./bench/accuracy /tmp/sample [-n 100000] [draw flags]
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Targets that need a file or parameters, and those of other dimensions.
var extra = []string{
	"points:examples/points/galaxy.csv", "points:examples/points/galaxy.csv,std=0.06", "image:examples/image/camera.png",
	"gauss:d=64", "rings:d=3", "rings:d=64", "rings:d=1000,std=0.5", "funnel:d=10", "box:d=8",
}

type measurement struct {
	Name         string
	Value        float64
	Floor, Limit *float64
	FloorSD      *float64 `json:"floor_sd"`
}

type report struct {
	Dim          int
	NFE, Seconds float64
	Measurements []measurement
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: accuracy SAMPLE [draw flags]")
	}
	sample, flags := os.Args[1], os.Args[2:]
	targets := extra
	out, err := exec.Command(sample, "list", "targets", "--json").Output()
	if err != nil {
		log.Fatal(err)
	}
	var rows []struct{ Name string }
	if err := json.Unmarshal(out, &rows); err != nil {
		log.Fatal(err)
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if !strings.Contains(rows[i].Name, ":") {
			targets = slices.Insert(slices.Clone(targets), 0, rows[i].Name)
		}
	}
	fmt.Println("| target | d | s | sliced W2 (exact) | energy/limit | MMD/limit | mean z | cov z | mode TV (exact) | NLL - exact | outside |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, t := range targets {
		out, err := exec.Command(sample, append([]string{"draw", "-q", "--json", "--target", t}, flags...)...).Output()
		if err != nil {
			log.Fatalf("%s: %v", t, err)
		}
		var r report
		if err := json.Unmarshal(out, &r); err != nil {
			log.Fatal(err)
		}
		m := map[string]measurement{}
		var outside []string
		for _, x := range r.Measurements {
			m[x.Name] = x
			if x.Limit == nil {
				continue
			}
			over := x.Value > *x.Limit
			if x.Name == "nll" {
				over = over || *x.Floor-x.Value > *x.Limit-*x.Floor
			}
			if over {
				outside = append(outside, x.Name)
			}
		}
		pair := func(name string) string {
			if x, ok := m[name]; ok && x.Floor != nil {
				return fmt.Sprintf("%.4g (%.4g ± %.2g)", x.Value, *x.Floor, *x.FloorSD)
			}
			return ""
		}
		share := func(name string) string {
			if x, ok := m[name]; ok && x.Limit != nil {
				return fmt.Sprintf("%.2f", x.Value / *x.Limit)
			}
			return ""
		}
		z := func(name string) string {
			if x, ok := m[name]; ok {
				return fmt.Sprintf("%.2f", x.Value)
			}
			return ""
		}
		nll := ""
		if x, ok := m["nll"]; ok {
			nll = fmt.Sprintf("%.4f", x.Value-*x.Floor)
		}
		fmt.Printf("| %s | %d | %.3g | %s | %s | %s | %s | %s | %s | %s | %s |\n", t, r.Dim, r.Seconds,
			pair("sliced_w2"), share("energy"), share("mmd"), z("mean_z"), z("cov_z"), pair("mode_tv"), nll, strings.Join(outside, ", "))
	}
}
