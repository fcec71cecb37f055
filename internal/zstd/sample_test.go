//go:build !js

package zstd_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/zstd"
)

// TestSample: what is said to be noise is what compression makes no smaller.
func TestSample(t *testing.T) {
	rnd := rand.NewChaCha8([32]byte{1})
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rnd.Read(b)
		return b
	}
	picture, text := noise(100_000), []byte(strings.Repeat("milk and bread; ", 6_000))
	hex := noise(100_000)
	for i, b := range hex {
		hex[i] = "0123456789abcdef"[b&15]
	}
	for _, c := range []struct {
		name   string
		pieces [][]byte
		beside int // bytes of the block that are in no piece
		want   bool
	}{
		{"noise", [][]byte{noise(70_000), noise(4_096), noise(300_000)}, 0, true},
		{"with a little beside it", [][]byte{noise(200_000)}, 10_000, true},
		{"with as much beside it", [][]byte{noise(200_000)}, 200_000, false},
		{"a picture twice", [][]byte{noise(70_000), picture, noise(50_000), picture}, 0, false},
		{"a picture that was edited", [][]byte{picture, slices.Concat(picture[:50_000], noise(50_000))}, 0, false},
		{"a picture that grew", [][]byte{picture, slices.Concat(picture, noise(50_000))}, 0, false},
		{"a text", [][]byte{text}, 0, false},
		{"a text among pictures", [][]byte{noise(300_000), text}, 0, false},
		{"digits of noise", [][]byte{hex}, 0, false},
		{"small pieces", [][]byte{noise(4_095), noise(4_095)}, 0, false},
		{"too little to say", [][]byte{noise(50_000)}, 0, false},
		{"nothing", nil, 0, false},
	} {
		var s zstd.Sample
		s.Add(noise(5_000))
		s.Reset()
		size := c.beside
		for _, p := range c.pieces {
			s.Add(p)
			size += len(p)
		}
		if got := s.Noise(size); got != c.want {
			t.Errorf("%s: noise is %t", c.name, got)
		}
		if block := bytes.Join(c.pieces, nil); c.want && len(compress(t, block)) < len(block)*98/100 {
			t.Errorf("%s: it could be compressed", c.name)
		}
	}
}
