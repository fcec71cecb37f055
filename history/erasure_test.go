package history_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
)

// erasure is a proof that two ops were erased, by an author with a key.
func erasure(deps ...history.Ref) (history.Erasure, []crdt.Target) {
	key := identity.AuthorKeyFromSeed([32]byte{1})
	w := &writer{author: key.Author()}
	first := w.write(nil, detached("n/1", "1", 1))
	targets := []crdt.Target{{Version: first.Stamp().Entry()}, {Version: first.Stamp().Entry(), Op: 3}}
	v := w.write(deps, history.Op{Op: must(crdt.Erase("n/1", targets[0]))}, put("n/2", "2"), history.Op{Op: must(crdt.Erase("n/3", targets[1]))})
	return history.Erasure{Version: v, Sig: key.Seal(testSpace, v.Seq, v.ID).Sig}, targets
}

func TestErasure(t *testing.T) {
	e, targets := erasure(history.Ref{Author: author(1), Seq: 4, ID: history.ID{2}}, history.Ref{Author: author(2), Seq: 1, ID: history.ID{7}})
	got, err := history.DecodeErasure(e.Append(nil))
	if err != nil || got.Ref() != e.Ref() || got.Width != 3 || got.Seal().Verify(testSpace) != nil || !bytes.Equal(got.Append(nil), e.Append(nil)) {
		t.Fatalf("%+v, %v", got, err)
	}
	var keys []string
	var named []crdt.Target
	for key, target := range got.Targets() {
		keys, named = append(keys, key), append(named, target)
	}
	if !slices.Equal(keys, []string{"n/1", "n/3"}) || !slices.Equal(named, targets) || !got.Erases() {
		t.Errorf("it erases %v of %v", named, keys)
	}
}

// TestErasureRefuses takes proofs apart: any change is another version, to which the seal does not belong, or none.
func TestErasureRefuses(t *testing.T) {
	e, _ := erasure()
	b := e.Append(nil)
	for i := range b {
		flipped := bytes.Clone(b)
		flipped[i] ^= 1
		if got, err := history.DecodeErasure(flipped); err == nil && got.Seal().Verify(testSpace) == nil {
			t.Errorf("byte %d flipped is believed", i)
		} else if err != nil && !errors.Is(err, history.ErrErasure) {
			t.Errorf("byte %d: %v", i, err)
		}
		if _, err := history.DecodeErasure(b[:i]); !errors.Is(err, history.ErrErasure) {
			t.Errorf("%d bytes of it: %v", i, err)
		}
	}
	w := &writer{author: author(1)}
	none := history.Erasure{Version: w.write(nil, put("n/1", "1"))}
	if _, err := history.DecodeErasure(none.Append(nil)); !errors.Is(err, history.ErrErasure) {
		t.Errorf("a version that erases nothing: %v", err)
	}
	early := e
	early.Seq = 2
	if _, err := history.DecodeErasure(early.Append(nil)); !errors.Is(err, history.ErrErasure) {
		t.Errorf("fewer dots than ops: %v", err)
	}
	if _, err := history.DecodeErasure(append(b, make([]byte, 100_000)...)); !errors.Is(err, history.ErrErasure) {
		t.Errorf("more than any proof: %v", err)
	}
}

func FuzzDecodeErasure(f *testing.F) {
	e, _ := erasure(history.Ref{ID: history.ID{2}})
	f.Add(e.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := history.DecodeErasure(b)
		if err == nil && !bytes.Equal(e.Append(nil), b) {
			t.Errorf("%x is read and written as %x", b, e.Append(nil))
		}
	})
}
