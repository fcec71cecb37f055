package replica_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// countingStore counts the transactions that write.
type countingStore struct {
	*sqlite.Store
	commits atomic.Int64
}

func (s *countingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.commits.Add(1)
	return s.Store.Update(ctx, fn)
}

// Writers that wait for each other share a transaction, and each gets its own version.
func TestWritersShareCommits(t *testing.T) {
	t.Parallel()
	const writers, each = 64, 50
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "group.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	st := &countingStore{Store: file}
	r, err := replica.Open(t.Context(), st, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	other := onFile(t, file.Path()) // sees what is committed, and nothing else
	var wg sync.WaitGroup
	ids := make(chan string, writers*each)
	for w := range writers {
		wg.Go(func() {
			last := uint64(0)
			for i := range each {
				key := fmt.Sprintf("w%d/%d", w, i)
				v, err := r.Set(t.Context(), key, i)
				if err != nil || v.Seq <= last {
					t.Errorf("%s: dot %d after %d, %v", key, v.Seq, last, err)
					return
				}
				last = v.Seq
				if i%10 == 0 {
					if got, err := other.Get(t.Context(), key, nil); err != nil || got.ID != v.ID {
						t.Errorf("%s was acknowledged, and another reader of the file gets %v, %v", key, got, err)
					}
				}
				ids <- v.ID.String()
			}
		})
	}
	wg.Wait()
	close(ids)
	held := historyOf(t, r)
	for id := range ids {
		if _, ok := held[id]; !ok {
			t.Errorf("version %s was acknowledged and is lost", id)
		}
	}
	if n := st.commits.Load(); len(held) != writers*each || n >= writers*each/2 {
		t.Errorf("%d versions in %d commits, want %d versions in far fewer commits", len(held), n, writers*each)
	}
	showsTheLog(t, r)
}

// gate is a store whose transactions wait until it opens.
type gate struct {
	store.Store
	entered chan struct{}
	open    chan struct{}
}

func (g *gate) Update(ctx context.Context, fn func(store.Tx) error) error {
	g.entered <- struct{}{}
	<-g.open
	return g.Store.Update(ctx, fn)
}

// grouped runs writes that share one transaction: the first leads and holds the others up until all of them wait.
func grouped(t *testing.T, writes ...func(r *replica.Replica)) *replica.Replica {
	t.Helper()
	g := &gate{Store: memory.New(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	r, err := replica.Open(t.Context(), g, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, write := range writes {
		wg.Go(func() { write(r) })
		if i == 0 {
			<-g.entered
		}
	}
	for replica.WaitingWrites(r) < len(writes)-1 {
		runtime.Gosched()
	}
	close(g.open)
	wg.Wait()
	return r
}

// What one writer of a group does wrong is its own affair.
func TestTroubleInAGroup(t *testing.T) {
	wrong := errors.New("wrong")
	troubles := map[string]func(r *replica.Replica){
		"an error": func(r *replica.Replica) {
			_, err := r.Update(t.Context(), func(tx *replica.Tx) error {
				return errors.Join(tx.Set("bad/1", 1), wrong)
			})
			if !errors.Is(err, wrong) {
				t.Errorf("the error came back as %v", err)
			}
		},
		"a panic": func(r *replica.Replica) {
			defer func() {
				if p := recover(); p != "oops" {
					t.Errorf("the panic came back as %v", p)
				}
			}()
			_, err := r.Update(t.Context(), func(tx *replica.Tx) error {
				if err := tx.Set("bad/1", 1); err != nil {
					return err
				}
				panic("oops")
			})
			t.Errorf("no panic but %v", err)
		},
		"an end of its goroutine": func(r *replica.Replica) {
			_, _ = r.Update(t.Context(), func(tx *replica.Tx) error {
				if err := tx.Set("bad/1", 1); err != nil {
					t.Error(err)
				}
				runtime.Goexit()
				return nil
			})
		},
		"a nested write": func(r *replica.Replica) {
			_, err := r.Update(t.Context(), func(tx *replica.Tx) error {
				_, err := r.Set(t.Context(), "bad/1", 1)
				return err
			})
			if !errors.Is(err, replica.ErrNested) {
				t.Errorf("a nested write returned %v", err)
			}
		},
	}
	for name, trouble := range troubles {
		for place := range 3 {
			t.Run(fmt.Sprint(name, " in place ", place), func(t *testing.T) {
				good := func(key string) func(r *replica.Replica) {
					return func(r *replica.Replica) {
						if _, err := r.Set(t.Context(), key, key); err != nil {
							t.Errorf("a write beside the trouble: %v", err)
						}
					}
				}
				writes := []func(*replica.Replica){good("good/1"), good("good/2"), good("good/3")}
				writes[place] = trouble
				r := grouped(t, writes...)
				good("good/after")(r)
				if held := historyOf(t, r); len(held) != 3 {
					t.Errorf("%d versions, want 3", len(held))
				}
				if _, err := r.Get(t.Context(), "bad/1", nil); !errors.Is(err, replica.ErrNotFound) {
					t.Errorf("what went wrong left %v behind", err)
				}
				showsTheLog(t, r)
			})
		}
	}
}

// Whoever gives up waiting writes nothing; who waits with it goes on; and a leader that gives up after it began does not take
// the others with it.
func TestGivingUp(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	g := &gate{Store: memory.New(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	r, err := replica.Open(t.Context(), g, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 3)
	write := func(ctx context.Context, key string) {
		_, err := r.Set(ctx, key, 1)
		results <- err
	}
	go write(t.Context(), "kept/leader")
	<-g.entered
	go write(gone, "gone/1")
	for replica.WaitingWrites(r) < 1 {
		runtime.Gosched()
	}
	cancel()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up got %v", err)
	}
	go write(t.Context(), "kept/1")
	for replica.WaitingWrites(r) < 1 {
		runtime.Gosched()
	}
	close(g.open)
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("who waited got %v", err)
		}
	}
	if held := historyOf(t, r); len(held) != 2 {
		t.Errorf("%d versions, want 2", len(held))
	}
	if _, err := r.Set(gone, "gone/2", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("a write with a context that has ended returned %v", err)
	}
}

// A leader whose context ends while it holds the transaction finishes it, and its group with it.
func TestLeaderLosesItsContext(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	r := grouped(t,
		func(r *replica.Replica) {
			_, err := r.Update(gone, func(tx *replica.Tx) error {
				cancel()
				return tx.Set("kept/leader", 1)
			})
			if err != nil {
				t.Errorf("the leader: %v", err)
			}
		},
		func(r *replica.Replica) { wrote(t)(r.Set(t.Context(), "kept/1", 1)) },
		func(r *replica.Replica) { wrote(t)(r.Add(t.Context(), "kept/2", 1)) },
		func(r *replica.Replica) {
			if _, err := r.Undo(t.Context()); err != nil {
				t.Errorf("an undo beside it: %v", err)
			}
		},
	)
	if held := historyOf(t, r); len(held) != 4 {
		t.Errorf("%d versions, want 4", len(held))
	}
}

// Syncs, writes and readers of everything at once, on files that each are open twice: nothing hangs, nothing is lost, and
// all is handed over.
func TestSyncWhileWriting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := onFile(t, filepath.Join(dir, "a.db"), sqlite.Durability(sqlite.Normal))
	wrote(t)(a.Set(t.Context(), "notes/0", 0))
	b := joinedFile(t, filepath.Join(dir, "b.db"), a.Replica, sqlite.Durability(sqlite.Normal))
	syncPair(t, a.Replica, b.Replica)
	again := onFile(t, a.store.Path(), sqlite.Durability(sqlite.Normal))
	ctx, stop := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer stop()
	var wg sync.WaitGroup
	var written atomic.Int64
	for i, f := range []*fileReplica{a, b, again, b} {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if _, err := f.Set(t.Context(), fmt.Sprintf("notes/%d", n%50), i*1000+n); err != nil {
					t.Errorf("Set: %v", err)
					return
				}
				written.Add(1)
			}
		})
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, _, err := countAll(t.Context(), f.Replica); err != nil {
					t.Errorf("reading: %v", err)
					return
				}
			}
		})
	}
	syncs := 0
	for ; ctx.Err() == nil; syncs++ {
		within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, _, err := replica.SyncPair(within, a.Replica, b.Replica)
		cancel()
		if err != nil {
			t.Errorf("sync %d: %v", syncs, err)
			break
		}
	}
	wg.Wait()
	syncPair(t, a.Replica, b.Replica)
	sameState(t, a.Replica, b.Replica, again.Replica)
	if n := len(historyOf(t, a.Replica)); n != int(written.Load())+1 {
		t.Errorf("%d versions, %d were written", n, written.Load()+1)
	}
	showsTheLog(t, a.Replica)
	t.Logf("%d writes, %d syncs", written.Load(), syncs)
}

