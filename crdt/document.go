package crdt

import (
	"slices"
	"sort"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/order"
)

// A put replaces all that it covers by its value: dropDocument, then put.

// dropDocument drops the roots and fields that an op covers.
func (s *State) dropDocument(past *seen) {
	roots, dropped := len(s.roots), false
	s.roots = past.drop(s.roots)
	for i := range s.fields {
		f := &s.fields[i]
		before := len(f.entries)
		f.entries = past.drop(f.entries)
		dropped = dropped || len(f.entries) < before
	}
	if dropped {
		s.mergeFields(nil)
	}
	if dropped || len(s.roots) < roots {
		s.sweepAsides()
	}
}

// put adds a root.
func (s *State) put(value Value, at clock.Stamp) {
	var more oneMore
	s.eachField(func(e *entry) { e.aside = more.of(e.aside, at) })
	s.insertRoot(entry{at: at, value: value})
}

func (s *State) insertRoot(e entry) {
	if len(s.roots) == 0 {
		s.roots = append(s.room[:0], e)
		return
	}
	s.roots = inserted(s.roots, &e)
}

// inserted is entries, which ascend, with one more.
func inserted(entries []entry, e *entry) []entry {
	i := sort.Search(len(entries), func(i int) bool { return !entries[i].at.Less(e.at) })
	return slices.Insert(entries, i, *e)
}

// patch is the algebra of a patch: each edit replaces what it covers at its path and below. Entries stay dead whose
// delete the patch saw: they are dropped, so that nothing revives them.
func (s *State) patch(edits []edit, at clock.Stamp, past *seen) {
	buried := func(e *entry) bool {
		return slices.ContainsFunc(e.killers, func(k clock.Stamp) bool { return past.covers(&k) })
	}
	dropped := s.dropRoots(buried)
	dropped = s.dropFields(buried) || dropped
	var fresh []field
	var more oneMore
	var aside []clock.Stamp
	for i, e := range edits {
		if i == 0 || parentOf(e.path) != parentOf(edits[i-1].path) {
			aside = s.above(e.path, func(x *entry) bool { return !past.covers(&x.at) })
		}
		mine := entry{at: at, value: e.value, aside: aside}
		from, to := s.subtree(e.path)
		placed := false
		for i := from; i < to; i++ {
			f := &s.fields[i]
			before := len(f.entries)
			f.entries = past.drop(f.entries)
			dropped = dropped || len(f.entries) < before
			if f.path == e.path {
				f.entries = inserted(f.entries, &mine)
				placed = true
				continue
			}
			for j := range f.entries {
				f.entries[j].aside = more.of(f.entries[j].aside, at)
			}
		}
		if !placed {
			fresh = append(fresh, field{path: e.path, entries: []entry{mine}})
		}
	}
	s.mergeFields(fresh)
	if dropped {
		s.sweepAsides()
	}
}

// mergeFields drops fields that lost their last entry and adds fresh ones, which ascend and are not there yet.
func (s *State) mergeFields(fresh []field) {
	s.fields = slices.DeleteFunc(s.fields, func(f field) bool { return len(f.entries) == 0 })
	if len(fresh) == 0 {
		return
	}
	merged := make([]field, 0, len(s.fields)+len(fresh))
	old := s.fields
	for _, f := range fresh {
		i := sort.Search(len(old), func(i int) bool { return comparePaths(old[i].path, f.path) > 0 })
		merged = append(append(merged, old[:i]...), f)
		old = old[i:]
	}
	merged = append(merged, old...)
	s.fields = merged
}

// kill is the algebra of a delete, and of an op of another kind, for the document: what it covers is dead, and stays as
// what a concurrent edit revives. What the same version wrote before, nobody has seen: it is dropped.
func (s *State) kill(at clock.Stamp, past *seen) {
	own := func(e *entry) bool { return e.at.ID == at.ID }
	dropped := s.dropRoots(own)
	if s.dropFields(own) || dropped {
		s.sweepAsides()
	}
	var more oneMore
	mark := func(e *entry) {
		if past.covers(&e.at) && !slices.ContainsFunc(e.killers, func(k clock.Stamp) bool { return past.covers(&k) }) {
			e.killers = more.of(e.killers, at)
		}
	}
	for i := range s.roots {
		mark(&s.roots[i])
	}
	s.eachField(mark)
}

