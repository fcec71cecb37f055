package replica

import (
	"testing"
	"testing/synctest"
)

// TestBacklog: frames are taken in their order, all that are there at once, and a pack waits while those before it fill a commit.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog()
		put := 0
		go func() {
			for _, a := range []arrival{
				{frame: []byte("large"), bytes: 2 * maxBacklog}, // alone it may be larger
				{frame: []byte("a"), bytes: maxBacklog / 2},
				{frame: []byte("b"), bytes: maxBacklog / 2},
				{frame: []byte("c"), bytes: 1},
			} {
				b.put(a)
				put++
			}
			b.drain()
			b.end()
		}()
		for _, want := range []struct {
			frames string
			put    int // while these are not heard
		}{{"large", 1}, {"ab", 3}, {"c", 4}} {
			synctest.Wait()
			taken, frames := b.take(), ""
			for _, a := range taken {
				frames += string(a.frame)
			}
			synctest.Wait()
			if frames != want.frames || put != want.put || b.ended {
				t.Errorf("took %q while %d were put, want %+v", frames, put, want)
			}
			b.heard(taken)
		}
		if more := b.take(); len(more) > 0 || b.bytes != 0 {
			t.Errorf("%d frames behind the end, %d bytes unheard", len(more), b.bytes)
		}
	})
}

// While nobody hears, small frames do not wait.
func TestBacklogTakesFramesThatAreNoPacks(t *testing.T) {
	b := newBacklog()
	for range 100 {
		b.put(arrival{frame: []byte("ack")})
	}
	if taken := b.take(); len(taken) != 100 {
		t.Errorf("took %d frames", len(taken))
	}
}
