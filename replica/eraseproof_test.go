package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// handed is what a replica that wrote alone can hand out: its versions, each with the seal over it, its certificate and the proofs
// of its erasures.
type handed struct {
	t        *testing.T
	versions []history.Version
	seals    []identity.Seal
	cert     identity.Certificate
	erasures []history.Erasure
}

func handOutOf(t *testing.T, r *Replica) *handed {
	t.Helper()
	h := &handed{t: t}
	err := r.view(t.Context(), func(s *snap) error {
		keys, err := s.ownKeys()
		if err != nil {
			return err
		}
		for row, err := range s.rows(1, false) {
			if err != nil {
				return err
			}
			for i := range row {
				h.versions = append(h.versions, row[i].Clone())
				h.seals = append(h.seals, keys[0].Seal(s.space, row[i].Seq, row[i].ID))
			}
		}
		for p, err := range s.proofs() {
			if err != nil {
				return err
			}
			h.erasures = append(h.erasures, p.Erasure)
		}
		h.cert, err = identity.DecodeCertificate(s.lines[0].Certificate)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pack is the versions from one to before another, with the seal over the last of them.
func (h *handed) pack(from, to int, erasures ...history.Erasure) []byte {
	h.t.Helper()
	o := pack.Options{Erasures: erasures, Certificates: []identity.Certificate{h.cert}}
	if to > from {
		o.Seals = h.seals[to-1 : to]
	}
	b, err := pack.Encode(nil, h.versions[from:to], o)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// take gives a pack to a replica.
func take(t *testing.T, r *Replica, b []byte) protocol.Applied {
	t.Helper()
	applied, err := (&local{ctx: t.Context(), r: r}).Apply(b)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func toldState(t *testing.T, r *Replica) protocol.Digest {
	t.Helper()
	h, err := (&local{ctx: t.Context(), r: r}).Held()
	if err != nil {
		t.Fatal(err)
	}
	return h.State
}

// erasedAlone is a replica that wrote p/1 twice and erased that, beside p/2: the versions 0 to 3, the settings first, and 4
// that erases. What is handed out of it is as it was before the erase, or after.
func erasedAlone(t *testing.T) (w *eraseWorld, before, after *handed) {
	w = newEraseWorld(t, "a", "b")
	a := w.replicas["a"]
	w.do(a.Set(t.Context(), "p/1", secret(1)))
	w.do(a.Set(t.Context(), "p/1", secret(2)))
	w.do(a.Set(t.Context(), "p/2", secret(3)))
	before = handOutOf(t, a)
	w.erase("a", "p/1")
	return w, before, handOutOf(t, a)
}

// TestErasureBeforeItsVersion: versions whose contents are gone are taken on the proof alone, when the version that erased them has not
// come. Until it comes no state is told, since who holds the same versions may show something else.
func TestErasureBeforeItsVersion(t *testing.T) {
	w, before, after := erasedAlone(t)
	b, c := w.replicas["b"], w.join("c", "a", testOptions(3))
	if applied := take(t, b, after.pack(0, 4)); len(applied.Refused) != 3 || applied.Pending != 1 {
		t.Fatalf("without a proof: %+v", applied)
	}
	if applied := take(t, b, after.pack(0, 4, after.erasures...)); applied.Versions != 4 || len(applied.Refused) > 0 {
		t.Fatalf("with the proof: %+v", applied)
	}
	take(t, c, before.pack(0, 4))
	w.shows("b", "p/1", "")
	w.shows("c", "p/1", `"`+secret(2)+`"`)
	for _, r := range []*Replica{b, c} {
		mustVerify(t, r)
		w.shows("b", "p/2", `"`+secret(3)+`"`)
	}
	if toldState(t, b) != (protocol.Digest{}) || toldState(t, c) == (protocol.Digest{}) {
		t.Error("b tells its state, or c does not")
	}
	rb, rc, err := SyncPair(t.Context(), b, c)
	if err != nil || !rb.Equal || rb.Diverged || rc.Diverged {
		t.Fatalf("%+v, %v", rb, err)
	}
	w.sync("b", "a")
	w.sync("b", "c")
	if toldState(t, b) != toldState(t, c) || toldState(t, c) == (protocol.Digest{}) {
		t.Error("once the version is there b and c tell other states, or none")
	}
	w.shows("c", "p/1", "")
}

// TestWatchOfErasureBeforeItsVersion: a watch tells what an erasure takes away when it becomes known, whether it runs then or goes on
// later from where it was, and when its version comes.
func TestWatchOfErasureBeforeItsVersion(t *testing.T) {
	w, before, after := erasedAlone(t)
	b := w.replicas["b"]
	take(t, b, before.pack(0, 4))
	written := heard(t, b, 3, "p/", Since(Beginning))
	running, err := b.watchFrom(t.Context(), "p/", watchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	take(t, b, after.pack(0, 0, after.erasures...))
	told, _, err := running.read(t.Context())
	if err != nil || len(told) != 1 {
		t.Fatalf("a running watch tells %+v, %v; want one event", told, err)
	}
	erase := after.versions[4].Stamp()
	for _, e := range []Event{told[0], heard(t, b, 1, "p/", Since(written[2].Cursor))[0]} {
		if e.Version.Stamp != erase || len(e.Changes) != 1 || e.Changes[0].Key != "p/1" || e.Changes[0].Value != nil {
			t.Errorf("when the erasure became known a watch told %+v, want p/1 without a value, by %s", e, erase.Name())
		}
	}
	if more, _, err := running.read(t.Context()); err != nil || len(more) > 0 {
		t.Errorf("nothing has happened since, and a watch tells %+v, %v", more, err)
	}
	take(t, b, after.pack(4, 5))
	if e := heard(t, b, 1, "p/", Since(told[0].Cursor))[0]; e.Version.Stamp != erase || len(e.Changes) != 1 || e.Changes[0].Key != "p/1" {
		t.Errorf("when the version came a watch told %+v", e)
	}
}

// TestErasureMustBeProved: nobody's word takes a value away.
func TestErasureMustBeProved(t *testing.T) {
	_, _, after := erasedAlone(t)
	e := after.erasures[0]
	stranger := identity.AuthorKeyFromSeed([32]byte{'s'})
	unsealed, foreign := e, e
	unsealed.Sig[0] ^= 1
	foreign.Author = stranger.Author()
	foreign.Sig = stranger.Seal(identity.Space{}, e.Seq, e.ID).Sig
	other := newEraseWorld(t, "x")
	other.do(other.replicas["x"].Set(t.Context(), "p/1", 1))
	other.erase("x", "p/1")
	for name, erasures := range map[string][]history.Erasure{
		"without a seal": {unsealed}, "of a stranger": {foreign}, "of another space": handOutOf(t, other.replicas["x"]).erasures,
	} {
		w := newEraseWorld(t, "a")
		invited, err := w.replicas["a"].Invite(t.Context(), InviteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Join(t.Context(), memory.New(), invited, testOptions(5))
		if err != nil {
			t.Fatal(err)
		}
		w.do(w.replicas["a"].Set(t.Context(), "p/1", secret(1)))
		gone := handOutOf(t, w.replicas["a"])
		gone.versions[1].Contents = nil
		if applied := take(t, r, gone.pack(0, 2, erasures...)); applied.Pending != 1 || len(applied.Refused) != 1 {
			t.Errorf("%s: %+v", name, applied)
		}
	}
}

// TestErasureWaitsForItsSeal: a version that erases and came under the seal of a later one proves nothing to others, so it
// waits, with what follows it, until its own seal comes.
func TestErasureWaitsForItsSeal(t *testing.T) {
	w, before, _ := erasedAlone(t)
	b := w.replicas["b"]
	w.do(w.replicas["a"].Set(t.Context(), "p/3", 1))
	after := handOutOf(t, w.replicas["a"])
	take(t, b, before.pack(0, 4))
	if applied := take(t, b, after.pack(4, 6)); applied.Pending != 2 || applied.Versions != 0 {
		t.Fatalf("%+v", applied)
	}
	w.shows("b", "p/1", `"`+secret(2)+`"`)
	if applied := take(t, b, after.pack(0, 0, after.erasures...)); applied.Pending != 0 {
		t.Fatalf("%+v", applied)
	}
	w.shows("b", "p/3", "1")
	w.shows("b", "p/1", "")
	w.same("a", "b")
}

// TestErasedWhileItWaits: what waits for its parents is destroyed as well.
func TestErasedWhileItWaits(t *testing.T) {
	w, before, after := erasedAlone(t)
	b := w.replicas["b"]
	if applied := take(t, b, before.pack(2, 4)); applied.Pending != 2 || !w.holds("b", secret(2)) {
		t.Fatalf("%+v", applied)
	}
	take(t, b, after.pack(0, 0, after.erasures...))
	w.scrubbed("b")
	if w.holds("b", secret(2)) || !w.holds("b", secret(3)) {
		t.Error("what waits holds what was erased, or not what was not")
	}
	mustVerify(t, b)
	if applied := take(t, b, before.pack(0, 2)); applied.Versions != 4 {
		t.Fatalf("%+v", applied)
	}
	w.shows("b", "p/1", "")
	w.scrubbed("b")
	if w.holds("b", secret(1)) || w.holds("b", secret(2)) {
		t.Error("what came after its erasure stays")
	}
	w.sync("a", "b")
}

// TestManyProofs: one version whose values were erased one by one rests on more proofs than go with it.
func TestManyProofs(t *testing.T) {
	ctx := t.Context()
	a, err := Open(ctx, memory.New(), testOptions(1))
	ok := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(nil, err)
	ok(a.SetSettings(ctx, "p", Settings{Strategy: "lww", Erasable: true}))
	const n = 160
	key := func(i int) string { return fmt.Sprint("p/", strings.Repeat("k", 900), i) }
	ok(a.Update(ctx, func(tx *Tx) error {
		for i := range n + 1 {
			if err := tx.Set(key(i), secret(i)); err != nil {
				return err
			}
		}
		return nil
	}))
	for range 3 { // so that the erases go in another pack
		ok(a.Set(ctx, "other/1", strings.Repeat("x", packedBytes/2)))
	}
	for i := range n {
		ok(a.Erase(ctx, key(i)))
	}
	feed, err := (&local{ctx: ctx, r: a}).Missing(nil)
	ok(nil, err)
	if first, err := feed.Next(); err != nil || first.Versions > 0 || len(first.Bytes) < maxProofsBeside {
		t.Errorf("the first pack has %d versions in %d bytes, %v", first.Versions, len(first.Bytes), err)
	}
	invite, err := a.Invite(ctx, InviteOptions{})
	ok(nil, err)
	b, err := Join(ctx, memory.New(), invite, testOptions(2))
	ok(nil, err)
	ra, rb, err := SyncPair(ctx, a, b)
	if err != nil || !ra.Equal || ra.Diverged || len(rb.Refused) > 0 {
		t.Fatalf("%+v, %+v, %v", ra, rb, err)
	}
	mustVerify(t, b)
	var got string
	if _, err := b.Get(ctx, key(n), &got); err != nil || got != secret(n) {
		t.Errorf("%q, %v", got, err)
	}
	restored, _, err := Restore(ctx, memory.New(), bytes.NewReader(backedUp(t, a, BackupOptions{})), testOptions(8), nil)
	ok(nil, err)
	mustVerify(t, restored)
}

// TestEraseBesideReaders: another opening of the file that has rows in its cache sees them gone; one that reads an old state of it keeps
// that in the file until it is done, which is told, and made good by whoever has the file open next.
func TestEraseBesideReaders(t *testing.T) {
	w := newEraseWorld(t, "a")
	ctx := t.Context()
	a := w.replicas["a"]
	v := w.do(a.Set(ctx, "p/1", secret(1)))
	w.do(a.Set(ctx, "p/1", secret(2)))
	st, err := sqlite.Open(w.stores["a"].Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	other, err := Open(ctx, st, testOptions(9))
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		var got json.RawMessage
		_, err := other.At(v).Get(ctx, "p/1", &got)
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	err = st.View(ctx, func(store.Tx) error {
		done, err := a.Erase(ctx, "p/1")
		if err != nil || !done.Owed || len(done.Versions) != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := read(); !errors.Is(err, ErrNotFound) {
		t.Errorf("another opening still shows the past: %v", err)
	}
	if !w.holds("a", secret(2)) {
		t.Error("nothing is left of it: nothing is owed")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := Open(ctx, st, testOptions(9))
	if err == nil {
		err = next.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if w.holds("a", secret(1)) || w.holds("a", secret(2)) {
		t.Error("what was owed was not made good")
	}
	mustVerify(t, a)
}

// TestEraseWhatCannotBe: values that are part of their versions stay, and that is said.
func TestEraseWhatCannotBe(t *testing.T) {
	w := newEraseWorld(t, "a")
	ctx := t.Context()
	a := w.replicas["a"]
	w.do(a.Set(ctx, "late/1", 1))
	if done, err := a.Erase(ctx, "late/1"); !errors.Is(err, ErrNotErasable) || done.Inline != 1 || len(done.Versions) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	w.do(a.SetSettings(ctx, "late", Settings{Strategy: "lww", Erasable: true}))
	v := w.do(a.Set(ctx, "late/1", secret(2)))
	done, err := a.Erase(ctx, "late/1")
	if !errors.Is(err, ErrNotErasable) || done.Inline != 1 || done.Values != 1 || len(done.Versions) != 1 || w.holds("a", secret(2)) {
		t.Errorf("%+v, %v", done, err)
	}
	w.shows("a", "late/1", "")
	for key, want := range map[string]error{"p/never": ErrNotFound, ".tag/x": ErrReserved} {
		if _, err := a.Erase(ctx, key); !errors.Is(err, want) {
			t.Errorf("%s: %v", key, err)
		}
	}
	w.do(a.Set(ctx, "p/1", 1))
	if _, err := a.Erase(ctx, "p/1", OfVersion(v)); !errors.Is(err, ErrPoint) {
		t.Errorf("by a version that did not write it: %v", err)
	}
	w.erase("a", "p/1")
	if _, err := a.Erase(ctx, "p/1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
}

// TestEraseOneVersion: the rest of the key stays.
func TestEraseOneVersion(t *testing.T) {
	w := newEraseWorld(t, "a", "b")
	ctx := t.Context()
	a := w.replicas["a"]
	w.do(a.Add(ctx, "p/n", 5))
	wrong := w.do(a.Add(ctx, "p/n", 7))
	w.do(a.Add(ctx, "p/n", 1))
	w.sync("a", "b")
	if done := w.erase("b", "p/n", OfVersion(wrong)); done.Values != 1 {
		t.Errorf("%+v", done)
	}
	w.sync("a", "b")
	w.shows("a", "p/n", "6")
	w.erase("a", "p/n")
	w.sync("a", "b")
	w.shows("b", "p/n", "")
}

// TestEraseOfALongLog takes more than one version.
func TestEraseOfALongLog(t *testing.T) {
	ctx := context.Background()
	st := memory.New()
	a, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetSettings(ctx, "p", Settings{Strategy: "lww", Erasable: true}); err != nil {
		t.Fatal(err)
	}
	const n = 1500
	for range n {
		if _, err := a.Add(ctx, "p/n", 1); err != nil {
			t.Fatal(err)
		}
	}
	done, err := a.Erase(ctx, "p/n")
	if err != nil || done.Values != n || len(done.Versions) < 2 {
		t.Fatalf("%+v, %v", done, err)
	}
	mustVerify(t, a)
}

// TestErasures: the ledger says who has confirmed what was erased, and whether it is gone from the files here.
func TestErasures(t *testing.T) {
	w := newEraseWorld(t, "a", "b")
	ctx := t.Context()
	a, b := w.replicas["a"], w.replicas["b"]
	laptop := []identity.Author{w.do(a.SetName(ctx, "laptop", "")).Author}
	phone := []identity.Author{w.do(b.SetName(ctx, "phone", "")).Author}
	c := w.join("c", "a", testOptions(3))
	tablet := []identity.Author{w.do(c.SetName(ctx, "tablet", "")).Author}
	w.do(a.Set(ctx, "p/1", secret(1)))
	w.do(a.Set(ctx, "p/1", secret(2)))
	w.sync("a", "b")
	w.sync("a", "c")
	v := w.erase("a", "p/1").Versions[0]
	list := func(r *Replica) Erasure {
		t.Helper()
		var all []Erasure
		for e, err := range r.Erasures(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		if len(all) != 1 || all[0].Version.ID != v.ID || !slices.Equal(all[0].Keys, []string{"p/1"}) || all[0].Values != 2 {
			t.Fatalf("%+v", all)
		}
		return all[0]
	}
	if e := list(a); !e.Applied || !e.Scrubbed || len(e.Confirmed) > 0 || len(e.Unconfirmed) != 2 {
		t.Errorf("before anybody has heard of it: %+v", e)
	}
	w.sync("a", "b")
	if e := list(a); !slices.Equal(e.Confirmed, phone) || !slices.Equal(e.Unconfirmed, tablet) {
		t.Errorf("once one has: %+v", e)
	}
	if e := list(b); e.Scrubbed || !e.Applied || !slices.Equal(e.Confirmed, laptop) {
		t.Errorf("at the other side: %+v", e)
	}
	w.scrubbed("b")
	if e := list(b); !e.Scrubbed {
		t.Errorf("scrubbed: %+v", e)
	}
	take(t, c, handOutOf(t, a).pack(0, 0, handOutOf(t, a).erasures...))
	if e := list(c); e.Applied || len(e.Confirmed) > 0 {
		t.Errorf("by its proof alone: %+v", e)
	}
}

// TestEraseText: what was typed is gone from the text, from what is kept of it and from an open handle; what was typed since stays.
func TestEraseText(t *testing.T) {
	w := newEraseWorld(t, "a", "b")
	ctx := t.Context()
	a := w.replicas["a"]
	text := a.Text("p/letter")
	typed := func(pos int, s string) Version {
		t.Helper()
		if err := text.Insert(ctx, pos, s); err != nil {
			t.Fatal(err)
		}
		return w.do(text.Commit(ctx))
	}
	typed(0, "Dear reader, ")
	wrong := typed(13, secret(1))
	typed(13+len(secret(1)), " goodbye")
	w.sync("a", "b")
	w.erase("a", "p/letter", OfVersion(wrong))
	w.sync("a", "b")
	w.scrubbed("b")
	want := "Dear reader, " + strings.Repeat("\uFFFD", len(secret(1))) + " goodbye"
	for _, name := range []string{"a", "b"} {
		if got, err := w.replicas[name].Text("p/letter").String(ctx); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if w.holds(name, secret(1)) {
			t.Errorf("%s still holds it", name)
		}
	}
	if got, err := text.String(ctx); err != nil || got != want {
		t.Errorf("the open handle: %q, %v", got, err)
	}
	w.erase("b", "p/letter")
	w.sync("a", "b")
	w.shows("a", "p/letter", "")
}
