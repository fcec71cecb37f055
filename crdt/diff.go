package crdt

import (
	"bytes"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// Change is one place where two values differ.
type Change struct {
	// Path is the map keys that lead there, none for the whole value.
	Path []string
	// Old and New are what stands there, nil for nothing.
	Old, New Value
}

// Diff returns how b differs from a, by ascending path (in the order of pointers, see package documentation); nil stands
// for no value. Objects are compared member by member; an array, an object with a member "$bytes", and an object that
// became empty are compared as a whole. Values alias a and b.
func Diff(a, b Value) []Change {
	changes := appendDiff(nil, nil, a, b)
	order.Sort(changes, func(x, y Change) int { return comparePaths(Pointer(x.Path), Pointer(y.Path)) })
	return changes
}

func appendDiff(dst []Change, path []string, a, b Value) []Change {
	if bytes.Equal(a, b) {
		return dst
	}
	becameEmpty := len(path) > 0 && isEmptyObject(b)
	if a == nil || b == nil || becameEmpty || !isContainer(a) || !isContainer(b) {
		return append(dst, Change{Path: slices.Clone(path), Old: a, New: b})
	}
	for key, old := range a.Entries() {
		next, _ := b.Lookup(key)
		dst = appendDiff(dst, append(path, key), old, next)
	}
	for key, next := range b.Entries() {
		if _, known := a.Get(key); !known {
			dst = appendDiff(dst, append(path, key), nil, next)
		}
	}
	return dst
}

// ApplyEdits returns base, an object, with the edits made; nil counts as the empty object. Everything above an edited
// path becomes an object, and an object below the root that loses its last member is gone. It is what State.View shows
// after a patch that covered everything. The error wraps ErrOp.
func ApplyEdits(base Value, edits []Edit) (Value, error) {
	if len(edits) == 0 && base != nil {
		return base, nil
	}
	if len(edits) == 0 {
		return canon.AppendMap(nil, 0), nil
	}
	body, err := appendPatch(nil, edits)
	if err != nil {
		return nil, err
	}
	s := &State{}
	if base != nil {
		s.setSimple(clock.Stamp{Time: 1}, base)
	}
	ops := []Op{{Code: CodePatch, Width: 1, Body: body}}
	if _, err := s.Apply(ops, clock.Stamp{Time: 2, ID: clock.ID{1}}, everything{}, nil); err != nil {
		return nil, err
	}
	return s.View(Fields(), nil).Value, nil
}

// NeedsBase reports whether EncodeSet looks at what the writer read.
func NeedsBase(st Strategy) bool {
	_, byMember := st.(fields)
	return byMember
}

// EncodeSet returns the op that a local Set of next is. Under Fields, with a base that is an object like next, it is the
// patch of their differences, or no op (changed is false) where there are none; otherwise it is a put. base is the
// value that the writer read; it must be nil where the key shows nothing now, or what it shows is Revived. The error
// wraps ErrKey or ErrOp.
func EncodeSet(key string, st Strategy, base, next Value) (op Op, changed bool, err error) {
	if !NeedsBase(st) || !isContainer(base) || !isContainer(next) {
		op, err = Put(key, next)
		return op, err == nil, err
	}
	if err := canon.Check(next); err != nil {
		return Op{}, false, opError(CodePatch, "the value", err)
	}
	changes := Diff(base, next)
	if len(changes) == 0 {
		return Op{}, false, CheckKey(key)
	}
	edits := make([]Edit, len(changes))
	for i, c := range changes {
		edits[i] = Edit{Path: c.Path, Value: c.New}
	}
	op, err = Patch(key, edits)
	return op, err == nil, err
}
