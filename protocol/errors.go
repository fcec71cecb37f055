package protocol

import (
	"errors"
	"strconv"
)

// What a session can end in, wrapped with the facts of the case. A session that the PEER ended with one of these
// reasons has the same sentinel and ErrPeer, so it does not matter which side noticed first.
var (
	// ErrVersion names both protocol versions. Update the replica that speaks the lower one.
	ErrVersion = errors.New("protocol: the replicas speak different versions of the protocol; update the older one")
	// ErrForeignSpace names both spaces by the first 8 characters. Two spaces never sync; one replica has to join the
	// other's space by an invite.
	ErrForeignSpace = errors.New("protocol: the peer belongs to another space; join one of them with an invite from the other")
	// ErrSelf: both ends are the same database instance.
	ErrSelf = errors.New("protocol: the peer is this very replica; give the target of another one")
	// ErrProof names an author whose signature over the link is not good: the peer is not who it says, or somebody stands
	// between.
	ErrProof = errors.New("protocol: the peer does not prove that it is the author that it says")
	// ErrAsked: the peer only wanted to know what a sync would do, and is gone.
	ErrAsked = errors.New("protocol: the peer only asked what is here")
	// ErrMalformed: a frame that is no canonical message, or beyond a limit. The peer is broken or hostile.
	ErrMalformed = errors.New("protocol: malformed frame")
	// ErrUnexpected names a frame and the state in which it may not come. The peer is broken or hostile, or the
	// transport loses, repeats or reorders frames.
	ErrUnexpected = errors.New("protocol: unexpected frame")
	// ErrLocal: this replica could not go on; the cause, from Local or a Feed, is wrapped.
	ErrLocal = errors.New("protocol: the session ended for trouble on this side")
	// ErrPeer: the peer ended the session early; its reason and its text follow.
	ErrPeer = errors.New("protocol: the peer ended the session")
	// ErrCut: the session was closed before its end. What was applied stays; a new session goes on from there.
	ErrCut = errors.New("protocol: the session was cut before its end; sync again to go on from here")
)

// Reason is the code in a bye.
type Reason uint64

// Reasons, frozen numbers. A number that is not listed here is kept and shown as it is.
const (
	ReasonDone         Reason = 0
	ReasonVersion      Reason = 1
	ReasonForeignSpace Reason = 2
	ReasonSelf         Reason = 3
	ReasonMalformed    Reason = 4
	ReasonUnexpected   Reason = 5
	ReasonLocal        Reason = 6
	ReasonProof        Reason = 7
	ReasonAsked        Reason = 8
)

// String names the reason as errors and traces show it.
func (r Reason) String() string {
	switch r {
	case ReasonDone:
		return "done"
	case ReasonVersion:
		return "other version"
	case ReasonForeignSpace:
		return "foreign space"
	case ReasonSelf:
		return "same replica"
	case ReasonMalformed:
		return "malformed frame"
	case ReasonUnexpected:
		return "unexpected frame"
	case ReasonLocal:
		return "trouble on its side"
	case ReasonProof:
		return "no proof of its author"
	case ReasonAsked:
		return "it only asked what is here"
	default:
		return "reason " + strconv.FormatUint(uint64(r), 10)
	}
}

// sentinel is what a session that ends for this reason ends in; nil for a reason that has none.
func (r Reason) sentinel() error {
	switch r {
	case ReasonVersion:
		return ErrVersion
	case ReasonForeignSpace:
		return ErrForeignSpace
	case ReasonSelf:
		return ErrSelf
	case ReasonMalformed:
		return ErrMalformed
	case ReasonUnexpected:
		return ErrUnexpected
	case ReasonProof:
		return ErrProof
	case ReasonAsked:
		return ErrAsked
	default:
		return nil
	}
}

// denies is true for what a person has to settle; another try at the same session would end the same.
func (r Reason) denies() bool {
	return r == ReasonVersion || r == ReasonForeignSpace || r == ReasonSelf || r == ReasonProof
}

// failure is a reason, the error beneath or beside it, and what happened in this case. It stands in for fmt.Errorf,
// which this package does without to keep the WASM module small.
type failure struct {
	kind  error
	text  string
	cause error
}

func (f *failure) Error() string {
	if detail := f.detail(); detail != "" {
		return f.kind.Error() + ": " + detail
	}
	return f.kind.Error()
}

// detail is the error without its kind.
func (f *failure) detail() string {
	switch {
	case f.cause == nil:
		return f.text
	case f.text == "":
		return f.cause.Error()
	default:
		return f.text + ": " + f.cause.Error()
	}
}

func (f *failure) Unwrap() []error {
	if f.cause == nil {
		return []error{f.kind}
	}
	return []error{f.kind, f.cause}
}

func malformed(what string, cause error) *failure {
	return &failure{kind: ErrMalformed, text: what, cause: cause}
}

// peerError is the error of a session that the peer ended early. text was cleaned when it was read.
type peerError struct {
	reason Reason
	text   string
}

func (e *peerError) Error() string {
	s := ErrPeer.Error() + ": " + e.reason.String()
	if e.text != "" {
		s += ": " + strconv.Quote(e.text)
	}
	return s
}

func (e *peerError) Unwrap() []error {
	if kind := e.reason.sentinel(); kind != nil {
		return []error{ErrPeer, kind}
	}
	return []error{ErrPeer}
}
