package replica

import (
	"testing"
	"testing/synctest"
)

// TestBacklog: frames are heard in their order, and the next one waits while those before it fill two commits.
func TestBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog()
		put := 0
		go func() {
			for _, c := range []struct {
				frame string
				bytes int // of the pack in it
			}{{"a", maxBacklog - 1}, {"large", 2 * maxBacklog}, {"b", 1}, {"c", 1}} {
				a := &arrival{frame: []byte(c.frame), pack: newIncoming(true)}
				b.put(a)
				put++
				b.unpacked(a, &unpacked{bytes: c.bytes})
			}
			b.drain()
			b.end()
		}()
		for _, want := range []struct {
			frame string
			put   int // while it is not heard
		}{{"a", 2}, {"large", 2}, {"b", 4}, {"c", 4}} {
			synctest.Wait()
			if a := b.first(); string(a.frame) != want.frame || put != want.put || b.ended {
				t.Errorf("%q is first while %d were put, want %+v", a.frame, put, want)
			}
			b.heard()
		}
		if a := b.first(); a != nil || b.bytes != 0 {
			t.Errorf("%v is behind the end, %d bytes unheard", a, b.bytes)
		}
	})
}

// TestBacklogOfJunk: while nobody hears, small frames do not wait; frames that say nothing, be they large or many, take room like
// others.
func TestBacklogOfJunk(t *testing.T) {
	large := make([]byte, maxBacklog/4)
	for name, c := range map[string]struct {
		frame []byte
		pack  bool
		put   int // of a hundred
	}{
		"small frames":                  {[]byte("ack"), false, 100},
		"large frames":                  {large, false, 4},
		"large packs that hold nothing": {large, true, 4},
		"many packs that hold nothing":  {[]byte("pack"), true, maxBacklogPacks},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBacklog()
				put := 0
				go func() {
					for range 100 {
						a := &arrival{frame: c.frame}
						if c.pack {
							a.pack = newIncoming(false)
						}
						b.put(a)
						put++
					}
				}()
				synctest.Wait()
				if put != c.put {
					t.Errorf("%d frames are there while nobody hears, want %d", put, c.put)
				}
				for heard := range 100 {
					b.heard()
					synctest.Wait()
					if want := min(c.put+heard+1, 100); put != want {
						t.Fatalf("%d frames were put when %d were heard, want %d", put, heard+1, want)
					}
				}
			})
		})
	}
}
