package replica

import (
	"encoding/binary"
	"testing"

	"github.com/kdelta/kdelta/protocol"
)

// TestPresenceFlood: whatever one peer says of the moment, what is kept of it has a bound, for this replica, for each other link
// and for each listener; and nobody is told twice of what came by two ways.
func TestPresenceFlood(t *testing.T) {
	var h presences
	poked := 0
	from, other := &outbox{poke: func() { t.Error("it is told what it said") }}, &outbox{poke: func() { poked++ }}
	defer h.join(from)()
	defer h.join(other)()
	said := func(i int) (p protocol.Presence) {
		binary.BigEndian.PutUint32(p.Origin[:], uint32(i))
		p.Seq, p.Hops, p.Body = 1, 1, make([]byte, protocol.MaxPresence)
		return p
	}
	const flood = 10 * maxOrigins
	for i := range flood {
		h.hear(protocol.Instance{0xff}, said(i), from)
		h.hear(protocol.Instance{0xff}, said(i), from)
	}
	if poked != flood {
		t.Errorf("the other link is told %d things, want %d", poked, flood)
	}
	if len(h.heard) != maxOrigins || len(h.order) != maxOrigins || len(other.list) != maxUnheard {
		t.Errorf("%d origins of %d are remembered, %d things wait; want %d, %d, %d",
			len(h.heard), len(h.order), len(other.list), maxOrigins, maxOrigins, maxUnheard)
	}
	if last := other.list[maxUnheard-1]; last.Origin != said(flood-1).Origin {
		t.Errorf("the newest was dropped; the last is of %x", last.Origin)
	}
}
