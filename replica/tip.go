package replica

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// Names of rows in the store's Meta table.
const (
	metaMember   = "member"   // the space and what lets this database into it
	metaAuthor   = "author"   // the author key that this database writes with
	metaRetired  = "retired"  // the keys of authors that it has written with before
	metaInstance = "instance" // what betrays a copy: see identity.Instance
	metaNotes    = "notes"    // what happened to this database, for people
	metaHanded   = "handed"   // the newest own dot that left this device
	metaRemotes  = "remotes"  // where to sync with
	metaReissued = "reissued" // what this database has written again under another author: see Reissue
	metaScrub    = "scrub"    // the store's files may hold what was erased: see Scrub
	metaLacked   = "lacked"   // strategies that rows were computed without, since nobody here knew them
	metaBegun    = "begun/"   // before the hash of a pack: one that takes several commits
)

// head is a version that nothing applied covers.
type head struct {
	lv   history.LV
	line history.Line
	seq  uint64
	time clock.Time
	id   history.ID
}

// tip is where the database stands. Every commit writes it, into the row of Runs that holds its versions: then a small
// write touches one place for both. A commit that has no versions, or many, writes a row of the tip alone, with the next
// dot for its key; the row of that dot will replace it. So the newest row of Runs is small, and has the tip.
type tip struct {
	// commits counts the commits; a cache that knows another number is stale.
	commits uint64
	// next is the LV of the next dot.
	next history.LV
	// epoch counts how often the database was set back (see withdrawal): LVs of different epochs have nothing to do with
	// each other.
	epoch uint64
	// erased counts the commits in which erasures became known here: rows of Runs that were read before may hold what is gone.
	erased uint64
	// packed is the dot below which the rows of Runs are packed.
	packed history.LV
	// versions counts the applied versions.
	versions uint64
	// own is the newest version of the author that this database writes as; its seq is 0 before the first.
	own head
	// digest is the state digest: the sum of all keys' digests modulo 2^256.
	digest digest
	// heads ascend by LV: each was the newest of all when it came.
	heads []head
}

// fewHeads are taken out one by one.
const fewHeads = 4

// dropHeads takes out the heads that are among the parents of a version.
func (t *tip) dropHeads(parents []history.LV) {
	if len(parents) <= fewHeads {
		for _, lv := range parents {
			t.dropHead(lv)
		}
		return
	}
	gone := make(map[history.LV]bool, len(parents))
	for _, lv := range parents {
		gone[lv] = true
	}
	t.heads = slices.DeleteFunc(t.heads, func(h head) bool { return gone[h.lv] })
}

// era counts how often the database was set back, or something was erased in it: in one era what was made of versions stays true.
func (t *tip) era() uint64 { return t.epoch + t.erased }

// dropHead takes out the head whose last dot is lv, if there is one. Mostly it is among the newest.
func (t *tip) dropHead(lv history.LV) {
	for i := len(t.heads) - 1; i >= 0 && t.heads[i].lv >= lv; i-- {
		if t.heads[i].lv == lv {
			t.heads = slices.Delete(t.heads, i, i+1)
			return
		}
	}
}

// append appends the tip's bytes. last is the last version of the row, nil where there is none: a head that is this
// version is given by its line alone.
func (t *tip) append(b []byte, last *stored) []byte {
	b = canon.AppendArray(b, 9)
	b = canon.AppendUint(b, t.commits)
	b = canon.AppendUint(b, t.epoch)
	b = canon.AppendUint(b, t.erased)
	b = canon.AppendUint(b, uint64(t.next))
	b = canon.AppendUint(b, uint64(t.packed))
	b = canon.AppendUint(b, t.versions)
	sum := t.digest.bytes()
	b = canon.AppendBytes(b, sum[:])
	b = appendHead(b, t.own, last)
	b = canon.AppendArray(slices.Grow(b, headBytes*max(len(t.heads)-1, 0)), len(t.heads))
	for _, h := range t.heads {
		b = appendHead(b, h, last)
	}
	return b
}

// headBytes are about those of a head.
const headBytes = 64

func appendHead(b []byte, h head, last *stored) []byte {
	if last != nil && h.lv == last.lv {
		return canon.AppendUint(b, uint64(h.line))
	}
	b = canon.AppendArray(b, 5)
	b = canon.AppendUint(b, uint64(h.lv))
	b = canon.AppendUint(b, uint64(h.line))
	b = canon.AppendUint(b, h.seq)
	b = canon.AppendUint(b, uint64(h.time))
	return canon.AppendBytes(b, h.id[:])
}

func readHead(r *canon.Reader, last *stored) (head, error) {
	if r.Peek() == canon.TypeInt {
		line, err := r.Uint()
		if err != nil || last == nil {
			return head{}, fmt.Errorf("%w: a head that is no version of its row: %w", store.ErrCorrupt, err)
		}
		return head{lv: last.lv, line: history.Line(line), seq: last.Seq, time: last.Time, id: last.ID}, nil
	}
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

// decodeTip reads what append wrote.
func decodeTip(b []byte, last *stored) (tip, error) {
	var t tip
	r := canon.NewReader(b)
	_, _ = r.Array()
	t.commits, _ = r.Uint()
	t.epoch, _ = r.Uint()
	t.erased, _ = r.Uint()
	next, _ := r.Uint()
	packed, _ := r.Uint()
	t.next, t.packed = history.LV(next), history.LV(packed)
	t.versions, _ = r.Uint()
	sum, _ := r.Bytes32()
	t.digest = digestOf(sum)
	var err error
	if t.own, err = readHead(&r, last); err != nil {
		return t, err
	}
	n, err := r.Array()
	for i := 0; i < n && err == nil; i++ {
		var h head
		h, err = readHead(&r, last)
		t.heads = append(t.heads, h)
	}
	if err == nil {
		err = r.End()
	}
	if err != nil {
		return t, fmt.Errorf("%w: the tip: %w", store.ErrCorrupt, err)
	}
	return t, nil
}

// readTip reads where the database stands, and the bytes that say so; a database without versions is empty.
func readTip(tx store.Tx, space identity.Space) (t tip, row []byte, err error) {
	for newest, err := range tx.Scan(store.Runs, store.Range{Reverse: true}) {
		if err != nil {
			return t, nil, err
		}
		first := history.LV(store.KeyInt(newest.Key))
		parts, err := parseRunRow(first, newest.Value)
		if err != nil {
			return t, nil, err
		}
		versions, err := parts.versions(space, first)
		if err != nil {
			return t, nil, err
		}
		var last *stored
		if n := len(versions); n > 0 {
			last = &versions[n-1]
		}
		body, err := withoutSum(parts.tip)
		if err != nil {
			return t, nil, fmt.Errorf("%w: the tip: %w", store.ErrCorrupt, err)
		}
		t, err = decodeTip(body, last)
		return t, bytes.Clone(parts.tip), err
	}
	return tip{next: 1, packed: 1}, nil, nil
}

// tipIs reports whether the database stands where these bytes say.
func tipIs(tx store.Tx, row []byte) (bool, error) {
	for newest, err := range tx.Scan(store.Runs, store.Range{Reverse: true}) {
		if err != nil {
			return false, err
		}
		parts, err := parseRunRow(history.LV(store.KeyInt(newest.Key)), newest.Value)
		return err == nil && bytes.Equal(parts.tip, row), err
	}
	return row == nil, nil
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
