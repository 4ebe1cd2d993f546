//go:build !unix

package main

import "time"

var started = time.Now()

// cpu returns the seconds since the start, where the time of the processor is not known.
func cpu() float64 { return time.Since(started).Seconds() }
