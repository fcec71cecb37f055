package replica_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// patience bounds what a test waits for; nothing that works comes near it.
const patience = 20 * time.Second

// arrives listens to a replica from now on. What it returns waits until a key shows a value.
func arrives(t *testing.T, r *replica.Replica, key, want string) (wait func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	events := r.Watch(ctx, key)
	return func() {
		t.Helper()
		defer cancel()
		if shown(t, r, key) == want {
			return
		}
		for _, err := range events {
			if err != nil {
				t.Fatalf("%s shows %q, want %q: %v", key, shown(t, r, key), want, err)
			}
			if shown(t, r, key) == want {
				return
			}
		}
	}
}

// linked keeps two replicas in a live sync over a pipe.
func linked(t *testing.T, a, b *replica.Replica) (la, lb *replica.Live) {
	t.Helper()
	ca, cb := pipe.New()
	la, lb = a.SyncLive(t.Context(), ca), b.SyncLive(t.Context(), cb)
	t.Cleanup(func() {
		_, _ = la.Stop(), lb.Stop() // tests that care have stopped them
	})
	return la, lb
}

// ended waits until a live sync has ended.
func ended(t *testing.T, l *replica.Live) replica.LinkStatus {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(patience):
		t.Fatalf("the live sync goes on: %+v", l.Status())
	}
	return l.Status()
}

// TestSyncLive: what was there, and what is written later on either side, is on the other; and one of the two ends it.
func TestSyncLive(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", "before"))
	came := arrives(t, p.b, "a/1", `"before"`)
	la, lb := linked(t, p.a, p.b)
	came()
	for i := range 20 {
		key, want := fmt.Sprintf("a/%d", i+2), fmt.Sprint(i)
		from, to := p.a, p.b
		if i%2 == 1 {
			from, to = to, from
		}
		came := arrives(t, to, key, want)
		p.do(from.Set(t.Context(), key, i))
		came()
	}
	p.do(p.a.Set(t.Context(), "a/last", "written and left"))
	if err := la.Stop(); err != nil {
		t.Fatal(err)
	}
	p.shows(p.b, "a/last", `"written and left"`)
	if status := ended(t, lb); status.State != replica.LinkOffline || status.Cause != nil {
		t.Errorf("the other side ended %s: %v", status.State, status.Cause)
	}
	status := la.Status()
	if status.Report.Sent != 12 || status.Report.Received != 10 || status.Report.Duplicates != 0 || status.Unacked != 0 {
		t.Errorf("%+v, want 12 versions there, 10 back and none twice", status)
	}
	sameState(t, p.a, p.b)
	verified(t, p.b)
}

// TestLiveChain: what comes over one link goes on over the next, and not back.
func TestLiveChain(t *testing.T) {
	replicas, _ := newSpace(t, 4)
	var lives []*replica.Live
	for i := range replicas[1:] {
		l, m := linked(t, replicas[i], replicas[i+1])
		lives = append(lives, l, m)
	}
	first, last := replicas[0], replicas[3]
	for i := range 5 {
		there, back := arrives(t, last, fmt.Sprintf("a/%d", i), fmt.Sprint(i)), arrives(t, first, fmt.Sprintf("b/%d", i), fmt.Sprint(i))
		wrote(t)(first.Set(t.Context(), fmt.Sprintf("a/%d", i), i))
		there()
		wrote(t)(last.Set(t.Context(), fmt.Sprintf("b/%d", i), i))
		back()
	}
	for _, l := range lives {
		if err := l.Stop(); err != nil {
			t.Error(err)
		}
		if rep := l.Status().Report; rep.Duplicates != 0 {
			t.Errorf("%d versions came twice", rep.Duplicates)
		}
	}
	sameState(t, first, last)
}

// TestLiveMeetsOneShot: a sync with a replica that stays ends when both hold the same.
func TestLiveMeetsOneShot(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	ca, cb := pipe.New()
	l := p.a.SyncLive(t.Context(), ca)
	rep, err := p.b.Sync(t.Context(), cb)
	if err != nil || !rep.Equal || rep.Received != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
	if status := ended(t, l); status.State != replica.LinkOffline || status.Cause != nil {
		t.Errorf("%s: %v", status.State, status.Cause)
	}
}

// TestLiveCut: a link that breaks is told from one that was ended.
func TestLiveCut(t *testing.T) {
	p := newPair(t)
	ca, cb := pipe.New()
	came := arrives(t, p.b, "a/1", "1")
	la, lb := p.a.SyncLive(t.Context(), ca), p.b.SyncLive(t.Context(), cb)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	came()
	p.ok(cb.Close())
	for _, l := range []*replica.Live{la, lb} {
		if status := ended(t, l); status.State != replica.LinkBroken || !errors.Is(status.Cause, protocol.ErrCut) || !errors.Is(status.Cause, transport.ErrClosed) {
			t.Errorf("%s: %v", status.State, status.Cause)
		}
	}
	p.sync()
	sameState(t, p.a, p.b)
}

