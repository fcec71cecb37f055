package replica

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// The rows of a key, and its share of the digest, follow from its state alone. So where a commit has much to write they are worked out
// on all processors, a few batches of keys ahead of the goroutine of the commit, which puts them into the store in the order of the
// keys. An application's strategies are not asked to be safe for concurrent use: what they show the commit works out itself.
const (
	// batchKeys is how many keys make a batch at most, batchStanding on how many versions it ends, batchesAhead how many batches
	// are in work.
	batchKeys     = 16
	batchStanding = 64
	batchesAhead  = 8
	// batchBytes is what is worked out ahead in a batch; behind it the commit works out each time as much as that again, in the same
	// memory: fresh memory for large values costs more than a second processor saves.
	batchBytes = 64 << 10
	// manyStanding is how many versions have to stand on the keys for others to be asked to help: some half a millisecond.
	manyStanding = 500
)

// oneProcessor is where nobody can help: in a browser.
const oneProcessor = runtime.GOOS == "js"

// keyRows are the rows of some keys of one namespace.
type keyRows struct {
	used     bool // by this commit
	ruling   ruling
	byAuthor map[identity.Author][]history.Line
	entries  []*entry
	worked   int // how many of the entries have had their rows worked out
	// done is closed once somebody else has worked out the rows; nil where the commit does.
	done chan struct{}
	// panicked is what whoever worked out the rows met instead of their end.
	panicked any

	// rows are those of the last entries that were worked out, conflicts those of the open conflicts of all; bytes is what is in them,
	// one after the other, of which the first put are in the store.
	rows      []keyRow
	conflicts []openRow
	bytes     []byte
	put       int
	err       error

	// viewer shows a key, encoding is its state, value and scratch are for bytes that are gone with the next key.
	viewer         crdt.Viewer
	encoding       crdt.Encoding
	value, scratch []byte
}

// keyRow is what a key has come to: its row, which ends at a place in the bytes of all, behind those of its open conflicts.
type keyRow struct {
	doc       store.Doc // without value and state
	end       int
	stateSize int
	kind      crdt.Kind
	fault     error
	conflicts []openRow
	digest    digest
}

// openRow is the row of an open conflict.
type openRow struct {
	id  crdt.Identity
	end int
}

// take takes the next keys that have to be written, and returns those behind them.
func (k *keyRows) take(c *commit, entries []*entry) (behind []*entry, err error) {
	standing := 0
	k.used, k.entries, k.worked, k.byAuthor, k.done = true, k.entries[:0], 0, c.byAuthor, nil
	for i, e := range entries {
		if !e.dirty {
			continue
		}
		ns := namespaceOf(e.key)
		if len(k.entries) == batchKeys || standing >= batchStanding || len(k.entries) > 0 && ns != k.ruling.ns {
			return entries[i:], nil
		}
		if err := c.rule(ns); err != nil {
			return nil, fmt.Errorf("key %q: %w", e.key, err)
		}
		k.ruling, standing = c.ruling, standing+e.state.Standing()
		k.entries = append(k.entries, e)
	}
	return nil, nil
}

// workOut works out the rows of the next entries, which it leaves as they are: of all, unless these take too much room.
func (k *keyRows) workOut(s *snap) {
	k.rows, k.conflicts, k.bytes, k.put, k.err = k.rows[:0], k.conflicts[:0], k.bytes[:0], 0, nil
	for ; k.worked < len(k.entries) && len(k.bytes) < batchBytes; k.worked++ {
		e := k.entries[k.worked]
		if err := k.add(s, e); err != nil {
			k.err = fmt.Errorf("key %q: %w", e.key, err)
			return
		}
	}
}

func (k *keyRows) add(s *snap, e *entry) error {
	view, err := s.show(&k.viewer, e.key, e.state, k.ruling.strategy)
	if err != nil {
		return err
	}
	k.encoding.Of(e.state)
	before := len(k.conflicts)
	for i := range view.Conflicts {
		conflict := &view.Conflicts[i]
		k.value = openEntry(e.key, conflict, k.encoding.Versions()).appendJSON(k.value[:0])
		row := store.Conflict{Path: conflict.Path, Status: string(ConflictOpen), Entry: k.value}
		k.bytes = row.Append(k.bytes)
		k.conflicts = append(k.conflicts, openRow{conflict.Identity(), len(k.bytes)})
	}
	row := keyRow{doc: e.row, kind: view.Kind, fault: view.Fault, conflicts: k.conflicts[before:len(k.conflicts):len(k.conflicts)]}
	k.value = fillRow(&row.doc, &view, &k.encoding, k.byAuthor, k.value)
	k.bytes = row.doc.Append(k.bytes)
	row.stateSize, row.end = len(row.doc.State), len(k.bytes)
	row.doc.Value, row.doc.State = nil, nil // they lie in memory for the next key's
	row.digest, k.scratch = keyDigest(k.scratch, e.key, &k.encoding)
	k.rows = append(k.rows, row)
	return nil
}

