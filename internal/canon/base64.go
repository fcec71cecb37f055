//go:build !js

package canon

import (
	"slices"

	"github.com/segmentio/asm/base64"
)

// appendBase64 appends the standard base64 of b, some ten times as fast as the standard library where a processor has vectors.
func appendBase64(dst, b []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(b))
	dst = slices.Grow(dst, n)
	text := dst[len(dst) : len(dst)+n]
	base64.StdEncoding.Encode(text, b)
	return dst[:len(dst)+n]
}
