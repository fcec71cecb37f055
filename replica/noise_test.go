package replica_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/pipe"
)

// scale is a link that weighs what is sent over it.
type scale struct {
	transport.Conn
	bytes *atomic.Int64
}

func (s scale) Send(ctx context.Context, frame []byte) error {
	s.bytes.Add(int64(len(frame)))
	return s.Conn.Send(ctx, frame)
}

// encrypted makes a link between two replicas of one space, and weighs it.
func encrypted(t *testing.T, a, b *replica.Replica) (ca transport.Conn, cb responder, bytes *atomic.Int64) {
	t.Helper()
	bytes = new(atomic.Int64)
	there, here := pipe.New()
	room, key, err := a.Room(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ca, err = noise.Initiate(scale{there, bytes}, noise.Room(room), noise.Key(key))
	if err != nil {
		t.Fatal(err)
	}
	theirs, secret, err := b.Room(t.Context())
	if err != nil || theirs != room || secret != key {
		t.Fatalf("members of one space meet in different rooms: %v", err)
	}
	return ca, responder{scale{here, bytes}, noise.Key(key)}, bytes
}

// responder is the other end, which answers once the first message comes.
type responder struct {
	link transport.Conn
	key  noise.Key
}

// syncOver syncs over a link and returns what each side saw.
func syncOver(t *testing.T, a, b *replica.Replica, ca transport.Conn, cb responder) (ra, rb replica.SyncReport, err error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		conn, err := noise.Respond(t.Context(), cb.link, func(noise.Room) (noise.Key, bool) { return cb.key, true })
		if err == nil {
			rb, err = b.Sync(t.Context(), conn)
			err = errors.Join(err, conn.Close())
		}
		done <- err
	}()
	ra, err = a.Sync(t.Context(), ca)
	return ra, rb, errors.Join(err, ca.Close(), <-done)
}

// TestInSyncOverNoise: two replicas that hold the same find that out, and prove who they are, in 800 bytes, the handshake
// included.
func TestInSyncOverNoise(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	p.do(p.b.Set(t.Context(), "b/1", 1))
	p.sync()
	ca, cb, bytes := encrypted(t, p.a, p.b)
	ra, rb, err := syncOver(t, p.a, p.b, ca, cb)
	if err != nil || !ra.Equal || !rb.Equal || !ra.Proven || !rb.Proven {
		t.Fatalf("%+v, %+v, %v", ra, rb, err)
	}
	t.Logf("in sync over an encrypted link: %d bytes", bytes.Load())
	if bytes.Load() > 800 {
		t.Errorf("in sync over an encrypted link: %d bytes, the target is 800", bytes.Load())
	}
}

// bare is a link that says nothing of who is at its other end.
type bare struct{ link transport.Conn }

func (b bare) Send(ctx context.Context, frame []byte) error { return b.link.Send(ctx, frame) }
func (b bare) Receive(ctx context.Context) ([]byte, error)  { return b.link.Receive(ctx) }
func (b bare) Close() error                                 { return b.link.Close() }

// TestReceiptsOfTheProvenAlone: what somebody says who does not prove to be who he says is not kept.
func TestReceiptsOfTheProvenAlone(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	p.do(p.b.Set(t.Context(), "b/1", 1))
	ca, cb := pipe.New()
	go func() { _, _ = p.b.Sync(t.Context(), bare{cb}) }() // what it saw is looked at below
	rep, err := p.a.Sync(t.Context(), bare{ca})
	if err != nil || rep.Proven || rep.Received != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if peers, err := p.a.Peers(t.Context()); err != nil || len(peers) != 0 {
		t.Errorf("it keeps %+v, %v", peers, err)
	}
	ea, eb, _ := encrypted(t, p.a, p.b)
	if _, _, err := syncOver(t, p.a, p.b, ea, eb); err != nil {
		t.Fatal(err)
	}
	if peers, err := p.a.Peers(t.Context()); err != nil || len(peers) != 1 {
		t.Errorf("it keeps %+v, %v", peers, err)
	}
}

// recorder is an end of a link that keeps what was sent over it first, and goes away then.
type recorder struct {
	transport.Conn
	first []byte
}

func (r *recorder) Send(_ context.Context, message []byte) error {
	r.first = bytes.Clone(message)
	return errors.Join(transport.ErrClosed, r.Close())
}

// TestRecordedHello: who sends again how somebody else once began leaves no receipt and no trace of them, and does not keep
// the link for longer than who says nothing at all.
func TestRecordedHello(t *testing.T) {
	for _, speaks := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := newPair(t)
			p.do(p.a.Set(t.Context(), "a/1", 1))
			room, secret, err := p.a.Room(t.Context())
			p.ok(err)
			ca, _ := pipe.New()
			victim := &recorder{Conn: ca}
			begun, err := noise.Initiate(victim, noise.Room(room), noise.Key(secret))
			p.ok(err)
			if _, err := p.a.Sync(t.Context(), begun); err == nil || len(victim.first) == 0 {
				t.Fatalf("recorded %d bytes, %v", len(victim.first), err)
			}
			thief, link := pipe.New()
			conn := transport.Conn(bare{link})
			if speaks {
				p.ok(thief.Send(t.Context(), victim.first))
				conn, err = noise.Respond(t.Context(), link, func(noise.Room) (noise.Key, bool) { return noise.Key(secret), true })
				p.ok(err)
			}
			begin := time.Now()
			status := ended(t, p.b.SyncLive(t.Context(), conn))
			if status.State != replica.LinkBroken || !errors.Is(status.Cause, replica.ErrSilent) || status.Report.Proven {
				t.Errorf("%s, proven %t: %v, want ErrSilent", status.State, status.Report.Proven, status.Cause)
			}
			if speaks != (status.Report.Peer != identity.Author{}) {
				t.Errorf("it was said to be %s", status.Report.Peer)
			}
			if took := time.Since(begin); took > 15*time.Second {
				t.Errorf("it kept the link for %s", took)
			}
			if peers, err := p.b.Peers(t.Context()); err != nil || len(peers) != 0 {
				t.Errorf("it keeps %+v, %v", peers, err)
			}
			p.ok(thief.Close())
		})
	}
}

var _ protocol.Link = (*noise.Conn)(nil)
