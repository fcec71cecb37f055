package replicatest

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// A text is a tree of letters, by the definition of FugueMax (Weidner and Kleppmann, "The Art of the Fugue"): who types a letter puts
// it to the right of the one before it, or, where somebody has done so already, to the left of the one behind it. It is read
// from left to right. Nothing here is fast.

// letter is a code point that a splice inserted. The root is none: its right children start the text.
type letter struct {
	by          *placed
	seq         uint64 // its dot
	char        rune
	behind      *letter // what stood behind it where it was typed, removed letters among it; nil for the end
	left, right []*letter
	removed     []int // the versions that did
}

// text is what the splices come to. One that does not fit what its author saw does nothing.
func (k *keyOps) text() string {
	root := &letter{}
	for i := range k.ops {
		if op := &k.ops[i]; op.op.splice != nil {
			k.splice(root, op)
		}
	}
	var b strings.Builder
	for _, l := range root.read() {
		if len(l.removed) == 0 {
			b.WriteRune(l.char)
		}
	}
	return b.String()
}

// edited is the text as a conflict has it, which does not quote what it says, and the deletes that did not know all of it. There is a
// text as long as there is an edit that nobody deleted who knew it.
func (k *keyOps) edited() (said Said, tombs []*placed, ok bool) {
	for i := range k.ops {
		switch a := &k.ops[i]; {
		case a.op.code == "delete" && k.stands(a):
			tombs = append(tombs, a)
		case a.op.code == "text-splice" && k.alive(a):
			ok = true
			if said.At.Less(a.at) {
				said.At = a.at
			}
		}
	}
	said.Kind, said.Value = crdt.KindText, canon.Null()
	return said, tombs, ok
}

// read is all letters below l, in order.
func (l *letter) read() (all []*letter) {
	for _, c := range l.left {
		all = append(all, c.read()...)
	}
	if l.by != nil {
		all = append(all, l)
	}
	for _, c := range l.right {
		all = append(all, c.read()...)
	}
	return all
}

// splice does what an op does, to what its author saw: what he had read, and what he had done in the same version.
func (k *keyOps) splice(root *letter, op *placed) {
	past := k.m.nodes[op.n].past
	knew := func(n int) bool { return n == op.n || past.Has(n) }
	var known, shown []*letter
	for _, l := range root.read() {
		if knew(l.by.n) {
			known = append(known, l)
			if !slices.ContainsFunc(l.removed, knew) {
				shown = append(shown, l)
			}
		}
	}
	s := op.op.splice
	if s.pos+s.removed > len(shown) {
		return
	}
	seq := op.seq
	for _, l := range shown[s.pos : s.pos+s.removed] {
		l.removed = append(l.removed, op.n)
		seq++
	}
	before, at := root, 0 // the letter before, and how many of those known come up to it
	if s.pos > 0 {
		before = shown[s.pos-1]
		at = slices.Index(known, before) + 1
	}
	for _, char := range s.inserted {
		l := &letter{by: op, seq: seq, char: char}
		if at < len(known) {
			l.behind = known[at]
		}
		l.insert(root, before, knew)
		known = slices.Insert(known, at, l)
		before = l
		at++
		seq++
	}
}

// insert puts a letter behind the one before it.
func (l *letter) insert(root, before *letter, knew func(int) bool) {
	if taken := slices.ContainsFunc(before.right, func(c *letter) bool { return knew(c.by.n) }); taken {
		l.behind.left = append(l.behind.left, l)
		slices.SortFunc(l.behind.left, (*letter).compare)
		return
	}
	before.right = append(before.right, l)
	order := root.read()
	place := func(x *letter) int {
		if x == nil {
			return len(order)
		}
		return slices.Index(order, x)
	}
	slices.SortFunc(before.right, func(x, y *letter) int {
		if c := cmp.Compare(place(y.behind), place(x.behind)); c != 0 {
			return c
		}
		return x.compare(y)
	})
}

// compare orders letters that were typed at one place by people who did not know of each other.
func (l *letter) compare(x *letter) int {
	a, b := &l.by.at, &x.by.at
	return cmp.Or(a.Author.Compare(b.Author), cmp.Compare(l.seq, x.seq), slices.Compare(a.ID[:], b.ID[:]))
}

// modelSplice is what a text-splice says.
type modelSplice struct {
	pos, removed int
	inserted     string
}

// readSplice reads what a log shows of a text-splice.
func readSplice(v canon.Value) *modelSplice {
	number := func(name string) int {
		field, _ := v.Get(name)
		n, _ := field.AsInt()
		return int(n)
	}
	inserted, _ := v.Get("inserted")
	text, _ := inserted.AsString()
	return &modelSplice{pos: number("pos"), removed: number("removed"), inserted: text}
}

// width is how many dots the splice owns.
func (s *modelSplice) width() uint64 { return uint64(s.removed + utf8.RuneCountInString(s.inserted)) }
