package replica

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// ErrNoSpace says that the database belongs to no space yet, so it has nobody to sync with. Join one, or write something.
var ErrNoSpace = errors.New("the database belongs to no space yet; join one or write first")

// SyncReport says what a sync did, as this replica saw it.
type SyncReport struct {
	// Sent and Received count versions.
	Sent, Received           int
	SentBytes, ReceivedBytes int64
	// Duplicates were received although they were here.
	Duplicates int
	// Conflicts are open now here and were not before; Forks likewise.
	Conflicts, Forks int
	// Refused names what was refused here and why, Pending counts what waits.
	Refused []string
	Pending int
	// Skew is how far the peer's wall clock is ahead of ours; negative: behind.
	Skew time.Duration
	// Peer is the author of the other side, zero if it has never written. Proven says that it has shown so, by a signature
	// over an encrypted link, or that the link does not leave the process. What others say of themselves is not kept.
	Peer   identity.Author
	Proven bool
	// Copy says that the peer is a copy of this database that still writes as the same author.
	Copy bool
	// Equal: both hold the same versions. Diverged: and yet their states differ, which is a bug or damage: verify both.
	Equal, Diverged bool
}

// Sync exchanges with the replica at the other end of conn what each lacks, and returns when both have it durably, or
// with what ended it early; what was applied until then stays, and the next Sync goes on from there. It does not close
// conn.
func (r *Replica) Sync(ctx context.Context, conn transport.Conn, opts ...SyncOption) (SyncReport, error) {
	if r.updating.here() { // what comes is written by another goroutine, which would wait
		return SyncReport{}, ErrNested
	}
	d, m := r.newDriver(ctx, conn, opts)
	err := d.run(ctx)
	if m != nil && err == nil {
		m.through()
	}
	rep := d.report()
	return rep, errors.Join(err, r.remember(context.WithoutCancel(ctx), rep))
}

// newDriver begins a session; m is there if somebody asked for its progress.
func (r *Replica) newDriver(ctx context.Context, conn transport.Conn, opts []SyncOption) (d *driver, m *meter) {
	var o syncOptions
	for _, opt := range opts {
		opt(&o)
	}
	d = &driver{conn: conn, wake: make(chan struct{}, 1), local: &local{ctx: ctx, r: r}}
	d.idle = d.wait
	_, d.local.trusts = conn.(transport.InProcess)
	d.link, _ = conn.(protocol.Link)
	if o.progress == nil {
		d.session = protocol.NewOver(d.local, d.link)
		return d, nil
	}
	m = &meter{local: d.local, hear: o.progress}
	d.session = protocol.NewOver(m, d.link)
	return d, m
}

func reportOf(p protocol.Report) SyncReport {
	rep := SyncReport{
		Sent: p.Sent.Versions, Received: p.Received.Versions, SentBytes: p.Sent.Bytes, ReceivedBytes: p.Received.Bytes,
		Duplicates: p.Duplicates, Conflicts: p.Conflicts, Forks: p.Forks, Pending: p.Pending,
		Skew: skewOf(p.Skew), Peer: p.Peer.Author, Proven: p.Peer.Proven, Copy: p.Copy, Equal: p.Equal, Diverged: p.Diverged,
	}
	for _, refusal := range p.Refused {
		rep.Refused = append(rep.Refused, nameOf(refusal.Author, refusal.Seq)+": "+refusal.Text)
	}
	return rep
}

// skewOf is by how many ms a peer's clock is ahead, as far as a Duration reaches: it may say any time.
func skewOf(ms int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(-most, min(ms, most))) * time.Millisecond
}

// remember keeps what the report says of the peer, for `peers` and `status`.
func (r *Replica) remember(ctx context.Context, rep SyncReport) error {
	if rep.Peer == (identity.Author{}) || !rep.Proven || r.isClosed() {
		return nil
	}
	return r.write(ctx, func(c *commit) error {
		p, err := readPeer(c.tx, rep.Peer)
		if err != nil {
			return err
		}
		p.Met = uint64(max(r.wall.Now(), 0))
		p.Skew = rep.Skew.Milliseconds()
		p.Sent += uint64(rep.Sent)
		p.Received += uint64(rep.Received)
		p.Note = ""
		if rep.Diverged {
			p.Note = "holds the same versions and shows another state: verify both databases"
		}
		return c.fail(c.tx.Put(store.Peers, rep.Peer[:], p.Append(nil)))
	})
}

// maxRounds is how many sessions SyncPair holds at most: a fork that one session finds is healed by the next.
const maxRounds = 3

// SyncPair syncs two replicas of this process with each other until both hold the same, and returns the sum of what each
// saw. The options are those of a's side; if it takes several sessions, progress begins anew in each.
func SyncPair(ctx context.Context, a, b *Replica, opts ...SyncOption) (ra, rb SyncReport, err error) {
	if a.updating.here() || b.updating.here() {
		return ra, rb, ErrNested
	}
	for range maxRounds {
		x, y, err := syncOnce(ctx, a, b, opts)
		ra, rb = ra.Plus(x), rb.Plus(y)
		if err != nil || x.Equal && y.Equal || x.Sent+x.Received+y.Sent+y.Received == 0 {
			return ra, rb, err
		}
	}
	return ra, rb, nil
}

func syncOnce(ctx context.Context, a, b *Replica, opts []SyncOption) (ra, rb SyncReport, err error) {
	ca, cb := pipe.New()
	var errB error
	done := make(chan struct{})
	go func() {
		defer close(done)
		rb, errB = b.Sync(ctx, cb)
		errB = errors.Join(errB, cb.Close())
	}()
	ra, err = a.Sync(ctx, ca, opts...)
	err = errors.Join(err, ca.Close())
	<-done
	return ra, rb, firstHand(err, errB)
}

// firstHand joins what the two ends of a session say went wrong, without the one that only heard of the other's trouble.
func firstHand(a, b error) error {
	switch {
	case a != nil && errors.Is(b, protocol.ErrPeer):
		return a
	case b != nil && errors.Is(a, protocol.ErrPeer):
		return b
	}
	return errors.Join(a, b)
}

// Plus adds what a later session with the same peer did.
func (r SyncReport) Plus(later SyncReport) SyncReport {
	later.Sent += r.Sent
	later.Received += r.Received
	later.SentBytes += r.SentBytes
	later.ReceivedBytes += r.ReceivedBytes
	later.Duplicates += r.Duplicates
	later.Conflicts += r.Conflicts
	later.Forks += r.Forks
	later.Refused = append(r.Refused, later.Refused...)
	return later
}
