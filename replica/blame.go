package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// BlameLine says since when one leaf of a key's value has been as it is.
type BlameLine struct {
	// Path is the leaf's JSON pointer, empty where the whole value is one leaf.
	Path string
	// Value is the leaf as compact JSON.
	Value json.RawMessage
	// Version is the one that made it so.
	Version Version
}

// Blame says of each leaf of a key's visible value (whatever is no object, or an empty one) which version last set it:
// going back from the newest in the total order of versions, the one since which the leaf has this value. All replicas
// that hold the same versions say the same. It reads no more of the key's versions than it needs, unless some were
// concurrent: then it reads them all. Of a text it is each stretch that one version wrote, in their order, all under the empty
// path; of a list each item, and the version that inserted, replaced or moved it last. ErrNotFound where nothing is visible.
func (r *Replica) Blame(ctx context.Context, key string) ([]BlameLine, error) {
	if err := crdt.CheckKey(key); err != nil {
		return nil, err
	}
	var lines []BlameLine
	err := r.view(ctx, func(s *snap) error {
		e, err := s.loadEntry(key)
		if err != nil {
			return err
		}
		if !e.row.Visible() {
			return fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		if kind := crdt.Kind(e.row.Kind); kind.IsSequence() {
			lines, err = s.blameSequence(docID{key, kind}, history.LV(e.row.Last))
			return err
		}
		b := blamer{s: s, key: key, last: history.LV(e.row.Last)}
		if b.strategy, _ = r.registry.Lookup(e.row.Strategy); b.strategy == nil {
			b.strategy = crdt.LWW()
		}
		for _, line := range history.Blame(b.values(ctx, e.state.Linear())) {
			lines = append(lines, BlameLine{
				Path: line.Pointer, Value: line.Value.AppendJSON(nil), Version: Version{Stamp: line.Stamp},
			})
		}
		return b.err
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// blamer yields what a key showed after each of its versions.
type blamer struct {
	s        *snap
	key      string
	last     history.LV
	strategy crdt.Strategy
	err      error
}

// valueAt is a value and the version that made it so.
type valueAt struct {
	at    clock.Stamp
	value canon.Value
}

// values yields the key's values, newest first. A failure ends them and stays in err.
func (b *blamer) values(ctx context.Context, linear bool) iter.Seq2[clock.Stamp, canon.Value] {
	return func(yield func(clock.Stamp, canon.Value) bool) {
		for last := b.last; last > 0; {
			versions, next, err := b.stretch(last, linear)
			var values []valueAt
			if err == nil {
				values, err = b.fold(ctx, versions, linear)
			}
			if err != nil {
				b.err = err
				return
			}
			for _, v := range slices.Backward(values) {
				if !yield(v.at, v.value) {
					return
				}
			}
			last = next
		}
	}
}

// stretch reads versions of the key from one backwards, and returns them oldest first with the dot to go on from. Versions
// that form a chain are taken a few at a time; others all at once, in the total order, in which every beginning holds
// the parents of what it holds.
func (b *blamer) stretch(last history.LV, linear bool) (versions []*stored, next history.LV, err error) {
	err = keyLog{s: b.s, key: b.key, last: last}.walk(0, func(v *stored, l link) (bool, error) {
		versions, next = append(versions, v), l.prev
		return !linear || len(versions) < checkpointEvery, nil
	})
	order.Sort(versions, func(x, y *stored) int { return x.Stamp().Compare(y.Stamp()) })
	return versions, next, err
}

// fold computes what the key showed after each version of a stretch.
func (b *blamer) fold(ctx context.Context, versions []*stored, linear bool) ([]valueAt, error) {
	state := &crdt.State{}
	if linear {
		var err error
		if state, err = b.s.stateAt(b.key, point{before: versions[0].first()}); err != nil {
			return nil, err
		}
	}
	var tops []top
	values := make([]valueAt, 0, len(versions))
	for i, v := range versions {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ops := v.opsOn(b.key)
		var err error
		if linear {
			_, err = state.Apply(ops, v.Stamp(), seesAll{}, nil)
		} else {
			tops, err = b.apply(state, versions[:i], tops, v, ops)
		}
		if err != nil {
			return nil, err
		}
		view, err := b.s.viewOf(b.key, state, b.strategy)
		if err != nil {
			return nil, err
		}
		values = append(values, valueAt{v.Stamp(), slices.Clone(view.Value)})
	}
	return values, nil
}

// apply folds a version behind others that it may not cover.
func (b *blamer) apply(state *crdt.State, before []*stored, tops []top, v *stored, ops []crdt.Op) ([]top, error) {
	err := b.s.graph(func(g *history.Graph) error {
		past := history.NewPast(g, b.s, v.first())
		var all bool
		tops, all = moveTops(tops, past, top{v.lv, v.Stamp()})
		_, err := state.Apply(ops, v.Stamp(), partial{Past: past, all: all}, inOrder{b, before})
		return errors.Join(err, past.Err())
	})
	return tops, err
}

// inOrder is the Lookup while versions are folded in the total order.
type inOrder struct {
	b      *blamer
	before []*stored
}

var _ crdt.Lookup = inOrder{}

// StateAt implements crdt.Lookup. It serves to find conflicts that a version closed; here nobody asks for them.
func (inOrder) StateAt(crdt.Past) (*crdt.State, error) { return &crdt.State{}, nil }

// Events implements crdt.Lookup.
func (o inOrder) Events() iter.Seq2[crdt.Event, error] {
	return func(yield func(crdt.Event, error) bool) {
		err := o.b.s.graph(func(g *history.Graph) error {
			for _, v := range o.before {
				past := history.NewPast(g, o.b.s, v.first())
				for _, op := range v.opsOn(o.b.key) {
					if !yield(crdt.Event{Stamp: v.Stamp(), Op: op, Past: partial{Past: past}}, nil) {
						return nil
					}
				}
			}
			return nil
		})
		if err != nil {
			yield(crdt.Event{}, err)
		}
	}
}
