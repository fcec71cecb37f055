package history

import (
	"cmp"
	"errors"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// A run is consecutive versions as bytes: what the wire carries, a disk row and a backup hold. Ids are not in it, but
// those of the versions just before it and of parents outside; all others are computed.
//
//	run      [0, [chain, …], [external, …], record, …]
//	chain    [author, seq, id]      a stretch of one author's versions, by the version before the first of them
//	external [author, seq, id]      a parent that is not in the run and not before a chain
//	record   [chain, time, [parent, …], payload, [content, …]]
//	           time     the first record's own, then the difference from the record before
//	           parent   2 × (how many records back), or 2 × (index of the external) + 1; ascending
//	content  [op, salt, body]       ascending
const (
	runItems     = 3 // before the records
	recordItems  = 5
	refItems     = 3
	contentItems = 3
	// The least bytes that each takes, so that counts are believed only as far as the input reaches.
	minRef    = 1 + 34 + 1 + 34
	minRecord = 1 + 1 + 1 + 1 + 5 + 1
)

// ErrRun is wrapped when bytes are not a run. It is a verdict on the bytes and on who sent them, not on any version.
var ErrRun = errors.New("history: not a run")

// runError is ErrRun with what was found and, where there is one, the error beneath.
type runError struct {
	what  string
	cause error
}

func (e *runError) Error() string {
	s := ErrRun.Error() + ": " + e.what
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

func (e *runError) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrRun}
	}
	return []error{ErrRun, e.cause}
}

func notRun(what string, cause error) error { return &runError{what: what, cause: cause} }

// EncodeRun is AppendRun in new memory.
func EncodeRun(versions []Version) ([]byte, error) { return AppendRun(nil, versions) }

// AppendRun appends the versions to b as one run, in the given order, in which parents must come before their children.
// Several authors may alternate. It is an error to give no version, or one twice.
func AppendRun(b []byte, versions []Version) ([]byte, error) {
	if len(versions) == 0 {
		return b, notRun("no version to encode", nil)
	}
	e := newRunEncoder(versions)
	size := 64
	for i := range versions {
		if err := e.place(i); err != nil {
			return b, err
		}
		size += recordSize(&versions[i])
	}
	size += minRef * 2 * (len(e.chains) + len(e.externals))
	b = canon.AppendArray(slices.Grow(b, size), runItems+len(versions))
	b = canon.AppendUint(b, FormatByte)
	b = canon.AppendArray(b, len(e.chains))
	for i := range e.chains {
		b = appendRef(b, &e.chains[i].before)
	}
	b = canon.AppendArray(b, len(e.externals))
	for i := range e.externals {
		b = appendRef(b, &e.externals[i])
	}
	var last clock.Time
	parents := e.parents
	for i := range versions {
		v := &versions[i]
		b = canon.AppendArray(b, recordItems)
		b = canon.AppendUint(b, uint64(e.placed[i]))
		b = canon.AppendInt(b, int64(v.Time-last))
		b = canon.AppendArray(b, len(v.Deps))
		for range v.Deps {
			b = canon.AppendUint(b, parents[0])
			parents = parents[1:]
		}
		b = canon.AppendBytes(b, v.Payload)
		b = appendContents(b, v.Contents)
		last = v.Time
	}
	return b, nil
}

func recordSize(v *Version) int {
	n := 32 + 4*len(v.Deps) + len(v.Payload)
	for i := range v.Contents {
		n += 32 + len(v.Contents[i].Body)
	}
	return n
}

func appendRef(b []byte, r *Ref) []byte {
	b = canon.AppendArray(b, refItems)
	b = canon.AppendBytes(b, r.Author[:])
	b = canon.AppendUint(b, r.Seq)
	return canon.AppendBytes(b, r.ID[:])
}

func appendContents(b []byte, contents []Content) []byte {
	b = canon.AppendArray(b, len(contents))
	for i := range contents {
		c := &contents[i]
		b = canon.AppendArray(b, contentItems)
		b = canon.AppendUint(b, uint64(c.Op))
		b = canon.AppendBytes(b, c.Salt[:])
		b = canon.AppendBytes(b, c.Body)
	}
	return b
}

// encodedChain is a chain while versions are placed on it.
type encodedChain struct {
	before Ref
	tip    ID
	index  int // record of the tip
	next   int // index+1 of the next chain of the same author, 0 for none
}

// runEncoder places versions on chains and parents in or outside of the run.
type runEncoder struct {
	versions  []Version
	chains    []encodedChain
	byAuthor  map[identity.Author]int // index of the author's newest chain, where there is more than one chain
	externals []Ref
	placed    []uint32 // chain of each version
	parents   []uint64 // as encoded, of all versions one after the other
	last      int      // the chain used last
	// records and outside are for parents that are no chain's tip, and filled when the first such one comes.
	records map[ID]int
	filled  int
	outside map[ID]int
}

func newRunEncoder(versions []Version) *runEncoder {
	return &runEncoder{
		versions: versions,
		placed:   make([]uint32, len(versions)),
	}
}

func (e *runEncoder) place(i int) error {
	v := &e.versions[i]
	from := len(e.parents)
	for d := range v.Deps {
		e.parents = append(e.parents, e.parent(i, &v.Deps[d]))
	}
	order.Sort(e.parents[from:], cmp.Compare)
	c := e.last
	if len(e.chains) == 0 || e.chains[c].tip != v.Prev {
		c = e.chain(v)
	}
	if v.ID == v.Prev || v.Width > v.Seq {
		return notRun("a version that was never made: "+v.Stamp().Name(), nil)
	}
	e.chains[c].tip, e.chains[c].index = v.ID, i
	e.placed[i], e.last = uint32(c), c
	return nil
}

// newest is the author's newest chain.
func (e *runEncoder) newest(author identity.Author) (c int, known bool) {
	if len(e.chains) == 1 {
		return 0, e.chains[0].before.Author == author
	}
	c, known = e.byAuthor[author]
	return c, known
}

// chain is the chain that v continues, or a new one.
func (e *runEncoder) chain(v *Version) int {
	newest, known := e.newest(v.Author)
	if known {
		for c := newest; ; c = e.chains[c].next - 1 {
			if e.chains[c].tip == v.Prev {
				return c
			}
			if e.chains[c].next == 0 {
				break
			}
		}
	}
	c := encodedChain{before: v.PrevRef(), index: -1}
	if known {
		c.next = newest + 1
	}
	e.chains = append(e.chains, c)
	if len(e.chains) == 1 {
		return 0
	}
	if e.byAuthor == nil {
		e.byAuthor = map[identity.Author]int{e.chains[0].before.Author: 0}
	}
	e.byAuthor[v.Author] = len(e.chains) - 1
	return len(e.chains) - 1
}

// parent is the encoded form of a parent of record i.
func (e *runEncoder) parent(i int, dep *Ref) uint64 {
	if newest, known := e.newest(dep.Author); known {
		if c := &e.chains[newest]; c.index >= 0 && c.tip == dep.ID {
			return 2 * uint64(i-c.index)
		}
	}
	if e.records == nil {
		e.records = make(map[ID]int, len(e.versions))
		e.outside = make(map[ID]int)
	}
	for ; e.filled < i; e.filled++ {
		e.records[e.versions[e.filled].ID] = e.filled
	}
	if at, in := e.records[dep.ID]; in {
		return 2 * uint64(i-at)
	}
	at, known := e.outside[dep.ID]
	if !known {
		at = len(e.externals)
		e.externals = append(e.externals, *dep)
		e.outside[dep.ID] = at
	}
	return 2*uint64(at) + 1
}
