package simd

// vectorWidth returns the float64 lanes of the level's vectors, 0 without them.
func vectorWidth() int { return [...]int{0, 4, 8}[level] }
