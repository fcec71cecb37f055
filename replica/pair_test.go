package replica_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// handWall is a wall clock that stands until it is moved.
type handWall struct{ ms atomic.Int64 }

func (w *handWall) Now() int64 { return w.ms.Load() }

func (w *handWall) move(d time.Duration) { w.ms.Add(d.Milliseconds()) }

// pairStart is where the clocks of a pair begin.
var pairStart = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// pair is two replicas of one space that share one clock; a tick passes before each write that goes through do.
type pair struct {
	t    *testing.T
	wall *handWall
	a, b *replica.Replica
}

func newPair(t *testing.T, strategies ...crdt.Strategy) *pair {
	t.Helper()
	p := &pair{t: t, wall: &handWall{}}
	p.wall.ms.Store(pairStart.UnixMilli())
	opts := replica.Options{Wall: p.wall, Strategies: strategies}
	var err error
	p.a, err = replica.Open(t.Context(), memory.New(), opts)
	p.ok(err)
	invite, err := p.a.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	p.b, err = replica.Join(t.Context(), memory.New(), invite, opts)
	p.ok(err)
	return p
}

func (p *pair) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// do is a write that must succeed. Its argument is computed before the tick: the next write is later, not this one.
func (p *pair) do(v replica.Version, err error) replica.Version {
	p.t.Helper()
	p.ok(err)
	p.wall.move(time.Second)
	return v
}

func (p *pair) sync() {
	p.t.Helper()
	_, _, err := replica.SyncPair(p.t.Context(), p.a, p.b)
	p.ok(err)
}

// joinLate is a third replica that has all from b.
func (p *pair) joinLate() *replica.Replica {
	p.t.Helper()
	late := p.joinOn(memory.New())
	_, _, err := replica.SyncPair(p.t.Context(), p.b, late)
	p.ok(err)
	return late
}

// joinOn is another replica that has joined the space on a store, and has got nothing yet.
func (p *pair) joinOn(st store.Store) *replica.Replica {
	p.t.Helper()
	invite, err := p.a.Invite(p.t.Context(), replica.InviteOptions{})
	p.ok(err)
	r, err := replica.Join(p.t.Context(), st, invite, replica.Options{Wall: p.wall})
	p.ok(err)
	return r
}

// strategy puts a namespace under a strategy, on both sides.
func (p *pair) strategy(ns, name string) {
	p.t.Helper()
	p.do(p.a.SetSettings(p.t.Context(), ns, replica.Settings{Strategy: name}))
	p.sync()
}

// shows asserts what a key shows on a replica; empty: nothing.
func (p *pair) shows(r replica.Reader, key, want string) {
	p.t.Helper()
	if got := shown(p.t, r, key); got != want {
		p.t.Fatalf("%s shows %s, want %s", key, got, want)
	}
}

func shown(t *testing.T, r replica.Reader, key string) string {
	t.Helper()
	for row, err := range r.List(context.Background(), key) {
		if err != nil {
			t.Fatal(err)
		}
		if row.Key == key {
			return string(row.Value)
		}
	}
	return ""
}

// conflicts are those of a key.
func (p *pair) conflicts(r *replica.Replica, key string, all bool) []replica.Conflict {
	p.t.Helper()
	var found []replica.Conflict
	for c, err := range r.Conflicts(p.t.Context(), key, replica.ConflictQuery{All: all}) {
		p.ok(err)
		found = append(found, c)
	}
	return found
}

// settled asserts that both replicas agree on a key that has no open conflict.
func (p *pair) settled(key, want string) {
	p.t.Helper()
	p.sync()
	for _, r := range []*replica.Replica{p.a, p.b} {
		p.shows(r, key, want)
		for _, c := range p.conflicts(r, key, false) {
			if c.Status == replica.ConflictOpen {
				p.t.Fatalf("%s has an open conflict: %+v", key, c)
			}
		}
	}
}

type object = map[string]any
