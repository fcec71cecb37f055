package replica_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// TestPreview tells what a sync will do, over a link and for two replicas of one process, and changes nothing.
func TestPreview(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.Set(ctx, "a/1", 1))
	p.sync()
	p.do(p.a.Set(ctx, "a/2", 2))
	p.do(p.a.Set(ctx, "a/3", 3))
	p.do(p.b.Set(ctx, "b/1", 1))
	before := []replica.Status{statusOf(t, p.a), statusOf(t, p.b)}
	pa, pb, err := replica.PreviewPair(ctx, p.a, p.b)
	if err != nil || pa.Send != 2 || pa.Receive != 1 || pb.Send != 1 || pb.Receive != 2 {
		t.Errorf("%+v, %+v, %v", pa, pb, err)
	}
	ca, cb := pipe.New()
	answered := make(chan error, 1)
	go func() {
		_, err := p.b.Sync(ctx, cb)
		_ = cb.Close() // it has heard all
		answered <- err
	}()
	asked, err := p.a.Preview(ctx, ca)
	if err != nil || asked.Send != pa.Send || asked.Receive != 0 { // what has left nobody's device is not told
		t.Errorf("%+v, %v", asked, err)
	}
	if err := <-answered; !errors.Is(err, protocol.ErrPeer) {
		t.Errorf("the other side: %v", err)
	}
	for i, r := range []*replica.Replica{p.a, p.b} {
		if now := statusOf(t, r); now.Versions != before[i].Versions || now.StateDigest != before[i].StateDigest {
			t.Errorf("replica %d has changed: %+v", i, now)
		}
	}
	if _, err := p.b.Backup(ctx, io.Discard, replica.BackupOptions{}); err != nil { // it has left now
		t.Fatal(err)
	}
	ca, cb = pipe.New()
	go func() {
		_, err := p.b.Sync(ctx, cb)
		_ = cb.Close() // it has heard all
		answered <- err
	}()
	if asked, err = p.a.Preview(ctx, ca); err != nil || asked.Receive != 1 {
		t.Errorf("%+v, %v", asked, err)
	}
	if err := <-answered; !errors.Is(err, protocol.ErrPeer) {
		t.Errorf("the other side: %v", err)
	}
	rep, _, err := replica.SyncPair(ctx, p.a, p.b)
	if err != nil || rep.Sent != pa.Send || rep.Received != pb.Send {
		t.Errorf("%+v, %v", rep, err)
	}
	if pa, pb, err = replica.PreviewPair(ctx, p.a, p.b); err != nil || pa != (replica.Preview{}) || pb != (replica.Preview{}) {
		t.Errorf("in sync: %+v, %+v, %v", pa, pb, err)
	}
	other, err := replica.Open(ctx, memory.New(), replica.Options{})
	p.ok(err)
	p.do(other.Set(ctx, "a/1", 1))
	if _, _, err := replica.PreviewPair(ctx, p.a, other); !errors.Is(err, protocol.ErrForeignSpace) {
		t.Errorf("with another space: %v", err)
	}
}

func statusOf(t *testing.T, r *replica.Replica) replica.Status {
	t.Helper()
	st, err := r.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// crossing is an end of a link on which what follows the hello meets a link that the other end has left, before anybody here has
// looked at what that one said last.
type crossing struct {
	transport.Conn
	sent, received atomic.Int64
	left, failed   chan struct{}
	once           sync.Once
}

func (c *crossing) Send(ctx context.Context, frame []byte) error {
	if c.sent.Add(1) > 1 {
		<-c.left
	}
	err := c.Conn.Send(ctx, frame)
	if err != nil {
		c.once.Do(func() { close(c.failed) })
	}
	return err
}

func (c *crossing) Receive(ctx context.Context) ([]byte, error) {
	if c.received.Add(1) > 1 {
		<-c.failed
	}
	return c.Conn.Receive(ctx)
}

// parting is an end of a link that is left once a hello and a bye were said.
type parting struct {
	transport.Conn
	sent atomic.Int64
	left chan struct{}
}

func (c *parting) Send(ctx context.Context, frame []byte) error {
	err := c.Conn.Send(ctx, frame)
	if c.sent.Add(1) == 2 {
		_ = c.Close()
		close(c.left)
	}
	return err
}

// TestPreviewCrossesAnAnswer: whoever asked, and is gone before it has heard all, leaves no broken link behind.
func TestPreviewCrossesAnAnswer(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	p.sync()
	ca, cb := pipe.New()
	asker := &parting{Conn: ca, left: make(chan struct{})}
	node := &crossing{Conn: cb, left: asker.left, failed: make(chan struct{})}
	live := p.b.SyncLive(t.Context(), node)
	if asked, err := p.a.Preview(t.Context(), asker); err != nil || asked.Send != 0 {
		t.Errorf("%+v, %v", asked, err)
	}
	if status := ended(t, live); status.State != replica.LinkOffline || status.Cause != nil {
		t.Errorf("%+v", status)
	}
}
