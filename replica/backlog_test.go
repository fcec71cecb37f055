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
				arrived([]byte("large"), true, &unpacked{bytes: 2 * maxBacklog}), // alone it may be larger
				arrived([]byte("a"), true, &unpacked{bytes: maxBacklog / 2}),
				arrived([]byte("b"), true, &unpacked{bytes: maxBacklog / 2}),
				arrived([]byte("c"), true, &unpacked{bytes: 1}),
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
		b.put(arrived([]byte("ack"), false, nil))
	}
	if taken := b.take(); len(taken) != 100 {
		t.Errorf("took %d frames", len(taken))
	}
}

// TestBacklogOfJunk: frames that say nothing, be they large or many, take room like others.
func TestBacklogOfJunk(t *testing.T) {
	for name, c := range map[string]struct {
		junk  arrival
		taken int
	}{
		"large frames":                  {arrived(make([]byte, maxBacklog/4), false, nil), 4},
		"large packs that hold nothing": {arrived(make([]byte, maxBacklog/4), true, new(unpacked)), 4},
		"many packs that hold nothing":  {arrived([]byte("pack"), true, new(unpacked)), maxBacklogPacks},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBacklog()
				go func() {
					for range c.taken + 1 {
						b.put(c.junk)
					}
					b.end()
				}()
				synctest.Wait()
				taken := b.take()
				if len(taken) != c.taken {
					t.Errorf("%d frames are there while nobody hears, want %d", len(taken), c.taken)
				}
				b.heard(taken)
				synctest.Wait()
				if more := b.take(); len(more) != 1 {
					t.Errorf("%d more are there once these were heard, want one", len(more))
				}
			})
		})
	}
}
