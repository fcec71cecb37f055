package replica_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestUpdateOfTexts: an Update edits texts beside other keys as one version, sees what it did, and merges as other edits do.
func TestUpdateOfTexts(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	a, b := p.a.Text(textKey), p.b.Text(textKey)
	p.types(a, "the fox")
	p.commits(a)
	p.sync()
	p.ok(b.Insert(ctx, 0, "See "))
	p.commits(b)
	p.types(a, "!") // committed before the Update, by itself
	v, err := p.a.Update(ctx, func(tx *replica.Tx) error {
		text, fresh := tx.Text(textKey), tx.Text("notes/fresh")
		p.ok(text.Splice(4, 3, "cat"))
		p.ok(text.Insert(4, "quick "))
		p.ok(text.Insert(0, ""))
		p.ok(fresh.Insert(0, "né"))
		p.ok(fresh.Insert(2, "w"))
		p.ok(fresh.Delete(0, 1))
		var got string
		if _, err := tx.Get(textKey, &got); err != nil || got != "the quick cat!" {
			t.Errorf("inside, Get says %q, %v", got, err)
		}
		if n, err := fresh.Len(); err != nil || n != 2 {
			t.Errorf("inside, the length is %d, %v", n, err)
		}
		return tx.Set("notes/count", 2)
	})
	p.do(v, err)
	p.says(a, "the quick cat!")
	p.says(p.a.Text("notes/fresh"), "éw")
	p.shows(p.a, "notes/fresh", `"éw"`)
	var ops []string
	for e, err := range p.a.Log(ctx, "", replica.LogQuery{Limit: 2}) {
		p.ok(err)
		for _, op := range e.Ops {
			ops = append(ops, op.Op+" "+op.Key)
		}
	}
	want := []string{
		"text-splice " + textKey, "text-splice " + textKey, "text-splice notes/fresh", "text-splice notes/fresh",
		"text-splice notes/fresh", "put notes/count", "text-splice " + textKey,
	}
	if !slices.Equal(ops, want) {
		t.Errorf("the last two versions are %q, want %q", ops, want)
	}
	p.sync()
	p.says(b, "See the quick cat!")
	p.says(a, "See the quick cat!")
	undo, err := p.a.Undo(ctx)
	p.do(undo.Version, err)
	p.says(a, "See the fox!")
	p.shows(p.a, "notes/fresh", "")
}

// TestUpdateOfTextRefuses: what cannot be is refused as outside, and the transaction may go on.
func TestUpdateOfTextRefuses(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	p.do(p.a.Set(ctx, "notes/register", 1))
	p.types(p.a.Text(textKey), "abc")
	var kept *replica.TxText
	_, err := p.a.Update(ctx, func(tx *replica.Tx) error {
		text := tx.Text(textKey)
		for name, c := range map[string]struct{ got, want error }{
			"beyond the end":       {text.Insert(4, "x"), sequence.ErrPosition},
			"a delete beyond it":   {text.Delete(1, 3), sequence.ErrPosition},
			"a negative position":  {text.Insert(-1, "x"), sequence.ErrPosition},
			"half a character":     {text.Insert(0, "\xe2\x82"), sequence.ErrText},
			"a register":           {tx.Text("notes/register").Insert(0, "x"), replica.ErrWrongKind},
			"a register, read":     {errOf(tx.Text("notes/register").String()), replica.ErrWrongKind},
			"kdelta's own":         {tx.Text(".tag/x").Insert(0, "x"), replica.ErrReserved},
			"Set on what is typed": {tx.Set(textKey, 1), replica.ErrWrongKind},
			"from outside":         {p.a.Text(textKey).Insert(ctx, 0, "x"), replica.ErrNested},
		} {
			if !errors.Is(c.got, c.want) {
				t.Errorf("%s: %v, want %v", name, c.got, c.want)
			}
		}
		kept = text
		return text.Insert(3, "d")
	})
	p.ok(err)
	p.shows(p.a, textKey, `"abcd"`)
	if _, err := kept.String(); err == nil {
		t.Error("a text of an Update that is over can be read")
	}
	failed := errors.New("failed")
	_, err = p.a.Update(ctx, func(tx *replica.Tx) error {
		p.ok(tx.Text(textKey).Delete(0, 4))
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("an Update that fails: %v", err)
	}
	_, err = p.a.Update(ctx, func(tx *replica.Tx) error { return tx.Text(textKey).Insert(0, strings.Repeat("x", 2<<20)) })
	if !errors.Is(err, replica.ErrTooLarge) {
		t.Errorf("two mebibytes: %v", err)
	}
	p.shows(p.a, textKey, `"abcd"`)
}

// TestUpdatesOfTextAgree: whatever a transaction does to a text, deletes among it, Get inside and out, a Text that is open, a loop over
// its edits and another replica say the same.
func TestUpdatesOfTextAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx := rt.Context()
		r, err := replica.Open(ctx, memory.New(), replica.Options{Typing: replica.Typing{Rest: -1}})
		check(err)
		defer func() { check(r.Close()) }()
		text := r.Text(textKey)
		var want []rune
		for range rapid.IntRange(1, 4).Draw(rt, "updates") {
			if n := rapid.IntRange(0, 2).Draw(rt, "typed"); n > 0 {
				check(text.Insert(ctx, len(want), strings.Repeat("t", n)))
				want = append(want, []rune(strings.Repeat("t", n))...)
			}
			must(r.Update(ctx, func(tx *replica.Tx) error {
				for range rapid.IntRange(0, 4).Draw(rt, "ops") {
					if len(want) > 0 && rapid.IntRange(0, 5).Draw(rt, "delete") == 0 {
						check(tx.Delete(textKey))
						want = nil
						continue
					}
					pos := rapid.IntRange(0, len(want)).Draw(rt, "pos")
					removed := rapid.IntRange(0, len(want)-pos).Draw(rt, "removed")
					inserted := rapid.SampledFrom([]string{"a", "é", "ab🙂"}).Draw(rt, "inserted")
					check(tx.Text(textKey).Splice(pos, removed, inserted))
					want = slices.Replace(want, pos, pos+removed, []rune(inserted)...)
				}
				if got, err := tx.Text(textKey).String(); err != nil || got != string(want) {
					rt.Fatalf("inside it is %q, %v; want %q", got, err, string(want))
				}
				return nil
			}))
			if got, err := text.String(ctx); err != nil || got != string(want) {
				rt.Fatalf("outside it is %q, %v; want %q", got, err, string(want))
			}
		}
		invite, err := r.Invite(ctx, replica.InviteOptions{})
		check(err)
		other, err := replica.Join(ctx, memory.New(), invite, replica.Options{})
		check(err)
		defer func() { check(other.Close()) }()
		_, _, err = replica.SyncPair(ctx, r, other)
		check(err)
		if got, err := other.Text(textKey).String(ctx); err != nil || got != string(want) {
			rt.Fatalf("elsewhere it is %q, %v; want %q", got, err, string(want))
		}
		if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) > 0 {
			rt.Fatalf("verify: %v, %v", rep.Damage, err)
		}
	})
}
