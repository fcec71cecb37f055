package crdt

import (
	"bytes"
	"slices"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// element is one element of a set with the adds of it that nothing covers, never none, ascending.
type element struct {
	value Value
	adds  []clock.Stamp
}

func equalValues(a, b Value) bool { return bytes.Equal(a, b) }

// addToSet merges elements, which ascend, into the set: each loses the adds that the version covers and gains its own.
func (s *State) addToSet(elements []Value, at clock.Stamp, past *seen) {
	fresh := elements[:0:0]
	for _, v := range elements {
		i, found := s.findElement(v)
		if !found {
			fresh = append(fresh, v)
			continue
		}
		adds := past.uncovered(s.set[i].adds)
		s.set[i].adds = withStamp(adds, at)
	}
	if len(fresh) == 0 {
		return
	}
	adds := []clock.Stamp{at}
	merged := slices.Grow(s.set, len(fresh))[:len(s.set)+len(fresh)]
	i, j := len(s.set)-1, len(fresh)-1
	for k := len(merged) - 1; j >= 0; k-- { // from the back, so that it can be done in place
		if i >= 0 && canon.Compare(merged[i].value, fresh[j]) > 0 {
			merged[k] = merged[i]
			i--
		} else {
			merged[k] = element{value: fresh[j], adds: adds}
			j--
		}
	}
	s.set = merged
}

// removeFromSet drops the adds of the elements that the version covers.
func (s *State) removeFromSet(elements []Value, past *seen) {
	emptied := false
	for _, v := range elements {
		if i, found := s.findElement(v); found {
			s.set[i].adds = past.uncovered(s.set[i].adds)
			emptied = emptied || len(s.set[i].adds) == 0
		}
	}
	if emptied {
		s.dropEmptied()
	}
}

// clearSet drops all adds that the version covers.
func (s *State) clearSet(past *seen) {
	for i := range s.set {
		s.set[i].adds = past.uncovered(s.set[i].adds)
	}
	s.dropEmptied()
}

func (s *State) dropEmptied() {
	s.set = slices.DeleteFunc(s.set, func(e element) bool { return len(e.adds) == 0 })
}

func (s *State) findElement(v Value) (int, bool) {
	return slices.BinarySearchFunc(s.set, v, func(e element, v Value) int { return canon.Compare(e.value, v) })
}

// setValue is the array of the elements, and the greatest add among them.
func (s *State) setValue() (Value, clock.Stamp) {
	size := 5
	for i := range s.set {
		size += len(s.set[i].value)
	}
	var at clock.Stamp
	v := canon.AppendArray(make([]byte, 0, size), len(s.set))
	for i := range s.set {
		v = append(v, s.set[i].value...)
		if newest := s.set[i].adds[len(s.set[i].adds)-1]; at.Less(newest) {
			at = newest
		}
	}
	return v, at
}
