package replica

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
)

// A Cursor is a place in the versions of one database, in the order in which they were applied there. It is a text without
// spaces, to be kept and handed back as it is. In another database, also a copy or what a backup was restored to, it means
// nothing.
type Cursor string

// Beginning is the place before all versions.
const Beginning Cursor = "0"

// position is a Cursor in terms of the database: the next dot, and the beginning of the id of the version before it. That
// version tells whether the place is still there when the database was set back (see withdrawal): then what came later
// moved down, and no version stands where it stood. erased counts the erasures that were known there, as the tip does: they take values
// away before their versions come.
type position struct {
	next   history.LV
	id     clock.Prefix
	erased uint64
}

// cursor is the position for people, in the database of that tag.
func (p position) cursor(db uint32) Cursor {
	if p.next <= 1 {
		return Beginning
	}
	text := strconv.FormatUint(uint64(p.next), 36) + "-" + hex.EncodeToString(p.id[:]) + "-" + strconv.FormatUint(uint64(db), 36)
	if p.erased > 0 {
		text += "-" + strconv.FormatUint(p.erased, 36)
	}
	return Cursor(text)
}

// pass moves the position behind a version.
func (p *position) pass(v *stored) { p.next, p.id = v.lv+1, v.ID.Prefix() }

// end is the position behind all versions.
func (s *snap) end() (position, error) {
	p := position{next: 1, erased: s.tip.erased}
	if s.tip.next <= 1 {
		return p, nil
	}
	v, err := s.version(s.tip.next - 1)
	if err == nil {
		p.pass(v)
	}
	return p, err
}

// positionOf reads a cursor; known is false where it means nothing here.
func (s *snap) positionOf(c Cursor) (p position, known bool, err error) {
	if c == Beginning {
		return position{next: 1}, true, nil
	}
	parts := strings.Split(string(c), "-")
	if len(parts) == 4 {
		if p.erased, err = strconv.ParseUint(parts[3], 36, 63); err != nil || p.erased == 0 {
			return p, false, fmt.Errorf("%w: %q", ErrCursor, string(c))
		}
		parts = parts[:3]
	}
	if len(parts) != 3 {
		return p, false, fmt.Errorf("%w: %q", ErrCursor, string(c))
	}
	next, nextErr := strconv.ParseUint(parts[0], 36, 63)
	id, idErr := hex.DecodeString(parts[1])
	db, dbErr := strconv.ParseUint(parts[2], 36, 32)
	if nextErr != nil || idErr != nil || dbErr != nil || next <= 1 || len(id) != len(p.id) {
		return p, false, fmt.Errorf("%w: %q", ErrCursor, string(c))
	}
	p.next, p.id = history.LV(next), clock.Prefix(id)
	ours, err := s.database()
	if err != nil || db != uint64(ours) {
		return p, false, err
	}
	known, err = s.knows(p)
	return p, known, err
}

// knows reports whether a position is one in this database, with the same before it.
func (s *snap) knows(p position) (bool, error) {
	if p.next <= 1 {
		return true, nil
	}
	if p.next > s.tip.next {
		return false, nil
	}
	v, err := s.version(p.next - 1)
	return err == nil && v.lv == p.next-1 && v.ID.Prefix() == p.id, err
}

// database is the tag that cursors carry. Another database has another one, since it was given another instance, and so
// has one whose rows were computed without strategies that are known now, or the other way round: then keys show
// something else without a version that tells.
func (s *snap) database() (uint32, error) {
	lacked, err := metaRow(s.tx, metaLacked)
	if err != nil {
		return 0, err
	}
	instance, err := readInstance(s.tx)
	if instance != nil {
		lacked = append(lacked[:len(lacked):len(lacked)], instance.Nonce[:]...)
	}
	return crc32.Checksum(lacked, castagnoli), err
}
