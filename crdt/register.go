package crdt

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/internal/order"
)

// docView is what the document part of a state shows.
type docView struct {
	kind      Kind // KindNone: nothing visible
	value     Value
	at        clock.Stamp
	strategy  string
	fault     error
	revived   bool
	conflicts []Conflict
}

// document shows the document part: as members, where some were patched or the strategy is Fields; else as one of the
// whole values.
func (v *Viewer) document(s *State, st Strategy, base func() (Value, bool)) docView {
	_, byMember := st.(fields)
	liveField := false
	s.eachField(func(e *entry) { liveField = liveField || e.live() })
	liveRoots := 0
	for i := range s.roots {
		if s.roots[i].live() {
			liveRoots++
		}
	}
	switch {
	case liveField || byMember && liveRoots > 1:
		return s.record(byMember, liveField)
	case liveRoots == 0:
		d := docView{strategy: st.Name()}
		if len(s.tombs) > 0 {
			d.at = s.tombs[len(s.tombs)-1]
		}
		return d
	case byMember, liveRoots == 1 && len(s.tombs) == 0:
		return s.oneRoot(st)
	default:
		return v.register(s, st, base)
	}
}

// oneRoot shows the newest live root, which beats all deletes.
func (s *State) oneRoot(st Strategy) docView {
	i := len(s.roots) - 1
	for !s.roots[i].live() {
		i--
	}
	root := &s.roots[i]
	d := docView{kind: KindRegister, value: root.value, at: root.at, strategy: st.Name()}
	d.conflicts = s.beatenDeletes(&d, d.strategy+": a value beats a delete")
	return d
}

// beatenDeletes returns the conflict of what is shown with the tombstones, if there are any. What decided it is the newest
// live op: what is shown may be from a later one that is dead, and came back with it.
func (s *State) beatenDeletes(d *docView, why string) []Conflict {
	if len(s.tombs) == 0 {
		return nil
	}
	lost := make([]Side, len(s.tombs))
	for i, at := range s.tombs {
		lost[i] = side(at, nil, d.kind)
	}
	at := s.newestLive()
	return []Conflict{{Chosen: side(at, d.value, d.kind), Others: lost, Why: why, Sides: stampsOf(lost, at)}}
}

// register shows live roots and tombstones, two at least, as the strategy resolves them.
func (v *Viewer) register(s *State, st Strategy, base func() (Value, bool)) docView {
	all := slices.Grow(v.siblings[:0], len(s.roots)+len(s.tombs))
	for i := range s.roots {
		if r := &s.roots[i]; r.live() {
			all = append(all, Sibling{Stamp: r.at, Value: r.value})
		}
	}
	for _, at := range s.tombs {
		all = append(all, Sibling{Stamp: at, Deleted: true})
	}
	if len(s.tombs) > 0 {
		order.Sort(all, func(a, b Sibling) int { return a.Stamp.Compare(b.Stamp) })
	}
	distinct := distinctSiblings(all, v.distinct[:0])
	v.siblings, v.distinct = all, distinct
	newest := distinct[len(distinct)-1]
	if len(distinct) == 1 {
		return docView{kind: KindRegister, value: newest.Value, at: newest.Stamp, strategy: st.Name()}
	}
	d := docView{strategy: st.Name()}
	value, fault := resolve(st, distinct, base)
	if fault != nil {
		d.strategy, d.fault = LWW().Name(), fault
		value = newest.Value
	}
	d.show(value, distinct)
	v.conflicts = append(v.conflicts[:0], v.conflictOf(&d))
	d.conflicts = v.conflicts
	return d
}

// show sets what is visible, and the sibling that it is from: the one with that value, else the newest value.
func (d *docView) show(value Value, distinct []Sibling) {
	d.value = value
	if value != nil {
		d.kind = KindRegister
	}
	for i := len(distinct) - 1; i >= 0; i-- {
		x := &distinct[i]
		if x.Deleted != (value == nil) {
			continue
		}
		if same := bytes.Equal(x.Value, value); same || d.at.IsZero() {
			if d.at = x.Stamp; same {
				return
			}
		}
	}
}

