package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// ConflictQuery says which conflicts are wanted: one is given, or none.
type ConflictQuery struct {
	// All also yields what was resolved, and what was overwritten long ago. Without it, open conflicts and those that
	// were overwritten within the last 30 days are listed.
	All bool
}

// overwrittenShown is how long a conflict that a later write covered stays in the ordinary listing.
const overwrittenShown = 30 * 24 * time.Hour

// Conflicts yields the concurrent writes on keys that start with prefix which are not shown, by key.
func (r *Replica) Conflicts(ctx context.Context, prefix string, query ...ConflictQuery) iter.Seq2[Conflict, error] {
	return func(yield func(Conflict, error) bool) {
		err := r.view(ctx, func(s *snap) error {
			q, err := only(query)
			if err != nil {
				return err
			}
			l := conflictList{s: s, yield: yield, rows: conflictReader{s: s}}
			size := firstTogether
			rows := store.Range{From: []byte(prefix), To: store.PrefixEnd([]byte(prefix))}
			for row, err := range s.tx.Scan(store.Conflicts, rows) {
				if err != nil {
					return err
				}
				key, id, _ := strings.Cut(string(row.Key), "\x00")
				conflict, err := store.DecodeConflict(bytes.Clone(row.Value))
				if err != nil {
					return err
				}
				if !q.wants(key, prefix, &conflict, r.wall.Now()) {
					continue
				}
				if err := l.add(key, id, &conflict); err != nil {
					return err
				}
				if len(l.conflicts) < size && l.bytes < maxTogetherKept {
					continue
				}
				if err := l.flush(ctx); err != nil {
					return err
				}
				size = maxTogether
			}
			return l.flush(ctx)
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Conflict{}, err)
		}
	}
}

func (q ConflictQuery) wants(key, prefix string, c *store.Conflict, now int64) bool {
	if strings.HasPrefix(key, ".") && !strings.HasPrefix(prefix, ".") {
		return false
	}
	switch status := ConflictStatus(c.Status); {
	case q.All, status == ConflictOpen:
		return true
	case status == ConflictResolved:
		return false
	}
	return now-clock.Time(c.Time).Millis() < overwrittenShown.Milliseconds()
}

// errStop ends a transaction whose consumer wants no more.
var errStop = errors.New("replica: enough")

// conflictList lists conflicts with the values before their sides parted, a group after the other.
type conflictList struct {
	s         *snap
	yield     func(Conflict, error) bool
	rows      conflictReader
	conflicts []Conflict
	// meets are where the sides of the conflicts parted, endings what those who closed them saw where their rows do not tell it.
	meets   []point
	endings []ending
	// looks lead to what the keys were there: two for each conflict, one after the other.
	looks []pastLook
	bytes int
}

// ending is what the version that closed a conflict saw of it. It is zero where the conflict is open, and where its row tells that.
type ending struct {
	// id is that of the conflict; sides are all of them, but of very many.
	id    string
	sides []clock.Stamp
	// before is all that the version covers, strategy the one in force there.
	before   point
	strategy crdt.Strategy
}

// add takes the next row, whose memory it keeps. id is what its key has behind the key that is in conflict.
func (l *conflictList) add(key, id string, row *store.Conflict) error {
	c, sides, err := l.rows.read(key, row)
	if err != nil {
		return err
	}
	meet, err := l.s.meet(sides)
	if err != nil {
		return err
	}
	look := pastLook{state: &crdt.State{}}
	if len(sides) > 0 {
		if look, err = l.s.lookAt(key, meet); err != nil {
			return err
		}
	}
	var end ending
	seen := pastLook{state: &crdt.State{}}
	if c.Status != ConflictOpen {
		if end, err = l.s.endingOf(&c); err != nil {
			return err
		}
	}
	if end.strategy != nil {
		end.id, end.sides = id[:min(len(id), len(crdt.Identity{}))], sides
		if seen, err = l.s.lookAt(key, end.before); err != nil {
			return err
		}
	}
	l.conflicts, l.meets, l.endings = append(l.conflicts, c), append(l.meets, meet), append(l.endings, end)
	l.looks = append(l.looks, look, seen)
	l.bytes += 1024 + 2*len(row.Entry) // the look, and the parts of the entry
	return nil
}

// flush yields the conflicts that were gathered; errStop where no more is wanted.
func (l *conflictList) flush(ctx context.Context) error {
	for i := range l.conflicts {
		c := &l.conflicts[i]
		state, err := l.s.endFirst(ctx, l.looks[2*i:], maxTogetherKept)
		if err != nil {
			return err
		}
		base, err := l.s.viewThen(c.Key, state, l.meets[i], nil)
		if err != nil {
			return err
		}
		if err := l.s.showSequenceIn(c.Key, &base, l.meets[i]); err != nil {
			return err
		}
		segments, err := crdt.ParsePointer(c.Path)
		if err != nil {
			return err
		}
		if base.Value != nil {
			if at, ok := base.Value.Lookup(segments...); ok {
				c.Base = at.AppendJSON(nil)
			}
		}
		if err := l.tellEnding(ctx, i); err != nil {
			return err
		}
		if !l.yield(*c, nil) {
			return errStop
		}
	}
	*l = conflictList{s: l.s, yield: l.yield, rows: l.rows}
	return nil
}

