package replica

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// refolded is a key as Verify folds it from its versions.
type refolded struct {
	state *crdt.State
	tops  []top
	last  history.LV
	// count and apart are what a row of Docs calls so.
	count, apart uint64
	due          []uint64 // the versions behind which the state is stored
	closed       map[crdt.Identity]crdt.Closed
	// bad is true once folding has failed; the rest of the key is then not compared. loose is true where it is not known
	// which conflicts are to be open.
	bad, loose bool
}

// keyGroup is the keys from ≤ key < to that are folded in one reading of the history. A nil to is open.
type keyGroup struct {
	from, to []byte
	keys     map[string]*refolded
	// conflicts are the rows that the keys' conflicts have to have, by their keys.
	conflicts map[string][]byte
	past      *history.Past
}

// maxGroupBytes is about how much memory the keys of one group take.
const maxGroupBytes = 64 << 20

// groups returns the first key of each group; the first group starts at no key.
func (v *verifier) groups() ([][]byte, error) {
	starts := [][]byte{nil}
	size := 0
	err := v.scan(store.Docs, store.Range{}, func(row store.Row) error {
		if size > maxGroupBytes {
			starts, size = append(starts, bytes.Clone(row.Key)), 0
		}
		size += 512 + 2*(len(row.Key)+len(row.Value))
		return nil
	})
	return starts, err
}

func (g *keyGroup) holds(key string) bool {
	return key >= string(g.from) && (g.to == nil || key < string(g.to))
}

