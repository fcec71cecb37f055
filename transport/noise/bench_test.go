package noise

import (
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// BenchmarkFrames sends frames one way, over a bare pipe and an encrypted one.
func BenchmarkFrames(b *testing.B) {
	for _, size := range []int{200, 64 << 10, 256 << 10, transport.MaxFrame} {
		for _, encrypted := range []bool{false, true} {
			name := fmt.Sprintf("%d/bare", size)
			if encrypted {
				name = fmt.Sprintf("%d/noise", size)
			}
			b.Run(name, func(b *testing.B) {
				from, to := pipe.New()
				if encrypted {
					i, r := link(b, from, to)
					from, to = i, r
				}
				frame := make([]byte, size)
				b.SetBytes(int64(size))
				go func() {
					for from.Send(b.Context(), frame) == nil {
					}
				}()
				for b.Loop() {
					if _, err := to.Receive(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				if err := to.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkHandshake makes links: both ends' work.
func BenchmarkHandshake(b *testing.B) {
	for b.Loop() {
		pipeLink(b)
	}
}