// endingOf is the ending of a closed conflict whose row tells of another strategy than the one that was in force when it was closed.
func (s *snap) endingOf(c *Conflict) (end ending, err error) {
	if end.before, err = s.before(c.ClosedBy.Stamp); err != nil {
		return ending{}, err
	}
	if end.strategy, err = s.strategyAt(namespaceOf(c.Key), end.before); err != nil {
		return ending{}, err
	}
	if end.strategy == nil {
		end.strategy = crdt.LWW()
	}
	if told, _, _ := strings.Cut(c.Why, ":"); told == end.strategy.Name() {
		return ending{}, nil
	}
	return end, nil
}

// tellEnding says of a closed conflict what the strategy of its time made of it, as it was said while it was open.
func (l *conflictList) tellEnding(ctx context.Context, i int) error {
	c, end := &l.conflicts[i], &l.endings[i]
	if end.strategy == nil {
		return nil
	}
	state, err := l.s.endFirst(ctx, l.looks[2*i+1:], maxTogetherKept)
	if err != nil {
		return err
	}
	view, err := l.s.viewOf(c.Key, state, end.strategy)
	if err != nil {
		return err
	}
	for i := range view.Conflicts {
		open := &view.Conflicts[i]
		if id := open.Identity(); string(id[:]) == end.id {
			c.Others, c.More = nil, 0
			_, err = l.rows.readEntry(c, closedEntry(c.Key, open, &c.ClosedBy.Stamp).appendJSON(nil))
			return err
		}
	}
	return c.tellOf(&view, end.sides)
}

// tellOf says what a view made of a conflict that it has not as one: of records it merges the members, some of which may be in conflict.
func (c *Conflict) tellOf(view *crdt.View, sides []clock.Stamp) error {
	path, err := crdt.ParsePointer(c.Path)
	if err != nil {
		return err
	}
	shown := ConflictSide{Version: Version{Stamp: view.At}, Kind: view.Kind, Merged: true}
	if value, ok := view.Value.Lookup(path...); ok {
		shown.Value = value.AppendJSON(nil)
	}
	shown.Deleted = shown.Value == nil && !view.Kind.IsSequence()
	c.Others = append(c.Others, c.Chosen)
	same := func(x ConflictSide) bool { return x.Deleted == shown.Deleted && bytes.Equal(x.Value, shown.Value) }
	if i := slices.IndexFunc(c.Others, same); i >= 0 {
		shown = c.Others[i]
		c.Others = slices.Delete(c.Others, i, i+1)
	}
	c.Chosen, c.Why = shown, view.Strategy+": member by member"
	for i := range c.Others {
		x := &c.Others[i]
		x.Merged = !x.Deleted && (shown.Merged || len(view.Conflicts) == 0)
	}
	for i := range view.Conflicts {
		if slices.Equal(view.Conflicts[i].Sides, sides) {
			c.Why = view.Conflicts[i].Why
		}
	}
	return nil
}

// before is all that a version on a key covers, without itself.
func (s *snap) before(by clock.Stamp) (p point, err error) {
	err = s.graph(func(g *history.Graph) error {
		lv, found, err := g.Place(history.Ref{Author: by.Author, Seq: by.Seq, ID: by.ID}, s)
		if err == nil && !found {
			err = fmt.Errorf("%w: version %s is missing", store.ErrCorrupt, by.Name())
		}
		if err != nil {
			return err
		}
		line, seq := g.At(lv)
		marks := slices.Collect(g.Clock(lv).Marks())
		for i := range marks {
			if marks[i].Line == line {
				marks[i].Seq = seq - 1 // its last dot is what a version is known by
			}
		}
		p.cut, p.above = history.CutAt(history.NewClock(marks...)), lv
		return nil
	})
	return p, err
}

// baseOf is the value of a key where its siblings parted, nil where there was none.
func (s *snap) baseOf(key string, state *crdt.State, strategy crdt.Strategy) (canon.Value, error) {
	siblings := state.Siblings()
	if len(siblings) == 0 {
		return nil, nil
	}
	p, err := s.meet(siblings)
	if err != nil {
		return nil, err
	}
	view, err := s.viewAt(key, p, strategy)
	if err != nil {
		return nil, err
	}
	err = s.showSequenceIn(key, &view, p)
	return view.Value, err
}

// meet is the merge base of versions on one key that do not cover each other: the cut at the pointwise minimum of their clocks.
// What it holds was applied before any of them.
func (s *snap) meet(sides []clock.Stamp) (p point, err error) {
	err = s.graph(func(g *history.Graph) error {
		var meet history.Clock
		for i, stamp := range sides {
			lv, found, err := g.Place(history.Ref{Author: stamp.Author, Seq: stamp.Seq, ID: stamp.ID}, s)
			if err == nil && !found {
				err = fmt.Errorf("%w: version %s is missing", store.ErrCorrupt, stamp.Name())
			}
			if err != nil {
				return err
			}
			at := g.Clock(lv)
			if i == 0 {
				meet, p.above = at, lv
			}
			meet, p.above = meet.Meet(at), min(p.above, lv)
		}
		p.cut = history.CutAt(meet)
		return nil
	})
	return p, err
}
