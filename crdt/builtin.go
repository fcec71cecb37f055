package crdt

import (
	"slices"

	"github.com/kdelta/kdelta/internal/canon"
)

// LWW returns "lww/1", the default: the last write in the total order of stamps, which may be a delete.
func LWW() Strategy { return lww{} }

// MV returns "mv/1": the array of all values, oldest first.
func MV() Strategy { return mv{} }

// Max returns "max/1": the greatest value by canon.Compare.
func Max() Strategy { return extreme{name: "max/1", sign: 1} }

// Min returns "min/1": the least value by canon.Compare.
func Min() Strategy { return extreme{name: "min/1", sign: -1} }

// Union returns "union/1": arrays joined without duplicates, in the order in which values first appear, oldest array
// first; a value that is no array counts as an array of itself. Without any array it is the last value written.
func Union() Strategy { return union{} }

// Fields returns "fields/1": objects merged member by member, the last write of each. Writes are encoded as patches; see
// EncodeSet.
func Fields() Strategy { return fields{} }

type lww struct{}

func (lww) Name() string { return "lww/1" }

func (lww) Resolve(c Siblings) (Value, error) { return c.Values[len(c.Values)-1].Value, nil }

// fields merges in State.View, where the members are; what reaches Resolve are values without members.
type fields struct{ lww }

func (fields) Name() string { return "fields/1" }

type mv struct{}

func (mv) Name() string { return "mv/1" }

func (mv) Resolve(c Siblings) (Value, error) {
	live := c.live()
	if len(live) == 1 {
		return live[0].Value, nil
	}
	all := make([]Value, len(live))
	for i := range live {
		all[i] = live[i].Value
	}
	return canon.NewArray(all)
}

type extreme struct {
	name string
	sign int
}

func (e extreme) Name() string { return e.name }

func (e extreme) Resolve(c Siblings) (Value, error) {
	live := c.live()
	return slices.MaxFunc(live, func(a, b Sibling) int { return e.sign * canon.Compare(a.Value, b.Value) }).Value, nil
}

type union struct{}

func (union) Name() string { return "union/1" }

func (union) Resolve(c Siblings) (Value, error) {
	live := c.live()
	if !hasArray(live) {
		return live[len(live)-1].Value, nil
	}
	if len(live) == 1 {
		return live[0].Value, nil
	}
	var all []Value
	met := make(map[string]bool)
	add := func(v Value) {
		if !met[string(v)] {
			met[string(v)] = true
			all = append(all, v)
		}
	}
	for _, s := range live {
		if s.Value.Type() != canon.TypeArray {
			add(s.Value)
			continue
		}
		for v := range s.Value.Elements() {
			add(v)
		}
	}
	return canon.NewArray(all)
}

func hasArray(siblings []Sibling) bool {
	return slices.ContainsFunc(siblings, func(s Sibling) bool { return s.Value.Type() == canon.TypeArray })
}
