package history

import (
	"bytes"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// BlameLine says who last set one leaf of a value.
type BlameLine struct {
	// Pointer is the JSON pointer of the leaf, empty where the whole value is one.
	Pointer string
	Value   canon.Value
	// Stamp is the version since which the leaf has this value.
	Stamp clock.Stamp
}

// leaf is a leaf of the newest value while its version is sought.
type leaf struct {
	path  []string
	value canon.Value
	since clock.Stamp
}

// Blame finds for each leaf of the newest value the version since which it has been as it is. past yields the values of a
// key, newest first, each with the version that made it so, nil where the key had no value; no more of it is read than
// is needed. A leaf is what is no object, or an empty one. Leaves come in the order of the value's JSON text.
func Blame(past iter.Seq2[clock.Stamp, canon.Value]) []BlameLine {
	var all []leaf
	var open []int // those of which an older value may still be the same
	first := true
	for stamp, value := range past {
		if first {
			all, first = appendLeaves(nil, nil, value), false
			for i := range all {
				open = append(open, i)
			}
		}
		open = slices.DeleteFunc(open, func(i int) bool {
			then, there := value.Lookup(all[i].path...)
			if !there || !bytes.Equal(then, all[i].value) {
				return true
			}
			all[i].since = stamp
			return false
		})
		if len(open) == 0 {
			break
		}
	}
	lines := make([]BlameLine, len(all))
	for i, l := range all {
		lines[i] = BlameLine{Pointer: crdt.Pointer(l.path), Value: l.value, Stamp: l.since}
	}
	return lines
}

func appendLeaves(into []leaf, path []string, value canon.Value) []leaf {
	if value == nil {
		return into
	}
	if value.Type() != canon.TypeMap || value.Len() == 0 {
		return append(into, leaf{path: path, value: value})
	}
	for key, member := range value.Entries() {
		into = appendLeaves(into, append(slices.Clip(path), key), member)
	}
	return into
}
