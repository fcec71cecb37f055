package protocol

import (
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

// shortSpace is a space for people, in the form that authors have.
func shortSpace(s identity.Space) string { return identity.Author(s).String() }
