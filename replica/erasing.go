package replica

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/store"
)

// erasing is an op that an erasure names which became known in this commit.
type erasing struct {
	key    string
	target crdt.Target
}

// knowsErasures reports whether any op was ever erased, as far as this database knows.
func (c *commit) knowsErasures() bool { return c.tip.erased > 0 || len(c.erasing) > 0 }

// learn takes up an erasure whose proof holds. The commit destroys what it names when it finishes.
func (c *commit) learn(p *proof) error {
	of := p.Stamp().Entry()
	if known, err := isProved(c.tx, of); known || err != nil {
		return err
	}
	p.known = c.tip.erased + 1
	if err := c.tx.Put(store.Erasures, proofKey(proofRow, of), p.row()); err != nil {
		return err
	}
	if err := c.tx.Put(store.Erasures, proofKey(aheadRow, of), nil); err != nil {
		return err
	}
	c.wrote = true
	for key, target := range p.Targets() {
		if err := c.tx.Put(store.Erasures, erasedKey(target, key), appendEntry(nil, of)); err != nil {
			return err
		}
		c.erasing = append(c.erasing, erasing{strings.Clone(key), target}) // it is part of a payload
	}
	return nil
}

// learnOwn seals a version of this database's author that erases: it proves by itself what it erased.
func (c *commit) learnOwn(v *history.Version) error {
	if !v.Erases() {
		return nil
	}
	p := proof{Erasure: history.Erasure{Version: *v}, certificate: c.lines[c.author.line].Certificate}
	p.Sig = c.author.key.Seal(c.member.Space(), v.Seq, v.ID).Sig
	return c.learn(&p)
}

// catchUp notes that a version that erases is applied, if this one, with these ops, does.
func (c *commit) catchUp(v *history.Version, ops []keyOps) error {
	for i := range ops {
		if erases(ops[i].ops) {
			return c.tx.Delete(store.Erasures, proofKey(aheadRow, v.Stamp().Entry()))
		}
	}
	return nil
}

// strip drops the contents of a version that are known to be erased, and reports whether there were any.
func (c *commit) strip(v *history.Version) (stripped bool, err error) {
	if len(v.Contents) == 0 || !c.knowsErasures() {
		return false, nil
	}
	of := v.Stamp().Entry()
	for i, op := range v.Ops() {
		if op.Detached == nil || op.Body == nil {
			continue
		}
		_, erased, err := eraserOf(c.tx, crdt.Target{Version: of, Op: uint32(i)}, op.Key)
		if err != nil {
			return stripped, err
		}
		if erased {
			v.Contents = dropContent(v.Contents, uint32(i))
			stripped = true
		}
	}
	return stripped, nil
}

// dropContent is contents less that of an op, in other memory.
func dropContent(contents []history.Content, op uint32) []history.Content {
	return slices.DeleteFunc(slices.Clone(contents), func(c history.Content) bool { return c.Op == op })
}