// held is a store that another process holds for good once it is taken: who comes then waits until its context ends.
type held struct {
	store.Store
	taken   atomic.Bool
	entered chan struct{}
}

func (h *held) Update(ctx context.Context, fn func(store.Tx) error) error {
	if !h.taken.Load() {
		return h.Store.Update(ctx, fn)
	}
	h.entered <- struct{}{}
	<-ctx.Done()
	return store.ErrBusy
}

// Writers who wait for another process under one context all stop with it: who gets the lead as it ends does not begin to wait
// for good.
func TestGivingUpTogether(t *testing.T) {
	h := &held{Store: memory.New(), entered: make(chan struct{}, 100)}
	r, err := replica.Open(t.Context(), h, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 0))
	h.taken.Store(true)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := r.Set(ctx, "a/1", 1); !errors.Is(err, store.ErrBusy) && !errors.Is(err, context.Canceled) {
					t.Errorf("a write that could not begin returned %v", err)
				}
			})
		}
		<-h.entered
		for replica.WaitingWrites(r) < 7 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
		for len(h.entered) > 0 {
			<-h.entered
		}
	}
}

// Writers that share a transaction see what those before them wrote of the settings, as they would in one of their own, and
// kdelta's own keys no more than there.
func TestSettingsWithinAGroup(t *testing.T) {
	set := func(s replica.Settings) func(r *replica.Replica) {
		return func(r *replica.Replica) {
			if _, err := r.SetSettings(t.Context(), "n", s); err != nil {
				t.Error(err)
			}
		}
	}
	erasable := set(replica.Settings{Erasable: true})
	r := grouped(t, erasable, func(r *replica.Replica) {
		_, err := r.Update(t.Context(), func(tx *replica.Tx) error {
			for row, err := range tx.List("") {
				t.Errorf("the list of all keys has %q, %v", row.Key, err)
			}
			return tx.Set("n/1", "secret")
		})
		if err != nil {
			t.Error(err)
		}
	})
	if _, err := r.Erase(t.Context(), "n/1"); err != nil {
		t.Errorf("a value that was written when its namespace was erasable: %v", err)
	}
	r = grouped(t, erasable, set(replica.Settings{Strategy: "fields"}))
	if s, err := r.Settings(t.Context(), "n"); err != nil || !s.Erasable || s.Strategy != "fields/1" {
		t.Errorf("the settings are %+v, %v; want both that were set", s, err)
	}
}
