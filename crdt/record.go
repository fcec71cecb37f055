package crdt

import (
	"bytes"
	"slices"
	"sort"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// claim is what one version says of one path: an entry of a field, or a leaf of a root.
type claim struct {
	path  string
	value Value // nil: nothing is to be here
	at    *clock.Stamp
	entry *entry // nil for a leaf of a root

	wiped      bool         // a later claim contradicts it
	superseded bool         // by one that saw it
	by         *clock.Stamp // the greatest that wiped it
}

func (c *claim) isEmptyObject() bool { return isEmptyObject(c.value) }

// covers reports whether c's version saw that of x, which claims the same path or one above, or is a root's leaf below.
func (c *claim) covers(x *claim) bool { return c.entry != nil && c.entry.covers(x.at) }

// record shows the document as members: all roots under Fields, else the newest value put, overlaid by the fields. With a
// live field, dead roots and fields count as well: the edit revives the whole record.
func (s *State) record(byMember, liveField bool) docView {
	d := docView{kind: KindRegister, strategy: LWW().Name()}
	if byMember {
		d.strategy = Fields().Name()
	}
	considered := s.consideredRoots(liveField)
	shown := considered
	if !byMember {
		shown = likeNewest(considered)
	}
	var claims []claim
	for _, r := range shown {
		d.revived = d.revived || !r.live()
		for _, leaf := range appendLeaves(nil, "", r.value) {
			claims = append(claims, claim{path: leaf.path, value: leaf.value, at: &r.at})
		}
	}
	if liveField {
		d.kind = KindRecord
		for i := range s.fields {
			for j := range s.fields[i].entries {
				e := &s.fields[i].entries[j]
				d.revived = d.revived || !e.live()
				claims = append(claims, claim{path: s.fields[i].path, value: e.value, at: &e.at, entry: e})
			}
		}
	}
	standing := settle(claims)
	d.value = render(standing)
	for i := range claims {
		if d.at.Less(*claims[i].at) {
			d.at = *claims[i].at
		}
	}
	if len(considered) > len(shown) {
		d.conflicts = append(d.conflicts, lostRoots(considered, d.strategy)...)
	}
	reason := ": a value beats a delete"
	if liveField {
		reason = ": edit revives deleted record"
	}
	d.conflicts = append(d.conflicts, s.beatenDeletes(&d, d.strategy+reason)...)
	d.conflicts = append(d.conflicts, d.lostClaims(claims, standing)...)
	return d
}

// consideredRoots returns the roots that may be shown, ascending: the live ones; with a live field the dead ones too
// if there is no live one.
func (s *State) consideredRoots(liveField bool) []*entry {
	var live, dead []*entry
	for i := range s.roots {
		if r := &s.roots[i]; r.live() {
			live = append(live, r)
		} else {
			dead = append(dead, r)
		}
	}
	if len(live) == 0 && liveField {
		return dead
	}
	return live
}

// likeNewest keeps the roots whose value is that of the newest: each of them wants it shown, whichever a field saw.
func likeNewest(roots []*entry) []*entry {
	if len(roots) < 2 {
		return roots
	}
	newest := roots[len(roots)-1]
	return slices.DeleteFunc(slices.Clone(roots), func(r *entry) bool { return !bytes.Equal(r.value, newest.value) })
}

// lostRoots is the conflict of the newest root with those whose values differ from it.
func lostRoots(roots []*entry, strategy string) []Conflict {
	newest := roots[len(roots)-1]
	c := Conflict{Chosen: side(newest.at, newest.value, KindRegister)}
	for _, r := range roots {
		c.Sides = append(c.Sides, r.at)
		if !bytes.Equal(r.value, newest.value) {
			c.Others = append(c.Others, side(r.at, r.value, KindRegister))
		}
	}
	if len(c.Others) == 0 {
		return nil
	}
	c.Why = why(strategy, &newest.at, &c.Others[len(c.Others)-1].Stamp)
	return []Conflict{c}
}

// settle sorts the claims by path, then age, finds out which of them stand, and returns these, without removals.
func settle(claims []claim) []claim {
	order.Sort(claims, func(a, b claim) int {
		if c := comparePaths(a.path, b.path); c != 0 {
			return c
		}
		if c := a.at.Compare(*b.at); c != 0 {
			return c
		}
		if a.entry == nil { // a version's own patch is after its own put
			return -1
		}
		return 1
	})
	var above [][]claim // the groups of claims at paths above the current one, topmost first
	for from := 0; from < len(claims); {
		to := from + 1
		for to < len(claims) && claims[to].path == claims[from].path {
			to++
		}
		group := claims[from:to]
		for len(above) > 0 && !isBelow(group[0].path, above[len(above)-1][0].path) {
			above = above[:len(above)-1]
		}
		settleGroup(group)
		for _, upper := range above {
			for i := range upper {
				for j := range group {
					settlePair(&upper[i], &group[j])
				}
			}
		}
		above = append(above, group)
		from = to
	}
	var standing []claim
	for i := range claims {
		if !claims[i].wiped && claims[i].value != nil {
			standing = append(standing, claims[i])
		}
	}
	return standing
}

// settleGroup lets the newest of the claims of one path stand.
func settleGroup(group []claim) {
	newest := &group[len(group)-1]
	for i := range group[:len(group)-1] {
		c := &group[i]
		c.wipe(newest)
		for j := i + 1; j < len(group) && !c.superseded; j++ {
			c.superseded = c.entry == nil && group[j].covers(c)
		}
	}
}

// settlePair applies the rules between two claims of which lower is below upper. The later one stands, except that two
// pairs agree: an empty object above, which asks for an object only, with anything below it; and nothing below with a
// leaf above, which leaves nothing there.
func settlePair(upper, lower *claim) {
	switch {
	case lower.covers(upper):
		upper.superseded = true
		upper.wipe(lower)
	case lower.entry == nil && upper.covers(lower):
		lower.superseded = true
		lower.wipe(upper)
	case lower.value == nil || upper.isEmptyObject():
	case upper.at.Less(*lower.at):
		upper.wipe(lower)
	default:
		lower.wipe(upper)
	}
}

func (c *claim) wipe(by *claim) {
	c.wiped = true
	if c.by == nil || c.by.Less(*by.at) {
		c.by = by.at
	}
}

// lostClaims returns the conflicts of claims that what stands does not satisfy, by path.
func (d *docView) lostClaims(claims, standing []claim) []Conflict {
	var out []Conflict
	for i := range claims {
		c := &claims[i]
		if !c.wiped || c.superseded || c.isSatisfied(standing) {
			continue
		}
		if len(out) == 0 || out[len(out)-1].Path != c.path {
			out = append(out, Conflict{Path: c.path})
		}
		last := &out[len(out)-1]
		last.Others = append(last.Others, side(*c.at, c.value, d.kind))
		if last.Chosen.Stamp.Less(*c.by) {
			last.Chosen.Stamp = *c.by
		}
	}
	for i := range out {
		c := &out[i]
		path, _ := ParsePointer(c.Path)
		shown, _ := d.value.Lookup(path...)
		c.Chosen = side(c.Chosen.Stamp, shown, d.kind)
		c.Sides = stampsOf(c.Others, c.Chosen.Stamp)
		c.Why = why(d.strategy, &c.Chosen.Stamp, &c.Others[len(c.Others)-1].Stamp)
	}
	return out
}

// isSatisfied reports whether the standing claims show what c asks for, though it does not stand itself.
func (c *claim) isSatisfied(standing []claim) bool {
	from := sort.Search(len(standing), func(i int) bool { return comparePaths(standing[i].path, c.path) >= 0 })
	if from == len(standing) || !isWithin(standing[from].path, c.path) {
		return c.value == nil
	}
	first := &standing[from]
	if c.isEmptyObject() {
		return first.path != c.path || first.isEmptyObject()
	}
	return c.value != nil && first.path == c.path && bytes.Equal(first.value, c.value)
}

// render writes standing claims, ascending by path, as one value; none at all are the empty object.
func render(standing []claim) Value {
	if len(standing) == 0 {
		return canon.AppendMap(nil, 0)
	}
	size := 0
	for i := range standing {
		size += len(standing[i].value) + len(standing[i].path) + 2
	}
	return appendRendered(make(Value, 0, size), standing, 0)
}

// appendRendered appends the value whose leaves are the claims; their paths agree in the first depth bytes.
func appendRendered(b Value, claims []claim, depth int) Value {
	if len(claims[0].path) == depth {
		if len(claims) == 1 {
			return append(b, claims[0].value...)
		}
		claims = claims[1:] // an empty object that others have filled
	}
	members := splitMembers(claims, depth)
	b = canon.AppendMap(b, len(members))
	for _, m := range members {
		b = canon.AppendString(b, m.key)
		b = appendRendered(b, m.claims, m.depth)
	}
	return b
}

// member is one key of an object with the claims of what it holds.
type member struct {
	key    string
	claims []claim
	depth  int
}

// splitMembers groups claims by the key that follows the first depth bytes of their paths, by ascending key.
func splitMembers(claims []claim, depth int) []member {
	var members []member
	for len(claims) > 0 {
		key, rest := nextSegment(claims[0].path[depth:])
		m := member{key: key, depth: len(claims[0].path) - len(rest)}
		n := 1
		for n < len(claims) && isWithin(claims[n].path, claims[0].path[:m.depth]) {
			n++
		}
		m.claims = claims[:n]
		members = append(members, m)
		claims = claims[n:]
	}
	byKey := func(a, b member) int { return bytes.Compare([]byte(a.key), []byte(b.key)) }
	if !slices.IsSortedFunc(members, byKey) { // escaped keys sort differently
		order.Sort(members, byKey)
	}
	return members
}
