package replica

import (
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
)

// A SyncOption changes how one sync is carried out.
type SyncOption func(*syncOptions)

type syncOptions struct {
	progress   func(SyncProgress)
	linkStatus func(LinkStatus)
}

// OnProgress has hear told how far the sync has come: when it is known what there is to do, behind every pack of versions, and
// when it went through. hear is called by whichever goroutine works on the session, one call at a time and outside of any
// transaction, so it may read the replica; but nothing is sent or received until it returns. Where both sides hold the same it
// is called once, at the end.
func OnProgress(hear func(SyncProgress)) SyncOption {
	return func(o *syncOptions) { o.progress = hear }
}

// SyncProgress is how far a sync has come, as this replica sees it.
type SyncProgress struct {
	// Sent and Received count versions: those handed to the link, and those that are durable here. The bytes are those of
	// their packs.
	Sent, Received           int
	SentBytes, ReceivedBytes int64
	// Done and Total count dots, both ways together: a version owns one for each of its ops. Total is 0 until this side has
	// heard what the other one holds, and an estimate: it grows by what the other side had handed out to nobody before,
	// and is too small where authors are forked. Of a sync that went through, Done is Total.
	Done, Total uint64
}

// meter is the side of a session that somebody watches.
type meter struct {
	*local
	hear func(SyncProgress)
	now  SyncProgress
}

// Missing implements protocol.Local.
func (m *meter) Missing(have clock.Vector) (protocol.Feed, error) {
	held, err := m.Held()
	if err != nil {
		return nil, err
	}
	f, err := m.local.Missing(have)
	if err != nil {
		return nil, err
	}
	// What has come already, before this side had anything to say, is not missing any more.
	m.now.Total = m.now.Done + dotsBeyond(held.Clock, have) + dotsBeyond(have, held.Clock)
	m.hear(m.now)
	return &meteredFeed{f, m}, nil
}

// dotsBeyond estimates how many dots a has that b has not: of forked authors it takes the longest branch for all.
func dotsBeyond(a, b clock.Vector) uint64 {
	longest := make(map[identity.Author]uint64, len(b))
	for _, e := range b {
		longest[e.Author] = max(longest[e.Author], e.Seq)
	}
	var n uint64
	for _, e := range a {
		n += max(e.Seq, longest[e.Author]) - longest[e.Author]
	}
	return n
}

// Apply implements protocol.Local.
func (m *meter) Apply(b []byte) (protocol.Applied, error) {
	applied, err := m.local.Apply(b)
	if err == nil {
		m.now.Received += applied.Versions
		m.now.ReceivedBytes += int64(len(b))
		m.step(b)
	}
	return applied, err
}

// step counts the dots of a pack.
func (m *meter) step(b []byte) {
	h, _, err := pack.ReadHeader(b)
	if err != nil {
		return // the report says what is wrong with it
	}
	for i := range h.Chains {
		c := &h.Chains[i]
		m.now.Done += max(c.Tip.Seq, c.Before.Seq) - c.Before.Seq
	}
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
	protocol.Feed
	m *meter
}

// Next implements protocol.Feed.
func (f *meteredFeed) Next() (protocol.Pack, error) {
	p, err := f.Feed.Next()
	if err == nil {
		f.m.now.Sent += p.Versions
		f.m.now.SentBytes += int64(len(p.Bytes))
		f.m.step(p.Bytes)
	}
	return p, err
}
