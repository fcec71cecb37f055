package replica_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/pipe"
)

// TestComparedAtRest: two that stay tell each other their digests once nothing has changed for ten seconds, and once only.
func TestComparedAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.do(p.a.Set(t.Context(), "a/1", 1))
		ca, cb := pipe.New()
		la, lb := p.a.SyncLive(t.Context(), ca), p.b.SyncLive(t.Context(), cb)
		told := func() int64 {
			status := la.Status()
			return status.Report.SentBytes + status.Report.ReceivedBytes
		}
		time.Sleep(time.Second)
		p.do(p.a.Set(t.Context(), "a/1", 2))
		time.Sleep(8 * time.Second)
		p.shows(p.b, "a/1", "2")
		pushed := told()
		time.Sleep(3 * time.Second)
		compared := told()
		if compared-pushed < 2*64 {
			t.Errorf("%d bytes went both ways at rest, want the digests of both", compared-pushed)
		}
		time.Sleep(time.Minute)
		if more := told() - compared; more != 0 {
			t.Errorf("%d bytes more went while nothing changed", more)
		}
		if rep := la.Status().Report; !rep.Equal || rep.Diverged {
			t.Errorf("equal %t, diverged %t", rep.Equal, rep.Diverged)
		}
		p.ok(errors.Join(la.Stop(), lb.Stop(), p.a.Close(), p.b.Close()))
	})
}

// TestFirstWriteWhileLinked: who has written for the first time while it was linked is known by name, and so are its receipts.
func TestFirstWriteWhileLinked(t *testing.T) {
	p := newPair(t)
	first := p.do(p.a.Set(t.Context(), "a/1", 1))
	ca, cb, _ := encrypted(t, p.a, p.b)
	lb := make(chan *replica.Live, 1)
	go func() {
		conn, err := noise.Respond(t.Context(), cb.link, func(noise.Room) (noise.Key, bool) { return cb.key, true })
		if err != nil {
			t.Error(err)
		}
		lb <- p.b.SyncLive(t.Context(), conn)
	}()
	came := arrives(t, p.b, "a/1", "1")
	la := p.a.SyncLive(t.Context(), ca)
	came()
	answer := arrives(t, p.a, "b/1", "2")
	second := p.do(p.b.Set(t.Context(), "b/1", 2))
	answer()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p.do(p.a.Set(t.Context(), "a/2", 3)) // the ack of which is said by name
	p.ok(p.a.WaitSynced(ctx, first, 1))
	if got := la.Status().Report.Peer; got != second.Author {
		t.Errorf("the link is with %s, want %s", got, second.Author)
	}
	p.ok(errors.Join(la.Stop(), (<-lb).Stop()))
	peers, err := p.a.Peers(t.Context())
	if p.ok(err); len(peers) != 1 || peers[0].Author != second.Author || peers[0].Behind != 0 {
		t.Errorf("%+v, want one peer that lacks nothing", peers)
	}
}
