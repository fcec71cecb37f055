package replica

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/protocol"
)

// A SyncOption changes how one sync is held.
type SyncOption func(*syncOptions)

type syncOptions struct {
	hear func(Progress)
}

// SyncProgress lets hear be told how far the sync has come: when it is known what there is to do, behind every pack of
// versions, and when it went through. It is called by whichever goroutine works on the session, one call at a time and
// outside of any transaction, so it may read the replica; but nothing is sent or received until it returns. A sync of
// two sides that hold the same is told of once, when it is through.
func SyncProgress(hear func(Progress)) SyncOption { return func(o *syncOptions) { o.hear = hear } }

// Progress is how far a sync has come, as this replica sees it.
type Progress struct {
	// Sent and Received count versions: those handed to the link, and those that are durable here. The bytes are those of
	// their packs, with seals and certificates.
	Sent, Received           int
	SentBytes, ReceivedBytes int64
	// Done and Total count dots, both ways together: a version owns one for each of its ops. Total is 0 until this side has
	// heard what the other one holds, and an estimate where authors are forked. Of a sync that went through, Done is Total.
	Done, Total uint64
}

// meter is the side of a session that somebody watches.
type meter struct {
	local
	hear func(Progress)
	now  Progress
}

// Missing implements protocol.Local.
func (m *meter) Missing(have clock.Vector) (protocol.Feed, error) {
	f, err := m.missing(have)
	if err != nil {
		return nil, err
	}
	err = m.r.view(m.ctx, func(s *snap) error {
		m.now.Total = m.now.Done + s.lackOf(have) // a pack may have come before this side had anything to say
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range f.ranges {
		m.now.Total += uint64(r.To-r.From) + 1
	}
	m.hear(m.now)
	return &meteredFeed{f, m}, nil
}

// lackOf estimates how many dots a clock tells of that are not here.
func (s *snap) lackOf(have clock.Vector) uint64 {
	var n uint64
	for _, e := range have {
		here := uint64(0)
		for _, line := range s.byAuthor[e.Author] {
			here = max(here, s.lines[line].Seq)
		}
		n += max(e.Seq, here) - here
	}
	return n
}

// Apply implements protocol.Local.
func (m *meter) Apply(b []byte) (protocol.Applied, error) {
	applied, dots, err := m.apply(b)
	if err == nil {
		m.now.Received += applied.Versions
		m.now.ReceivedBytes += int64(len(b))
		m.step(dots)
	}
	return applied, err
}

func (m *meter) step(dots uint64) {
	m.now.Done += dots
	if m.now.Total > 0 {
		m.now.Total = max(m.now.Total, m.now.Done)
	}
	m.hear(m.now)
}

// through says that nothing is left.
func (m *meter) through() {
	m.now.Total = m.now.Done
	m.hear(m.now)
}

// meteredFeed counts what it gives.
type meteredFeed struct {
	*feed
	m *meter
}

// Next implements protocol.Feed.
func (f *meteredFeed) Next() (protocol.Pack, error) {
	before := f.dots
	p, err := f.feed.Next()
	if err == nil {
		f.m.now.Sent += p.Versions
		f.m.now.SentBytes += int64(len(p.Bytes))
		f.m.step(f.dots - before)
	}
	return p, err
}