// conflictOf is the conflict of what is shown with the other siblings.
func (v *Viewer) conflictOf(d *docView) Conflict {
	c := Conflict{
		Chosen: side(d.at, d.value, KindRegister),
		Others: slices.Grow(v.others[:0], len(v.distinct)), Sides: slices.Grow(v.sides[:0], len(v.siblings)),
	}
	for i := range v.distinct {
		if x := &v.distinct[i]; x.Deleted != c.Chosen.Deleted || !bytes.Equal(x.Value, d.value) {
			c.Others = append(c.Others, side(x.Stamp, x.Value, KindRegister))
		}
	}
	for i := range v.siblings {
		c.Sides = append(c.Sides, v.siblings[i].Stamp)
	}
	v.others, v.sides = c.Others, c.Sides
	c.Chosen.Merged = len(c.Others) == len(v.distinct) && !c.Chosen.Deleted
	if c.Chosen.Merged || d.strategy == "union/1" && hasArray(v.distinct) { // where one array has all elements, it is chosen
		for i := range c.Others {
			c.Others[i].Merged = !c.Others[i].Deleted
		}
	}
	c.Why = v.why(d.strategy, v.reasonOf(d, &c))
	return c
}

// reasonOf says by what a strategy decided.
func (v *Viewer) reasonOf(d *docView, c *Conflict) string {
	newest, rule := len(c.Others)-1, ""
	switch d.strategy {
	case "lww/1":
		return precedence(&d.at, &c.Others[newest].Stamp)
	case "mv/1":
		rule = ": all values"
	case "max/1":
		rule = ": greatest value"
	case "min/1":
		rule = ": least value"
	case "union/1":
		rule = ": elements of all values"
	default:
		return ": as the application resolves"
	}
	for newest >= 0 && c.Others[newest].Deleted {
		newest--
	}
	switch {
	case newest < 0:
		return ": a value beats a delete"
	case d.strategy == "union/1" && !hasArray(v.distinct):
		return precedence(&d.at, &c.Others[newest].Stamp)
	}
	return rule
}

// distinctSiblings appends, of equal siblings, the newest to out, which is empty. Order stays ascending. A value is never empty, so
// no value is that of a delete.
func distinctSiblings(all, out []Sibling) []Sibling {
	const few = 8
	if len(all) > few {
		return distinctOfMany(all, out)
	}
	for i := range all {
		later := i + 1
		for later < len(all) && !bytes.Equal(all[i].Value, all[later].Value) {
			later++
		}
		if later == len(all) {
			out = append(out, all[i])
		}
	}
	return out
}

// distinctOfMany is distinctSiblings in linear time.
func distinctOfMany(all, out []Sibling) []Sibling {
	var values strings.Builder // one piece of memory for all names in met
	end := 0
	for i := range all {
		end += len(all[i].Value)
	}
	values.Grow(end)
	for i := range all {
		values.Write(all[i].Value)
	}
	met := make(map[string]struct{}, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		from := end - len(all[i].Value)
		met[values.String()[from:end]] = struct{}{}
		if end = from; len(met) > len(out) {
			out = append(out, all[i])
		}
	}
	slices.Reverse(out)
	return out
}

// resolve runs a strategy and trusts it with nothing: it gets copies, may panic, and its result is checked. Of LWW the result is
// known.
func resolve(st Strategy, distinct []Sibling, base func() (Value, bool)) (value Value, fault error) {
	if _, last := st.(lww); last {
		return distinct[len(distinct)-1].Value, nil
	}
	c := Siblings{Values: make([]Sibling, len(distinct))}
	size, deletion := 0, false
	for i := range distinct {
		size += len(distinct[i].Value)
	}
	copies := make([]byte, 0, size)
	for i, x := range distinct {
		if deletion = deletion || x.Deleted; !x.Deleted {
			from := len(copies)
			copies = append(copies, x.Value...)
			x.Value = copies[from:len(copies):len(copies)]
		}
		c.Values[i] = x
	}
	if reader, able := st.(BaseReader); able && base != nil && reader.NeedsBase() {
		if b, ok := base(); ok {
			c.Base = slices.Clone(b)
		}
	}
	value, fault = callResolve(st, c)
	switch {
	case fault != nil:
		return nil, faultOf(ErrStrategy, st.Name(), fault)
	case value == nil && !deletion:
		return nil, faultOf(ErrStrategy, st.Name(), errShowsNothing)
	case value == nil:
		return nil, nil
	}
	if err := canon.Check(value); err != nil {
		return nil, faultOf(ErrStrategy, st.Name(), err)
	}
	return value, nil
}

// errShowsNothing is the fault of a strategy that returns no value where nothing was deleted.
var errShowsNothing = errors.New("it shows nothing, and nothing was deleted")

func callResolve(st Strategy, c Siblings) (value Value, fault error) {
	defer func() {
		if p := recover(); p != nil {
			value, fault = nil, errors.New("it panicked: "+panicText(p))
		}
	}()
	return st.Resolve(c)
}

func panicText(p any) string {
	switch p := p.(type) {
	case error:
		return p.Error()
	case string:
		return p
	default:
		return "with a value that is no error"
	}
}
