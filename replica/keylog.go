package replica

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
)

// keyLog is the chain of the versions that touched one key, from the newest applied one backwards.
type keyLog struct {
	s    *snap
	key  string
	last history.LV
	// count and apart are what the key's row says of all of the chain; last may be an earlier version.
	count, apart uint64
	// effort counts the versions that are read, where somebody counts them.
	effort *int
}

// logOf is the log of a row of Docs.
func logOf(s *snap, key string, row *store.Doc) keyLog {
	return keyLog{s: s, key: key, last: history.LV(row.Last), count: row.Count, apart: row.Apart}
}

// upTo is the part of the log down from a dot.
func (k keyLog) upTo(last history.LV) keyLog {
	k.last = min(k.last, last)
	return k
}

var _ crdt.Lookup = keyLog{}

// top is a version on a key that no other version on the key covers.
type top struct {
	lv    history.LV
	stamp clock.Stamp
}

// walk calls fn for each version of the chain, newest first, down to and without the dot stop.
func (k keyLog) walk(stop history.LV, fn func(v *stored, l link) (more bool, err error)) error {
	for lv := k.last; lv > stop; {
		v, err := k.s.version(lv)
		if err != nil {
			return err
		}
		l, err := k.linkOf(v)
		if err != nil {
			return err
		}
		more, err := fn(v, l)
		if err != nil || !more {
			return err
		}
		lv = l.prev
	}
	return nil
}

// linkOf is the way on from a version of the chain.
func (k keyLog) linkOf(v *stored) (link, error) {
	if k.effort != nil {
		*k.effort++
	}
	l, ok := v.link(k.key)
	if !ok || l.prev >= v.lv {
		return l, fmt.Errorf("%w: the log of %q is broken at version %d", store.ErrCorrupt, k.key, v.lv)
	}
	return l, nil
}

// A member says whether a point in the past holds a version.
type member func(lv history.LV, at *clock.Stamp) (bool, error)

// folded is a key's state at a point, and what it was folded from.
type folded struct {
	state *crdt.State
	tops  []top
	holds member
}

// step folds one version into f.
func (k keyLog) step(f *folded, v *keyVersion) error {
	if v.all || len(f.tops) == 0 {
		_, err := f.state.Apply(v.ops, v.stamp, seesAll{}, nil)
		f.tops = []top{v.top}
		return err
	}
	return k.s.graph(func(g *history.Graph) error {
		past := history.NewPast(g, k.s, v.first)
		var all bool
		f.tops, all = moveTops(f.tops, past, v.top)
		_, err := f.state.Apply(v.ops, v.stamp, partial{Past: past, all: all}, within{k.upTo(v.prev), f.holds})
		if k.effort != nil {
			*k.effort += past.Asked() + (len(f.tops)+f.state.Standing())/moveEffort
		}
		return errors.Join(err, past.Err())
	})
}

// moveTops makes a version one of the tops, whose dots ascend, instead of those that it covers, and reports whether it covers all
// of them.
func moveTops(tops []top, past *history.Past, v top) (moved []top, all bool) {
	oldest, newest := past.Oldest(), past.Newest()
	if n := len(tops); n > 0 && tops[n-1].lv < oldest {
		return append(tops, v), false
	}
	n := sort.Search(len(tops), func(i int) bool { return tops[i].lv > newest })
	from := n
	for from > 0 && tops[from-1].lv >= oldest {
		from--
	}
	kept := from
	for i := from; i < n; i++ {
		if past.CoversLV(tops[i].lv) {
			continue
		}
		if kept < i {
			tops[kept] = tops[i]
		}
		kept++
	}
	tops = append(tops[:kept], tops[n:]...)
	all, tops = len(tops) == 0, append(tops, v)
	for i := len(tops) - 1; i > 0 && tops[i-1].lv > v.lv; i-- {
		tops[i-1], tops[i] = tops[i], tops[i-1]
	}
	return tops, all
}

// within is the Lookup while a point in the past is folded: conflicts that were closed on the way do not matter
// there, so the state before a version need not be known; what a delete leaves of a counter must.
type within struct {
	before keyLog
	holds  member
}

// StateAt implements crdt.Lookup.
func (within) StateAt(crdt.Past) (*crdt.State, error) { return &crdt.State{}, nil }

// Events implements crdt.Lookup: the versions before this one in the order of application that the fold took. Versions
// that the fold left out are not covered by anything it took, so a delete in it counts the same without them; adds
// among them are left out here as well.
func (w within) Events() iter.Seq2[crdt.Event, error] { return w.before.events(w.holds) }

func (s *stored) first() history.LV { return s.lv - history.LV(s.Width) + 1 }

// StateAt implements crdt.Lookup: the key's state from what a past covers.
func (k keyLog) StateAt(p crdt.Past) (*crdt.State, error) {
	past := p.(interface{ CoversLV(lv history.LV) bool })
	f, err := k.fold(func(lv history.LV, _ *clock.Stamp) (bool, error) { return past.CoversLV(lv), nil })
	return f.state, err
}

// seenStates is the log of a key while a commit applies versions to it. It remembers what the last of them saw that had to be
// asked: of many versions that somebody wrote on top of the same one, all saw the same.
type seenStates struct {
	c    *commit
	e    *entry
	past *history.Past
}

// StateAt implements crdt.Lookup.
func (k seenStates) StateAt(p crdt.Past) (*crdt.State, error) {
	if parents := k.past.Parents(); k.e.saw == nil || !slices.Equal(k.e.sawBehind, parents) {
		state, err := k.c.logOf(k.e).StateAt(p)
		if err != nil {
			return nil, err
		}
		k.e.saw, k.e.sawBehind = state, parents
	}
	k.c.effort += k.e.saw.Standing() // what is open in it is looked through
	return k.e.saw, nil
}

// Events implements crdt.Lookup.
func (k seenStates) Events() iter.Seq2[crdt.Event, error] { return k.c.logOf(k.e).Events() }

// Events implements crdt.Lookup: all of the chain, oldest first.
func (k keyLog) Events() iter.Seq2[crdt.Event, error] { return k.events(nil) }

func (k keyLog) events(in member) iter.Seq2[crdt.Event, error] {
	return func(yield func(crdt.Event, error) bool) {
		var lvs []history.LV
		err := k.walk(0, func(v *stored, _ link) (bool, error) {
			stamp := v.Stamp()
			if in != nil {
				if ok, err := in(v.lv, &stamp); err != nil || !ok {
					return err == nil, err
				}
			}
			lvs = append(lvs, v.lv)
			return true, nil
		})
		if err != nil {
			yield(crdt.Event{}, err)
			return
		}
		slices.Reverse(lvs)
		err = k.s.graph(func(g *history.Graph) error {
			for _, lv := range lvs {
				v, err := k.s.version(lv)
				if err != nil {
					return err
				}
				past := history.NewPast(g, k.s, v.first())
				for _, op := range v.opsOn(k.key) {
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
