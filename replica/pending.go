package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// Bounds of what waits. Beyond either, what came first is given up: it comes again with a later sync.
const (
	maxPendingRows  = 256
	maxPendingBytes = 16 << 20
)

// waiting are consecutive versions of one author that cannot be applied yet, up to a seal.
type waiting struct {
	versions []history.Version
	waitsFor
}

// waitAll sets aside what was judged to wait.
func (a *applier) waitAll() {
	for i := range a.held {
		if a.fates[i] == fateHeld {
			a.wait(&a.versions[i], a.held[i])
		}
	}
}

// wait sets a version aside: with those before it in its chain, if no seal is between them.
func (a *applier) wait(v *history.Version, why waitsFor) {
	a.applied.Pending++
	at, follows := a.waitingAt[v.Prev]
	if _, sealed := a.sealed[v.Prev]; !follows || sealed || a.waiting[at].versions[0].Author != v.Author {
		at = len(a.waiting)
		a.waiting = append(a.waiting, waiting{waitsFor: why})
	}
	delete(a.waitingAt, v.Prev)
	if a.waitingAt == nil {
		a.waitingAt = make(map[history.ID]int)
	}
	a.waitingAt[v.ID] = at
	a.waiting[at].versions = append(a.waiting[at].versions, *v)
}

// keepWaiting stores what waits. Of more than there may be rows the first are given up before anything is done for them: a
// pack may hold any number of versions that wait.
func (a *applier) keepWaiting() error {
	if len(a.waiting) == 0 {
		return nil
	}
	table, err := a.c.pendingTable()
	if err != nil {
		return err
	}
	for _, w := range a.waiting[max(0, len(a.waiting)-maxPendingRows):] {
		run, err := history.EncodeRun(w.versions)
		if err != nil {
			return err
		}
		last := &w.versions[len(w.versions)-1]
		p := history.Pending{
			Reason: w.reason, Author: last.Author, Seq: last.Seq, Wants: w.wants, Run: run, Received: a.c.r.wall.Now(),
		}
		if seal, ok := a.sealed[last.ID]; ok && seal.Author == last.Author && seal.Seq == last.Seq {
			p.Seal = seal.Sig[:]
		}
		if cert, ok := a.certificates[last.Author]; ok {
			p.Certificate = cert.Append(nil)
		}
		if err := table.put(p); err != nil {
			return err
		}
	}
	a.waiting, a.waitingAt = nil, nil
	return nil
}

// pendingTable is what waits, as far as who adds to it has to know.
type pendingTable struct {
	tx    store.Tx
	rows  []pendingSize // the oldest first
	total int
	known map[pendingKey]bool
	next  uint64
}

// pendingSize is a row and its bytes.
type pendingSize struct {
	ordinal uint64
	size    int
}

// pendingKey tells what waits apart, whenever it came.
type pendingKey struct {
	author identity.Author
	seq    uint64
	wants  history.Ref
	proved [sha256.Size]byte // the versions and what proves them
}

func pendingKeyOf(p *history.Pending) pendingKey {
	key := pendingKey{author: p.Author, seq: p.Seq, wants: p.Wants}
	sum := sha256.New()
	sum.Write(p.Seal)
	sum.Write(p.Certificate)
	sum.Write(p.Run)
	sum.Sum(key.proved[:0])
	return key
}

func (c *commit) pendingTable() (*pendingTable, error) {
	t := &pendingTable{tx: c.tx, known: make(map[pendingKey]bool), next: 1}
	for row, err := range c.tx.Scan(store.Pending, store.Range{}) {
		if err != nil {
			return nil, err
		}
		if old, err := decodePending(row.Value); err == nil {
			t.known[pendingKeyOf(&old)] = true
		}
		t.rows = append(t.rows, pendingSize{store.KeyInt(row.Key), len(row.Value)})
		t.total += len(row.Value)
		t.next = store.KeyInt(row.Key) + 1
	}
	return t, nil
}

// put adds a row, unless the same versions wait already, and gives up the oldest rows beyond the bounds, or the new one where
// it alone is beyond them.
func (t *pendingTable) put(p history.Pending) error {
	key := pendingKeyOf(&p)
	if t.known[key] {
		return nil
	}
	b := withSum(p.Append(nil))
	if len(b) > maxPendingBytes {
		return nil
	}
	for len(t.rows) > 0 && (len(t.rows) >= maxPendingRows || t.total+len(b) > maxPendingBytes) {
		if err := t.tx.Delete(store.Pending, store.IntKey(t.rows[0].ordinal)); err != nil {
			return err
		}
		t.total -= t.rows[0].size
		t.rows = t.rows[1:]
	}
	t.known[key] = true
	t.rows = append(t.rows, pendingSize{t.next, len(b)})
	t.total += len(b)
	t.next++
	return t.tx.Put(store.Pending, store.IntKey(t.next-1), b)
}

// pendingRows yields what waits, oldest first. A damaged row is yielded with its error.
func (s *snap) pendingRows() iter.Seq[pendingRow] {
	return func(yield func(pendingRow) bool) {
		for row, err := range s.tx.Scan(store.Pending, store.Range{}) {
			p := pendingRow{err: err}
			if err == nil {
				p.ordinal = store.KeyInt(row.Key)
				p.Pending, p.err = decodePending(append([]byte(nil), row.Value...))
			}
			if !yield(p) || err != nil {
				return
			}
		}
	}
}

// pendingRowsNow is pendingRows read at once, so that the loop may write to the table.
func (s *snap) pendingRowsNow() (rows []pendingRow) {
	for row := range s.pendingRows() {
		rows = append(rows, row)
	}
	return rows
}

// decodePending reads a row of Pending. What it holds was believed when it came, so it has a checksum.
func decodePending(b []byte) (history.Pending, error) {
	b, err := withoutSum(b)
	if err != nil {
		return history.Pending{}, fmt.Errorf("%w: %w", history.ErrPending, err)
	}
	return history.DecodePending(b)
}

type pendingRow struct {
	history.Pending
	ordinal uint64
	err     error
}

// PendingItem is something that was received and waits.
type PendingItem struct {
	// Version is AUTHOR@SEQ of the newest version that waits, Versions how many there are.
	Version  string
	Versions int
	// Reason says why: "missing parent", "no certificate", "no seal" or "refused".
	Reason string
	// Wants names what would help: a version, or an author.
	Wants string
	// Received is when it came, by this machine's clock.
	Received time.Time
}

// Pending lists what was received and waits, oldest first.
func (r *Replica) Pending(ctx context.Context) ([]PendingItem, error) {
	var items []PendingItem
	err := r.view(ctx, func(s *snap) error {
		var err error
		items, err = s.pendingItems()
		return err
	})
	return items, err
}

func (s *snap) pendingItems() ([]PendingItem, error) {
	var items []PendingItem
	for row := range s.pendingRows() {
		if errors.Is(row.err, history.ErrPending) {
			continue
		}
		if row.err != nil {
			return nil, row.err
		}
		item := PendingItem{
			Version: nameOf(row.Author, row.Seq), Reason: row.Reason.String(), Received: time.UnixMilli(row.Received).UTC(),
		}
		if item.Wants = row.Wants.Author.String(); row.Wants.Seq > 0 {
			item.Wants = nameOf(row.Wants.Author, row.Wants.Seq)
		}
		if versions, err := history.DecodeRun(s.space, row.Run); err == nil {
			item.Versions = len(versions)
		}
		items = append(items, item)
	}
	return items, nil
}
