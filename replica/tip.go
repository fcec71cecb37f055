package replica

import (
	"fmt"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Names of rows in the store's Meta table.
const (
	metaTip      = "tip"      // where the database stands; rewritten by every commit
	metaMember   = "member"   // the space and what lets this database into it
	metaAuthor   = "author"   // the author key that this database writes with
	metaRetired  = "retired"  // the keys of authors that it has written with before
	metaInstance = "instance" // what betrays a copy: see identity.Instance
	metaNotes    = "notes"    // what happened to this database, for people
	metaHanded   = "handed"   // the newest own dot that left this device
	metaRemotes  = "remotes"  // where to sync with
	metaReissued = "reissued" // what this database has written again under another author: see Reissue
	metaLacked   = "lacked"   // strategies that rows were computed without, since nobody here knew them
)

// head is a version that nothing applied covers.
type head struct {
	lv   history.LV
	line history.Line
	seq  uint64
	time clock.Time
	id   history.ID
}

// tip is where the database stands. It is one small row, so that a write need read nothing else of the history.
type tip struct {
	// commits counts the commits; a cache that knows another number is stale.
	commits uint64
	// next is the LV of the next dot.
	next history.LV
	// epoch counts how often the database was set back (see withdrawal): LVs of different epochs have nothing to do with
	// each other.
	epoch uint64
	// versions counts the applied versions.
	versions uint64
	// own is the newest version of the author that this database writes as; its seq is 0 before the first.
	own head
	// digest is the state digest: the sum of all keys' digests modulo 2^256.
	digest digest
	heads  []head
}

func (t *tip) append(b []byte) []byte {
	b = canon.AppendArray(b, 7)
	b = canon.AppendUint(b, t.commits)
	b = canon.AppendUint(b, t.epoch)
	b = canon.AppendUint(b, uint64(t.next))
	b = canon.AppendUint(b, t.versions)
	b = appendHead(b, t.own)
	sum := t.digest.bytes()
	b = canon.AppendBytes(b, sum[:])
	b = canon.AppendArray(b, len(t.heads))
	for _, h := range t.heads {
		b = appendHead(b, h)
	}
	return b
}

func appendHead(b []byte, h head) []byte {
	b = canon.AppendArray(b, 5)
	b = canon.AppendUint(b, uint64(h.lv))
	b = canon.AppendUint(b, uint64(h.line))
	b = canon.AppendUint(b, h.seq)
	b = canon.AppendUint(b, uint64(h.time))
	return canon.AppendBytes(b, h.id[:])
}

func readHead(r *canon.Reader) (head, error) {
	var h head
	n, err := r.Array()
	if err != nil || n != 5 {
		return h, fmt.Errorf("%w: a head of %d fields: %w", store.ErrCorrupt, n, err)
	}
	lv, _ := r.Uint()
	line, _ := r.Uint()
	h.seq, _ = r.Uint()
	time, _ := r.Uint()
	id, err := r.Bytes32() // the reader's first error sticks
	h.lv, h.line, h.time, h.id = history.LV(lv), history.Line(line), clock.Time(time), id
	return h, err
}

// decodeTip reads what append wrote; a database without the row is empty.
func decodeTip(b []byte) (tip, error) {
	if b == nil {
		return tip{next: 1}, nil
	}
	var t tip
	r := canon.NewReader(b)
	_, _ = r.Array()
	t.commits, _ = r.Uint()
	t.epoch, _ = r.Uint()
	next, _ := r.Uint()
	t.next = history.LV(next)
	t.versions, _ = r.Uint()
	var err error
	if t.own, err = readHead(&r); err != nil {
		return t, err
	}
	sum, _ := r.Bytes32()
	t.digest = digestOf(sum)
	n, err := r.Array()
	for i := 0; i < n && err == nil; i++ {
		var h head
		h, err = readHead(&r)
		t.heads = append(t.heads, h)
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return t, fmt.Errorf("%w: the tip row: %w", store.ErrCorrupt, err)
	}
	return t, nil
}

// authorRow is the row of the author that this database writes as.
type authorRow struct {
	key  identity.AuthorKey
	line history.Line
}

func (a authorRow) append(b []byte) []byte {
	seed := a.key.Seed()
	b = canon.AppendArray(b, 2)
	b = canon.AppendBytes(b, seed[:])
	return canon.AppendUint(b, uint64(a.line))
}

func decodeAuthorRow(b []byte) (authorRow, error) {
	r := canon.NewReader(b)
	_, _ = r.Array()
	seed, _ := r.Bytes32()
	line, _ := r.Uint()
	if err := r.End(); err != nil {
		return authorRow{}, fmt.Errorf("%w: the author row: %w", store.ErrCorrupt, err)
	}
	return authorRow{key: identity.AuthorKeyFromSeed(seed), line: history.Line(line)}, nil
}
