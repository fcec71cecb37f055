package replica

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// entry is a key while a commit changes it: its row of Docs, unfolded.
type entry struct {
	key   string
	row   store.Doc
	state *crdt.State
	// before is the key's share of the state digest when the commit began; zero where the key was not there.
	before digest
	// tops are the versions on the key that no other version on it covers, by ascending dots; knownTops is false until they were
	// read. The stamp of one is zero until somebody asks for it, if it was applied before the key was at hand.
	tops      []top
	knownTops bool
	// folded is true while state holds no value: the key is one value, which only the row in the store has.
	folded bool
	// owned is true where the values of the state lie in memory of their own; size is about how many bytes it takes in its row.
	owned bool
	// dirty is true where the row in the store is behind.
	dirty bool
	size  int
	// held is how many bytes the docs count for what the entry keeps for the next commit.
	held   int
	closed []crdt.Closed
	// open names the conflicts that the store has as open; it is shorter than the row says where they were not read yet.
	open []crdt.Identity
	// touched is the number of the commit that took the entry last.
	touched uint64
	// saw is what a version saw of the key that was applied on top of the dots sawBehind; nil where none was asked.
	saw       *crdt.State
	sawBehind []history.LV
	// first, top and firstOpen are where state, tops and open begin, to spare allocations for each key: at most two versions stand
	// beside each other on most, in one conflict.
	first     crdt.State
	top       [2]top
	firstOpen [1]crdt.Identity
}

// docs are the keys that a commit has at hand. They stay for the next one, so that a key that is written again need not be
// read again, if they are one value, which is let go where it is not small, or if their values lie in memory of their own, as those
// of all do on which versions came to stand beside each other; and the memory of those that are let go serves others, so that keys
// that come and go leave no garbage. They are the writer's alone, and right while the database is at the commit that left them.
type docs struct {
	entries map[string]*entry
	free    []*entry
	// gap are keys that neither the entries nor the store have.
	gap keyGap
	// held is how many bytes of rows the entries hold with their values.
	held int
	// commits is the number of the commit that left them; 0 while one is under way, so that one that fails leaves none.
	commits uint64
}

// maxHeld is how many bytes of rows are kept with their values for the next commit: they take three times as much in memory.
const maxHeld = 16 << 20

// maxDocs is how many keys are at hand, at a kilobyte each. A commit that touches more writes those that it has
// and goes on with others: it takes as much memory whatever its size. A pack of small versions touches hardly more, so that those
// that come one after the other for the same keys find them at hand.
const maxDocs = 8192

// slabOfDocs is how many entries are made at once: as many as fill 16 KiB, which the runtime has a size of memory for.
const slabOfDocs = 15

// add adds an entry of the zero state for a key.
func (d *docs) add(key string) *entry {
	n := len(d.free)
	if n == 0 {
		more := make([]entry, slabOfDocs)
		for i := range more {
			d.free = append(d.free, &more[i])
		}
		n = len(d.free)
	}
	e := d.free[n-1]
	d.free = d.free[:n-1]
	e.begin(key)
	d.entries[key] = e
	return e
}

// drop lets an entry go.
func (d *docs) drop(e *entry) {
	delete(d.entries, e.key)
	d.gap.exclude(e.key)
	d.recycle(e)
}

func (d *docs) recycle(e *entry) {
	d.hold(e, 0)
	if *e = (entry{}); len(d.free) < maxDocs {
		d.free = append(d.free, e)
	}
}

// keepOnly lets those entries go that a commit has not touched.
func (d *docs) keepOnly(commit uint64) {
	for _, e := range d.entries {
		if e.touched != commit {
			d.drop(e)
		}
	}
}

// clear lets all entries go.
func (d *docs) clear() {
	for _, e := range d.entries {
		d.recycle(e)
	}
	if clear(d.entries); d.entries == nil {
		d.entries = make(map[string]*entry)
	}
	d.gap = keyGap{}
}

// entry returns the key's entry in this commit.
func (c *commit) entry(key string) (*entry, error) {
	e := c.docs.entries[key]
	if e == nil {
		e = c.docs.add(strings.Clone(key)) // key may be part of a payload
		if err := c.load(e); err != nil {
			c.docs.drop(e)
			return nil, err
		}
	}
	c.touch(e)
	return e, nil
}

// load reads what the store has of the entry's key.
func (c *commit) load(e *entry) error {
	if c.docs.gap.holds(e.key) {
		e.knownTops = true
		return nil
	}
	c.scratch = append(c.scratch[:0], e.key...)
	if err := c.snap().load(e, c.scratch); err != nil {
		return err
	}
	if e.row.Count == 0 {
		return c.docs.gap.miss(c.tx, e.key)
	}
	e.size, e.owned = len(e.row.State), e.row.State != nil
	e.row.Value, e.row.State = nil, nil
	e.before, c.scratch = keyDigest(c.scratch, e.key, e.state.Encoding())
	return nil
}

// touch notes that the commit has taken an entry.
func (c *commit) touch(e *entry) {
	if e.touched != c.number {
		e.touched = c.number
		c.touched = append(c.touched, e)
		c.tookKey(e)
	}
}

