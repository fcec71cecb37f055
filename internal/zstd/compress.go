//go:build !js

package zstd

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// window is how far back an encoder looks for what it has seen. It keeps as much memory, whatever the size of a block.
const window = 2 << 20

// encoders are kept for the next block, those that are fast by themselves.
var encoders, fastEncoders = encodersOf(zstd.SpeedDefault), encodersOf(zstd.SpeedFastest)

func encodersOf(level zstd.EncoderLevel) *sync.Pool {
	return &sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
			zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true),
			zstd.WithWindowSize(window), zstd.WithEncoderLevel(level)) // in this order, or fast encoders make blocks of half the size
		if err != nil {
			panic("zstd: " + err.Error()) // the options are constants
		}
		return e
	}}
}

// Compress appends src to dst as one frame without a checksum: with fast in half the time and a quarter of the memory, into some
// twentieth more. ok is false where this program has no encoder; dst is then returned as it is.
func Compress(dst, src []byte, fast bool) (out []byte, ok bool) {
	pool := encoders
	if fast {
		pool = fastEncoders
	}
	e, _ := pool.Get().(*zstd.Encoder)
	defer pool.Put(e)
	return e.EncodeAll(src, dst), true
}