// TestLiveOfAnotherProcess: what another process writes into the same file is pushed too.
func TestLiveOfAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	open := func() *replica.Replica {
		st, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := replica.Open(t.Context(), st, replica.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := errors.Join(r.Close(), st.Close()); err != nil {
				t.Error(err)
			}
		})
		return r
	}
	node, other := open(), open()
	wrote(t)(node.Set(t.Context(), "a/1", 1))
	invite, err := node.Invite(t.Context(), replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	peer, err := replica.Join(t.Context(), memory.New(), invite, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	came := arrives(t, peer, "a/1", "1")
	live, _ := linked(t, node, peer)
	came()
	came = arrives(t, peer, "a/2", "2")
	wrote(t)(other.Set(t.Context(), "a/2", 2))
	came()
	if err := live.Stop(); err != nil {
		t.Error(err)
	}
}

// TestLiveEndsWithItsReplica: a replica that is closed leaves nothing behind that waits.
func TestLiveEndsWithItsReplica(t *testing.T) {
	p := newPair(t)
	came := arrives(t, p.b, "a/1", "1")
	la, lb := linked(t, p.a, p.b)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	came()
	p.ok(p.a.Close())
	if status := ended(t, la); !errors.Is(status.Cause, replica.ErrClosed) {
		t.Errorf("%s: %v", status.State, status.Cause)
	}
	ended(t, lb)
}

// TestKeepLive makes link after link, and says in between that there is none.
func TestKeepLive(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	refused := errors.New("nobody listens")
	dials := 0
	states := make(chan replica.LinkStatus, 100)
	var link transport.Conn
	came := arrives(t, p.b, "a/1", "1")
	again := arrives(t, p.b, "a/2", "2")
	l := p.b.KeepLive(t.Context(), func(context.Context) (transport.Conn, error) {
		if dials++; dials == 1 {
			return nil, refused
		}
		ours, theirs := pipe.New()
		link = theirs
		p.a.SyncLive(t.Context(), theirs)
		return ours, nil
	}, replica.OnLinkStatus(func(status replica.LinkStatus) { states <- status }))
	until := func(want replica.LinkState) replica.LinkStatus {
		for {
			select {
			case status := <-states:
				if status.State == want {
					return status
				}
			case <-time.After(patience):
				t.Fatalf("it never becomes %s: %+v", want, l.Status())
			}
		}
	}
	if status := until(replica.LinkOffline); !errors.Is(status.Cause, refused) {
		t.Errorf("the first try ended in %v", status.Cause)
	}
	until(replica.LinkSynced)
	came()
	p.ok(link.Close())
	until(replica.LinkBroken)
	p.do(p.a.Set(t.Context(), "a/2", 2))
	until(replica.LinkSynced)
	again()
	p.ok(l.Stop())
	if l.Status().State != replica.LinkOffline {
		t.Errorf("at last it is %s", l.Status().State)
	}
}

// TestKeepLiveEndsWithItsReplica: nothing is left of one whose replica is closed while it dials.
func TestKeepLiveEndsWithItsReplica(t *testing.T) {
	p := newPair(t)
	dialling := make(chan struct{})
	l := p.a.KeepLive(t.Context(), func(ctx context.Context) (transport.Conn, error) {
		close(dialling)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	<-dialling
	p.ok(p.a.Close())
	ended(t, l)
}

// TestKeepLiveIsPatient: a peer that does not stay, or does not want us, is not met again at once.
func TestKeepLiveIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.do(p.a.Set(t.Context(), "a/1", 1))
		var dials atomic.Int32
		l := p.b.KeepLive(t.Context(), func(context.Context) (transport.Conn, error) {
			dials.Add(1)
			ours, theirs := pipe.New()
			go func() {
				if _, err := p.a.Sync(t.Context(), theirs); err != nil {
					t.Error(err)
				}
			}()
			return ours, nil
		})
		time.Sleep(10 * time.Second)
		if n := dials.Load(); n != 1 {
			t.Errorf("met %d times in 10 seconds", n)
		}
		time.Sleep(30 * time.Second)
		if n := dials.Load(); n < 2 || n > 3 {
			t.Errorf("met %d times in 40 seconds", n)
		}
		p.shows(p.b, "a/1", "1")
		p.ok(l.Stop())
		p.ok(errors.Join(p.a.Close(), p.b.Close()))
	})
}

// TestLiveIsCheap: one change in a database of many keys costs 250 bytes at most, both ways together.
func TestLiveIsCheap(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.Update(ctx, func(tx *replica.Tx) error {
		for i := range 10_000 {
			if err := tx.Set(fmt.Sprintf("a/%d", i), "a value of some forty characters, as notes have"); err != nil {
				return err
			}
		}
		return nil
	}))
	p.do(p.b.Set(ctx, "b/1", 1))
	p.do(p.b.Set(ctx, "b/2", 1))
	p.sync()
	p.do(p.a.Set(ctx, "a/0", 0)) // on top of what b wrote, so that the next changes are not
	p.sync()
	var costs [3]int64 // of a session with so many changes
	for n := range costs {
		synced := make(chan struct{}, 100)
		ca, cb := pipe.New()
		peer := p.b.SyncLive(t.Context(), cb)
		live := p.a.SyncLive(t.Context(), ca, replica.OnLinkStatus(func(status replica.LinkStatus) {
			if status.State == replica.LinkSynced {
				synced <- struct{}{}
			}
		}))
		<-synced
		for i := range n {
			came := arrives(t, p.b, "a/1", fmt.Sprint(10*n+i))
			p.do(p.a.Set(ctx, "a/1", 10*n+i))
			came()
		}
		p.ok(live.Stop())
		ended(t, peer)
		rep := live.Status().Report
		costs[n] = rep.SentBytes + rep.ReceivedBytes
	}
	t.Logf("sessions with 0, 1 and 2 changes take %d bytes", costs)
	if most := max(costs[1]-costs[0], costs[2]-costs[1]); most > 250 {
		t.Errorf("a change costs %d bytes, the target is 250", most)
	}
}
