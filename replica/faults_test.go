package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/storetest"
)

// stage is a replica with a history on a store that can be made to fail, and a peer that has something for it.
type stage struct {
	t      *testing.T
	faulty *storetest.FaultyStore
	disk   *memory.Store
	r      *replica.Replica
	peer   *replica.Replica
}

// script is the history behind every stage: keys with conflicts, a counter, a set, and 31 versions of one key, so that
// the next one stores a checkpoint.
func script(t *testing.T) (disk, peerDisk *memory.Store) {
	t.Helper()
	replicas, stores := newSpace(t, 2)
	r, peer := replicas[0], replicas[1]
	for i := range 30 {
		wrote(t)(r.Set(t.Context(), "notes/1", map[string]any{"title": "old", "n": i}))
	}
	wrote(t)(r.Set(t.Context(), "notes/old", "here"))
	wrote(t)(r.Add(t.Context(), "counters/1", 1))
	syncPair(t, r, peer)
	wrote(t)(r.Set(t.Context(), "notes/1", "ours"))
	wrote(t)(peer.Set(t.Context(), "notes/1", "theirs"))
	syncPair(t, r, peer)
	wrote(t)(r.Set(t.Context(), "notes/own", "a tail"))
	wrote(t)(peer.Set(t.Context(), "notes/3", "from the peer"))
	wrote(t)(peer.Set(t.Context(), "notes/1", "over both"))
	wrote(t)(peer.Add(t.Context(), "counters/1", 5))
	return stores[0].(*memory.Store), stores[1].(*memory.Store)
}

