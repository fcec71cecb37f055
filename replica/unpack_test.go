package replica

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

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
func allPacks(t *testing.T, r *Replica) (packs [][]byte) {
	t.Helper()
	feed, err := (&local{ctx: t.Context(), r: r}).Missing(nil)
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

// TestPacksAheadOfTheirTurn: what was unpacked before its turn serves the pack that it is of, and no other; it is applied in one
// commit with the one before it.
func TestPacksAheadOfTheirTurn(t *testing.T) {
	src, invite := threePacks(t)
	dst, err := Join(t.Context(), memory.New(), invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := &local{ctx: t.Context(), r: dst}
	packs := allPacks(t, src)
	var arrivals []arrival
	for _, pack := range packs {
		u := l.unpackAhead(pack)
		if u == nil || len(u.versions) != 1 {
			t.Fatal("it is not unpacked")
		}
		arrivals = append(arrivals, arrival{ahead: u})
	}
	l.expect(arrivals)
	commits := dst.commits
	if applied, err := l.Apply([]byte("something else")); err != nil || len(applied.Refused) != 1 || applied.Versions > 0 {
		t.Fatalf("%v, %+v", err, applied)
	}
	for _, pack := range packs {
		if applied, err := l.Apply(pack); err != nil || applied.Versions != 1 || len(applied.Refused) > 0 {
			t.Fatalf("%v, %+v", err, applied)
		}
	}
	if dst.commits != commits+1 || len(l.ahead) > 0 {
		t.Errorf("%d commits, %d packs are still expected", dst.commits-commits, len(l.ahead))
	}
	if a, b := src.mem.tip.digest, dst.mem.tip.digest; a != b {
		t.Error("the two differ")
	}
}

// A failing commit fails the pack whose turn it is. Packs that no session asks for any more are let go.
func TestPacksAheadFail(t *testing.T) {
	src, invite := threePacks(t)
	dst, err := Join(t.Context(), memory.New(), invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := &local{ctx: ctx, r: dst}
	packs := allPacks(t, src)
	l.expect([]arrival{{ahead: l.unpackAhead(packs[0])}, {}, {ahead: l.unpackAhead(packs[1])}})
	cancel()
	if applied, err := l.Apply(packs[0]); !errors.Is(err, context.Canceled) || applied.Versions > 0 {
		t.Errorf("%v, %+v", err, applied)
	}
	if l.expect(nil); len(l.ahead) > 0 || dst.mem.tip.versions > 0 {
		t.Errorf("%d packs are still expected, %d versions are here", len(l.ahead), dst.mem.tip.versions)
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
	if err := dst.applyPacks(t.Context(), []*unpacked{u}, tell); !errors.Is(err, store.ErrFull) || told > 0 || u.through() {
		t.Errorf("%v, told of %d versions of a commit that failed", err, told)
	}
	if err := dst.applyPacks(t.Context(), []*unpacked{u}, tell); err != nil || told != p.Versions {
		t.Errorf("%v, told of %d versions, want %d", err, told, p.Versions)
	}
}
