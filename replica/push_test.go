package replica_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/pipe"
)

// tellingStore counts the commits since a write began, and remembers what its sidecar says that has left.
type tellingStore struct {
	*sqlite.Store
	commits   atomic.Int64
	handedOut atomic.Uint64
	// behind runs once, when the next commit is durable and its writer does not know that yet.
	behind func()
}

func (s *tellingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.commits.Add(1)
	err := s.Store.Update(ctx, fn)
	if behind := s.behind; behind != nil {
		s.behind = nil
		behind()
	}
	return err
}

func (s *tellingStore) WriteSidecar(b []byte) error {
	inst, err := identity.DecodeInstance(b)
	if err == nil {
		err = s.Store.WriteSidecar(b)
	}
	if err == nil {
		s.handedOut.Store(inst.HandedOut)
	}
	return err
}

// leavingConn looks at what the sidecar says when a pack leaves, which holds one version more than the last one did.
type leavingConn struct {
	transport.Conn
	t    *testing.T
	from *tellingStore
	left atomic.Uint64
	// alone counts the packs that left after no other commit than the write's own.
	alone atomic.Int64
}

func (c *leavingConn) Send(ctx context.Context, frame []byte) error {
	if _, ok := protocol.PackIn(frame); ok && c.left.Load() > 0 {
		if seq, told := c.left.Add(1), c.from.handedOut.Load(); told < seq {
			c.t.Errorf("dot %d leaves, and the sidecar says that those up to %d have", seq, told)
		}
		if c.from.commits.Load() == 1 {
			c.alone.Add(1)
		}
	}
	return c.Conn.Send(ctx, frame)
}

// TestPushCommitsNothing: what is written while a session pushes it says itself that it leaves, and the sidecar says so before it
// does.
func TestPushCommitsNothing(t *testing.T) {
	ctx := t.Context()
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	st := &tellingStore{Store: file}
	a, err := replica.Open(ctx, st, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	invite, err := a.Invite(ctx, replica.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := replica.Join(ctx, memory.New(), invite, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	here, there := pipe.New()
	conn := &leavingConn{Conn: here, t: t, from: st}
	live, other := a.SyncLive(ctx, conn), b.SyncLive(ctx, there)
	set := func(i int) replica.Version {
		came := arrives(t, b, "a/x", fmt.Sprint(i))
		st.commits.Store(0)
		v, err := a.Set(ctx, "a/x", i)
		if err != nil {
			t.Fatal(err)
		}
		came()
		return v
	}
	conn.left.Store(set(0).Seq) // the session pushes from now on
	for i := range 20 {
		set(i + 1)
	}
	if conn.alone.Load() == 0 { // now and then receipts are made durable meanwhile, which is a commit, too
		t.Error("each push commits something before it sends")
	}
	if err := live.Stop(); err != nil {
		t.Error(err)
	}
	if err := other.Stop(); err != nil {
		t.Error(err)
	}
}

// TestPushIsTold: the sidecar says of what a session pushes that it leaves, whoever wakes the session, and when.
func TestPushIsTold(t *testing.T) {
	for name, push := range map[string]func(p *pushing){
		"a session is woken before the writer": func(p *pushing) {
			durable, goOn, wrote := make(chan struct{}), make(chan struct{}), make(chan error)
			p.st.behind = func() {
				close(durable)
				<-goOn
			}
			go func() {
				_, err := p.r.Set(p.t.Context(), "a/x", 1)
				wrote <- err
			}()
			<-durable
			p.leaves(p.session)
			close(goOn)
			if err := <-wrote; err != nil {
				p.t.Error(err)
			}
		},
		"another process pushes what it did not write": func(p *pushing) {
			other := onFile(p.t, p.st.Path())
			session := p.meets(other.Replica)
			wrote(p.t)(p.r.Set(p.t.Context(), "a/x", 1))
			p.leaves(session)
		},
	} {
		t.Run(name, func(t *testing.T) { push(newPushing(t)) })
	}
}

// TestPushEnds: what is written when the session that pushed is gone has not left.
func TestPushEnds(t *testing.T) {
	p := newPushing(t)
	if err := p.session.Close(); err != nil {
		t.Fatal(err)
	}
	wrote(t)(p.r.Set(t.Context(), "a/x", 1))
	if seq, err := replica.HandedOut(t.Context(), p.r); err != nil || seq != p.last {
		t.Errorf("dot %d is marked as handed out, and %d left: %v", seq, p.last, err)
	}
}

// pushing is a replica on a file with a session that pushes what is written there.
type pushing struct {
	t       *testing.T
	st      *tellingStore
	r       *replica.Replica
	invite  string
	session *protocol.Session
	last    uint64
}

func newPushing(t *testing.T) *pushing {
	t.Helper()
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	p := &pushing{t: t, st: &tellingStore{Store: file}}
	if p.r, err = replica.Open(t.Context(), p.st, replica.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.r.Close(), file.Close()); err != nil {
			t.Error(err)
		}
	})
	if p.invite, err = p.r.Invite(t.Context(), replica.InviteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.session = p.meets(p.r)
	return p
}

// meets is a session of a replica of this database that has pushed once.
func (p *pushing) meets(r *replica.Replica) *protocol.Session {
	p.t.Helper()
	peer, err := replica.Join(p.t.Context(), memory.New(), p.invite, replica.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	here, there := r.LiveSession(p.t.Context()), peer.LiveSession(p.t.Context())
	talk(p.t, here, there)
	p.last = wrote(p.t)(r.Set(p.t.Context(), "a/x", 0)).Seq
	talk(p.t, here, there)
	return here
}

// leaves lets a session push the next version.
func (p *pushing) leaves(session *protocol.Session) {
	p.t.Helper()
	session.Changed()
	frame, err := session.Next()
	if _, ok := protocol.PackIn(frame); !ok || err != nil {
		p.t.Fatalf("nothing is pushed: %x, %v", frame, err)
	}
	b, err := p.st.ReadSidecar()
	if err != nil {
		p.t.Fatal(err)
	}
	inst, err := identity.DecodeInstance(b)
	if err != nil || inst.HandedOut <= p.last {
		p.t.Errorf("dot %d leaves, and the sidecar says that those up to %d have: %v", p.last+1, inst.HandedOut, err)
	}
}
