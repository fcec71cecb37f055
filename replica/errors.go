package replica

import (
	"errors"

	"github.com/kdelta/kdelta/internal/msgpack"
)

// Errors of this package. Those of the store, of identity and of history come through, wrapped.
var (
	// ErrNotFound: the key has no visible value (at the point asked).
	ErrNotFound = errors.New("not found")
	// ErrWrongKind: the op does not fit what the key holds, as in adding to a register. Delete the key first, or
	// use another one.
	ErrWrongKind = errors.New("the key holds another kind of value")
	// ErrMismatch: a value does not fit the Go type that it was to be read into; the text says where.
	ErrMismatch = msgpack.ErrMismatch
	// ErrReserved: namespaces that start with a dot are kdelta's own.
	ErrReserved = errors.New("namespaces that start with '.' are kdelta's own")
	// ErrVersionMismatch: IfVersion named another version than the key's current one. Read again and retry.
	ErrVersionMismatch = errors.New("the key has changed since that version was read")
	// ErrNewerFormat: the key holds ops that a newer kdelta wrote; this one can read around them but not write.
	ErrNewerFormat = errors.New("the key was written by a newer kdelta; update kdelta to change it")
	// ErrReadOnlyMember: this replica joined with a read-only invite and has no right to write.
	ErrReadOnlyMember = errors.New("this replica joined read-only; ask a member for a read-write invite")
	// ErrNested: a write on the replica from inside its own Update, where the Tx that Update was given has to be used, or from
	// inside the pairs of its own Import, one of its strategies or its Logger.
	ErrNested = errors.New("a write from inside Update must use its Tx; the pairs of an Import, a strategy and a Logger must not write")
	// ErrTooLarge: one version would exceed the format's limit. Split the write.
	ErrTooLarge = errors.New("too large for one version")
	// ErrOutOfRange: a counter would leave ±(2^53−1).
	ErrOutOfRange = errors.New("the counter would leave ±(2^53−1)")
	// ErrClosed: the replica was closed.
	ErrClosed = errors.New("the replica is closed")
	// ErrUsed: the database already holds data of its own, so it cannot simply join another space; Adopt brings it along.
	ErrUsed = errors.New("this database already holds data of its own")
	// ErrAmbiguous: a point names more than one thing.
	ErrAmbiguous = errors.New("ambiguous")
	// ErrPoint: a point in the past that names nothing here, or cannot be understood.
	ErrPoint = errors.New("no such point")
	// ErrPointText: a text that can be no point, whatever is here. It comes with ErrPoint.
	ErrPointText = errors.New("not a point")
	// ErrName: what no device and no person can be called; the text says why.
	ErrName = errors.New("not a name")
	// ErrCursor: a text that is no cursor of a watch.
	ErrCursor = errors.New("not a cursor")
	// ErrQueries: more than one query was given where one says what is wanted.
	ErrQueries = errors.New("more than one query")
	// ErrUnknownStrategy: no merge strategy of that name is known here.
	ErrUnknownStrategy = errors.New("unknown merge strategy")
	// ErrNotErasable: values that are part of their versions cannot be destroyed. They were written before their namespace was made
	// erasable, or it is not.
	ErrNotErasable = errors.New("cannot be erased")
	// ErrMoved: the text or the list is another one than the loop over its Edits knows, and the edit cannot be moved there. Take
	// what the loop has to tell, and edit again.
	ErrMoved = errors.New("positions have moved since; take what Edits has to tell, and edit again")
	// ErrNoConflict: there is no open conflict to resolve.
	ErrNoConflict = errors.New("no open conflict")
)
