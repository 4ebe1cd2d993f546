package ode

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRecords(t *testing.T) {
	names := map[string]bool{}
	for _, r := range Records() {
		for _, name := range append([]string{r.Name}, r.Aliases...) {
			assert.False(t, names[name], "%s twice", name)
			names[name] = true
		}
		assert.NotEmpty(t, r.Doc, r.Name)
		assert.NotEmpty(t, r.Source, r.Name)
		f := condOT(newMix(2))
		switch s := r.Method.NewStepper(f, 1).(type) {
		case *expAB:
			assert.Equal(t, s.steps-1, r.History, r.Name)
		case *unipcStepper:
			assert.Equal(t, s.steps-1, r.History, r.Name)
		case *abStepper:
			assert.Equal(t, s.order-1, r.History, r.Name)
		default:
			assert.Zero(t, r.History, r.Name)
		}
	}
	for _, name := range []string{ // those that the command promises
		"euler", "heun", "midpoint", "ralston", "kutta3", "rk4", "bs32", "dopri5", "tsit5", "dop853", "ab2", "ab3", "ab4",
		"ddim", "dpm-1", "dpm-2", "dpm-3", "dpmpp-2s", "dpmpp-2m", "dpmpp-3m", "unipc", "deis", "ipndm", "lms", "edm-heun",
		"dpmpp_2m", "dpm_2", "uni_pc", "ipndm_v", "res_multistep", "exp_heun_2_x0",
	} {
		assert.True(t, names[name], name)
	}
}
