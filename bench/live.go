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
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
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
	return p, p.link(b.ctx)
}

// link joins the two and returns when they are in sync.
func (p *livePair) link(ctx context.Context) error {
	room, secret, err := p.a.Room(ctx)
	if err != nil {
		return err
	}
	listener, err := ws.Listen("127.0.0.1:0", ws.ListenOptions{})
	if err != nil {
		return err
	}
	accepted := make(chan error, 1)
	go func() {
		link, err := listener.Accept(ctx)
		var end *noise.Conn
		if err == nil {
			end, err = noise.Respond(ctx, link, func(noise.Room) (noise.Key, bool) { return noise.Key(secret), true })
		}
		if err == nil {
			p.lb = p.b.SyncLive(ctx, end)
		}
		accepted <- err
	}()
	link, err := new(ws.Dialer).Dial(ctx, listener.Addr())
	var end transport.Conn
	if err == nil {
		end, err = noise.Initiate(link, noise.Room(room), noise.Key(secret))
	}
	if err != nil {
		return err
	}
	synced := make(chan struct{}, 100)
	p.la = p.a.SyncLive(ctx, end, replica.LinkHeard(func(status replica.LinkStatus) {
		if status.State == replica.LinkSynced {
			synced <- struct{}{}
		}
	}))
	select {
	case <-synced:
	case <-p.la.Done():
		return fmt.Errorf("the link ended: %w", p.la.Status().Cause)
	}
	return errors.Join(<-accepted, listener.Close())
}

// commitToVisible writes on one side and waits until a watch on the other has it, each write by itself.
func commitToVisible(b *bench) (result, error) {
	const writes, warm = 400, 20
	p, err := newLivePair(b)
	if err != nil {
		return result{}, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	events := p.b.Watch(ctx, "live/")
	came := make(chan error)
	go func() {
		for _, err := range events {
			came <- err
		}
	}()
	var took []time.Duration
	for i := range warm + writes {
		if _, err := p.a.Set(b.ctx, "live/key", value(i)); err != nil {
			return result{}, err
		}
		durable := time.Now()
		if err := <-came; err != nil {
			return result{}, err
		}
		if i >= warm {
			took = append(took, time.Since(durable))
		}
	}
	slices.Sort(took)
	p50, p99 := took[writes/2], took[writes*99/100]
	err = errors.Join(p.la.Stop(), p.lb.Stop())
	return result{
		ours: p50, met: p50 <= 2*time.Millisecond && p99 <= 20*time.Millisecond,
		note: fmt.Sprintf("p50 above the durable commit; p99 %v", p99.Round(10*time.Microsecond)),
	}, err
}
