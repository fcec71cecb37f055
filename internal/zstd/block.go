package zstd

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrDamaged is wrapped by what Decompress returns: the bytes are no frame of the given size.
var ErrDamaged = errors.New("zstd: damaged, or not of the size that was claimed")

// maxWindow bounds the window that a block may ask for. A block decodes into its destination, so this is no memory of its
// own; it is there so that no claim is taken for one.
const maxWindow = 64 << 20

// decoders are kept for the next block. A decoder that is not closed and was never given a stream holds no goroutine.
var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(true))
	if err != nil {
		panic("zstd: " + err.Error()) // the options are constants
	}
	return d
}}

// Decompress decodes a block of exactly size bytes into dst, which grows to that size at most and is overwritten. The error
// wraps ErrDamaged.
func Decompress(dst, src []byte, size int) ([]byte, error) {
	if cap(dst) < size {
		dst = make([]byte, 0, size)
	}
	d, _ := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	out, err := d.DecodeAll(src, dst[:0:size])
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	if len(out) != size {
		return nil, ErrDamaged
	}
	return out, nil
}
