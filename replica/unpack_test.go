package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// threePacks is a replica whose history makes three packs, and an invite to its space.
func threePacks(t *testing.T) (*Replica, string) {
	t.Helper()
	r, err := Open(t.Context(), memory.New(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range byte(3) {
		if _, err := r.Set(t.Context(), "files/large", bytes.Repeat([]byte{i}, packedBytes)); err != nil {
			t.Fatal(err)
		}
	}
	invite, err := r.Invite(t.Context(), InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r, invite
}

// aheadOf is one end of a link that counts the packs that come.
type aheadOf struct {
	transport.Conn
	packs  atomic.Int64
	second chan struct{}
}

func (c *aheadOf) Receive(ctx context.Context) ([]byte, error) {
	frame, err := c.Conn.Receive(ctx)
	if _, ok := protocol.PackIn(frame); ok && c.packs.Add(1) == 2 {
		close(c.second)
	}
	return frame, err
}

// slowStore commits the first pack only when the second one has come.
type slowStore struct {
	*memory.Store
	conn *aheadOf
}

func (s *slowStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error {
		err := fn(tx)
		if s.conn.packs.Load() == 1 {
			select {
			case <-s.conn.second:
			case <-time.After(20 * time.Second):
				err = errors.Join(err, errors.New("the next pack is not read while one is applied"))
			}
		}
		return err
	})
}

func TestNextPackIsReadWhileOneIsApplied(t *testing.T) {
	src, invite := threePacks(t)
	there, here := pipe.New()
	conn := &aheadOf{Conn: here, second: make(chan struct{})}
	dst, err := Join(t.Context(), &slowStore{memory.New(), conn}, invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := src.Sync(t.Context(), there)
		sent <- err
	}()
	rep, err := dst.Sync(t.Context(), conn)
	if err = errors.Join(err, <-sent); err != nil || !rep.Equal || conn.packs.Load() != 3 {
		t.Errorf("%v, %+v, %d packs", err, rep, conn.packs.Load())
	}
}

// allPacks are those that an empty replica lacks.
func allPacks(t *testing.T, r *Replica) [][]byte {
	t.Helper()
	return packsBeyond(t, r, nil)
}

// packsBeyond are those that a replica lacks which has what a clock covers.
func packsBeyond(t *testing.T, r *Replica, have clock.Vector) (packs [][]byte) {
	t.Helper()
	feed, err := (&local{ctx: t.Context(), r: r}).Missing(have)
	if err != nil {
		t.Fatal(err)
	}
	for {
		p, err := feed.Next()
		if errors.Is(err, io.EOF) {
			return packs
		}
		if err != nil {
			t.Fatal(err)
		}
		packs = append(packs, bytes.Clone(p.Bytes))
	}
}

// coming is the end of a session on which packs of one small version each have come and wait to be heard.
type coming struct {
	*local
	t *testing.T
	// src is where they come from, packs are they, arrivals the frames that they came in.
	src      *Replica
	packs    [][]byte
	arrivals []*arrival
}

// twoOfASpace are two replicas of one space that have got nothing of each other.
func twoOfASpace(ctx context.Context, t *testing.T) (src, dst *Replica) {
	t.Helper()
	src, err := Open(ctx, memory.New(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	invite, err := src.Invite(ctx, InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst, err = Join(ctx, memory.New(), invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return src, dst
}

// packsComing is one of them, with three packs that are not unpacked.
func packsComing(ctx context.Context, t *testing.T) *coming {
	t.Helper()
	src, dst := twoOfASpace(ctx, t)
	c := &coming{local: &local{ctx: ctx, r: dst, came: newBacklog()}, t: t, src: src}
	for i := range 3 {
		held, err := (&local{ctx: ctx, r: src}).Held()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := src.Set(ctx, fmt.Sprint("notes/", i), i); err != nil {
			t.Fatal(err)
		}
		c.packs = append(c.packs, packsBeyond(t, src, held.Clock)...)
		c.arrivals = append(c.arrivals, &arrival{frame: c.packs[i], pack: newIncoming(true)})
		c.came.put(c.arrivals[i])
	}
	return c
}

// unpack unpacks the i-th pack, while others are applied perhaps.
func (c *coming) unpack(i int) {
	c.t.Helper()
	u := c.unpackAhead(c.packs[i])
	if u == nil || len(u.versions) != 1 {
		c.t.Fatal("it is not unpacked")
	}
	c.came.unpacked(c.arrivals[i], u)
}

// hear applies the first pack that was not heard.
func (c *coming) hear() (protocol.Applied, error) {
	applied, err := c.Apply(c.came.first().frame)
	c.came.heard()
	return applied, err
}

// hearAll applies all packs, which is to take so many commits.
func (c *coming) hearAll(commits uint64) {
	c.t.Helper()
	before := c.r.commits
	for range c.packs {
		if applied, err := c.hear(); err != nil || applied.Versions != 1 || len(applied.Refused) > 0 {
			c.t.Fatalf("%v, %+v", err, applied)
		}
	}
	if got := c.r.commits - before; got != commits {
		c.t.Errorf("%d commits, want %d", got, commits)
	}
	if a, b := c.src.mem.tip.digest, c.r.mem.tip.digest; a != b {
		c.t.Error("the two differ")
	}
}

// TestPacksShareACommit: packs that are at hand are applied together.
func TestPacksShareACommit(t *testing.T) {
	c := packsComing(t.Context(), t)
	for i := range c.packs {
		c.unpack(i)
	}
	c.hearAll(1)
}

// A pack that could not be unpacked before its turn is unpacked then, and parts those before it from those behind it.
func TestPackThatCouldNotBeUnpacked(t *testing.T) {
	c := packsComing(t.Context(), t)
	c.unpack(0)
	c.came.unpacked(c.arrivals[1], nil)
	c.unpack(2)
	c.hearAll(2)
}

// TestCommitGoesOnWithWhatIsUnpacked: a commit waits for a pack that is being unpacked.
func TestCommitGoesOnWithWhatIsUnpacked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := packsComing(t.Context(), t)
		defer func() { _, _ = c.r.Close(), c.src.Close() }()
		done := make(chan struct{})
		go func() {
			c.hearAll(1)
			close(done)
		}()
		for i := range c.packs {
			synctest.Wait()
			c.unpack(i)
		}
		<-done
	})
}

// TestCommitEndsForWhoWrites: nobody waits for more than the packs that a commit has.
func TestCommitEndsForWhoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := packsComing(t.Context(), t)
		defer func() { _, _ = c.r.Close(), c.src.Close() }()
		c.unpack(0)
		done := make(chan struct{})
		go func() {
			if _, err := c.hear(); err != nil {
				t.Error(err)
			}
			close(done)
		}()
		synctest.Wait() // the commit waits for the second pack
		if _, err := c.r.Set(t.Context(), "notes/b", 1); err != nil {
			t.Error(err)
		}
		<-done
		if got := c.r.mem.tip.versions; got != 2 {
			t.Errorf("%d versions, want what was written and that of the first pack", got)
		}
	})
}

