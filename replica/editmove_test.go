package replica_test

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

// TestSpliceBehindEdits: what is done by somebody who was not told yet what others did is done where he meant it.
func TestSpliceBehindEdits(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]struct {
		others, his sequence.Splice // in "one 𝄞 three"
		want        string
		untold      []sequence.Edit
	}{
		"before it": {
			sequence.Splice{Pos: 4, Removed: 1, Text: "two"},
			sequence.Splice{Removed: 3, Text: "1"},
			"1 two three",
			[]sequence.Edit{{Pos: 2, Removed: 1, Text: "two"}},
		},
		"behind it": {
			sequence.Splice{Removed: 4},
			sequence.Splice{Pos: 11, Text: "!"},
			"𝄞 three!",
			[]sequence.Edit{{Removed: 4}},
		},
		"at one place": {
			sequence.Splice{Pos: 11, Text: "?"},
			sequence.Splice{Pos: 11, Text: "!"},
			"one 𝄞 three?!",
			[]sequence.Edit{{Pos: 11, Text: "?"}},
		},
		"around it": {
			sequence.Splice{Pos: 5, Text: "&"},
			sequence.Splice{Pos: 4, Removed: 7, Text: "more"},
			"one &more",
			[]sequence.Edit{{Pos: 4, Text: "&"}},
		},
		"in what is gone": {
			sequence.Splice{Removed: 11},
			sequence.Splice{Pos: 3, Removed: 1, Text: "!"},
			"!",
			[]sequence.Edit{{Removed: 3}, {Pos: 1, Removed: 7}},
		},
		"twice gone": {
			sequence.Splice{Pos: 3, Removed: 2}, sequence.Splice{Pos: 3, Removed: 2}, "one three", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			mine, other := p.a.Text(textKey), p.a.Text(textKey)
			p.types(other, "one 𝄞 three")
			next := p.edits(mine)
			p.told(next, sequence.Edit{Text: "one 𝄞 three"})
			p.ok(other.Splice(ctx, c.others.Pos, c.others.Removed, c.others.Text))
			p.ok(mine.Splice(ctx, c.his.Pos, c.his.Removed, c.his.Text))
			p.says(mine, c.want)
			if c.untold != nil {
				p.told(next, c.untold...)
			}
			p.commits(mine)
			p.sync()
			p.says(p.b.Text(textKey), c.want)
		})
	}
}

// edits is a loop over the edits of a text, step by step. A step that is never told of anything fails after a minute.
func (p *pair) edits(text *replica.Text) func() ([]sequence.Edit, error, bool) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	next, stop := iter.Pull2(text.Edits(ctx))
	p.t.Cleanup(func() { stop(); cancel() })
	return next
}

// told asserts what a loop over edits is told next.
func (p *pair) told(next func() ([]sequence.Edit, error, bool), want ...sequence.Edit) {
	p.t.Helper()
	got, err, _ := next()
	p.ok(err)
	if !slices.Equal(got, want) {
		p.t.Errorf("told %v, want %v", got, want)
	}
}

// TestSpliceThatCannotBeMoved is refused: positions in what nobody was told, or beyond it, or in a text that was deleted.
func TestSpliceThatCannotBeMoved(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	mine, other := p.a.Text(textKey), p.a.Text(textKey)
	p.types(other, "𝄞one")
	next := p.edits(mine)
	refuses := func(want, got error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	p.told(next, sequence.Edit{Text: "𝄞one"})
	p.ok(other.Insert(ctx, 0, "é𝄞"))
	refuses(sequence.ErrPosition, mine.Insert(ctx, 5, "x"))
	refuses(sequence.ErrPosition, mine.Delete(ctx, -1, 1))
	refuses(sequence.ErrText, mine.Insert(ctx, 0, "\xff"))
	refuses(sequence.ErrSurrogate, mine.SpliceUTF16(ctx, 1, 0, "x"))
	p.ok(mine.SpliceUTF16(ctx, 2, 1, "O"))
	p.says(mine, "é𝄞𝄞One")
	p.ok(other.Delete(ctx, 4, 1))
	p.ok(mine.SpliceUTF16(ctx, 3, 0, "o"))
	p.says(mine, "é𝄞𝄞Ooe")
	refuses(replica.ErrMoved, mine.SpliceUTF16(ctx, 5, 0, "x"))
	p.told(next, sequence.Edit{Text: "é𝄞"}, sequence.Edit{Pos: 5, Removed: 1})
	p.do(p.a.Delete(ctx, textKey))
	refuses(replica.ErrMoved, mine.Insert(ctx, 1, "x"))
	p.told(next, sequence.Edit{Removed: 6})
	p.ok(mine.Insert(ctx, 0, "anew"))
	p.says(other, "anew")
}

// TestEditsOfAnotherProcess: a loop over edits hears what another process wrote, place by place, while something is typed that is
// in no version yet.
func TestEditsOfAnotherProcess(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	path := filepath.Join(t.TempDir(), "shared.db")
	var texts [2]*replica.Text
	for i := range texts {
		st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
		p.ok(err)
		t.Cleanup(func() { check(st.Close()) })
		r, err := replica.Open(ctx, st, replica.Options{Typing: replica.Typing{Rest: -1}})
		p.ok(err)
		t.Cleanup(func() { check(r.Close()) })
		texts[i] = r.Text(textKey)
	}
	mine, theirs := texts[0], texts[1]
	p.types(theirs, "the fox jumps over the dog")
	p.commits(theirs)
	next := p.edits(mine)
	p.told(next, sequence.Edit{Text: "the fox jumps over the dog"})
	p.ok(mine.Insert(ctx, 4, "quick "))
	p.ok(mine.Delete(ctx, 19, 5))
	p.ok(theirs.Insert(ctx, 0, "See "))
	p.ok(theirs.Splice(ctx, 12, 5, "leap"))
	p.ok(theirs.Insert(ctx, 26, "lazy "))
	p.commits(theirs)
	p.told(next, sequence.Edit{Text: "See "}, sequence.Edit{Pos: 18, Removed: 5, Text: "leap"}, sequence.Edit{Pos: 27, Text: "lazy "})
	p.says(mine, "See the quick fox leap the lazy dog")
	p.commits(mine)
	p.says(theirs, "See the quick fox leap the lazy dog")
}

// TestEditsOfVersionsThatAreWrittenAgain: a loop hears nothing of these, and place by place what came with them.
func TestEditsOfVersionsThatAreWrittenAgain(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	mine, _, a, b := clocked(t)
	p.a, p.b = a, b
	text, theirs := a.Text(textKey), b.Text(textKey)
	p.types(text, "the fox jumps")
	p.commits(text)
	p.sync()
	mine.move(time.Hour)
	p.ok(text.Insert(ctx, 4, "quick "))
	p.commits(text)
	next := p.edits(text)
	p.told(next, sequence.Edit{Text: "the quick fox jumps"})
	p.ok(theirs.Insert(ctx, 0, "See "))
	p.ok(theirs.Insert(ctx, 17, " over"))
	p.commits(theirs)
	p.sync()
	p.told(next, sequence.Edit{Text: "See "}, sequence.Edit{Pos: 23, Text: " over"})
	p.says(text, "See the quick fox jumps over")
}