func newStage(t *testing.T, disk, peerDisk *memory.Store, plan storetest.Plan) *stage {
	t.Helper()
	s := &stage{t: t, disk: disk.Clone()}
	s.faulty = storetest.Faulty(s.disk, plan)
	var err error
	if s.r, err = replica.Open(t.Context(), s.faulty, replica.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.peer, err = replica.Open(t.Context(), peerDisk.Clone(), replica.Options{}); err != nil {
		t.Fatal(err)
	}
	return s
}

// acts are what a fault can hit. Each ends in one transaction, but for the sync, which ends in several.
var acts = map[string]func(ctx context.Context, s *stage) error{
	"Set": func(ctx context.Context, s *stage) error {
		_, err := s.r.Set(ctx, "notes/1", map[string]any{"title": "new"})
		return err
	},
	"Update": func(ctx context.Context, s *stage) error {
		_, err := s.r.Update(ctx, func(tx *replica.Tx) error {
			gone := tx.Delete("notes/old")
			if errors.Is(gone, replica.ErrNotFound) {
				gone = nil // the first try was committed and told otherwise
			}
			return errors.Join(tx.Set("notes/1", 1), tx.Set("notes/2", 2), tx.Add("counters/1", 3), gone)
		})
		return err
	},
	"SetSettings": func(ctx context.Context, s *stage) error {
		_, err := s.r.SetSettings(ctx, "notes", replica.Settings{Strategy: "mv", Erasable: true})
		return err
	},
	"Invite": func(ctx context.Context, s *stage) error {
		_, err := s.r.Invite(ctx, replica.InviteOptions{})
		return err
	},
	"Sync": func(ctx context.Context, s *stage) error {
		return inTurns(s.r.Session(ctx), s.peer.Session(ctx))
	},
}

// inTurns holds a session in one goroutine, so that each time the same is read and written in the same order.
func inTurns(a, b *protocol.Session) error {
	var errs []error
	for quiet := false; !quiet; {
		quiet = true
		for _, way := range [][2]*protocol.Session{{a, b}, {b, a}} {
			frame, err := way[0].Next()
			errs = append(errs, err)
			if frame != nil {
				quiet = false
				errs = append(errs, way[1].Receive(frame))
			}
		}
	}
	return errors.Join(append(errs, a.Close(), b.Close())...)
}

// Wherever the store fails: the error comes back by its name, nothing is half done, and the same replica goes on as soon
// as the store does.
func TestStoreFaults(t *testing.T) {
	t.Parallel()
	disk, peerDisk := script(t)
	for name, act := range acts {
		clean := newStage(t, disk, peerDisk, nil)
		sites := map[storetest.Site]int{}
		before := countSites(clean.faulty)
		if err := act(t.Context(), clean); err != nil {
			t.Fatal(err)
		}
		for site, n := range countSites(clean.faulty) {
			sites[site] = n - before[site]
		}
		for site, events := range sites {
			for nth := 1; nth <= events; nth++ {
				for _, after := range []bool{false, true} {
					if site == storetest.Read && after {
						continue // the same to the caller
					}
					t.Run(fmt.Sprintf("%s/%s %d after %v", name, site, nth, after), func(t *testing.T) {
						fault := storetest.Fault{Site: site, Nth: before[site] + nth, After: after, Err: store.ErrFull}
						s := newStage(t, disk, peerDisk, storetest.Plan{fault})
						s.run(act)
					})
				}
			}
		}
	}
}

func countSites(f *storetest.FaultyStore) map[storetest.Site]int {
	n := map[storetest.Site]int{}
	for _, site := range []storetest.Site{storetest.Begin, storetest.Write, storetest.Commit, storetest.Read} {
		n[site] = f.Count(site)
	}
	return n
}

// run does the act with the fault and again without it.
func (s *stage) run(act func(context.Context, *stage) error) {
	t := s.t
	t.Helper()
	if err := act(t.Context(), s); !errors.Is(err, store.ErrFull) {
		t.Errorf("the error is %v", err)
	}
	now := stateOf(t, s.r)
	if reopened := s.reopened(); stateOf(t, reopened) != now {
		t.Errorf("the replica shows\n%sits database\n%s", now, stateOf(t, reopened))
	}
	showsTheLog(t, s.r)
	if err := act(t.Context(), s); err != nil {
		t.Errorf("without the fault: %v", err)
	}
	wrote(t)(s.r.Set(t.Context(), "notes/last", 1))
	syncPair(t, s.r, s.peer)
	sameState(t, s.r, s.peer, s.reopened())
	showsTheLog(t, s.r)
	historyOf(t, s.r)
}

// reopened is another replica on what the disk holds.
func (s *stage) reopened() *replica.Replica {
	s.t.Helper()
	r, err := replica.Open(s.t.Context(), s.disk.Clone(), replica.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// A write that fails leaves nothing of itself, to the byte.
func TestFailedWriteLeavesNothing(t *testing.T) {
	disk, peerDisk := script(t)
	for _, name := range []string{"Set", "Update", "SetSettings"} {
		clean := newStage(t, disk, peerDisk, nil)
		want := stateOf(t, clean.r)
		if err := acts[name](t.Context(), clean); err != nil {
			t.Fatal(err)
		}
		writes := clean.faulty.Count(storetest.Write)
		for nth := 1; nth <= writes; nth++ {
			fault := storetest.Fault{Site: storetest.Write, Nth: nth, Err: store.ErrFull}
			s := newStage(t, disk, peerDisk, storetest.Plan{fault})
			if err := acts[name](t.Context(), s); !errors.Is(err, store.ErrFull) {
				t.Errorf("%s with write %d of %d failing returned %v", name, nth, writes, err)
			}
			if got := stateOf(t, s.r); got != want {
				t.Errorf("%s with write %d failing left\n%safter\n%s", name, nth, got, want)
			}
			if s.faulty.Count(storetest.Commit) != 0 {
				t.Errorf("%s with write %d failing was committed", name, nth)
			}
		}
	}
}

// A disk that stays full: reading goes on, each write says so, and when there is room again nothing is missing.
func TestFullDisk(t *testing.T) {
	disk, peerDisk := script(t)
	plan := storetest.Plan{{Site: storetest.Write, Nth: 1, Times: 40, Err: store.ErrFull}}
	s := newStage(t, disk, peerDisk, plan)
	want := stateOf(t, s.r)
	for i := 0; s.faulty.Count(storetest.Write) < 40; i++ {
		if _, err := s.r.Set(t.Context(), "notes/1", i); !errors.Is(err, store.ErrFull) {
			t.Fatalf("a write on a full disk returned %v", err)
		}
		if got := stateOf(t, s.r); got != want {
			t.Fatalf("after a write on a full disk the replica shows\n%s", got)
		}
	}
	v := wrote(t)(s.r.Set(t.Context(), "notes/1", "room again"))
	syncPair(t, s.r, s.peer)
	sameState(t, s.r, s.peer)
	if e := historyOf(t, s.r)[v.ID.String()]; e.Seq != v.Seq {
		t.Errorf("the log has %v for %v", e.Version, v)
	}
}

// On a full disk a backup to elsewhere can be made, though nobody can note that it was.
func TestBackupOfAFullDisk(t *testing.T) {
	disk, peerDisk := script(t)
	s := newStage(t, disk, peerDisk, storetest.Plan{{Site: storetest.Write, Nth: 1, Times: 1000, Err: store.ErrFull}})
	var b bytes.Buffer
	_, err := s.r.Backup(t.Context(), &b, replica.BackupOptions{})
	if err != nil || s.faulty.Count(storetest.Write) == 0 {
		t.Fatalf("%v, after %d writes", err, s.faulty.Count(storetest.Write))
	}
	restored, _, err := replica.Restore(t.Context(), memory.New(), &b, replica.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(historyOf(t, restored)), len(historyOf(t, s.r)); got != want {
		t.Errorf("the backup held %d versions of %d", got, want)
	}
}
