package replica

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/internal/canon"
)

// PathChange is one place where two values of a key differ.
type PathChange struct {
	// Path is the place's JSON pointer (RFC 6901), empty for the whole value.
	Path string
	// Old and New are what stands there before and after, as compact JSON; nil where there is nothing.
	Old, New json.RawMessage
	// Splices, where one of the two is a text and the other one a text or nothing, make the old text the new one: they come one
	// after the other, each in what the one before it left. They are what was done, by whoever did it: two words that were
	// replaced are two splices, however alike the texts are. Text.Merge takes them.
	Splices []sequence.Splice
}

// Diff lists how what a key shows at one point differs from what it shows at another, by ascending path. Objects are
// compared member by member, lists (Array) item by item: their changes come one after the other, so each path is one in the list
// that those before have left. Anything else is one piece; the change of a text comes with its splices.
//
// to nil means now. from nil means before the last edit of the key that to holds, so without both it is what that edit
// changed: the last one in the total order of versions, by itself, whatever was written beside it. ErrNotFound where
// the key was never written.
func (r *Replica) Diff(ctx context.Context, key string, from, to Point) ([]PathChange, error) {
	if err := crdt.CheckKey(key); err != nil {
		return nil, err
	}
	var changes []PathChange
	err := r.view(ctx, func(s *snap) error {
		until := point{before: s.tip.next}
		var err error
		if to != nil {
			if until, err = to.resolve(s); err != nil {
				return err
			}
		}
		var since point
		if from != nil {
			since, err = from.resolve(s)
		} else {
			since, until, err = s.lastEdit(key, until, to == nil)
		}
		if err != nil {
			return err
		}
		changes, err = s.diff(key, since, until)
		return err
	})
	return changes, err
}

// lastEdit finds the last version of a key that a point holds, and returns the points before and after it. Unless only it
// is asked for, the point after is the one given.
func (s *snap) lastEdit(key string, within point, alone bool) (before, after point, err error) {
	v, err := s.newest(key, within)
	if err != nil {
		return before, after, err
	}
	parents, err := s.parents(v)
	if err != nil {
		return before, after, err
	}
	if before, err = Frontier(parents).resolve(s); err != nil || !alone {
		return before, within, err
	}
	after, err = Version{Stamp: v.Stamp()}.resolve(s)
	return before, after, err
}

// newest is the last version of a key, in the total order, that a point holds.
func (s *snap) newest(key string, within point) (*stored, error) {
	var newest *stored
	in := within.member(s)
	chain, err := s.chainOf(key)
	if err == nil {
		chain, err = chain.heldBy(in)
	}
	if err != nil {
		return nil, err
	}
	err = chain.walk(0, func(v *stored, l link) (bool, error) {
		at := v.Stamp()
		ok, err := in(v.lv, &at)
		if err != nil || !ok {
			return true, err
		}
		if newest == nil || newest.Stamp().Less(at) {
			newest = v
		}
		return !l.all, nil // what it covers is before it in every order
	})
	if err == nil && newest == nil {
		err = fmt.Errorf("%w: %s was not written yet at that point", ErrNotFound, key)
	}
	return newest, err
}

func (s *snap) diff(key string, from, to point) ([]PathChange, error) {
	if _, err := s.chainOf(key); err != nil {
		return nil, err
	}
	before, err := s.shownAt(key, from)
	if err != nil {
		return nil, err
	}
	after, err := s.shownAt(key, to)
	if err != nil {
		return nil, err
	}
	if before.Kind == crdt.KindList && after.Kind == crdt.KindList {
		return s.diffList(key, before.Value, from, to)
	}
	changes := pathChanges(crdt.Diff(before.Value, after.Value))
	if len(changes) > 0 && textOrNothing(&before) && textOrNothing(&after) {
		changes[0].Splices, err = s.textSplices(key, from, to, &before, &after)
	}
	return changes, err
}

// editsBetween are what was done to a text or a list, by whoever did it, from one point to another.
func (s *snap) editsBetween(id docID, from, to point) ([]edit, error) {
	last, shows, err := s.standing(id.key)
	if err != nil {
		return nil, err
	}
	t := &s.r.documents
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.take(s, id, last, shows)
	if err != nil {
		return nil, err
	}
	edits, err := d.diff(s, from, to)
	t.measure(d)
	return edits, err
}

func pathChanges(changes []crdt.Change) []PathChange {
	out := make([]PathChange, len(changes))
	for i, c := range changes {
		out[i] = PathChange{Path: crdt.Pointer(c.Path), Old: jsonOf(c.Old), New: jsonOf(c.New)}
	}
	return out
}

// jsonOf is a value as JSON, nil for none.
func jsonOf(v canon.Value) json.RawMessage {
	if v == nil {
		return nil
	}
	return v.AppendJSON(nil)
}
