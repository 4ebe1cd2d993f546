package linop

import (
	"fmt"
	"math"
)

// A PSF is a point spread function: the image of a point at the pixel (Rows/2, Cols/2),
// rounded down, which for an even size is the one after the middle. W holds Rows·Cols
// weights row by row. The constructors make them sum to 1.
type PSF struct {
	Rows, Cols int
	W          []float64
}

// NewPSF returns the PSF of rows by cols weights w, which it copies and divides by their
// sum. Weights may be negative, but an error is returned for weights that are not finite
// or whose sum is not positive, or whose number is not rows·cols.
func NewPSF(w []float64, rows, cols int) (PSF, error) {
	if rows < 1 || cols < 1 || len(w) != rows*cols {
		return PSF{}, fmt.Errorf("linop: %d weights for a point spread function of %d×%d", len(w), rows, cols)
	}
	sum := 0.0
	for i, v := range w {
		if !finite(v) {
			return PSF{}, fmt.Errorf("linop: weight (%d, %d) of the point spread function is %g", i/cols, i%cols, v)
		}
		sum += v
	}
	if !(sum > 0) || !finite(sum) {
		return PSF{}, fmt.Errorf("linop: the weights of the point spread function sum to %g; they need a positive sum", sum)
	}
	p := PSF{rows, cols, make([]float64, len(w))}
	for i, v := range w {
		p.W[i] = v / sum
	}
	return p, nil
}

// centred fills the odd square PSF of a radius in pixels from a function of the offset
// (row, col) from its centre.
func centred(radius int, f func(i, j int) float64) (PSF, error) {
	n := 2*radius + 1
	w := make([]float64, n*n)
	for k := range w {
		w[k] = f(k/n-radius, k%n-radius)
	}
	return NewPSF(w, n, n)
}

// maxRadius bounds the parameters of the PSFs, in pixels, so that a mistyped one asks for
// no absurd array.
const maxRadius = 2048

// GaussianPSF samples exp(-r²/2σ²), σ > 0 in pixels, out to ⌈4σ⌉ pixels, beyond which
// 6e-5 of the weight of a line would lie.
func GaussianPSF(sigma float64) (PSF, error) {
	if !(sigma > 0 && 4*sigma <= maxRadius) {
		return PSF{}, fmt.Errorf("linop: a Gaussian blur of σ = %g pixels; σ must be in (0, %d]", sigma, maxRadius/4)
	}
	return centred(int(math.Ceil(4*sigma)), func(i, j int) float64 {
		return math.Exp(-float64(i*i+j*j) / (2 * sigma * sigma))
	})
}

// MotionPSF is a straight, uniform motion over length ≥ 0 pixels in the direction of
// angle degrees, counted from the column axis (to the right) towards the top of the
// image. The line is spread over the pixels by bilinear weights, integrated exactly, so
// that it is smooth in both parameters:
//
//	W[i,j] = 1/L ∫ from -L/2 to L/2 of Λ(j - u cos a) Λ(i + u sin a) du,   Λ(t) = max(0, 1-|t|)
func MotionPSF(length, angle float64) (PSF, error) {
	if !(length >= 0 && length <= 2*maxRadius) || !finite(angle) {
		return PSF{}, fmt.Errorf("linop: motion over %g pixels at %g degrees; the length must be in [0, %d]", length, angle, 2*maxRadius)
	}
	sin, cos := math.Sincos(angle * math.Pi / 180)
	radius := int(math.Ceil(length / 2 * max(math.Abs(sin), math.Abs(cos))))
	n := 2*radius + 1
	w := make([]float64, n*n)
	// Between the crossings of pixel lines the weights are quadratic in u, for which
	// the two-point Gauss rule is exact. Crossings: u cos a or u sin a an integer.
	const node = 0.577350269189625764509148780501957456 // 1/√3
	deposit := func(u, weight float64) {
		x, y := u*cos, -u*sin
		j, i := math.Floor(x), math.Floor(y)
		fx, fy := x-j, y-i
		for k, wk := range [4]float64{(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx} {
			r, c := int(i)+k/2+radius, int(j)+k%2+radius
			if r >= 0 && r < n && c >= 0 && c < n { // outside by rounding only, with weight 0
				w[r*n+c] += weight * wk
			}
		}
	}
	if length == 0 {
		deposit(0, 1)
		return NewPSF(w, n, n)
	}
	for u := -length / 2; u < length/2; {
		next := min(length/2, crossing(u, cos), crossing(u, sin))
		mid, half := (u+next)/2, (next-u)/2
		deposit(mid-node*half, half)
		deposit(mid+node*half, half)
		u = next
	}
	return NewPSF(w, n, n)
}

// crossing returns the least v, clearly above u, at which v·slope is an integer.
func crossing(u, slope float64) float64 {
	slope = math.Abs(slope)
	if slope < 1e-12 { // no crossing within any length that is allowed
		return math.Inf(1)
	}
	const short = 1e-9 // shorter pieces than this carry no weight
	return math.Floor((u+short)*slope+1) / slope
}

// DiscPSF is a uniform disc of a radius > 0 in pixels (defocus): each pixel weighs the
// area of the disc in it, exactly.
func DiscPSF(radius float64) (PSF, error) {
	if !(radius > 0 && radius <= maxRadius) {
		return PSF{}, fmt.Errorf("linop: a disc of radius %g pixels; the radius must be in (0, %d]", radius, maxRadius)
	}
	return centred(int(math.Ceil(radius-0.5)), func(i, j int) float64 {
		y, x := float64(i), float64(j)
		return discCorner(radius, x+0.5, y+0.5) - discCorner(radius, x-0.5, y+0.5) -
			discCorner(radius, x+0.5, y-0.5) + discCorner(radius, x-0.5, y-0.5)
	})
}

// discCorner is the area of the disc of radius r around 0 in [0,x]×[0,y], odd in x and y:
//
//	xy inside, else y a + ∫ from a to x of √(r²-t²) dt,   a = √(r²-y²), x, y ≤ r
func discCorner(r, x, y float64) float64 {
	sign := math.Copysign(1, x) * math.Copysign(1, y)
	x, y = min(math.Abs(x), r), min(math.Abs(y), r)
	if x*x+y*y <= r*r {
		return sign * x * y
	}
	primitive := func(t float64) float64 { return (t*math.Sqrt(r*r-t*t) + r*r*math.Asin(t/r)) / 2 }
	a := math.Sqrt(r*r - y*y)
	return sign * (y*a + primitive(x) - primitive(a))
}

// fits returns an error if the PSF is not valid or larger than an image of rows by cols.
func (p PSF) fits(rows, cols int) error {
	mustPositive(rows, cols)
	if p.Rows < 1 || p.Cols < 1 || len(p.W) != p.Rows*p.Cols {
		return fmt.Errorf("linop: %d weights for a point spread function of %d×%d", len(p.W), p.Rows, p.Cols)
	}
	if p.Rows > rows || p.Cols > cols {
		return fmt.Errorf("linop: the point spread function of %d×%d pixels is larger than the image of %d×%d", p.Rows, p.Cols, rows, cols)
	}
	return nil
}

// wrapped lays the PSF on a torus of rows by cols pixels with its centre at 0.
func (p PSF) wrapped(rows, cols int) []float64 {
	h := make([]float64, rows*cols)
	for k, w := range p.W {
		i, j := k/p.Cols-p.Rows/2, k%p.Cols-p.Cols/2
		h[(i+rows)%rows*cols+(j+cols)%cols] += w
	}
	return h
}
