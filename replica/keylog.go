package replica

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// keyLog is the chain of the versions that touched one key, from the newest applied one backwards.
type keyLog struct {
	s    *snap
	key  string
	last history.LV
	// chain is how many versions there are if each of them covers the one before, else 0.
	chain uint64
}

// logOf is the log of a row of Docs whose state is linear or not.
func logOf(s *snap, key string, row *store.Doc, linear bool) keyLog {
	k := keyLog{s: s, key: key, last: history.LV(row.Last)}
	if linear {
		k.chain = row.Count
	}
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
		l, ok := v.link(k.key)
		if !ok || l.prev >= lv {
			return fmt.Errorf("%w: the log of %q is broken at version %d", store.ErrCorrupt, k.key, lv)
		}
		more, err := fn(v, l)
		if err != nil || !more {
			return err
		}
		lv = l.prev
	}
	return nil
}

// A member says whether a point in the past holds a version.
type member func(lv history.LV, at *clock.Stamp) (bool, error)

// folded is a key's state at a point, and what it was folded from.
type folded struct {
	state *crdt.State
	tops  []top
	holds member
	// next is a dot that the point does not hold, nor any version that was applied after it; 0 where none is known.
	next history.LV
}

// fold computes the key's state from the versions that in holds. It starts at the newest checkpoint that in holds all
// of, so it reads few more versions than lie between that and the point; in a chain it reads no others.
func (k keyLog) fold(in member) (folded, error) {
	find := keyLog.checkpoint
	if k.chain > 0 {
		find = keyLog.checkpointInChain
	}
	f, from, err := find(k, in)
	if err != nil {
		return f, err
	}
	f.holds = in
	if f.next > 0 {
		k.last = f.next
	}
	var versions []*stored
	var links []link
	err = k.walk(from, func(v *stored, l link) (bool, error) {
		stamp := v.Stamp()
		ok, err := in(v.lv, &stamp)
		if ok {
			versions, links = append(versions, v), append(links, l)
		}
		return true, err
	})
	if err != nil {
		return f, err
	}
	for i := len(versions) - 1; i >= 0; i-- {
		if err := k.step(&f, versions[i], links[i].all); err != nil {
			return f, err
		}
	}
	return f, nil
}

// step folds one version into f.
func (k keyLog) step(f *folded, v *stored, all bool) error {
	ops := v.opsOn(k.key)
	if all || len(f.tops) == 0 {
		_, err := f.state.Apply(ops, v.Stamp(), seesAll{}, nil)
		f.tops = []top{{v.lv, v.Stamp()}}
		return err
	}
	return k.s.graph(func(g *history.Graph) error {
		past := history.NewPast(g, k.s, v.first())
		f.tops = moveTops(f.tops, past, top{v.lv, v.Stamp()})
		_, err := f.state.Apply(ops, v.Stamp(), past, within{k, f, v, past})
		return errors.Join(err, past.Err())
	})
}

// moveTops adds a version to the tops, which it takes out where it covers them, and tells past what was there.
func moveTops(tops []top, past *history.Past, v top) []top {
	lvs := make([]history.LV, len(tops))
	kept := make([]top, 0, len(tops)+1)
	for i, t := range tops {
		lvs[i] = t.lv
		if !past.Covers(t.stamp) {
			kept = append(kept, t)
		}
	}
	past.Applied(lvs...)
	return append(kept, v)
}

// within is the Lookup while a point in the past is folded: conflicts that were closed on the way do not matter
// there, so the state before a version need not be known; what a delete leaves of a counter must.
type within struct {
	k    keyLog
	f    *folded
	v    *stored
	past *history.Past
}

// StateAt implements crdt.Lookup.
func (w within) StateAt(crdt.Past) (*crdt.State, error) { return &crdt.State{}, nil }

