package replica

import (
	"encoding/base64"
	"encoding/hex"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// conflictEntry is a conflict as its row tells it to whoever reads the database: as JSON. It is the text of a canonical value, and
// is written without making one, since a key may have thousands of sides.
type conflictEntry struct {
	key, path, why string
	chosen         *crdt.Side
	lost           []crdt.Side
	sides          []clock.Stamp
	// closed is the version that closed it, nil where it is open.
	closed *clock.Stamp
}

// openEntry is the entry of an open conflict.
func openEntry(key string, c *crdt.Conflict) *conflictEntry {
	return &conflictEntry{key: key, path: c.Path, why: c.Why, chosen: &c.Chosen, lost: c.Lost, sides: c.Sides}
}

// json is the entry's text: as everywhere, the members of an object ascend.
func (e *conflictEntry) json() ([]byte, error) {
	texts := make([]canon.Value, 3)
	for i, text := range []string{e.key, e.path, e.why} {
		var err error
		if texts[i], err = canon.String(text); err != nil {
			return nil, err
		}
	}
	b := []byte{'{'}
	if e.closed != nil {
		b = append(appendStamps(append(b, `"by":`...), *e.closed), ',')
	}
	b = appendSide(append(b, `"chosen":`...), e.chosen)
	if e.closed != nil {
		b = append(append(append(b, `,"closed_by":"`...), e.closed.Name()...), '"')
	}
	b = texts[0].AppendJSON(append(b, `,"key":`...))
	b = append(b, `,"lost":[`...)
	for i := range e.lost {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSide(b, &e.lost[i])
	}
	b = texts[1].AppendJSON(append(b, `],"path":`...))
	b = appendStamps(append(b, `,"sides":`...), e.sides...)
	b = texts[2].AppendJSON(append(b, `,"why":`...))
	return append(b, '}'), nil
}

// appendSide appends what one version says, none of whose texts needs an escape.
func appendSide(b []byte, s *crdt.Side) []byte {
	b = append(b, `{"deleted":`...)
	b = canon.Bool(s.Deleted).AppendJSON(b)
	b = hex.AppendEncode(append(b, `,"id":"`...), s.Stamp.ID[:])
	b = append(append(b, `","kind":"`...), s.Kind...)
	b = Version{Stamp: s.Stamp}.Wall().AppendFormat(append(b, `","time":"`...), timeFormat)
	b = append(b, `","value":`...)
	if s.Value == nil {
		b = append(b, "null"...)
	} else {
		b = s.Value.AppendJSON(b)
	}
	b = append(append(b, `,"version":"`...), s.Stamp.Name()...)
	return append(b, `"}`...)
}

// appendStamps appends the bytes of stamps as JSON has bytes.
func appendStamps(b []byte, stamps ...clock.Stamp) []byte {
	b = append(b, `{"$bytes":"`...)
	b = base64.StdEncoding.AppendEncode(b, packStamps(stamps))
	return append(b, `"}`...)
}
