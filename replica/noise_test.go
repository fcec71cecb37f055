package replica_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

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
func syncOver(t *testing.T, a, b *replica.Replica, ca transport.Conn, cb responder) (ra, rb replica.Report, err error) {
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

var _ protocol.Link = (*noise.Conn)(nil)
