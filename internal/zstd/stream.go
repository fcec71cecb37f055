package zstd

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxStreamWindow bounds the memory that reading a stream takes: twice what NewWriter needs, whatever the stream claims.
const maxStreamWindow = 16 << 20

// NewWriter compresses what is written to it, with a checksum, into w. Close writes the end and does not close w.
func NewWriter(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }

// NewReader decompresses r. Close frees its memory and does not close r.
func NewReader(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxStreamWindow), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
