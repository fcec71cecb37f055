package replica

import (
	"encoding/json"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
)

// A Version names one write: who made it (Author), as which of the author's dots (Seq, the last one), when (Time) and
// the id that proves it (ID). It prints as AUTHOR@SEQ. A Version that a read returned also remembers what was read, so
// that From and IfVersion can compare with exactly that: of two that name the same write, compared with ==, one may be of
// another read. Compare them with Equal, and use ID as the key of a map.
type Version struct {
	clock.Stamp
	// seen is the first LV that the read did not see; 0 where the version did not come from a read.
	seen history.LV
	// epoch is that of the database when it was read; in another one seen means nothing.
	epoch uint64
}

// Wall is the version's time as its author's clock showed it.
func (v Version) Wall() time.Time { return time.UnixMilli(v.Time.Millis()).UTC() }

// String is AUTHOR@SEQ.
func (v Version) String() string { return v.Name() }

// Equal reports whether v and w name the same write, whatever was read with them.
func (v Version) Equal(w Version) bool { return v.ID == w.ID }

// IsZero reports whether v names nothing.
func (v Version) IsZero() bool { return v.Seq == 0 }

// LogEntry is one version with what it did, as Log yields it.
type LogEntry struct {
	Version
	// Parents are the versions that it was written on top of, the author's own first.
	Parents []Version
	// Clock counts, for each author, the dots that the version covers, itself included.
	Clock clock.Vector
	// Message is what its author said of it.
	Message string
	// Ops are its edits; for Log of one key, those of that key alone.
	Ops []LogOp
}

// LogOp is one edit of a version.
type LogOp struct {
	Key string
	// Op is the name of the op's code, as crdt.Code has it: "put", "delete", "patch", "add", "set-add", "set-remove", "resolve",
	// "erase", "text-splice", "list-splice", "list-move", "list-replace", or "unknown".
	Op string
	// Value is the op's operand as JSON, nil where there is none:
	//
	//	put, add               the value, the amount
	//	patch                  an object: the value at each path that it set
	//	set-add, set-remove    an array of the elements
	//	resolve                [{"version","id"}, …]: what it looked at, with the first half of each id
	//	erase                  {"version","id","op"}: the version and the index of the op whose operand it destroyed
	//	text-, list-splice     {"pos","removed","inserted"}
	//	list-move              {"from","to"}
	//	list-replace           {"pos","element"}
	Value json.RawMessage
	// Removed are the paths that a patch took out.
	Removed []string
	// Erased is true where the operand was destroyed.
	Erased bool
}
