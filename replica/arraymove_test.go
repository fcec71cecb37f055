package replica_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
)

// screen is a list as a loop over its edits shows it to somebody.
type screen struct {
	p     *pair
	next  func() ([]sequence.ListEdit, error, bool)
	items []string
}

// screen shows a list. A look that is never told of anything fails after a minute.
func (p *pair) screen(list *replica.Array) *screen {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	next, stop := iter.Pull2(list.Edits(ctx))
	p.t.Cleanup(func() { stop(); cancel() })
	s := &screen{p: p, next: next}
	s.look()
	return s
}

// look takes in what the loop tells next.
func (s *screen) look() {
	s.p.t.Helper()
	edits, err, _ := s.next()
	s.p.ok(err)
	for _, e := range edits {
		s.items = replayItems(s.items, e)
	}
}

// shows asserts what the screen shows once the loop has told what is left to tell, which is something.
func (s *screen) shows(list *replica.Array) {
	s.p.t.Helper()
	s.look()
	var items []json.RawMessage
	s.p.ok(list.Items(s.p.t.Context(), &items))
	var want []string
	for _, item := range items {
		want = append(want, string(item))
	}
	if !slices.Equal(s.items, want) {
		s.p.t.Errorf("the screen shows %s, the list is %s", s.items, want)
	}
}

// TestArrayBehindEdits: what is done to a list by somebody who was not told yet what others did is done to the items that he meant.
func TestArrayBehindEdits(t *testing.T) {
	for name, c := range map[string]struct {
		others, his func(context.Context, *replica.Array) error // to [0,1,2,3,4]
		seen        sequence.ListEdit                           // what he did, as he saw it
		want        string
	}{
		"an insert behind a delete": {
			func(ctx context.Context, a *replica.Array) error { return a.Delete(ctx, 0, 2) },
			func(ctx context.Context, a *replica.Array) error { return a.Insert(ctx, 4, "his") },
			sequence.ListEdit{Pos: 4, Elements: [][]byte{[]byte(`"his"`)}},
			`["last",2,3,"his",4]`,
		},
		"a delete around an insert": {
			func(ctx context.Context, a *replica.Array) error { return a.Insert(ctx, 2, "theirs") },
			func(ctx context.Context, a *replica.Array) error { return a.Splice(ctx, 1, 3, "his") },
			sequence.ListEdit{Pos: 1, Removed: 3, Elements: [][]byte{[]byte(`"his"`)}},
			`["last",0,"his","theirs",4]`,
		},
		"a delete of what was moved": {
			func(ctx context.Context, a *replica.Array) error { return a.Move(ctx, 0, 4) },
			func(ctx context.Context, a *replica.Array) error { return a.Delete(ctx, 0, 1) },
			sequence.ListEdit{Removed: 1},
			`["last",1,2,3,4]`,
		},
		"a move beside an insert": {
			func(ctx context.Context, a *replica.Array) error { return a.Insert(ctx, 0, "theirs") },
			func(ctx context.Context, a *replica.Array) error { return a.Move(ctx, 4, 1) },
			sequence.ListEdit{Kind: sequence.ListMove, Pos: 4, To: 1},
			`["last","theirs",0,4,1,2,3]`,
		},
		"a value of what was moved": {
			func(ctx context.Context, a *replica.Array) error { return a.Move(ctx, 1, 3) },
			func(ctx context.Context, a *replica.Array) error { return a.Replace(ctx, 1, "his") },
			sequence.ListEdit{Kind: sequence.ListReplace, Pos: 1, Elements: [][]byte{[]byte(`"his"`)}},
			`["last",0,2,3,"his",4]`,
		},
		"a value of what is gone": {
			func(ctx context.Context, a *replica.Array) error { return a.Delete(ctx, 1, 1) },
			func(ctx context.Context, a *replica.Array) error { return a.Replace(ctx, 1, "his") },
			sequence.ListEdit{Kind: sequence.ListReplace, Pos: 1, Elements: [][]byte{[]byte(`"his"`)}},
			`["last",0,2,3,4]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			p := newPair(t)
			mine, other := p.a.Array(arrayKey), p.a.Array(arrayKey)
			p.ok(other.Insert(ctx, 0, 0, 1, 2, 3, 4))
			screen := p.screen(mine)
			p.ok(c.others(ctx, other))
			p.ok(c.his(ctx, mine))
			screen.items = replayItems(screen.items, c.seen)
			p.ok(other.Insert(ctx, 0, "last")) // there is something to tell in any case
			screen.shows(mine)
			p.lists(p.a, c.want)
			p.sync()
			p.lists(p.b, c.want)
		})
	}
}

// TestArrayEditThatCannotBeMoved is refused: positions beyond what the loop told, or in a list that was deleted, or of which so much
// was not told that it is told anew.
func TestArrayEditThatCannotBeMoved(t *testing.T) {
	ctx := t.Context()
	p := newPair(t)
	mine, other := p.a.Array(arrayKey), p.a.Array(arrayKey)
	p.ok(other.Insert(ctx, 0, "a", "b"))
	screen := p.screen(mine)
	refuses := func(want, got error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	p.ok(other.Insert(ctx, 0, "c"))
	refuses(sequence.ErrPosition, mine.Insert(ctx, 3, "x"))
	refuses(sequence.ErrPosition, mine.Delete(ctx, 1, 2))
	refuses(sequence.ErrPosition, mine.Move(ctx, 0, 2))
	refuses(sequence.ErrPosition, mine.Replace(ctx, 2, "x"))
	for i := range 1200 {
		p.ok(other.Replace(ctx, 0, strconv.Itoa(i)))
	}
	refuses(replica.ErrMoved, mine.Insert(ctx, 0, "x"))
	screen.shows(mine)
	p.ok(mine.Insert(ctx, 3, "x"))
	p.lists(p.a, `["1199","a","b","x"]`)
	p.do(p.a.Delete(ctx, arrayKey))
	refuses(replica.ErrMoved, mine.Insert(ctx, 0, "x"))
	screen.items = append(screen.items, `"x"`)
	screen.shows(mine)
	p.ok(mine.Insert(ctx, 0, "anew"))
	p.lists(p.a, `["anew"]`)
}
