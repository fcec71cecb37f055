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