// dropTombs drops the tombstones that an op covers.
func (s *State) dropTombs(past *seen) {
	s.tombs = past.uncovered(s.tombs)
}

func (s *State) dropRoots(drop func(*entry) bool) bool {
	kept := 0
	for i := range s.roots {
		if drop(&s.roots[i]) {
			continue
		}
		if kept < i {
			s.roots[kept] = s.roots[i]
		}
		kept++
	}
	dropped := kept < len(s.roots)
	clear(s.roots[kept:])
	s.roots = s.roots[:kept]
	return dropped
}

func (s *State) dropFields(drop func(*entry) bool) bool {
	dropped := false
	for i := range s.fields {
		f := &s.fields[i]
		before := len(f.entries)
		f.entries = slices.DeleteFunc(f.entries, func(e entry) bool { return drop(&e) })
		dropped = dropped || len(f.entries) < before
	}
	if dropped {
		s.mergeFields(nil)
	}
	return dropped
}

func (s *State) eachField(visit func(*entry)) {
	for i := range s.fields {
		for j := range s.fields[i].entries {
			visit(&s.fields[i].entries[j])
		}
	}
}

// subtree returns the range of fields at path and below.
func (s *State) subtree(path string) (from, to int) {
	from = sort.Search(len(s.fields), func(i int) bool { return comparePaths(s.fields[i].path, path) >= 0 })
	to = from + sort.Search(len(s.fields)-from, func(i int) bool { return !isWithin(s.fields[from+i].path, path) })
	return from, to
}

// oneMore adds a version to the stamps of one entry after the other: where these share memory, what they become shares it too. Members
// that one version patched stand aside of the same, and there may be thousands of both.
type oneMore struct{ from, to []clock.Stamp }

func (m *oneMore) of(stamps []clock.Stamp, at clock.Stamp) []clock.Stamp {
	if m.to == nil || !sameMemory(m.from, stamps) {
		m.from, m.to = stamps, withStamp(stamps, at)
	}
	return m.to
}

func sameMemory(a, b []clock.Stamp) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// parentOf is the path up to its last segment: what is above a path is above all that have its parent.
func parentOf(path string) string {
	i := len(path) - 1
	for path[i] != '/' {
		i--
	}
	return path[:i]
}

// above returns those of the roots, and of the entries at paths above path, that are wanted, ascending.
func (s *State) above(path string, wanted func(*entry) bool) (stamps []clock.Stamp) {
	s.eachAbove(path, func(e *entry) {
		if wanted(e) {
			stamps = append(stamps, e.at)
		}
	})
	order.Sort(stamps, clock.Stamp.Compare)
	return slices.Compact(stamps)
}

// eachAbove visits the roots and the entries at all paths above path.
func (s *State) eachAbove(path string, visit func(*entry)) {
	for i := range s.roots {
		visit(&s.roots[i])
	}
	for end := 1; end < len(path); end++ {
		if path[end] != '/' || len(s.fields) == 0 {
			continue
		}
		above := path[:end]
		i := sort.Search(len(s.fields), func(i int) bool { return comparePaths(s.fields[i].path, above) >= 0 })
		if i == len(s.fields) || s.fields[i].path != above {
			continue
		}
		for j := range s.fields[i].entries {
			visit(&s.fields[i].entries[j])
		}
	}
}

// sweepAsides forgets, in all asides, the versions that no longer stand above.
func (s *State) sweepAsides() {
	parent := "none"
	var there, from, to []clock.Stamp
	for i := range s.fields {
		f := &s.fields[i]
		for j := range f.entries {
			e := &f.entries[j]
			if len(e.aside) == 0 {
				continue
			}
			if p := parentOf(f.path); p != parent {
				parent, from = p, nil
				there = s.above(f.path, func(*entry) bool { return true })
			}
			if !sameMemory(from, e.aside) {
				from = e.aside
				to = keepStamps(from, func(x *clock.Stamp) bool { return containsStamp(there, x) })
			}
			e.aside = to
		}
	}
}
