package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/transport"
)

func liveRows() []row {
	return []row{
		{name: "commit to visible on a connected peer, encrypted ws on loopback", target: "<= 2 ms p50, 20 ms p99", run: commitToVisible},
	}
}

// livePair are two replicas in files that are in sync over a link that stays.
type livePair struct {
	a, b   *replica.Replica
	la, lb *replica.Live
}

// newLivePair makes a pair, each side of which has written.
func newLivePair(b *bench) (*livePair, error) {
	p := &livePair{}
	open := func() (*sqlite.Store, error) {
		dir, err := b.tempDir()
		if err != nil {
			return nil, err
		}
		return sqlite.Open(filepath.Join(dir, "live.db"))
	}
	sa, err := open()
	if err != nil {
		return nil, err
	}
	if p.a, err = replica.Open(b.ctx, sa, replica.Options{}); err != nil {
		return nil, err
	}
	invite, err := p.a.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return nil, err
	}
	sb, err := open()
	if err != nil {
		return nil, err
	}
	if p.b, err = joined(b.ctx, sb, invite); err != nil {
		return nil, err
	}
	for _, r := range []*replica.Replica{p.a, p.b} {
		if _, err := r.Set(b.ctx, "live/begin", 0); err != nil {
			return nil, err
		}
	}
	err = p.link(b.ctx, &wire{})
	return p, err
}

// link joins the two and returns when they are in sync.
func (p *livePair) link(ctx context.Context, w *wire) error {
	synced := make(chan struct{}, 100)
	near := func(end transport.Conn) error {
		p.la = p.a.SyncLive(ctx, end, replica.OnLinkStatus(func(status replica.LinkStatus) {
			if status.State == replica.LinkSynced {
				synced <- struct{}{}
			}
		}))
		select {
		case <-synced:
			return nil
		case <-p.la.Done():
			return fmt.Errorf("the link ended: %w", p.la.Status().Cause)
		}
	}
	far := func(end transport.Conn) error {
		p.lb = p.b.SyncLive(ctx, end)
		return nil
	}
	return w.connect(ctx, p.a, near, far)
}

// stop ends the link in good order.
func (p *livePair) stop() error { return errors.Join(p.la.Stop(), p.lb.Stop()) }

// writeSeen writes on one side, each time waiting until a watch on the other has it, and returns how long that took after the
// write was done.
func (p *livePair) writeSeen(ctx context.Context, writes int, value func(int) any) (took []time.Duration, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := p.b.Watch(ctx, "live/")
	came := make(chan error)
	go func() {
		for _, err := range events {
			came <- err
		}
	}()
	for i := range writes {
		if _, err := p.a.Set(ctx, "live/key", value(i)); err != nil {
			return nil, err
		}
		done := time.Now()
		if err := <-came; err != nil {
			return nil, err
		}
		took = append(took, time.Since(done))
	}
	return took, nil
}

// commitToVisible is how long a commit takes to be seen on the other side.
func commitToVisible(b *bench) (result, error) {
	const writes, warm = 400, 20
	p, err := newLivePair(b)
	if err != nil {
		return result{}, err
	}
	took, err := p.writeSeen(b.ctx, warm+writes, func(i int) any { return value(i) })
	if err != nil {
		return result{}, err
	}
	took = took[warm:]
	slices.Sort(took)
	p50, p99 := took[writes/2], took[writes*99/100]
	return result{
		ours: p50, met: p50 <= 2*time.Millisecond && p99 <= 20*time.Millisecond,
		note: fmt.Sprintf("p50 above the durable commit; p99 %v", p99.Round(10*time.Microsecond)),
	}, p.stop()
}
