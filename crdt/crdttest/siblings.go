package crdttest

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

const key = "kit/key"

// siblings is a base and versions that saw it and not each other.
type siblings struct {
	base     crdt.Value
	first    clock.Stamp // of the base
	versions []version
}

type version struct {
	stamp clock.Stamp
	op    crdt.Op
}

// draw makes a set of siblings: two to four versions, the times often equal, the values different, one a delete at most.
func draw(random *rand.Rand, values []crdt.Value) *siblings {
	pick := random.Perm(len(values))
	s := &siblings{base: values[pick[0]], first: stamp(random, 0, 1)}
	met := map[string]bool{}
	n := 2 + random.IntN(3)
	deletes := random.IntN(4) == 0
	for _, i := range pick {
		if len(s.versions) == n {
			break
		}
		if met[string(values[i])] {
			continue
		}
		met[string(values[i])] = true
		op := crdt.Op{Code: crdt.CodePut, Width: 1, Key: key, Body: values[i]}
		if deletes {
			op, deletes = crdt.Op{Code: crdt.CodeDelete, Width: 1, Key: key, Body: []byte{0xc0}}, false
		}
		author := byte(len(s.versions) + 1)
		s.versions = append(s.versions, version{stamp: stamp(random, author, clock.Time(2+random.IntN(2)))})
		s.versions[len(s.versions)-1].op = op
	}
	return s
}

func stamp(random *rand.Rand, author byte, at clock.Time) clock.Stamp {
	out := clock.Stamp{Time: at << 16, Author: identity.Author{byte(random.IntN(256)), author}, Seq: uint64(at)}
	for i := range out.ID {
		out.ID[i] = byte(random.IntN(256))
	}
	return out
}

// ordered are the indices of the versions.
func (s *siblings) ordered() []int {
	order := make([]int, len(s.versions))
	for i := range order {
		order[i] = i
	}
	return order
}

// given is what a strategy gets of the set: fresh memory each time.
func (s *siblings) given() crdt.Siblings {
	c := crdt.Siblings{Base: slices.Clone(s.base)}
	for _, v := range s.versions {
		sibling := crdt.Sibling{Stamp: v.stamp, Deleted: v.op.Code == crdt.CodeDelete}
		if !sibling.Deleted {
			sibling.Value = slices.Clone(crdt.Value(v.op.Body))
		}
		c.Values = append(c.Values, sibling)
	}
	slices.SortFunc(c.Values, func(a, b crdt.Sibling) int { return a.Stamp.Compare(b.Stamp) })
	return c
}

// arrive applies the base and then the versions in an order, and looks after each.
func (s *siblings) arrive(st crdt.Strategy, order []int) (crdt.View, error) {
	state := crdt.SimpleState(s.first, s.base)
	base := func() (crdt.Value, bool) { return s.base, true }
	view := state.View(st, base)
	for n, i := range order {
		v := &s.versions[i]
		past := sawBase{first: s.first.ID, all: n == 0}
		if _, err := state.Apply([]crdt.Op{v.op}, v.stamp, past, past.lookup(s)); err != nil {
			return crdt.View{}, fmt.Errorf("%w: %w", errNotApplied, err)
		}
		view = state.View(st, base)
	}
	return view, nil
}

// sawBase is the past of each sibling: the base alone.
type sawBase struct {
	first clock.ID
	all   bool
}

func (p sawBase) Covers(s clock.Stamp) bool { return s.ID == p.first }

func (p sawBase) All() bool { return p.all }

func (p sawBase) lookup(s *siblings) crdt.Lookup { return baseOnly{s} }

// baseOnly is the history that a sibling saw.
type baseOnly struct{ set *siblings }

func (b baseOnly) StateAt(crdt.Past) (*crdt.State, error) {
	return crdt.SimpleState(b.set.first, b.set.base), nil
}

// Events is empty: there are no counters.
func (b baseOnly) Events() iter.Seq2[crdt.Event, error] { return func(func(crdt.Event, error) bool) {} }

// permutations yields every order of n things. The slice is only valid until the next one.
func permutations(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		order := make([]int, 0, n)
		var extend func() bool
		extend = func() bool {
			if len(order) == n {
				return yield(order)
			}
			for i := range n {
				if slices.Contains(order, i) {
					continue
				}
				order = append(order, i)
				if !extend() {
					return false
				}
				order = order[:len(order)-1]
			}
			return true
		}
		extend()
	}
}
