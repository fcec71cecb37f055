package protocol

import (
	"crypto/sha256"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
)

// without returns the entries of v that known does not have, exactly as they are.
func without(v, known clock.Vector) clock.Vector {
	var rest clock.Vector
	for _, tip := range v {
		for len(known) > 0 && known[0].Compare(tip) < 0 {
			known = known[1:]
		}
		if len(known) == 0 || known[0] != tip {
			rest = append(rest, tip)
		}
	}
	return rest
}

// worthBase is how many tips a clock has for which a base is tried: telling fewer costs less than a base that is not remembered.
const worthBase = 32

// digestOf names a clock.
func digestOf(v clock.Vector) *Digest {
	sum := Digest(sha256.Sum256(v.Append(nil)))
	return &sum
}

// firstAuthor splits off the tips of the first author.
func firstAuthor(v clock.Vector) (tips, rest clock.Vector) {
	n := 0
	for n < len(v) && v[n].Author == v[0].Author {
		n++
	}
	return v[:n], v[n:]
}

// since is what differs in v from base; false if it cannot be told by tips, since an author of base has none in v.
func since(v, base clock.Vector) (differs clock.Vector, ok bool) {
	for len(base) > 0 || len(v) > 0 {
		switch {
		case len(base) > 0 && (len(v) == 0 || base[0].Author.Compare(v[0].Author) < 0):
			return nil, false
		case len(base) == 0 || v[0].Author.Compare(base[0].Author) < 0:
			var tips clock.Vector
			tips, v = firstAuthor(v)
			differs = append(differs, tips...)
		default:
			var now, then clock.Vector
			now, v = firstAuthor(v)
			then, base = firstAuthor(base)
			if len(without(now, then)) > 0 || len(now) != len(then) {
				differs = append(differs, now...)
			}
		}
	}
	return differs, true
}

// over is the clock that differs from base by that.
func over(base, differs clock.Vector) clock.Vector {
	all := make(clock.Vector, 0, len(base)+len(differs))
	for len(base) > 0 && len(differs) > 0 {
		from := &base
		switch c := base[0].Author.Compare(differs[0].Author); {
		case c == 0:
			_, base = firstAuthor(base)
			continue
		case c > 0:
			from = &differs
		}
		var tips clock.Vector
		tips, *from = firstAuthor(*from)
		all = append(all, tips...)
	}
	return append(append(all, base...), differs...)
}

// shortSpace is a space for people, in the form that authors have.
func shortSpace(s identity.Space) string { return identity.Author(s).String() }