// erase destroys what the erasures name that became known in this commit: in the rows of versions, applied and waiting; and in
// all that was folded from them, by folding their keys anew.
func (c *commit) erase() error {
	if len(c.erasing) == 0 {
		return nil
	}
	release, err := c.holdGraph()
	if err != nil {
		return err
	}
	defer release()
	if err := c.flushDocs(); err != nil {
		return err
	}
	found, err := c.findErased()
	if err != nil {
		return err
	}
	for _, first := range found.rows() {
		if err := c.eraseInRow(first, found.at[first]); err != nil {
			return err
		}
	}
	waited, err := c.eraseInPending()
	if err != nil {
		return err
	}
	c.tip.erased++
	c.erasing = nil
	for _, key := range sortedKeys(found.since) {
		if err := c.makeRoom(); err != nil {
			return err
		}
		k, err := c.snap().readRefold(key, found.since[key], c.tip.next)
		if err == nil {
			err = c.refoldKey(k)
		}
		if err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	if waited || len(found.at) > 0 {
		return c.oweScrub()
	}
	return nil
}

// erasedHere are contents to be destroyed: by the row of Runs that they stand in, the version and the op; and since which dot
// the keys change by that.
type erasedHere struct {
	at    map[history.LV]map[history.LV][]uint32
	since map[string]history.LV
}

func (e *erasedHere) rows() []history.LV {
	rows := make([]history.LV, 0, len(e.at))
	for first := range e.at {
		rows = append(rows, first)
	}
	order.Sort(rows, cmp.Compare)
	return rows
}

func (e *erasedHere) add(first history.LV, v *stored, target *erasing) {
	if e.at[first] == nil {
		e.at[first] = make(map[history.LV][]uint32)
	}
	e.at[first][v.lv] = append(e.at[first][v.lv], target.target.Op)
	if at, ok := e.since[target.key]; !ok || v.first() < at {
		e.since[target.key] = v.first()
	}
}

// findErased finds the contents that are here. All versions must have their rows.
func (c *commit) findErased() (erasedHere, error) {
	found := erasedHere{at: make(map[history.LV]map[history.LV][]uint32), since: make(map[string]history.LV)}
	s := c.snap()
	for i := range c.erasing {
		e := &c.erasing[i]
		of := e.target.Version
		v, err := s.versionAt(of.Author, of.Seq, of.ID)
		if err != nil {
			return found, err
		}
		if v == nil || !v.holdsContent(e.target.Op, e.key) {
			continue // it has not come, or without it
		}
		first, err := s.rowOf(v.lv)
		if err != nil {
			return found, err
		}
		found.add(first, v, e)
	}
	return found, nil
}

// holdsContent reports whether the content of an op is here, which must be on a key.
func (s *stored) holdsContent(index uint32, key string) bool {
	for i, op := range s.Ops() {
		if uint32(i) == index {
			return op.Detached != nil && op.Body != nil && op.Key == key
		}
	}
	return false
}

// eraseInRow writes a row of Runs again without some contents.
func (c *commit) eraseInRow(first history.LV, gone map[history.LV][]uint32) error {
	key := store.IntKey(uint64(first))
	value, err := c.tx.Get(store.Runs, key)
	if err != nil {
		return err
	}
	row, err := parseRunRow(first, value)
	if err != nil {
		return err
	}
	var r rowReader
	versions, err := r.all(c.member.Space(), &row)
	if err != nil {
		return fmt.Errorf("%w: run %d: %w", store.ErrCorrupt, first, err)
	}
	last := first - 1
	for i := range versions {
		v := &versions[i]
		last += history.LV(v.Width)
		for _, op := range gone[last] {
			v.Contents = dropContent(v.Contents, op)
		}
	}
	var again []byte
	if row.packed {
		if row.run, err = pack.Encode(nil, versions, pack.Options{}); err == nil {
			again = appendPackedRow(nil, row)
		}
	} else if row.run, err = history.EncodeRun(versions); err == nil {
		again = appendRunRow(nil, row)
	}
	if err != nil {
		return fmt.Errorf("replica: encoding versions: %w", err)
	}
	return c.tx.Put(store.Runs, key, again)
}

// eraseInPending writes what waits again without what is erased, and reports whether there was any.
func (c *commit) eraseInPending() (found bool, err error) {
	for _, row := range c.snap().pendingRowsNow() {
		if row.err != nil {
			continue // nobody can read it; it goes when it is tried again
		}
		versions, err := history.DecodeRun(c.member.Space(), row.Run)
		if err != nil {
			continue
		}
		changed := false
		for i := range versions {
			stripped, err := c.strip(&versions[i])
			if err != nil {
				return found, err
			}
			changed = changed || stripped
		}
		if !changed {
			continue
		}
		found = true
		p := row.Pending
		if p.Run, err = history.EncodeRun(versions); err != nil {
			return found, err
		}
		if err := c.tx.Put(store.Pending, store.IntKey(row.ordinal), withSum(p.Append(nil))); err != nil {
			return found, err
		}
	}
	return found, nil
}
