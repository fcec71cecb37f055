package sequence

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// FuzzLog reads any bytes as a log. One that is accepted is written back as it was, and replays or is refused by name.
func FuzzLog(f *testing.F) {
	w := newWorld(rand.New(rand.NewPCG(1, 10)), 3)
	w.grow(15)
	text := NewText(w)
	for i := range w.versions {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(text.log.Append(nil, 0))
	lists := newWorld(rand.New(rand.NewPCG(1, 11)), 3)
	lists.growBy(15, lists.editList)
	list := NewList(lists)
	for i := range lists.versions {
		if _, err := list.Apply(lists.versions[i].list); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(list.log.Append(nil, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		log, err := DecodeLog(b)
		if err != nil {
			if !errors.Is(err, ErrEncoding) {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		if again := log.Append(nil, 0); !bytes.Equal(again, b) {
			t.Fatalf("% x reads back as % x", b, again)
		}
		if log.Events() > 1<<20 {
			return // a replay takes as much memory as there are events
		}
		if log.content.list {
			replayed := NewList(nil)
			_, err = replayed.Merge(log)
		} else {
			replayed := NewText(nil)
			_, err = replayed.Merge(log)
		}
		if err != nil && !errors.Is(err, ErrPosition) && !errors.Is(err, ErrEvent) && !errors.Is(err, ErrLimit) {
			t.Fatalf("replay refused by %v", err)
		}
	})
}

// FuzzSnapshot reads any bytes as a snapshot. One that is accepted is written back as it was, and can be written to.
func FuzzSnapshot(f *testing.F) {
	w := newWorld(rand.New(rand.NewPCG(1, 12)), 3)
	w.grow(15)
	text := NewText(w)
	for i := range w.versions {
		if _, err := text.Apply(w.versions[i].op); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(text.AppendSnapshot(nil))
	lists := newWorld(rand.New(rand.NewPCG(1, 13)), 3)
	lists.growBy(15, lists.editList)
	list := NewList(lists)
	for i := range lists.versions {
		if _, err := list.Apply(lists.versions[i].list); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(list.AppendSnapshot(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		dot := Dot{Author: author(200), Seq: 1 << 40}
		text, err := OpenText(b, nil)
		if err == nil {
			if again := text.AppendSnapshot(nil); !bytes.Equal(again, b) {
				t.Fatalf("% x reads back as % x", b, again)
			}
			if err := text.Splice(dot, Splice{Pos: text.Len(), Text: "x"}); err != nil && !errors.Is(err, ErrEvent) && !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		if !errors.Is(err, ErrEncoding) {
			t.Fatalf("refused by %v", err)
		}
		list, err := OpenList(b, nil)
		if err != nil {
			if !errors.Is(err, ErrEncoding) {
				t.Fatalf("refused by %v", err)
			}
			return
		}
		if again := list.AppendSnapshot(nil); !bytes.Equal(again, b) {
			t.Fatalf("% x reads back as % x", b, again)
		}
	})
}