// upTo is what is in the next row, which ends there.
func (k *keyRows) upTo(end int) []byte {
	row := k.bytes[k.put:end]
	k.put = end
	return row
}

// letGo lets go of what the rows were worked out from, and of memory that few commits need.
func (k *keyRows) letGo() {
	if !k.used {
		return
	}
	const keep = 2 * batchBytes
	if cap(k.bytes) > keep {
		*k = keyRows{}
		return
	}
	*k = keyRows{entries: emptied(k.entries), rows: emptied(k.rows), conflicts: k.conflicts[:0], bytes: k.bytes, value: k.value, scratch: k.scratch}
}

// writeKeys writes what those of the entries have come to that were changed.
func (c *commit) writeKeys(entries []*entry) error {
	batches, work := c.batches[:1], (chan *keyRows)(nil)
	if !oneProcessor {
		if n := helpers(entries); n > 0 {
			batches, work = c.batches[:], make(chan *keyRows, len(c.batches))
			var helping sync.WaitGroup
			for range n {
				helping.Go(func() {
					for k := range work {
						k.help()
					}
				})
			}
			defer helping.Wait()
			defer close(work)
		}
	}
	for put, taken := 0, 0; ; put++ {
		for len(entries) > 0 && taken-put < len(batches) {
			k := &batches[taken%len(batches)]
			var err error
			if entries, err = k.take(c, entries); err != nil {
				return err
			}
			if taken++; !oneProcessor && work != nil && isPure(k.ruling.strategy) {
				k.done = make(chan struct{})
				work <- k
			}
		}
		if put == taken {
			return nil
		}
		k := &batches[put%len(batches)]
		k.await(c, work)
		if err := c.putKeys(k); err != nil {
			return err
		}
	}
}

// helpers is how many goroutines beside that of the commit are to work out the rows of entries.
func helpers(entries []*entry) int {
	standing := 0
	for _, e := range entries {
		if e.dirty {
			standing += max(e.state.Standing(), 1)
		}
		if standing >= manyStanding {
			return min(runtime.GOMAXPROCS(0), batchesAhead) - 1
		}
	}
	return 0
}

// isPure reports whether a strategy is one of kdelta's own, which read nothing but the state; nil is one of them.
func isPure(st crdt.Strategy) bool {
	switch st {
	case nil, crdt.LWW(), crdt.MV(), crdt.Max(), crdt.Min(), crdt.Union(), crdt.Fields():
		return true
	}
	return false
}

// help works out rows for the commit that they belong to. A panic waits for the goroutine of the commit, whose caller may be ready for
// one.
func (k *keyRows) help() {
	defer close(k.done)
	defer func() { k.panicked = recover() }()
	k.workOut(nil)
}

// await works out the rows, or waits until somebody has and helps with others meanwhile.
func (k *keyRows) await(c *commit, work <-chan *keyRows) {
	if oneProcessor || k.done == nil {
		k.workOut(c.snap())
		return
	}
	for {
		select {
		case <-k.done:
			if k.panicked != nil {
				panic(k.panicked)
			}
			return
		case other := <-work:
			other.help()
		}
	}
}

// putKeys puts rows into the store, and makes the entries say what is there now.
func (c *commit) putKeys(k *keyRows) error {
	for ; ; k.workOut(c.snap()) {
		if k.err != nil {
			return k.err
		}
		of := k.entries[k.worked-len(k.rows) : k.worked]
		for i, e := range of {
			if err := c.putKey(k, e, &k.rows[i]); err != nil {
				return fmt.Errorf("key %q: %w", e.key, err)
			}
		}
		if k.worked == len(k.entries) {
			return nil
		}
	}
}

func (c *commit) putKey(k *keyRows, e *entry, row *keyRow) error {
	strategy := k.ruling.settings.Strategy
	if row.fault != nil {
		c.r.warnInside("a merge strategy failed; the key shows the last write", "key", e.key, "strategy", strategy, "error", row.fault)
	}
	if err := c.putConflicts(k, e, row.conflicts); err != nil {
		return err
	}
	for _, a := range c.applied {
		a.Conflicts += max(len(row.conflicts)-int(e.row.Conflicts), 0)
	}
	if row.kind.IsSequence() {
		c.sequences = append(c.sequences, docID{e.key, row.kind})
	}
	if k.ruling.strategy == nil && row.stateSize > 0 {
		if err := c.lack(strategy); err != nil {
			return err
		}
	}
	c.scratch = append(c.scratch[:0], e.key...)
	if err := c.tx.Put(store.Docs, c.scratch, k.upTo(row.end)); err != nil {
		return err
	}
	c.tip.digest.sub(e.before)
	c.tip.digest.add(row.digest)
	e.row, e.size, e.before, e.dirty = row.doc, row.stateSize, row.digest, false
	return nil
}
