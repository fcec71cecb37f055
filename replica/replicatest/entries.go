package replicatest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// Entry is a conflict by the definitions: concurrent writes that say different things of one place.
type Entry struct {
	Key  string
	Path []string // where inside the value
	// Chosen is what is shown there and the version that decided it, Lost the others.
	Chosen Said
	Others []Said
	// Sides are all versions in conflict, ascending; By is the version that closed it, zero while it is open.
	Sides    []clock.Stamp
	By       clock.Stamp
	Resolved bool
}

// Said is what one version says of a place; a nil value: nothing is to be there.
type Said struct {
	At    clock.Stamp
	Kind  crdt.Kind
	Value canon.Value
}

func (s *Said) text() string {
	return fmt.Sprintf("%s %s %s", s.At.ID, s.Kind, textOf(s.Value))
}

func textOf(v canon.Value) string {
	if v == nil {
		return "nothing"
	}
	return string(v.AppendJSON(nil))
}

// id is equal for entries of one conflict, open and closed.
func (e *Entry) id() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q", e.Key, e.Path)
	for i := range e.Sides {
		b.WriteString(e.Sides[i].ID.String())
	}
	return b.String()
}

// sidesOf are the versions of what was said and more, ascending, each once.
func sidesOf(said []Said, more ...clock.Stamp) []clock.Stamp {
	for i := range said {
		more = append(more, said[i].At)
	}
	slices.SortFunc(more, clock.Stamp.Compare)
	return slices.Compact(more)
}

// beaten is the conflict of what is shown, because of the newest op that is alive, with deletes that did not know that.
func beaten(shown *Shown, newest clock.Stamp, tombs []*placed) []Entry {
	if len(tombs) == 0 {
		return nil
	}
	e := Entry{Chosen: Said{newest, shown.Kind, shown.Value}}
	for _, d := range tombs {
		e.Others = append(e.Others, Said{At: d.at, Kind: shown.Kind})
	}
	slices.SortFunc(e.Others, func(a, b Said) int { return a.At.Compare(b.At) })
	e.Others = slices.CompactFunc(e.Others, func(a, b Said) bool { return a.At == b.At })
	e.Sides = sidesOf(e.Others, newest)
	return []Entry{e}
}

// shownFrom is the sibling that a value is from: the one that says the same, else the newest that is a value as it is one.
func shownFrom(distinct []sibling, value canon.Value) clock.Stamp {
	var at clock.Stamp
	for _, x := range distinct {
		if (x.value == nil) == (value == nil) {
			at = x.at
		}
	}
	for _, x := range distinct {
		if (x.value == nil) == (value == nil) && bytes.Equal(x.value, value) {
			at = x.at
		}
	}
	return at
}

// siblingsEntry is the conflict of whole values and deletes.
func siblingsEntry(shown *Shown, all, distinct []sibling) Entry {
	e := Entry{Chosen: Said{shown.At, crdt.KindRegister, shown.Value}}
	for _, x := range distinct {
		if (x.value == nil) != (shown.Value == nil) || !bytes.Equal(x.value, shown.Value) {
			e.Others = append(e.Others, Said{x.at, crdt.KindRegister, x.value})
		}
	}
	for _, x := range all {
		e.Sides = append(e.Sides, x.at)
	}
	e.Sides = sidesOf(nil, e.Sides...)
	return e
}

// otherRoots is the conflict of the newest whole value with the others, where members are shown on top of the newest alone.
func otherRoots(roots []*placed) []Entry {
	if len(roots) == 0 {
		return nil
	}
	roots = slices.Clone(roots)
	slices.SortFunc(roots, func(a, b *placed) int { return a.at.Compare(b.at) })
	newest := roots[len(roots)-1]
	e := Entry{Chosen: Said{newest.at, crdt.KindRegister, newest.op.value}}
	for _, r := range roots {
		e.Sides = append(e.Sides, r.at)
		if !bytes.Equal(r.op.value, newest.op.value) {
			e.Others = append(e.Others, Said{r.at, crdt.KindRegister, r.op.value})
		}
	}
	if len(e.Others) == 0 {
		return nil
	}
	return []Entry{e}
}

// lostMembers are the conflicts of claims that do not stand, by place: those that nobody who knew them wrote over, and that
// what stands does not happen to satisfy.
func (k *keyOps) lostMembers(shown *Shown, claims, standing []says) []Entry {
	byPath := make(map[string]*Entry)
	for i := range claims {
		x := &claims[i]
		if !x.wiped || satisfied(x, standing) {
			continue
		}
		var by clock.Stamp
		knowing := false
		for j := range claims {
			if c := &claims[j]; i != j && k.wipes(c, x) {
				knowing = knowing || k.writesOver(c, x)
				if by.Less(c.by.at) {
					by = c.by.at
				}
			}
		}
		if knowing {
			continue
		}
		name := fmt.Sprintf("%q", x.path)
		e := byPath[name]
		if e == nil {
			there, _ := shown.Value.Lookup(x.path...)
			e = &Entry{Path: x.path, Chosen: Said{by, shown.Kind, there}}
			byPath[name] = e
		}
		e.Others = append(e.Others, Said{x.by.at, shown.Kind, x.value})
		if e.Chosen.At.Less(by) {
			e.Chosen.At = by
		}
	}
	var out []Entry
	for _, e := range byPath {
		slices.SortStableFunc(e.Others, func(a, b Said) int { return a.At.Compare(b.At) })
		e.Sides = sidesOf(e.Others, e.Chosen.At)
		out = append(out, *e)
	}
	return out
}

