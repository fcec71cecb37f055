package replica_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kdelta/kdelta/replica"
)

// TestWaitSynced waits for receipts: of a sync, and of sessions that stay.
func TestWaitSynced(t *testing.T) {
	replicas, _ := newSpace(t, 3)
	a, b, c := replicas[0], replicas[1], replicas[2]
	for _, r := range []*replica.Replica{b, c} { // who has never written has no name
		syncPair(t, a, r)
		wrote(t)(r.Set(t.Context(), "x/1", 1))
		syncPair(t, a, r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	v := wrote(t)(a.Set(ctx, "a/1", 1))
	over, stop := context.WithCancel(ctx)
	stop()
	if err := a.WaitSynced(over, v, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody holds it: %v", err)
	}
	if err := a.WaitSynced(ctx, v, 0); err != nil {
		t.Error(err)
	}
	waited := make(chan error, 1)
	go func() { waited <- a.WaitSynced(ctx, v, 2) }()
	syncPair(t, a, b)
	if err := a.WaitSynced(ctx, v, 1); err != nil {
		t.Error(err)
	}
	linked(t, a, c)
	if err := <-waited; err != nil {
		t.Error(err)
	}
	linked(t, a, b)
	w := wrote(t)(a.Set(ctx, "a/1", 2))
	if err := a.WaitSynced(ctx, w, 2); err != nil {
		t.Error(err)
	}
	for _, r := range []*replica.Replica{b, c} {
		if got := shown(t, r, "a/1"); got != "2" {
			t.Errorf("a receipt for what is not there: %q", got)
		}
	}
	peers, err := a.Peers(ctx)
	if err != nil || len(peers) != 2 || peers[0].Behind != 0 || peers[1].Behind != 0 {
		t.Errorf("%+v, %v", peers, err)
	}
}

// TestBehind: how far behind a peer is, is counted by what it has said that it holds.
func TestBehind(t *testing.T) {
	p := newPair(t)
	p.do(p.b.Set(t.Context(), "b/1", 1))
	p.sync()
	for i := range 5 {
		p.do(p.a.Set(t.Context(), "a/1", i))
	}
	peers, err := p.a.Peers(t.Context())
	if err != nil || len(peers) != 1 || peers[0].Behind != 5 {
		t.Errorf("%+v, %v", peers, err)
	}
	p.sync()
	if peers, err = p.a.Peers(t.Context()); err != nil || peers[0].Behind != 0 {
		t.Errorf("%+v, %v", peers, err)
	}
}

// TestWaitSyncedForNothing: a version that is not here is nothing to wait for.
func TestWaitSyncedForNothing(t *testing.T) {
	p := newPair(t)
	v := p.do(p.a.Set(t.Context(), "a/1", 1))
	if err := p.b.WaitSynced(t.Context(), v, 1); !errors.Is(err, replica.ErrPoint) {
		t.Error(err)
	}
}
