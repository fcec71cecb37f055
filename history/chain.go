package history

import (
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// A Chain goes along the versions of one author, each the Prev of the next, and judges and hashes them. Whatever form
// versions are read from (runs here, packs in history/pack), this is the one place of the verdict.
type Chain struct {
	tip   Ref
	fault error // of the version at which the chain broke
}

// NewChain is the chain that goes on behind before. A Seq of 0 says that it starts with the author's first version; the ID
// must then be the author's Genesis in the space: otherwise all that follows is invalid.
func NewChain(space identity.Space, before Ref) Chain {
	c := Chain{tip: before}
	if before.Seq == 0 && before.ID != Genesis(space, before.Author) {
		c.fault = invalid(FaultParents, "a first version of "+before.Author.String()+" that belongs to no such author and space", nil)
	}
	return c
}

// Tip names the last sound version so far.
func (c *Chain) Tip() Ref { return c.tip }

// Broken reports whether a version of the chain was invalid. No sound one can follow.
func (c *Chain) Broken() bool { return c.fault != nil }

// Next judges and hashes the next version, of which Deps (in any order; they are sorted here), Time, Payload and Contents
// are set; it sets the rest. A dep without an ID stands for an invalid version. The error wraps ErrInvalid, the version then
// has its Author but no ID; or ErrContent, as for Decoder.Next. Scratch is memory to work in, returned for the next call. Where
// ops is not nil, the ops of the version, if it is valid, are put there: as Ops yields them, but read once.
func (c *Chain) Next(v *Version, scratch []byte, ops *[]Op) ([]byte, error) {
	v.Author, v.Prev, v.ID = c.tip.Author, c.tip.ID, ID{}
	err := c.fault
	if err == nil {
		err = orphaned(v.Deps)
	}
	if err == nil {
		order.Sort(v.Deps, compareRefs)
		scratch, err = v.finish(c.tip.Seq, scratch, ops)
	}
	if err != nil {
		if c.fault == nil {
			c.fault = invalid(FaultAncestor, "it descends from an invalid version", err)
		}
		return scratch, err
	}
	c.tip.Seq, c.tip.ID = v.Seq, v.ID
	scratch, err = v.checkContents(scratch)
	if ops != nil {
		v.bring(*ops)
	}
	return scratch, err
}

// Follow is Next for versions of one's own rows, which were judged when they came and whose ids nobody asks for: it says whose the
// version is and which dots it owns, and hashes its contents alone. The version has no ID, and no Prev unless it is the first of the chain.
func (c *Chain) Follow(v *Version, scratch []byte) ([]byte, error) {
	v.Author, v.Prev, v.ID = c.tip.Author, c.tip.ID, ID{}
	if c.fault != nil {
		return scratch, c.fault
	}
	s, err := inspect(v.Payload, nil)
	if err != nil {
		return scratch, err
	}
	v.Width, v.Seq = s.width, c.tip.Seq+s.width
	c.tip.Seq, c.tip.ID = v.Seq, ID{}
	return v.checkContents(scratch)
}

// orphaned is the verdict on a version one of whose parents is invalid.
func orphaned(deps []Ref) error {
	for i := range deps {
		if deps[i].ID.IsZero() {
			return invalid(FaultAncestor, "it descends from an invalid version", nil)
		}
	}
	return nil
}