// writesOver reports whether c, which keeps x from standing, is of somebody who knew x and wrote in its place: at its path
// or above it over a leaf of a put, which stays where it is, or below it.
func (k *keyOps) writesOver(c, x *says) bool {
	if !k.knew(c, x) {
		return false
	}
	return !x.field || len(c.path) > len(x.path)
}

// satisfied reports whether what stands is as x wants it.
func satisfied(x *says, standing []says) bool {
	var here []says
	for _, c := range standing {
		if within(c.path, x.path) {
			here = append(here, c)
		}
	}
	at := slices.IndexFunc(here, func(c says) bool { return len(c.path) == len(x.path) })
	switch {
	case x.value == nil || len(here) == 0:
		return x.value == nil && len(here) == 0
	case x.isEmptyObject():
		return at < 0 || here[at].isEmptyObject()
	}
	return at >= 0 && len(here) == 1 && bytes.Equal(here[at].value, x.value)
}

// canonical is the view under which conflicts are closed: by member, or by whole values.
func canonical(byMember bool) string {
	if byMember {
		return "fields/1"
	}
	return "lww/1"
}

// Entries are all conflicts that a set of versions knows of, open and closed, where shown is what its keys show.
func (m *Model) Entries(s Set, shown func(key string) Shown) []Entry {
	var out []Entry
	for _, key := range m.Keys(s) {
		for _, e := range shown(key).Open {
			e.Key = key
			out = append(out, e)
		}
	}
	closed := make(map[string]int)
	for _, n := range s.Members() {
		for _, e := range m.closedBy(n) {
			i, known := closed[e.id()]
			switch {
			case !known:
				closed[e.id()] = len(out)
				out = append(out, e)
			case e.Resolved && !out[i].Resolved, e.Resolved == out[i].Resolved && e.By.Less(out[i].By):
				out[i] = e
			}
		}
	}
	return out
}

// closedBy are the conflicts that were open in what a version saw and are not after it.
func (m *Model) closedBy(n int) []Entry {
	v := &m.nodes[n]
	gone := m.goneID()
	if v.counted == gone {
		return v.closed
	}
	var keys []string
	for i := range v.ops {
		if !slices.Contains(keys, v.ops[i].key) {
			keys = append(keys, v.ops[i].key)
		}
	}
	var closed []Entry
	for _, key := range keys {
		closed = append(closed, m.closedOn(n, key)...)
	}
	v.closed, v.counted = closed, gone
	return closed
}

func (m *Model) closedOn(n int, key string) []Entry {
	v := &m.nodes[n]
	writes, byMember, named := false, true, []string(nil)
	for i := range v.ops {
		if op := &v.ops[i]; op.key == key {
			named = append(named, op.resolves...)
			content := op.code != "resolve" && op.code != "erase" && op.code != "unknown"
			writes = writes || content
			byMember = byMember && (!content || op.code == "patch")
		}
	}
	if !writes {
		return nil
	}
	before, after := m.on(v.past, key), m.on(m.Closed(n), key)
	still := make(map[string]bool)
	for _, e := range after.view(nil, canonical(byMember), nil).Open {
		still[e.id()] = true
	}
	var out []Entry
	for _, e := range before.view(nil, canonical(byMember), nil).Open {
		if still[e.id()] {
			continue
		}
		c := e
		c.Key, c.By, c.Resolved = key, v.stamp, true
		for i := range e.Sides {
			c.Resolved = c.Resolved && slices.Contains(named, nameOfSide(&e.Sides[i]))
		}
		out = append(out, c)
	}
	return out
}

// whileOpen is a closed conflict as the version that closed it saw it, with what the strategy of that time made of it: where that merges
// by members and had no such conflict, with what was shown in its place.
func (m *Model) whileOpen(e Entry, knows func(string) bool) Entry {
	if e.By.IsZero() {
		return e
	}
	shown := m.View(m.nodes[m.byID[e.By.ID]].past, e.Key, knows)
	for _, open := range shown.Open {
		if open.Key = e.Key; open.id() == e.id() {
			e.Chosen, e.Others = open.Chosen, open.Others
			return e
		}
	}
	there, _ := shown.Value.Lookup(e.Path...)
	sides := append(slices.Clone(e.Others), e.Chosen)
	e.Chosen, e.Others = Said{shown.At, shown.Kind, there}, sides
	says := func(x Said) bool { return (x.Value == nil) == (there == nil) && bytes.Equal(x.Value, there) }
	if i := slices.IndexFunc(sides, says); i >= 0 {
		e.Chosen, e.Others = sides[i], slices.Delete(slices.Clone(sides), i, i+1)
	}
	return e
}

// nameOfSide is a version as a resolve op names it.
func nameOfSide(at *clock.Stamp) string {
	return fmt.Sprintf("%q%q", at.Name(), hex.EncodeToString(at.ID[:16]))
}

// base is what a key showed where the sides of a conflict parted, at its place.
func (m *Model) base(e *Entry, knows func(string) bool) canon.Value {
	var meet Set
	for i := range e.Sides {
		if c := m.Closed(m.byID[e.Sides[i].ID]); i == 0 {
			meet = c
		} else {
			meet = meet.Meet(c)
		}
	}
	value := m.View(meet, e.Key, knows).Value
	if value == nil {
		return nil
	}
	there, ok := value.Lookup(e.Path...)
	if !ok {
		return nil
	}
	return there
}
