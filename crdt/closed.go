package crdt

import (
	"crypto/sha256"
	"slices"
	"sort"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// Identity names a conflict of a key: it is the same on all replicas, open and closed.
type Identity [32]byte

// identify hashes the canonical array of the path and the ids of the sides, which ascend as stamps.
func identify(path string, sides []clock.Stamp) Identity {
	var few [256]byte // as many as most conflicts take
	b := slices.Grow(few[:0], 16+len(path)+(2+len(clock.ID{}))*len(sides))
	b = canon.AppendArray(b, 1+len(sides))
	b = canon.AppendString(b, path)
	for i := range sides {
		b = canon.AppendBytes(b, sides[i].ID[:])
	}
	return sha256.Sum256(b)
}

// Closed is a conflict that a version closed by writing over its sides.
type Closed struct {
	// Conflict is what By saw, as LWW has it, or, where By wrote over members alone, as Fields has it: a strategy of a namespace is not
	// asked, so that all replicas tell the same.
	Conflict
	// By is the version that closed it.
	By clock.Stamp
	// Resolved is set if that version names all sides in a resolve op; else they were overwritten.
	Resolved bool

	identity Identity // zero where nobody has asked for it
}

// Identity names the conflict.
func (c *Closed) Identity() Identity {
	if c.identity == (Identity{}) {
		c.identity = identify(c.Path, c.Sides)
	}
	return c.identity
}

// MergeClosed returns what stands of two versions that closed the same conflict: resolved beats overwritten, then the
// smaller stamp.
func MergeClosed(a, b Closed) Closed {
	if a.Resolved != b.Resolved {
		if a.Resolved {
			return a
		}
		return b
	}
	if b.By.Less(a.By) {
		return b
	}
	return a
}

// closedBy returns the conflicts that are open in what the version saw and are not after it. So the result is a function
// of the version's past alone, whatever else was applied here before.
func (s *State) closedBy(v *version, all bool, look Lookup) ([]Closed, error) {
	if !s.branched || !s.mayClose(v) {
		return nil, nil
	}
	// A patch alone ends conflicts between members, anything else those between whole values; both those between kinds.
	byMember := !v.has(func(c Code) bool { return c != CodePatch && c.kind() != 0 })
	before, open := s, []openConflict(nil)
	switch {
	case all:
		open = s.openConflicts(byMember)
	case sawChain(v) || s.followsOwnWrite(v):
		return nil, nil
	default:
		var err error
		if before, err = stateAt(v.past.past, look); err != nil {
			return nil, err
		}
		open = before.openThen(byMember)
	}
	if len(open) == 0 {
		return nil, nil
	}
	still := before.stillOpen(v, byMember)
	var closed []Closed
	for i := range open {
		c := &open[i]
		if still[c.identity] {
			continue
		}
		closed = append(closed, Closed{Conflict: c.Conflict, By: v.at, Resolved: v.resolves(c.Sides), identity: c.identity})
	}
	return closed, nil
}

// stillOpen is the conflicts that are open where a version was applied to all that it saw.
func (s *State) stillOpen(v *version, byMember bool) map[Identity]bool {
	if v.has(func(c Code) bool { return c == CodePut || c == CodeDelete }) {
		return nil // it leaves nothing of others to be in conflict
	}
	after := s.Clone()
	over := *v
	over.past, over.left = newSeen(v.at, everything{}, v.ops), nil
	after.apply(&over)
	still := make(map[Identity]bool)
	for _, c := range after.openConflicts(byMember) {
		still[c.identity] = true
	}
	return still
}

// mayClose reports whether the version can write over a conflict. An add, an op on a set and an edit of a text or a list write
// over what is of another kind, and these edits over deletes; where there never was any they need not be asked what they saw.
func (s *State) mayClose(v *version) bool {
	switch {
	case v.kinds == 0:
		return false
	case v.kinds&(documents|deletes) != 0 || v.kinds.several():
		return true
	case v.kinds&sequences != 0:
		return s.held&^v.kinds != 0
	}
	return s.held&^(v.kinds|deletes) != 0
}

// sawChain reports whether the version saw no two that were concurrent: there was no conflict then.
func sawChain(v *version) bool {
	chain, able := v.past.past.(Chain)
	return able && chain.Chain()
}

// followsOwnWrite reports whether the version's author put the key, or edited its text or list, and merged nothing since: there
// was no conflict then.
func (s *State) followsOwnWrite(v *version) bool {
	run, able := v.past.past.(SameRun)
	own := func(x clock.Stamp) bool { return x.Author == v.at.Author && run.SameRun(x) }
	return able && (slices.ContainsFunc(s.roots, func(e entry) bool { return own(e.at) }) ||
		slices.ContainsFunc(s.text, own) || slices.ContainsFunc(s.list, own))
}

func stateAt(past Past, look Lookup) (*State, error) {
	if look == nil {
		return nil, fault(ErrLookup, "a write that is concurrent with others needs a Lookup")
	}
	s, err := look.StateAt(past)
	if err != nil {
		return nil, faultOf(ErrLookup, "the state that a version saw", err)
	}
	return s, nil
}

// resolves reports whether the version's resolve ops name all the sides.
func (v *version) resolves(sides []clock.Stamp) bool {
	for i := range sides {
		if !v.names(sides[i].Entry()) {
			return false
		}
	}
	return true
}

// names reports whether a resolve op of the version names another one.
func (v *version) names(want clock.Entry) bool {
	for i := range v.ops {
		sides := v.step(i).sides
		at := sort.Search(len(sides), func(i int) bool { return sides[i].Compare(want) >= 0 })
		if at < len(sides) && sides[at] == want {
			return true
		}
	}
	return false
}

// openConflict is a conflict with its identity.
type openConflict struct {
	Conflict
	identity Identity
}

// openConflicts returns the conflicts between kinds, and those between the document's members or between whole values.
func (s *State) openConflicts(byMember bool) []openConflict {
	if !s.branched || s.isPlain() {
		return nil
	}
	st := LWW()
	if byMember {
		st = Fields()
	}
	conflicts := s.View(st, nil).Conflicts
	open := make([]openConflict, len(conflicts))
	for i := range conflicts {
		open[i] = openConflict{conflicts[i], conflicts[i].Identity()}
	}
	return open
}

// then is what was found out of a state that does not change any more: the conflicts in it, those between members last.
type then struct {
	known [2]bool
	open  [2][]openConflict
}

// openThen is openConflicts of a state that versions saw: often many saw the same.
func (s *State) openThen(byMember bool) []openConflict {
	if s.then == nil {
		s.then = &then{}
	}
	i := 0
	if byMember {
		i = 1
	}
	if !s.then.known[i] {
		s.then.known[i], s.then.open[i] = true, s.openConflicts(byMember)
	}
	return s.then.open[i]
}
