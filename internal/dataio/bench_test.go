package dataio

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
)

// benchPoints are 10⁵ points in the plane, 1.6 MB as float64.
func benchPoints() []float64 {
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float64, 200_000)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func BenchmarkDecode(b *testing.B) {
	x := benchPoints()
	var npy, csv bytes.Buffer
	_ = EncodeNPY(&npy, x, len(x)/2, 2)
	_ = EncodeCSV(&csv, x, 2)
	b.Run("npy", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(npy.Len()))
		for b.Loop() {
			if _, _, err := DecodeNPY(bytes.NewReader(npy.Bytes()), int64(npy.Len())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("csv", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(csv.Len()))
		for b.Loop() {
			if _, _, err := DecodeCSV(bytes.NewReader(csv.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	x := benchPoints()
	b.Run("npy", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(8 * len(x)))
		for b.Loop() {
			_ = EncodeNPY(io.Discard, x, len(x)/2, 2)
		}
	})
	b.Run("csv", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(8 * len(x)))
		for b.Loop() {
			_ = EncodeCSV(io.Discard, x, 2)
		}
	})
}