// TestCommitWaitsNotForLong: another process may wait for the store, and the commit does not hear of that.
func TestCommitWaitsNotForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := packsComing(t.Context(), t)
		defer func() { _, _ = c.r.Close(), c.src.Close() }()
		c.r.st = storetest.Faulty(c.r.st, nil) // which others may have open
		begun := time.Now()
		c.unpack(0)
		for i := range c.packs { // the pack behind it takes for ever
			if applied, err := c.hear(); err != nil || applied.Versions != 1 {
				t.Fatalf("%v, %+v", err, applied)
			}
			if got := time.Since(begun); got > time.Duration(i+1)*slicePatience {
				t.Errorf("%d commits took %s", i+1, got)
			}
			if i+1 < len(c.packs) {
				c.unpack(i + 1)
			}
		}
	})
}

// A failing commit fails the pack whose turn it is.
func TestPacksAheadFail(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := packsComing(ctx, t)
	for i := range c.packs {
		c.unpack(i)
	}
	cancel()
	if applied, err := c.hear(); !errors.Is(err, context.Canceled) || applied.Versions > 0 {
		t.Errorf("%v, %+v", err, applied)
	}
	if got := c.r.mem.tip.versions; got > 0 {
		t.Errorf("%d versions are here", got)
	}
}