// makeRoom lets keys go where as many as should be are at hand: those that commits before this one left or, where most are
// its own, all of them, once it has written what they have come to.
func (c *commit) makeRoom() error {
	if len(c.docs.entries) < maxDocs {
		return nil
	}
	if len(c.touched) < maxDocs/2 {
		c.docs.keepOnly(c.number)
		return nil
	}
	if err := c.writeDocs(); err != nil {
		return err
	}
	c.dropDocs()
	return nil
}

// flushDocs writes all that the commit has come to and lets go of it.
func (c *commit) flushDocs() error {
	if err := errors.Join(c.closeRun(), c.writeDocs()); err != nil {
		return err
	}
	c.dropDocs()
	return nil
}

func (c *commit) dropDocs() {
	c.docs.clear()
	c.touched = c.touched[:0]
}

// keepDocs leaves the keys for the next commit: those of the simplest state, whose values need not be kept, and those that own
// theirs.
func (c *commit) keepDocs() {
	for _, e := range c.touched {
		switch {
		case e.fold():
			c.docs.hold(e, 0)
		case e.owned && !e.dirty:
			c.docs.hold(e, e.bytes())
		default:
			c.docs.drop(e)
		}
	}
	if c.docs.held > maxHeld {
		c.docs.dropHeld()
	}
	if len(c.docs.entries) > maxDocs {
		c.docs.clear()
	}
	c.docs.commits = c.tip.commits
}

// bytes is about how many bytes the entry's states would take in rows.
func (e *entry) bytes() int {
	const perVersion = 96
	if e.saw == nil {
		return e.size
	}
	return e.size + perVersion*e.saw.Standing()
}

// own moves the value of an entry that is one value to memory of its own, so that the entry can be kept when others come to stand
// beside it.
func (e *entry) own() {
	if _, value, simple := e.state.Simple(); simple && !e.owned {
		e.state.SetSimple(bytes.Clone(value))
		e.owned = true
	}
}

// hold counts so many bytes for what an entry keeps.
func (d *docs) hold(e *entry, bytes int) {
	d.held += bytes - e.held
	e.held = bytes
}

// dropHeld lets the entries that have their values go.
func (d *docs) dropHeld() {
	for _, e := range d.entries {
		if e.held > 0 {
			d.drop(e)
		}
	}
}

// smallValue is how many bytes of a value are kept rather than read again, which takes more than that.
const smallValue = 32

// fold reports whether an entry is as its row says and one value. It drops that value, which may lie in memory that is not the
// entry's, unless it is small.
func (e *entry) fold() bool {
	if e.dirty || !e.state.IsSimple() {
		return false
	}
	e.saw, e.sawBehind = nil, nil
	switch _, value, _ := e.state.Simple(); {
	case e.folded:
	case len(value) <= smallValue:
		e.own()
	default:
		e.state.SetSimple(canon.Null())
		e.folded, e.owned = true, false
	}
	return true
}

// loadEntry is a new entry with what the store has of a key.
func (s *snap) loadEntry(key string) (*entry, error) {
	e := newEntry(key)
	return e, s.load(e, []byte(key))
}

func newEntry(key string) *entry {
	e := &entry{}
	e.begin(key)
	return e
}

// begin makes a zero entry that of a key to which nothing was written.
func (e *entry) begin(key string) {
	e.key = key
	e.state, e.tops, e.open = &e.first, e.top[:0], e.firstOpen[:0]
}

// load reads the row of the entry's key; the state of one that was never written stays the zero state.
func (s *snap) load(e *entry, key []byte) error {
	b, err := s.tx.Get(store.Docs, key)
	if errors.Is(err, store.ErrNotFound) {
		e.knownTops = true
		return nil
	}
	if err != nil {
		return err
	}
	if e.row, err = store.DecodeDoc(b); err != nil {
		return err
	}
	// A commit that takes back all versions on a key leaves the row of none, until it has written them again.
	if row := &e.row; (row.Last == 0) != (row.Count == 0) || row.Last >= uint64(s.tip.next) || row.Apart > row.Count {
		return fmt.Errorf("%w: the row of %q tells of versions that are not here", store.ErrCorrupt, e.key)
	}
	if e.folded = e.row.State == nil; !e.folded {
		e.state, err = s.stateOf(&e.row)
	} else {
		var stamp clock.Stamp
		stamp, err = s.rowStamp(&e.row)
		e.state.BeSimple(stamp, canon.Null())
	}
	if err != nil {
		return fmt.Errorf("%w: the state of %q: %w", store.ErrCorrupt, e.key, err)
	}
	return nil
}

// unfold gives a folded state its value, which the row of the entry's key has.
func (s *snap) unfold(e *entry, key []byte) error {
	if !e.folded {
		return nil
	}
	b, err := s.tx.Get(store.Docs, key)
	if err != nil {
		return err
	}
	row, err := store.DecodeDoc(b)
	if err != nil {
		return err
	}
	value, err := canon.FromJSON(row.Value)
	if err != nil {
		return fmt.Errorf("%w: the value of %q: %w", store.ErrCorrupt, e.key, err)
	}
	e.state.SetSimple(value)
	e.folded, e.owned = false, true
	return nil
}
