package replica

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
)

// Reader is the read side, the same for the present (a Replica) and for the past (what At returns).
type Reader interface {
	// Get reads the key's visible value into dst, by encoding/json's rules, except that []byte is bytes, and returns the version
	// that it is from; a nil dst asks for that alone. ErrNotFound where nothing is visible, ErrMismatch where the value does
	// not fit.
	Get(ctx context.Context, key string, dst any) (Version, error)
	// Doc is all that is known of a key. ErrNotFound where nothing is visible.
	Doc(ctx context.Context, key string) (Doc, error)
	// List yields the visible keys that start with prefix, in byte order.
	List(ctx context.Context, prefix string, opts ...ListOption) iter.Seq2[Row, error]
	// Namespaces lists the namespaces that have visible keys, in byte order.
	Namespaces(ctx context.Context) ([]Namespace, error)
}

// Row is one visible key.
type Row struct {
	Key     string
	Version Version
	// Value is the visible value as compact JSON; Decode reads it.
	Value json.RawMessage
	// Kind is the value's kind: register, record, counter, set, text or list.
	Kind crdt.Kind
	// Conflicts counts the key's open conflicts.
	Conflicts int
}

// Doc is all that is known of a key at a point.
type Doc struct {
	Row
	// Parents are those of the visible version.
	Parents []Version
	// Clock is that of the visible version.
	Clock clock.Vector
	// Strategy is the versioned name of the strategy that computed the visible value.
	Strategy string
}

// Namespace is a namespace and how many visible keys it has.
type Namespace struct {
	Name string
	Keys int
}

// Conflict is a place of a key of which concurrent writes say different things: not all of them are shown as they are.
type Conflict struct {
	Key string
	// Path is the JSON pointer of the conflict inside the value, empty for the whole value.
	Path   string
	Status ConflictStatus
	// Base is the value before the sides parted that are listed, as compact JSON, nil where there was none.
	Base json.RawMessage
	// Chosen is what is (or was) shown and the version that decided it, Others the newest of the other sides, 256 of them and a MiB
	// of values at most, More how many there are besides: the log of the key has them all. Those of the others that are not Merged are
	// (or were) not shown.
	Chosen ConflictSide
	Others []ConflictSide
	More   int
	// Why says in words how it was decided: which strategy did, and by what.
	Why string
	// ClosedBy is the version that closed the conflict, zero while it is open.
	ClosedBy Version
}

// ConflictStatus is what became of a conflict.
type ConflictStatus string

// What becomes of a conflict.
const (
	// ConflictOpen: nobody has settled it.
	ConflictOpen ConflictStatus = "open"
	// ConflictOverwritten: a later write covered its sides without saying so.
	ConflictOverwritten ConflictStatus = "overwritten"
	// ConflictResolved: a later write named its sides (Resolve, ResolveTake).
	ConflictResolved ConflictStatus = "resolved"
)

// ConflictSide is one of the concurrent writes of a conflict.
type ConflictSide struct {
	// Version is what ResolveTake takes to settle on this side.
	Version Version
	Kind    crdt.Kind
	// Value is compact JSON, which Decode reads; nil where the side deleted.
	Value   json.RawMessage
	Deleted bool
	// Merged marks what the strategy made of several sides, as Chosen, and each of these: it shows something of each, as far as kdelta can
	// tell of one that the application brings.
	Merged bool
}
