package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// firstOfAll is an application's strategy: it notes whether it was ever asked by two goroutines at once, or panicked when it was to.
type firstOfAll struct {
	busy     atomic.Bool
	together atomic.Bool
	asked    atomic.Int64
}

func (*firstOfAll) Name() string { return "first/1" }

func (f *firstOfAll) Resolve(s crdt.Siblings) (crdt.Value, error) {
	if !f.busy.CompareAndSwap(false, true) {
		f.together.Store(true)
	}
	defer f.busy.Store(false)
	for range 10 {
		runtime.Gosched()
	}
	if f.asked.Add(1)%2 == 0 {
		panic("every other time")
	}
	return s.Values[0].Value, nil
}

// inConflict are packs in which two authors write the same keys: most of a namespace that shows the newest value, some of one under a
// strategy of the application.
func inConflict(t *testing.T) (invite string, packs [][]byte) {
	t.Helper()
	ctx := t.Context()
	x, err := Open(ctx, memory.New(), Options{Strategies: []crdt.Strategy{new(firstOfAll)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.SetSettings(ctx, "app", Settings{Strategy: "first/1"}); err != nil {
		t.Fatal(err)
	}
	if invite, err = x.Invite(ctx, InviteOptions{}); err != nil {
		t.Fatal(err)
	}
	y, err := Join(ctx, memory.New(), invite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []*Replica{x, y} {
		_, err := r.Update(ctx, func(tx *Tx) error {
			for k := range manyStanding {
				ns := "notes"
				if k%10 == 0 {
					ns = "app"
				}
				var value any = i
				if k >= 100 && k < 120 { // batches that are not worked out at once
					value = strings.Repeat(fmt.Sprint(i), batchBytes/3)
				}
				if err := tx.Set(fmt.Sprintf("%s/%d", ns, k), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return invite, append(allPacks(t, x), allPacks(t, y)...)
}

// tableOf is what a table holds.
func tableOf(t *testing.T, st store.Store, table store.Table) map[string]string {
	t.Helper()
	rows := make(map[string]string)
	err := st.View(t.Context(), func(tx store.Tx) error {
		for row, err := range tx.Scan(table, store.Range{}) {
			if err != nil {
				return err
			}
			rows[string(row.Key)] = string(row.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestRowsByAllProcessors: the rows of keys are the same whoever worked them out.
func TestRowsByAllProcessors(t *testing.T) {
	invite, packs := inConflict(t)
	var stores []store.Store
	var digests []digest
	for _, processors := range []int{1, 4} {
		before := runtime.GOMAXPROCS(processors)
		st, strategy := memory.New(), new(firstOfAll)
		r, err := Join(t.Context(), st, invite, Options{Strategies: []crdt.Strategy{strategy}})
		for _, pack := range packs {
			_, applied := (&local{ctx: t.Context(), r: r}).Apply(pack)
			err = errors.Join(err, applied)
		}
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		mustVerify(t, r)
		stores, digests = append(stores, st), append(digests, r.mem.tip.digest)
		if asked := strategy.asked.Load(); asked < manyStanding/10 || strategy.together.Load() {
			t.Errorf("an application's strategy was asked %d times, by two goroutines at once: %v", asked, strategy.together.Load())
		}
	}
	if digests[0] != digests[1] {
		t.Error("the digests differ")
	}
	for _, table := range []store.Table{store.Docs, store.Conflicts} {
		one, four := tableOf(t, stores[0], table), tableOf(t, stores[1], table)
		if len(one) < manyStanding/2 || !maps.Equal(one, four) {
			t.Errorf("%d rows of table %v by one processor, %d by four, or they differ", len(one), table, len(four))
		}
	}
}

// A commit that fails in the midst of its keys leaves nobody at work on them.
func TestRowsOfACommitThatFails(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	invite, packs := inConflict(t)
	st := &failingDocs{Store: memory.New()}
	r, err := Join(t.Context(), st, invite, Options{Strategies: []crdt.Strategy{new(firstOfAll)}})
	if err != nil {
		t.Fatal(err)
	}
	st.left = 50
	if _, err := (&local{ctx: t.Context(), r: r}).Apply(packs[0]); !errors.Is(err, store.ErrFull) {
		t.Errorf("%v, want %v", err, store.ErrFull)
	}
	st.left = -1
	for _, pack := range packs {
		if _, err := (&local{ctx: t.Context(), r: r}).Apply(pack); err != nil {
			t.Error(err)
		}
	}
	if got := len(tableOf(t, st, store.Docs)); got < manyStanding {
		t.Errorf("%d keys", got)
	}
}

// failingDocs takes so many rows of keys and then none, or all where left is negative.
type failingDocs struct {
	*memory.Store
	left int
}

func (s *failingDocs) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(&failingTx{tx, s}) })
}

type failingTx struct {
	store.Tx
	store *failingDocs
}

func (x *failingTx) Put(t store.Table, key, value []byte) error {
	if t == store.Docs {
		if x.store.left == 0 {
			return store.ErrFull
		}
		x.store.left--
	}
	return x.Tx.Put(t, key, value)
}

// TestPanicOfAHelper: it comes up where the write was asked for, and not in a goroutine in which nobody can recover from it.
func TestPanicOfAHelper(t *testing.T) {
	k := &keyRows{entries: []*entry{{key: "notes/without a state"}}, done: make(chan struct{})}
	k.help()
	defer func() {
		if recover() == nil {
			t.Error("the commit goes on without the rows")
		}
	}()
	k.await(nil, nil)
}
