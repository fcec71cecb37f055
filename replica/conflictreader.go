package replica

import (
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// conflictReader reads rows of conflicts, those of a key one after the other.
type conflictReader struct {
	s *snap
	// standing are the versions of the state of the key whose open conflict was read last.
	key      string
	standing []clock.Stamp
}

// read reads a row of a key: all but the base, and the sides.
func (r *conflictReader) read(key string, row *store.Conflict) (c Conflict, sides []clock.Stamp, err error) {
	c = Conflict{Key: key, Path: row.Path, Status: ConflictStatus(row.Status)}
	if sides, err = r.readEntry(&c, row.Entry); err != nil {
		err = fmt.Errorf("%w: a conflict of %q: %w", store.ErrCorrupt, key, err)
	}
	return c, sides, err
}

// readEntry reads what conflictEntry.appendJSON wrote.
func (r *conflictReader) readEntry(c *Conflict, entry []byte) (sides []clock.Stamp, err error) {
	v, err := canon.FromJSON(entry)
	if err != nil {
		return nil, err
	}
	if sides, err = r.sidesOf(c, v); err != nil {
		return nil, err
	}
	closed, err := readStamps(v, "by")
	if err != nil {
		return nil, err
	}
	if len(closed) > 0 {
		c.ClosedBy = Version{Stamp: closed[0]}
	}
	if more, ok := v.Get("more"); ok {
		n, _ := more.AsInt()
		c.More = int(n)
	}
	c.Why = text(v, "why")
	stamps := make(map[string]clock.Stamp, len(sides))
	for _, side := range sides {
		stamps[side.ID.String()] = side
	}
	chosen, _ := v.Get("chosen")
	if c.Chosen, err = r.s.readSide(chosen, stamps); err != nil {
		return nil, err
	}
	others, _ := v.Get("others")
	for v := range others.Elements() {
		side, err := r.s.readSide(v, stamps)
		if err != nil {
			return nil, err
		}
		c.Others = append(c.Others, side)
	}
	return sides, nil
}

// sidesOf reads the sides of a conflict from its entry, and from its key's state where it is open.
func (r *conflictReader) sidesOf(c *Conflict, entry canon.Value) (sides []clock.Stamp, err error) {
	if c.Status != ConflictOpen {
		return readStamps(entry, "sides")
	}
	if r.key != c.Key {
		e, err := r.s.loadEntry(c.Key)
		if err != nil {
			return nil, err
		}
		r.key, r.standing = c.Key, e.state.Encoding().Versions()
	}
	places, _ := entry.Get("sides")
	for v := range places.Elements() {
		place, ok := v.AsInt()
		if !ok || place < 0 || place >= int64(len(r.standing)) {
			return nil, errors.New("a side of it is not in the state of its key")
		}
		sides = append(sides, r.standing[place])
	}
	return sides, nil
}

func text(v canon.Value, name string) string {
	field, _ := v.Get(name)
	s, _ := field.AsString()
	return s
}

// readStamps reads what appendStamps wrote, none where there is no such member.
func readStamps(v canon.Value, name string) ([]clock.Stamp, error) {
	field, _ := v.Get(name)
	b, _ := field.AsBytes()
	return unpackStamps(b)
}

// readSide reads a side. stamps are those of the conflict's sides, by their ids. A side's version is not among them if a strategy
// chose an old one of very many, or if a record is in conflict with another kind: that conflict is named by the record's newest
// edit, and the side by the version that the record's value is from.
func (s *snap) readSide(v canon.Value, stamps map[string]clock.Stamp) (side ConflictSide, err error) {
	id := text(v, "id")
	stamp, ok := stamps[id]
	if !ok {
		if stamp, err = s.stampOf(text(v, "version"), id); err != nil {
			return side, err
		}
	}
	side = ConflictSide{Version: Version{Stamp: stamp}, Kind: crdt.Kind(text(v, "kind"))}
	deleted, _ := v.Get("deleted")
	side.Deleted, _ = deleted.AsBool()
	merged, _ := v.Get("merged")
	side.Merged, _ = merged.AsBool()
	if value, ok := v.Get("value"); ok && !side.Deleted {
		side.Value = value.AppendJSON(nil)
	}
	return side, nil
}

// stampOf finds the version of a name, AUTHOR@SEQ, and an id in hexadecimal digits.
func (s *snap) stampOf(name, id string) (clock.Stamp, error) {
	short, seq, _ := splitDot(name)
	for a := range s.byAuthor {
		if a.String() != short {
			continue
		}
		found, err := s.versionsOf(a, seq)
		if err != nil {
			return clock.Stamp{}, err
		}
		for _, stamp := range found {
			if stamp.ID.String() == id {
				return stamp, nil
			}
		}
	}
	return clock.Stamp{}, fmt.Errorf("version %s is missing", name)
}
