package replica_test

import (
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
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
			next, stop := iter.Pull2(mine.Edits(ctx))
			defer stop()
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
	next, stop := iter.Pull2(mine.Edits(ctx))
	defer stop()
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
