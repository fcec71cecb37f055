package replica

import (
	"errors"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/store"
)

// refold is a key that is folded anew from its versions: because some of them are taken back, or because what they say is gone.
type refold struct {
	key       string
	before    digest
	conflicts uint64
	// start is a stored state to start from, from the last dot in it; versions and links are what came then, newest first.
	start folded
	from  history.LV
	// count and apart are what the key's row says where nothing came behind from.
	count, apart uint64
	versions     []*stored
	links        []link
}

// readRefold reads what a key is folded anew from: its versions below the dot end. Whatever is stored of it and holds nothing
// from the dot start on stays true. A key that never had a conflict starts from such a state; else all of its log is wanted,
// since it says which conflicts were closed. Nothing of the key may be waiting to be written.
func (s *snap) readRefold(key string, start, end history.LV) (*refold, error) {
	e, err := s.loadEntry(key)
	if err != nil {
		return nil, err
	}
	k := &refold{key: key, conflicts: e.row.Conflicts, start: folded{state: &crdt.State{}}, count: e.row.Count}
	k.before, _ = keyDigest(nil, key, e.state.Encoding())
	log := logOf(s, key, &e.row)
	conflicts := false
	whole := keyRange(key)
	whole.KeysOnly = true
	for _, err := range s.tx.Scan(store.Conflicts, whole) {
		if err != nil {
			return nil, err
		}
		conflicts = true
		break
	}
	if !conflicts {
		c, _, err := log.newestCheckpoint(func(lv history.LV, _ *clock.Stamp) (bool, error) { return lv < start, nil })
		if err == nil {
			k.from = c.last
			k.start, err = c.folded()
		}
		if err != nil {
			return nil, err
		}
	}
	err = log.walk(k.from, func(v *stored, l link) (bool, error) {
		k.count--
		if v.lv < end {
			k.versions, k.links = append(k.versions, v), append(k.links, l)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	err = k.readApart(log.upTo(k.from))
	return k, err
}

// readApart finds the last version in the log up to where the key is folded from that does not cover all before it.
func (k *refold) readApart(log keyLog) error {
	if k.apart = log.apart; k.apart <= k.count {
		return nil
	}
	k.apart = k.count
	return log.walk(0, func(_ *stored, l link) (bool, error) {
		if !l.all {
			return false, nil
		}
		k.apart--
		return true, nil
	})
}

// keyRange is the rows of a key in a table whose keys are of a key and what follows it.
func keyRange(key string) store.Range {
	prefix := append([]byte(key), 0)
	return store.Range{From: prefix, To: store.PrefixEnd(prefix)}
}

// refoldKey folds a key anew. Its conflicts, and its checkpoints from the first one on that may have changed, are written again.
func (c *commit) refoldKey(k *refold) error {
	whole := keyRange(k.key)
	stale := store.Range{From: checkpointKey(k.key, k.count+1), To: whole.To}
	if err := errors.Join(c.deleteRows(store.Conflicts, whole), c.deleteRows(store.Checkpoints, stale), c.dropSequence(k.key)); err != nil {
		return err
	}
	e := c.docs.entries[k.key]
	if e == nil {
		e = c.docs.add(k.key)
	}
	*e = entry{touched: e.touched, held: e.held}
	e.begin(k.key)
	e.state, e.before, e.knownTops, e.dirty = k.start.state, k.before, true, true
	e.tops = append(e.tops, k.start.tops...)
	e.row.Conflicts, e.row.Count, e.row.Apart, e.row.Last = k.conflicts, k.count, k.apart, uint64(k.from)
	c.touch(e)
	for i, v := range slices.Backward(k.versions) {
		var past *history.Past
		if !k.links[i].all {
			past = history.NewPast(c.held, c.snap(), v.first())
		}
		at := top{v.lv, v.Stamp()}
		all, err := c.foldKey(e, v.opsOn(k.key), at, past)
		if err != nil {
			return err
		}
		e.row.Last = uint64(v.lv)
		e.counted(all)
		if e.row.Count%checkpointEvery == 0 && checkpointDue(e.row.Count, len(e.tops)) {
			if err := c.checkpointSoon(e); err != nil {
				return err
			}
		}
	}
	return nil
}
