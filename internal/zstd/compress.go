//go:build !js

package zstd

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// window is how far back an encoder looks for what it has seen. It keeps as much memory, whatever the size of a block.
const window = 2 << 20

var encoders = sync.Pool{New: func() any {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(window))
	if err != nil {
		panic("zstd: " + err.Error()) // the options are constants
	}
	return e
}}

// Compress appends src to dst as one frame without a checksum. ok is false where this program has no encoder; dst is then
// returned as it is.
func Compress(dst, src []byte) (out []byte, ok bool) {
	e, _ := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(src, dst), true
}
