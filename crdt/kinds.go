package crdt

import "math/bits"

// Kind is what a key's visible value is.
type Kind string

// The kinds. KindNone is that of a key that shows nothing.
const (
	KindNone     Kind = ""
	KindRegister Kind = "register"
	KindRecord   Kind = "record"
	KindCounter  Kind = "counter"
	KindSet      Kind = "set"
	KindText     Kind = "text"
	KindList     Kind = "list"
)

// IsSequence reports whether a State knows no more of the kind than that it is there: it is KindText or KindList. What it says,
// package sequence makes of the ops.
func (k Kind) IsSequence() bool { return k == KindText || k == KindList }

// SequenceKind is that of the text or the list which ops of the code edit; KindNone for all other codes.
func (c Code) SequenceKind() Kind {
	switch c.kind() {
	case texts:
		return KindText
	case lists:
		return KindList
	default:
		return KindNone
	}
}

// kinds is what some ops are of, as far as they take each other out: an op takes out what it covers that is of another kind
// than its own, and a delete is of no kind that anything can stand in.
type kinds uint8

const (
	documents kinds = 1 << iota
	counters
	sets
	texts
	lists
	deletes

	sequences = texts | lists
)

// kind is what ops of the code are of; 0 if they take out nothing.
func (c Code) kind() kinds {
	switch c {
	case CodePut, CodePatch:
		return documents
	case CodeDelete:
		return deletes
	case CodeAdd:
		return counters
	case CodeSetAdd, CodeSetRemove:
		return sets
	case CodeTextSplice:
		return texts
	case CodeListSplice, CodeListMove, CodeListReplace:
		return lists
	default:
		return 0
	}
}

// several reports whether there is more than one.
func (k kinds) several() bool { return bits.OnesCount8(uint8(k)) > 1 }

// lasting leaves deletes only beside one text or one list. Beside other kinds nobody asks for them, and beside nothing they
// have left a tombstone.
func (k kinds) lasting() kinds {
	if others := k &^ deletes; others == texts || others == lists {
		return k
	}
	return k &^ deletes
}
