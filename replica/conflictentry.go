package replica

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// conflictEntry is a conflict as its row tells it to whoever reads the database: as JSON. It is the text of a canonical value, and
// is written without making one, since a key may have thousands of sides.
type conflictEntry struct {
	key, path, why string
	chosen         *crdt.Side
	others         []crdt.Side
	sides          []clock.Stamp
	// standing are the versions of the key's state, ascending, where the conflict is open: the sides are among them.
	standing []clock.Stamp
	// more is how many older ones there are beside the others.
	more int
	// closed is the version that closed it, nil where it is open.
	closed *clock.Stamp
}

// An entry tells the newest sides of its conflict: it is written with each version on the key, and once for each that closed the
// conflict. All sides are in the key's state and in its log.
const (
	maxSides      = 256
	maxSideValues = 1 << 20
)

// sideRoom is what an entry has room for, of sides that are counted down from the newest.
type sideRoom struct{ sides, values int }

// takes reports whether there is room for one more.
func (r *sideRoom) takes(s *crdt.Side) bool {
	r.sides, r.values = r.sides+1, r.values+len(s.Value)
	return r.sides == 1 || r.sides <= maxSides && r.values <= maxSideValues
}

// newestStamps are as many of the last stamps as an entry has room for: what is chosen and the others.
func newestStamps(ascending []clock.Stamp) []clock.Stamp {
	return ascending[max(0, len(ascending)-1-maxSides):]
}

// openEntry is the entry of a conflict that is open in a state of these versions.
func openEntry(key string, c *crdt.Conflict, standing []clock.Stamp) conflictEntry {
	e := entryOf(key, c)
	e.standing = standing
	return e
}

// closedEntry is the entry of a conflict that a version closed.
func closedEntry(key string, c *crdt.Conflict, by *clock.Stamp) conflictEntry {
	e := entryOf(key, c)
	e.closed = by
	return e
}

// entryOf is what the entry of a conflict says, open or closed.
func entryOf(key string, c *crdt.Conflict) conflictEntry {
	var room sideRoom
	more := len(c.Others)
	for more > 0 && room.takes(&c.Others[more-1]) {
		more--
	}
	return conflictEntry{
		key: key, path: c.Path, why: c.Why, chosen: &c.Chosen, others: c.Others[more:], sides: newestStamps(c.Sides), more: more,
	}
}

// appendJSON appends the entry's text: as everywhere, the members of an object ascend. The sides of an open conflict are places among the
// versions of its key's state, whose row has them; a closed one tells them whole, since no state need have them any more.
func (e conflictEntry) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if e.closed != nil {
		b = append(appendStamps(append(b, `"by":`...), *e.closed), ',')
	}
	b = appendSide(append(b, `"chosen":`...), e.chosen)
	if e.closed != nil {
		b = append(e.closed.AppendName(append(b, `,"closed_by":"`...)), '"')
	}
	b = canon.AppendJSONString(append(b, `,"key":`...), e.key)
	if e.more > 0 {
		b = strconv.AppendInt(append(b, `,"more":`...), int64(e.more), 10)
	}
	b = append(b, `,"others":[`...)
	for i := range e.others {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSide(b, &e.others[i])
	}
	b = append(b, ']')
	b = canon.AppendJSONString(append(b, `,"path":`...), e.path)
	b = append(b, `,"sides":`...)
	if e.closed != nil {
		b = appendStamps(b, e.sides...)
	} else {
		b = appendPlaces(b, e.sides, e.standing)
	}
	b = canon.AppendJSONString(append(b, `,"why":`...), e.why)
	return append(b, '}')
}

// appendSide appends what one version says, none of whose texts needs an escape.
func appendSide(b []byte, s *crdt.Side) []byte {
	b = strconv.AppendBool(append(b, `{"deleted":`...), s.Deleted)
	b = hex.AppendEncode(append(b, `,"id":"`...), s.Stamp.ID[:])
	b = append(append(b, `","kind":"`...), s.Kind...)
	b = append(b, '"')
	if s.Merged {
		b = append(b, `,"merged":true`...)
	}
	b = appendTime(append(b, `,"time":"`...), Version{Stamp: s.Stamp}.Wall())
	b = append(b, `","value":`...)
	if s.Value == nil {
		b = append(b, "null"...)
	} else {
		b = s.Value.AppendJSON(b)
	}
	b = s.Stamp.AppendName(append(b, `,"version":"`...))
	return append(b, `"}`...)
}

// appendTime appends a time in UTC as all output has it: RFC 3339 with milliseconds. A layout that says so takes package time three
// times as long as RFC 3339 alone.
func appendTime(b []byte, t time.Time) []byte {
	b = t.AppendFormat(b, time.RFC3339)
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-1], '.', '0'+byte(ms/100), '0'+byte(ms/10%10), '0'+byte(ms%10), 'Z')
}

// appendPlaces appends where versions stand among others, all ascending.
func appendPlaces(b []byte, versions, among []clock.Stamp) []byte {
	b = append(b, '[')
	for i := range versions {
		if i > 0 {
			b = append(b, ',')
		}
		place, _ := slices.BinarySearchFunc(among, versions[i], clock.Stamp.Compare)
		b = strconv.AppendInt(b, int64(place), 10)
	}
	return append(b, ']')
}

// appendStamps appends the bytes of stamps as JSON has bytes, some stamps at a time: a conflict may have hundreds, whose bytes
// nobody needs together.
func appendStamps(b []byte, stamps ...clock.Stamp) []byte {
	var room [8 * stampSize]byte
	packed := room[:0]
	b = append(b, `{"$bytes":"`...)
	for i := range stamps {
		if len(packed)+stampSize > len(room) {
			whole := len(packed) - len(packed)%3 // of which characters can be made without those that follow
			b = base64.StdEncoding.AppendEncode(b, packed[:whole])
			packed = append(packed[:0], packed[whole:]...)
		}
		packed = stamps[i].Append(packed)
	}
	b = base64.StdEncoding.AppendEncode(b, packed)
	return append(b, `"}`...)
}
