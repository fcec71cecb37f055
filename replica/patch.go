package replica

import (
	"encoding/json"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// Patch is the changes that Diff listed as an RFC 6902 patch: an array of add, remove and replace. Applied to the old
// value it gives the new one. The change of a text has a member beside those of the RFC, which others pass over: "splices",
// an array of {"pos","removed","inserted"}, as PathChange has them. The error says which change is not one that Diff makes.
func Patch(changes []PathChange) (json.RawMessage, error) {
	patch := []byte{'['}
	for i, c := range changes {
		if i > 0 {
			patch = append(patch, ',')
		}
		var err error
		if patch, err = c.appendTo(patch); err != nil {
			return nil, fmt.Errorf("%q: %w", c.Path, err)
		}
	}
	return append(patch, ']'), nil
}

// appendTo appends the change as one operation of a patch.
func (c *PathChange) appendTo(b []byte) ([]byte, error) {
	if _, err := crdt.ParsePointer(c.Path); err != nil {
		return nil, err
	}
	path, err := canon.String(c.Path)
	if err != nil {
		return nil, err
	}
	op := "replace"
	switch {
	case c.Old == nil:
		op = "add"
	case c.New == nil:
		op = "remove"
	}
	b = append(append(b, `{"op":"`...), op...)
	b = path.AppendJSON(append(b, `","path":`...))
	if c.Old != nil {
		if _, err := canon.FromJSON(c.Old); err != nil {
			return nil, err
		}
	}
	if c.New != nil {
		value, err := canon.FromJSON(c.New)
		if err != nil {
			return nil, err
		}
		b = value.AppendJSON(append(b, `,"value":`...))
	}
	if len(c.Splices) > 0 {
		splices := make([]canon.Value, len(c.Splices))
		for i, s := range c.Splices {
			if splices[i], err = object("pos", s.Pos, "removed", s.Removed, "inserted", s.Text); err != nil {
				return nil, err
			}
		}
		all, err := canon.NewArray(splices)
		if err != nil {
			return nil, err
		}
		b = all.AppendJSON(append(b, `,"splices":`...))
	}
	return append(b, '}'), nil
}