// TestPackThatSpoilsACommit: a pack that cannot be applied takes none of those before it with it.
func TestPackThatSpoilsACommit(t *testing.T) {
	c := packsComing(t.Context(), t)
	err := c.r.st.Update(t.Context(), func(tx store.Tx) error { return tx.Put(store.Docs, []byte("notes/1"), []byte("damaged")) })
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.packs {
		c.unpack(i)
	}
	if applied, err := c.hear(); err != nil || applied.Versions != 1 {
		t.Errorf("the first pack: %v, %+v", err, applied)
	}
	if applied, err := c.hear(); !errors.Is(err, store.ErrCorrupt) || applied.Versions > 0 {
		t.Errorf("the second pack: %v, %+v", err, applied)
	}
	if got := c.r.mem; got != nil && got.tip.versions != 1 {
		t.Errorf("%d versions are here", got.tip.versions)
	}
}

// TestTellsOfWhatIsDurable: what becomes of a pack is told once the commit stands. Dots that a commit gave and lost go to others, who
// would be taken for what the peer brought.
func TestTellsOfWhatIsDurable(t *testing.T) {
	src, invite := threePacks(t)
	disk := memory.New()
	dst, err := Join(t.Context(), disk, invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	dst.st = storetest.Faulty(disk, storetest.Plan{{Site: storetest.Commit, Nth: 1, Err: store.ErrFull}})
	feed, err := (&local{ctx: t.Context(), r: src}).Missing(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := feed.Next()
	if err != nil {
		t.Fatal(err)
	}
	u, err := dst.unpack(t.Context(), bytes.Clone(p.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	tell := func(_ *unpacked, part *slice) { told += part.applied.Versions }
	if err := dst.applyPacks(t.Context(), u, alone, tell); !errors.Is(err, store.ErrFull) || told > 0 || u.through() {
		t.Errorf("%v, told of %d versions of a commit that failed", err, told)
	}
	if err := dst.applyPacks(t.Context(), u, alone, tell); err != nil || told != p.Versions {
		t.Errorf("%v, told of %d versions, want %d", err, told, p.Versions)
	}
}

// TestPackBegunInACommitThatCameToNothing: a pack that took several commits beside others, and takes one alone when these have spoilt
// the first, is no longer taken for one that somebody is about to finish.
func TestPackBegunInACommitThatCameToNothing(t *testing.T) {
	ctx := t.Context()
	src, dst := twoOfASpace(ctx, t)
	for _, r := range []*Replica{dst, src, src, src} {
		if _, err := r.Set(ctx, "a/1", 1); err != nil {
			t.Fatal(err)
		}
	}
	u, err := dst.unpack(ctx, allPacks(t, src)[0])
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wait := func(n int) {
		for WaitingWrites(dst) < n {
			runtime.Gosched()
		}
	}
	var spoilt, begun error
	commits := 0
	err = dst.write(ctx, func(c *commit) error {
		if commits++; commits > 1 {
			return nil // alone
		}
		c.effort = sliceEffort // so that there is room for one version beside it
		wg.Go(func() { begun = dst.applyPacks(ctx, u, alone, func(*unpacked, *slice) {}) })
		wait(1)
		wg.Go(func() { spoilt = dst.write(ctx, func(c *commit) error { return c.fail(errStop) }) })
		wait(2)
		return nil
	})
	wg.Wait()
	if err != nil || begun != nil || !errors.Is(spoilt, errStop) || commits != 2 || u.sofar.applied.Versions != 3 {
		t.Errorf("%v, %v, %v, %d commits of the first, %d versions", err, begun, spoilt, commits, u.sofar.applied.Versions)
	}
	if len(dst.underway.packs) > 0 {
		t.Errorf("%d packs are underway", len(dst.underway.packs))
	}
}