// Events implements crdt.Lookup: the versions before this one in the order of application that the fold took. Versions
// that the fold left out are not covered by anything it took, so a delete in it counts the same without them; adds
// among them are left out here as well.
func (w within) Events() iter.Seq2[crdt.Event, error] {
	return keyLog{s: w.k.s, key: w.k.key, last: w.v.prev(w.k.key)}.events(w.f.holds)
}

func (s *stored) first() history.LV { return s.lv - history.LV(s.Width) + 1 }

func (s *stored) prev(key string) history.LV {
	l, _ := s.link(key)
	return l.prev
}

// StateAt implements crdt.Lookup: the key's state from what a past covers.
func (k keyLog) StateAt(p crdt.Past) (*crdt.State, error) {
	past := p.(interface{ CoversLV(lv history.LV) bool })
	f, err := k.fold(func(lv history.LV, _ *clock.Stamp) (bool, error) { return past.CoversLV(lv), nil })
	return f.state, err
}

// seenStates is the log of a key while a commit applies versions to it. It remembers what the last of them saw that had to be
// asked: of many versions that somebody wrote on top of the same one, all saw the same.
type seenStates struct {
	keyLog
	e    *entry
	past *history.Past
}

// StateAt implements crdt.Lookup.
func (k seenStates) StateAt(p crdt.Past) (*crdt.State, error) {
	parents := k.past.Parents()
	if k.e.saw != nil && slices.Equal(k.e.sawBehind, parents) {
		return k.e.saw, nil
	}
	state, err := k.keyLog.StateAt(p)
	if err == nil {
		k.e.saw, k.e.sawBehind = state, parents
	}
	return state, err
}

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
					if !yield(crdt.Event{Stamp: v.Stamp(), Op: op, Past: past}, nil) {
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

// checkpointEvery is how many versions on a key lie between two stored states of it, at least.
const checkpointEvery = 32

// checkpointDue reports whether the state of a key is stored behind its n-th version: behind every 32nd, and where more versions
// than that stand beside each other, none of which covers another, behind as many as these: the row holds all of them.
func checkpointDue(n uint64, tops int) bool {
	every := uint64(checkpointEvery)
	for every < uint64(tops) {
		every *= 2
	}
	return n%every == 0
}

// checkpointKey is the key of a row of Checkpoints: what the key's state was after its n-th version in the order of
// application.
func checkpointKey(key string, n uint64) []byte {
	return append(append([]byte(key), 0), store.IntKey(n)...)
}

// putCheckpoint stores the state of a key as it is now.
func (c *commit) putCheckpoint(e *entry, tops []top) error {
	row := appendCheckpoint(nil, e.row.Last, tops, e.state)
	return c.tx.Put(store.Checkpoints, checkpointKey(e.key, e.row.Count), row)
}

// appendCheckpoint appends the bytes of a row of Checkpoints: the newest version's dot, the tops by their dots, the state.
func appendCheckpoint(b []byte, last uint64, tops []top, state *crdt.State) []byte {
	b = canon.AppendArray(b, 3)
	b = canon.AppendUint(b, last)
	b = canon.AppendArray(b, len(tops))
	sorted := slices.Clone(tops)
	order.Sort(sorted, func(a, b top) int { return cmp.Compare(a.lv, b.lv) })
	for _, t := range sorted {
		b = canon.AppendUint(b, uint64(t.lv))
		b = t.stamp.Append(b)
	}
	return canon.AppendBytes(b, state.Append(nil))
}

// checkpoints yields the stored states of the key, the newest first.
func (k keyLog) checkpoints() iter.Seq2[storedState, error] {
	return func(yield func(storedState, error) bool) {
		prefix := append([]byte(k.key), 0)
		r := store.Range{From: prefix, To: store.PrefixEnd(prefix), Reverse: true}
		for row, err := range k.s.tx.Scan(store.Checkpoints, r) {
			var stored storedState
			if err == nil {
				stored, err = readCheckpoint(row.Value)
			}
			if !yield(stored, err) || err != nil {
				return
			}
		}
	}
}

// checkpoint finds the newest stored state of the key of which in holds every version, or the empty state, and the
// last dot that it includes.
func (k keyLog) checkpoint(in member) (folded, history.LV, error) {
	for stored, err := range k.checkpoints() {
		if err != nil {
			return folded{}, 0, err
		}
		usable := stored.last <= k.last
		for i := 0; usable && i < len(stored.tops); i++ {
			if usable, err = in(stored.tops[i].lv, &stored.tops[i].stamp); err != nil {
				return folded{}, 0, err
			}
		}
		if usable {
			f, err := stored.fold()
			return f, stored.last, err
		}
	}
	return folded{state: &crdt.State{}}, 0, nil
}

// newest are the last dots of the newest versions on the key, among them all that no other version covers.
func (k keyLog) newest() (lvs []history.LV, err error) {
	var before storedState
	for before, err = range k.checkpoints() {
		break
	}
	covered := false
	err = errors.Join(err, k.walk(before.last, func(v *stored, l link) (bool, error) {
		lvs, covered = append(lvs, v.lv), l.all
		return !l.all, nil
	}))
	if !covered {
		for i := range before.tops {
			lvs = append(lvs, before.tops[i].lv)
		}
	}
	return lvs, err
}

// checkpointInChain is checkpoint for a chain: what the point does not hold of it are its newest versions, so the rows
// need not be looked through one by one.
func (k keyLog) checkpointInChain(in member) (folded, history.LV, error) {
	found, from := folded{state: &crdt.State{}}, history.LV(0)
	low, high := uint64(0), k.chain/checkpointEvery // the row that is sought is in [low, high]; 0 is no row
	for low < high {
		middle := (low + high + 1) / 2
		b, err := k.s.tx.Get(store.Checkpoints, checkpointKey(k.key, middle*checkpointEvery))
		if err != nil {
			return found, 0, fmt.Errorf("%w: the checkpoint of %q behind its version %d: %w", store.ErrCorrupt, k.key,
				middle*checkpointEvery, err)
		}
		f, last, err := decodeCheckpoint(b)
		if err != nil {
			return found, 0, err
		}
		held := len(f.tops) > 0
		for i := range f.tops {
			if ok, err := in(f.tops[i].lv, &f.tops[i].stamp); err != nil {
				return found, 0, err
			} else if !ok {
				held = false
			}
		}
		if held {
			f.next = found.next
			found, from, low = f, last, middle
		} else {
			found.next, high = last, middle-1
		}
	}
	return found, from, nil
}

// storedState is a row of Checkpoints: the versions that stand beside each other in it, the last dot that it includes, and the state.
type storedState struct {
	tops  []top
	last  history.LV
	state []byte
}

// readCheckpoint reads what appendCheckpoint wrote. The state aliases b.
func readCheckpoint(b []byte) (storedState, error) {
	var out storedState
	r := canon.NewReader(b)
	_, _ = r.Array()
	last, _ := r.Uint()
	n, err := r.Array()
	for i := 0; i < n && err == nil; i++ {
		var t top
		lv, _ := r.Uint()
		t.lv = history.LV(lv)
		t.stamp, err = clock.ReadStamp(&r)
		out.tops = append(out.tops, t)
	}
	state, stateErr := r.Bytes()
	if err = errors.Join(err, stateErr, r.End()); err != nil {
		return out, badCheckpoint(err)
	}
	out.last, out.state = history.LV(last), state
	return out, nil
}

// fold reads the state.
func (s *storedState) fold() (folded, error) {
	state, err := crdt.DecodeState(slices.Clone(s.state))
	if err != nil {
		return folded{}, badCheckpoint(err)
	}
	return folded{tops: s.tops, state: state}, nil
}

func badCheckpoint(err error) error { return fmt.Errorf("%w: a checkpoint: %w", store.ErrCorrupt, err) }

func decodeCheckpoint(b []byte) (folded, history.LV, error) {
	stored, err := readCheckpoint(b)
	if err != nil {
		return folded{}, 0, err
	}
	f, err := stored.fold()
	return f, stored.last, err
}