// checkKeys folds a group of keys from the versions and compares them with what is stored. With the first group the
// settings records are folded as well: they say how all other keys are seen.
func (v *verifier) checkKeys(from, to []byte, first bool) error {
	g := &keyGroup{from: from, to: to, keys: make(map[string]*refolded), conflicts: make(map[string][]byte)}
	wanted := func(key string) bool { return g.holds(key) || first && strings.HasPrefix(key, strategyPrefix) }
	err := v.scan(store.Runs, store.Range{}, func(row store.Row) error {
		at := history.LV(store.KeyInt(row.Key))
		versions, err := decodeRunRow(v.s.space, at, bytes.Clone(row.Value))
		if err != nil {
			return err
		}
		for i := range versions {
			if err := v.refold(g, &versions[i], wanted); err != nil {
				return err
			}
		}
		if n := len(versions); n > 0 {
			v.step(uint64(versions[n-1].lv-at) + 1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if first {
		v.strategies = make(map[string]string)
		for key, k := range g.keys {
			if ns, ok := settingOf(key); ok && key == strategyPrefix+ns {
				if value := k.state.View(crdt.LWW(), nil).Value; value != nil {
					v.strategies[ns] = nameIn(value.AppendJSON(nil))
				}
			}
		}
	}
	r := store.Range{From: from, To: to}
	return errors.Join(v.compareCheckpoints(g, r), v.compareDocs(g, r), v.compareConflicts(g, r),
		v.compareSequences(g, r))
}

// refold folds a version into the keys of a group that it touches.
func (v *verifier) refold(g *keyGroup, s *stored, wanted func(string) bool) error {
	if g.past == nil {
		g.past = history.NewPast(v.g, v, s.first())
	} else {
		g.past.Move(s.first())
	}
	for _, k := range s.keys {
		if !wanted(k.key) {
			continue
		}
		e := g.keys[k.key]
		if e == nil {
			e = &refolded{state: &crdt.State{}}
			g.keys[strings.Clone(k.key)] = e
		}
		if e.bad {
			continue
		}
		if err := v.refoldKey(g, e, s, k); err != nil {
			e.bad = true
			if err := v.found(fmt.Errorf("key %q at version %s: %w", k.key, s.Stamp().Name(), err)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) refoldKey(g *keyGroup, e *refolded, s *stored, k keyLink) error {
	var all bool
	e.tops, all = moveTops(e.tops, g.past, top{s.lv, s.Stamp()})
	if k.prev != e.last || k.all != all {
		v.damage("the log of key %q: version %s has a wrong link", k.key, s.Stamp().Name())
	}
	look := keyLog{s: v.s, key: k.key, last: e.last, count: e.count, apart: e.apart}
	closed, err := e.state.Apply(s.opsOn(k.key), s.Stamp(), partial{Past: g.past, all: all}, look)
	if err = errors.Join(err, g.past.Err()); err != nil {
		return err
	}
	for _, c := range closed {
		if e.closed == nil {
			e.closed = make(map[crdt.Identity]crdt.Closed)
		}
		id := c.Identity()
		if old, ok := e.closed[id]; ok {
			c = crdt.MergeClosed(old, c)
		}
		e.closed[id] = c
	}
	if e.last, e.count = s.lv, e.count+1; !all {
		e.apart = e.count
	}
	if !checkpointDue(e.count, len(e.tops)) || !g.holds(k.key) {
		return nil
	}
	e.due = append(e.due, e.count)
	row, err := v.s.tx.Get(store.Checkpoints, checkpointKey(k.key, e.count))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if !bytes.Equal(row, appendCheckpoint(nil, uint64(e.last), e.tops, e.state.Append(nil))) {
		v.damage("key %q: the checkpoint behind its version %d is not what its versions come to", k.key, e.count)
	}
	return nil
}

// compareCheckpoints finds rows that belong to no key: those that do were compared on the way.
func (v *verifier) compareCheckpoints(g *keyGroup, r store.Range) error {
	r.KeysOnly = true
	return v.scan(store.Checkpoints, r, func(row store.Row) error {
		key, n, _ := bytes.Cut(row.Key, []byte{0})
		e := g.keys[string(key)]
		if e != nil && e.bad {
			return nil
		}
		for e != nil && len(n) == 8 && len(e.due) > 0 && e.due[0] < store.KeyInt(n) {
			e.due = e.due[1:] // what is missing was told
		}
		if e == nil || len(n) != 8 || len(e.due) == 0 || store.KeyInt(n) != e.due[0] {
			v.damage("key %q: a checkpoint that no version led to", key)
		}
		return nil
	})
}

// compareDocs compares the rows of the group's keys, and says which conflicts they have to have.
func (v *verifier) compareDocs(g *keyGroup, r store.Range) error {
	seen := make(map[string]bool, len(g.keys))
	err := v.scan(store.Docs, r, func(row store.Row) error {
		key := string(row.Key)
		e := g.keys[key]
		if e == nil {
			v.damage("key %q is here, and no version wrote it", key)
			return nil
		}
		seen[key] = true
		doc, err := store.DecodeDoc(row.Value)
		if err != nil {
			v.damage("key %q: %s", key, err)
			return nil
		}
		v.countKey(row.Key, &doc)
		if e.bad {
			return nil
		}
		sum, _ := keyDigest(nil, key, e.state.Encoding())
		v.digest.add(sum)
		return v.found(v.compareDoc(g, key, e, row.Value, &doc))
	})
	if err != nil {
		return err
	}
	for _, key := range sortedKeys(g.keys) {
		if !seen[key] && g.holds(key) {
			v.damage("key %q has versions and no row", key)
		}
	}
	return nil
}

// compareDoc compares a key's row with what its state shows. Which strategy showed it last depends on what happened
// here: a key of one value is not written again when its namespace's strategy changes, and where a strategy was not known
// the last write is shown until a program that knows it may write.
func (v *verifier) compareDoc(g *keyGroup, key string, e *refolded, raw []byte, doc *store.Doc) error {
	name := defaultStrategy
	if ns := namespaceOf(key); v.strategies[ns] != "" {
		name = v.strategies[ns]
	}
	current, known := v.r.registry.Lookup(name)
	strategies := []crdt.Strategy{current}
	if known && !isBuiltIn(name) {
		strategies = append(strategies, nil)
	}
	simple := e.state.IsSimple()
	if earlier, ok := v.r.registry.Lookup(doc.Strategy); ok && simple && earlier.Name() == doc.Strategy {
		strategies = append(strategies, earlier)
	}
	want := store.Doc{Last: uint64(e.last), Count: e.count, Apart: e.apart}
	for _, strategy := range strategies {
		view, err := v.s.viewOf(key, e.state, strategy)
		if err != nil {
			return err
		}
		encoding := e.state.Encoding()
		fillRow(&want, &view, encoding, v.m.byAuthor, nil)
		if bytes.Equal(want.Append(nil), raw) {
			for i := range view.Conflicts {
				g.wantOpen(key, &view.Conflicts[i], encoding.Versions())
			}
			g.wantClosed(key, e)
			return nil
		}
	}
	matches := false
	if !known && doc.Strategy == name {
		// It was shown by a strategy that is not registered here now.
		shown := *doc // only what the strategy says nothing of can be compared
		shown.State, shown.Last, shown.Count, shown.Apart = want.State, want.Last, want.Count, want.Apart
		matches = bytes.Equal(shown.Append(nil), raw)
	}
	if !matches {
		v.damage("key %q: its row is not what its versions come to", key)
	}
	e.loose = true
	g.wantClosed(key, e)
	return nil
}

func isBuiltIn(name string) bool {
	builtIn, err := crdt.NewRegistry()
	_, ok := builtIn.Lookup(name)
	return err == nil && ok
}

// wantOpen notes the row that a conflict has to have which is open in a state of these versions.
func (g *keyGroup) wantOpen(key string, open *crdt.Conflict, standing []clock.Stamp) {
	row := store.Conflict{Path: open.Path, Status: string(ConflictOpen), Entry: openEntry(key, open, standing).appendJSON(nil)}
	g.conflicts[string(conflictKey(key, open.Identity()))] = row.Append(nil)
}

// wantClosed notes the rows that a key's closed conflicts have to have.
func (g *keyGroup) wantClosed(key string, e *refolded) {
	for id, closed := range e.closed {
		row := closedRow(key, &closed)
		g.conflicts[string(closedKey(key, id))] = row.Append(nil)
	}
}

// compareConflicts compares the rows of the conflicts of the group's keys.
func (v *verifier) compareConflicts(g *keyGroup, r store.Range) error {
	err := v.scan(store.Conflicts, r, func(row store.Row) error {
		key, _, _ := bytes.Cut(row.Key, []byte{0})
		e := g.keys[string(key)]
		if e != nil && e.bad {
			return nil
		}
		want, ok := g.conflicts[string(row.Key)]
		delete(g.conflicts, string(row.Key))
		switch {
		case !ok && e != nil && e.loose:
			_, err := store.DecodeConflict(row.Value)
			return err
		case !ok:
			v.damage("key %q: a conflict that its versions do not have", key)
		case !bytes.Equal(want, row.Value):
			v.damage("key %q: a conflict is not as its versions say", key)
		}
		return nil
	})
	for _, at := range sortedKeys(g.conflicts) {
		key, _, _ := strings.Cut(at, "\x00")
		v.damage("key %q: a conflict is missing", key)
	}
	return err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	order.Sort(keys, strings.Compare)
	return keys
}
