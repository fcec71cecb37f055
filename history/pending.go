package history

import (
	"errors"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// Reason says why versions that were received are not applied.
type Reason uint8

// The reasons. Numbers are stored: only ever add.
const (
	// ReasonMissingParent: a parent is not here yet.
	ReasonMissingParent Reason = iota + 1
	// ReasonNoCertificate: nobody has shown yet that the author may write in this space.
	ReasonNoCertificate
	// ReasonNoSeal: no signature of the author covers the versions yet.
	ReasonNoSeal
	// ReasonRefused: the versions descend from an invalid one, or their author was refused. They will not be applied.
	ReasonRefused
	reasons
)

var reasonNames = [reasons]string{"unknown", "missing parent", "no certificate", "no seal", "refused"}

// String is the reason as `status` and `why` print it.
func (r Reason) String() string {
	if r >= reasons {
		return reasonNames[0]
	}
	return reasonNames[r]
}

// Pending is versions of one author that wait, as one row: consecutive, the first of them waiting for Wants.
type Pending struct {
	Reason Reason
	// Author and Seq name the last of the versions, Wants what the first of them waits for: a parent (by author, dot and
	// id), or only an Author where a certificate or a seal is missing.
	Author identity.Author
	Seq    uint64
	Wants  Ref
	// Run is the versions as a run.
	Run []byte
	// Seal is the author's signature over the last of them (identity.Seal), empty where none came; Certificate is that of an
	// author of whom nothing is applied yet (identity.Certificate), else empty.
	Seal, Certificate []byte
	// Received is when they came, in ms since 1970.
	Received int64
}

// ErrPending is wrapped when bytes are not a pending row: what the store holds is damaged. The row may be deleted: what it
// held comes again with the next sync.
var ErrPending = errors.New("history: a pending row is damaged; delete it and sync again")

// pendingError is ErrPending with the error beneath.
type pendingError struct{ cause error }

func (e *pendingError) Error() string { return ErrPending.Error() + ": " + e.cause.Error() }

func (e *pendingError) Unwrap() []error { return []error{ErrPending, e.cause} }

const pendingItems = 8

// Append appends the row's bytes: [reason, author, seq, wants, run, received, seal, certificate].
func (p *Pending) Append(b []byte) []byte {
	b = canon.AppendArray(b, pendingItems)
	b = canon.AppendUint(b, uint64(p.Reason))
	b = canon.AppendBytes(b, p.Author[:])
	b = canon.AppendUint(b, p.Seq)
	b = appendRef(b, &p.Wants)
	b = canon.AppendBytes(b, p.Run)
	b = canon.AppendInt(b, p.Received)
	b = canon.AppendBytes(b, p.Seal)
	return canon.AppendBytes(b, p.Certificate)
}

// DecodePending is the strict inverse of Append. Run, Seal and Certificate alias b. The error wraps ErrPending.
func DecodePending(b []byte) (Pending, error) {
	r := canon.NewReader(b)
	items, _ := r.Array()
	reason, _ := r.Uint()
	var p Pending
	p.Author, _ = r.Bytes32()
	p.Seq, _ = r.Uint()
	wants, _ := r.Array()
	p.Wants.Author, _ = r.Bytes32()
	p.Wants.Seq, _ = r.Uint()
	p.Wants.ID, _ = r.Bytes32()
	p.Run, _ = r.Bytes()
	p.Received, _ = r.Int()
	p.Seal, _ = r.Bytes()
	p.Certificate, _ = r.Bytes()
	if err := r.End(); err != nil {
		return Pending{}, &pendingError{cause: err}
	}
	if items != pendingItems || wants != refItems || reason == 0 || reason >= uint64(reasons) {
		return Pending{}, &pendingError{cause: errShape}
	}
	p.Reason = Reason(reason)
	return p, nil
}

// PendingLimits bounds what waits; beyond either, what came first is given up.
type PendingLimits struct {
	Rows  int
	Bytes int64
}

// PendingSet knows which rows wait for what. It holds no rows: the caller keeps these, under ascending ordinals, and
// tells the set of every change.
type PendingSet struct {
	limits  PendingLimits
	rows    map[uint64]pendingEntry
	byID    map[ID][]uint64
	byOther map[pendingKey][]uint64
	oldest  uint64
	newest  uint64
	bytes   int64
}

type pendingEntry struct {
	wants  Ref
	reason Reason
	size   int64
}

type pendingKey struct {
	reason Reason
	author identity.Author
}

// NewPendingSet is a set without rows.
func NewPendingSet(limits PendingLimits) *PendingSet {
	return &PendingSet{
		limits:  limits,
		rows:    make(map[uint64]pendingEntry),
		byID:    make(map[ID][]uint64),
		byOther: make(map[pendingKey][]uint64),
	}
}

// Len is the number of rows, Bytes their size.
func (s *PendingSet) Len() int { return len(s.rows) }

// Bytes is the size of the rows' runs.
func (s *PendingSet) Bytes() int64 { return s.bytes }

// Add notes a row under an ordinal above all before, and returns the ordinals of the rows to delete because of the
// limits, oldest first; the new row itself if it alone is beyond them. They are no longer in the set.
func (s *PendingSet) Add(ordinal uint64, p *Pending) (evicted []uint64) {
	e := pendingEntry{wants: p.Wants, reason: p.Reason, size: int64(len(p.Run))}
	if len(s.rows) == 0 {
		s.oldest = ordinal
	}
	s.newest = ordinal
	s.rows[ordinal] = e
	s.bytes += e.size
	if e.reason == ReasonMissingParent {
		s.byID[e.wants.ID] = append(s.byID[e.wants.ID], ordinal)
	} else {
		k := pendingKey{reason: e.reason, author: e.wants.Author}
		s.byOther[k] = append(s.byOther[k], ordinal)
	}
	for len(s.rows) > 0 && (len(s.rows) > s.limits.Rows || s.bytes > s.limits.Bytes) {
		for ; s.oldest <= s.newest; s.oldest++ {
			if _, there := s.rows[s.oldest]; there {
				break
			}
		}
		evicted = append(evicted, s.oldest)
		s.Remove(s.oldest)
	}
	return evicted
}

// Remove forgets a row that is applied or given up; one that is not there is no error.
func (s *PendingSet) Remove(ordinal uint64) {
	e, there := s.rows[ordinal]
	if !there {
		return
	}
	delete(s.rows, ordinal)
	s.bytes -= e.size
	if e.reason == ReasonMissingParent {
		without(s.byID, e.wants.ID, ordinal)
	} else {
		without(s.byOther, pendingKey{reason: e.reason, author: e.wants.Author}, ordinal)
	}
}

func without[K comparable](m map[K][]uint64, key K, ordinal uint64) {
	kept := m[key][:0:0]
	for _, o := range m[key] {
		if o != ordinal {
			kept = append(kept, o)
		}
	}
	if len(kept) == 0 {
		delete(m, key)
		return
	}
	m[key] = kept
}

// WaitingFor are the ordinals of the rows that wait for the version id, ascending. The caller must not change the slice.
func (s *PendingSet) WaitingFor(id ID) []uint64 { return s.byID[id] }

// WaitingOn are the ordinals of the rows that wait, for a reason other than a missing parent, on an author, ascending.
// The caller must not change the slice.
func (s *PendingSet) WaitingOn(author identity.Author, reason Reason) []uint64 {
	return s.byOther[pendingKey{reason: reason, author: author}]
}
