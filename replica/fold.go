package replica

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// stateOf unfolds a row's merge state. Rows of the simplest state, one value and no concurrency ever, do not spell it out.
func (s *snap) stateOf(row *store.Doc) (*crdt.State, error) {
	if row.State != nil {
		return crdt.DecodeState(slices.Clone(row.State))
	}
	value, err := canon.FromJSON(row.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: a visible value: %w", store.ErrCorrupt, err)
	}
	stamp, err := s.rowStamp(row)
	if err != nil {
		return nil, err
	}
	return crdt.SimpleState(stamp, value), nil
}

// rowStamp is the version that the visible value of a row is from.
func (s *snap) rowStamp(row *store.Doc) (clock.Stamp, error) {
	if row.Author >= uint64(len(s.lines)) {
		return clock.Stamp{}, fmt.Errorf("%w: author line %d is missing", store.ErrCorrupt, row.Author)
	}
	return clock.Stamp{
		Time: clock.Time(row.Time), Author: s.lines[row.Author].Author, Seq: row.Seq, ID: row.ID,
	}, nil
}

// seesAll is the past of a version that covers everything there is: any local write.
type seesAll struct{}

func (seesAll) Covers(clock.Stamp) bool { return true }
func (seesAll) All() bool               { return true }

// fold applies a version's ops to the state of each key that it touches. past is nil for a version that covers all there is.
func (c *commit) fold(s *stored, ops []keyOps, past *history.Past) error {
	s.keys = c.takeLinks(len(ops))
	for i := range ops {
		g := &ops[i]
		e, err := c.entry(g.key)
		if err != nil {
			return err
		}
		all, err := c.foldKey(e, g.ops, top{s.lv, s.Stamp()}, past)
		if err != nil {
			return err
		}
		if e.key[0] == '.' {
			c.ruling, c.unsettled = ruling{}, true
		}
		s.keys[i] = keyLink{e.key, link{prev: history.LV(e.row.Last), all: all}}
		e.row.Last = uint64(s.lv)
		e.counted(all)
		e.dirty = true
		if e.row.Count%checkpointEvery == 0 && checkpointDue(e.row.Count, len(e.tops)) {
			if err := c.checkpointSoon(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// counted takes note of one version more on the key, and of whether it covers all before it.
func (e *entry) counted(all bool) {
	if e.row.Count++; !all {
		e.row.Apart = e.row.Count
	}
}

// foldKey applies a version's ops on one key and reports whether it covers all that was there before.
func (c *commit) foldKey(e *entry, ops []crdt.Op, at top, past *history.Past) (all bool, err error) {
	if past != nil {
		asked := past.Asked()
		defer func() { c.effort += past.Asked() - asked }()
	}
	if all, err = c.moveTops(e, at, past); err != nil {
		return false, err
	}
	if all && len(ops) == 1 && ops[0].Code == crdt.CodePut {
		e.folded = false // the key is one value after as before: what the old one was does not matter
		e.owned = e.owned && !e.state.IsSimple()
	} else if e.folded {
		c.scratch = append(c.scratch[:0], e.key...)
		if err := c.snap().unfold(e, c.scratch); err != nil {
			return false, err
		}
	}
	if !all {
		e.own()
	}
	if c.foldsInto(e, ops); e.owned {
		ops = c.ownedOps(ops)
	}
	var closed []crdt.Closed
	stood := standingTogether(e.state)
	if all {
		closed, err = e.state.Apply(ops, at.stamp, seesAll{}, nil)
	} else {
		c.partial = partial{Past: past, none: history.LV(e.row.Last) < past.Oldest()}
		c.seen = seenStates{c, e, past}
		closed, err = e.state.Apply(ops, at.stamp, &c.partial, &c.seen)
		err = errors.Join(err, past.Err())
	}
	c.willWrite(standingTogether(e.state) - stood)
	e.close(closed)
	return all, err
}

// ownedOps are ops whose bodies lie in memory of their own. They are good until the next call.
func (c *commit) ownedOps(ops []crdt.Op) []crdt.Op {
	c.ops = append(c.ops[:0], ops...)
	for i := range c.ops {
		c.ops[i].Body = bytes.Clone(c.ops[i].Body)
	}
	return c.ops
}

// partial is the past of a version that may not cover all there is on a key.
type partial struct {
	*history.Past
	all bool
	// none is true where it is known to cover none of them.
	none bool
}

// All implements crdt.Past.
func (p partial) All() bool { return p.all }

// Latest implements crdt.Latest.
func (p partial) Latest() clock.Time {
	if p.none {
		return 0
	}
	return p.Past.Latest()
}

// moveTops makes a version one of the key's tops instead of those that it covers, and reports whether it covers all of
// them. A local version, which has no past, does.
func (c *commit) moveTops(e *entry, at top, past *history.Past) (all bool, err error) {
	if past == nil {
		e.tops, e.knownTops = append(e.tops[:0], at), true
		return true, nil
	}
	if err := c.readTops(e); err != nil {
		return false, err
	}
	e.tops, all = moveTops(e.tops, past, at)
	return all, nil
}

// readTops finds the newest versions on the key that do not cover each other. Their stamps are left open: few ask for them.
func (c *commit) readTops(e *entry) error {
	if e.knownTops {
		return nil
	}
	e.knownTops = true
	if e.row.Apart < e.row.Count { // the newest one covers all
		e.tops = append(e.tops, top{lv: history.LV(e.row.Last)})
		return nil
	}
	some, err := c.logOf(e).newest()
	if err != nil {
		return err
	}
	return c.snap().graph(func(g *history.Graph) error {
		for _, lv := range g.Maximal(some) {
			e.tops = append(e.tops, top{lv: lv})
		}
		return nil
	})
}

// checkpointSoon stores the key's state as it is behind the version just folded.
func (c *commit) checkpointSoon(e *entry) error {
	if err := c.readTops(e); err != nil {
		return err
	}
	for i := range e.tops {
		t := &e.tops[i]
		if t.stamp.Seq > 0 {
			continue
		}
		var err error
		if t.stamp, err = c.snap().stampAt(t.lv); err != nil {
			return err
		}
	}
	return c.putCheckpoint(e)
}

// provisional is the stamp of a version that a transaction may come to write.
func (c *commit) provisional(ops int) clock.Stamp {
	at := clock.Stamp{Time: c.nextTime(), Seq: c.tip.own.seq + uint64(ops) + 1}
	if !c.author.key.IsZero() {
		at.Author = c.author.key.Author()
	}
	for i := range at.ID {
		at.ID[i] = 0xff
	}
	return at
}

// viewOf is what a state of a key shows under the namespace's strategy.
func (c *commit) viewOf(key string, state *crdt.State) (crdt.View, error) {
	strategy, _, err := c.strategyOf(namespaceOf(key))
	if err != nil {
		return crdt.View{}, err
	}
	return c.snap().viewOf(key, state, strategy)
}

// viewOf is what a state of a key shows under a strategy; nil stands for one that this replica does not know.
func (s *snap) viewOf(key string, state *crdt.State, strategy crdt.Strategy) (crdt.View, error) {
	return s.show(new(crdt.Viewer), key, state, strategy)
}

// show is viewOf in the memory of a viewer.
func (s *snap) show(in *crdt.Viewer, key string, state *crdt.State, strategy crdt.Strategy) (crdt.View, error) {
	if strategy == nil {
		strategy = crdt.LWW()
	}
	if state.IsSimple() {
		return in.View(state, strategy, nil), nil // no strategy has a choice
	}
	if !isPure(strategy) && s.changed != nil { // the snapshot is that of a commit
		defer s.r.updating.call()()
	}
	var failed error
	view := in.View(state, strategy, func() (crdt.Value, bool) {
		value, err := s.baseOf(key, state, strategy)
		failed = errors.Join(failed, err)
		return value, value != nil
	})
	return view, failed
}

// writeDocs writes the rows of all keys that the commit changed, in the order of the keys. What a strategy's own record
// says goes first: it decides how the others are seen.
func (c *commit) writeDocs() error {
	changed, err := c.changedStrategies()
	if err != nil {
		return err
	}
	order.Sort(c.touched, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	var written map[string]bool
	if len(changed) > 0 {
		written = make(map[string]bool, len(c.touched))
		for _, e := range c.touched {
			written[e.key] = e.dirty
		}
	}
	if err := c.writeKeys(c.touched); err != nil {
		return err
	}
	for _, ns := range changed {
		if err := c.rewriteMerged(ns, written); err != nil {
			return err
		}
	}
	return nil
}

// changedStrategies takes over the settings that the commit changed and lists the namespaces that have another strategy
// now.
func (c *commit) changedStrategies() ([]string, error) {
	var changed []string
	for _, e := range c.touched {
		if !e.dirty || e.key[0] != '.' {
			continue
		}
		ns, ok := settingOf(e.key)
		if !ok {
			continue
		}
		old, err := c.storedSettings(ns)
		if err != nil {
			return nil, err
		}
		now := old
		if err := c.settingsFrom(e, &now); err != nil {
			return nil, err
		}
		c.setSettings(ns, now)
		if now.Strategy != old.Strategy {
			changed = append(changed, ns)
		}
	}
	order.Sort(changed, strings.Compare)
	return changed, nil
}

// rewriteMerged computes the rows of a namespace's keys with concurrent writes anew: the others look the same under every
// strategy.
func (c *commit) rewriteMerged(ns string, written map[string]bool) error {
	keys, err := c.snap().mergedKeys(ns + "/")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if written[key] {
			continue // under the new strategy already
		}
		e, err := c.entry(key)
		if err != nil {
			return err
		}
		e.dirty = true
		if err := c.writeKeys([]*entry{e}); err != nil {
			return err
		}
	}
	return nil
}

// fillRow makes a row of Docs say what a view of the key's state shows. It takes memory for the value and the state, and returns it.
func fillRow(
	row *store.Doc, view *crdt.View, state *crdt.Encoding, byAuthor map[identity.Author][]history.Line, scratch []byte,
) []byte {
	row.Kind, row.Strategy, row.Conflicts = string(view.Kind), view.Strategy, uint64(len(view.Conflicts))
	row.Value, scratch = nil, scratch[:0]
	if view.Value != nil {
		scratch = view.Value.AppendJSON(scratch)
		row.Value = scratch
	}
	row.Author, row.Seq, row.Time, row.ID = 0, view.At.Seq, uint64(view.At.Time), view.At.ID
	if lines := byAuthor[view.At.Author]; len(lines) > 0 {
		row.Author = uint64(lines[0])
	}
	row.State = nil
	if !state.IsSimple() {
		from := len(scratch)
		scratch = state.Append(scratch)
		row.State = scratch[from:]
	}
	return scratch
}
