package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// tickWall is a wall clock that moves a second each time it is read.
type tickWall struct{ ms int64 }

func (w *tickWall) Now() int64 { w.ms += 1000; return w.ms }

// seededRand is a source of keys and nonces that is the same every time.
type seededRand struct{ *rand.ChaCha8 }

func seeded(n byte) seededRand { return seededRand{rand.NewChaCha8([32]byte{n})} }

func testOptions(n byte) Options {
	return Options{Wall: &tickWall{ms: 1_700_000_000_000 + int64(n)*400}, Rand: seeded(n)}
}

// careWorld is a space of a few replicas that have been through a lot, each with its store.
type careWorld struct {
	t        testing.TB
	stores   []*memory.Store
	replicas []*Replica
}

func (w *careWorld) add(st *memory.Store, r *Replica, err error) *Replica {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	w.stores, w.replicas = append(w.stores, st), append(w.replicas, r)
	return r
}

func (w *careWorld) ok(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *careWorld) sync(a, b *Replica) {
	w.t.Helper()
	if _, _, err := SyncPair(context.Background(), a, b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *careWorld) invite(r *Replica) string {
	w.t.Helper()
	text, err := r.Invite(context.Background(), InviteOptions{})
	w.ok(nil, err)
	return text
}

// newCareWorld returns two replicas, a and b, and a third one, c, that is a copy of a; a has met both, and holds rows in
// every table.
func newCareWorld(t testing.TB) *careWorld {
	ctx := context.Background()
	w := &careWorld{t: t}
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	a := w.add(st, r, err)
	w.ok(a.SetName(ctx, "laptop", "Ada"))
	w.ok(a.SetSettings(ctx, "films", Settings{Strategy: "fields"}))
	w.ok(a.SetSettings(ctx, "mail", Settings{Erasable: true}))
	for i := range 2*checkpointEvery + 3 {
		w.ok(a.Set(ctx, "notes/often", i))
	}
	w.ok(a.Set(ctx, "films/1", map[string]any{"title": "Fargo", "year": 1996, "by": map[string]any{"name": "Coen"}}))
	w.ok(a.Set(ctx, "notes/a", "first"))
	w.ok(a.Set(ctx, "notes/gone", "soon"))
	w.ok(a.Set(ctx, "mail/1", map[string]any{"to": "ada"}))
	w.ok(a.Set(ctx, "mail/2", map[string]any{"to": "bob"}))
	st = memory.New()
	r, err = Join(ctx, st, w.invite(a), testOptions(2))
	b := w.add(st, r, err)
	w.ok(b.SetName(ctx, "phone", "Ada"))
	w.sync(a, b)
	w.ok(b.Set(ctx, "mail/2", map[string]any{"to": "bea"}))
	w.ok(b.Erase(ctx, "mail/2"))
	for round := range 3 {
		for i, r := range []*Replica{a, b} {
			w.ok(r.Set(ctx, "notes/a", fmt.Sprint("side ", i, round), Message("an edit")))
			w.ok(r.Set(ctx, "notes/often", fmt.Sprint(i, round)))
			w.ok(r.Set(ctx, "films/1", map[string]any{
				"title": fmt.Sprint("Fargo ", i), "year": 1996 + i, "by": map[string]any{"name": "Coen"},
			}))
			w.ok(r.Add(ctx, "stats/seen", int64(2+i)))
			w.ok(r.SetAdd(ctx, "lists/next", []any{fmt.Sprint("film ", i), "both"}))
			w.ok(nil, r.Text("notes/shared").Insert(ctx, 0, fmt.Sprint("side ", i, ", ")))
			w.ok(r.Text("notes/shared").Commit(ctx))
		}
		w.ok(a.Set(ctx, "notes/gone", round))
		w.ok(a.Delete(ctx, "notes/gone"))
		w.ok(b.Set(ctx, "notes/gone", fmt.Sprint("not yet ", round)))
		w.sync(a, b)
		w.ok(b.Set(ctx, "notes/a", "merged"))
	}
	for i := range 2 {
		w.ok(nil, a.Text("notes/shared").Insert(ctx, i, "kept "))
		w.ok(a.Text("notes/shared").Commit(ctx))
		w.keepSequence(a, docID{"notes/shared", crdt.KindText})
	}
	w.ok(a.Tag(ctx, "v1", nil))
	w.ok(nil, a.AddRemote(ctx, "/somewhere/else.db"))
	w.forkAndWait(a, b)
	return w
}

// keepSequence writes a snapshot of a document, whatever its size.
func (w *careWorld) keepSequence(r *Replica, id docID) {
	w.t.Helper()
	ctx := context.Background()
	err := r.view(ctx, func(s *snap) error {
		r.documents.mu.Lock()
		defer r.documents.mu.Unlock()
		d, _, err := r.documents.present(s, id)
		if err == nil {
			d.tail = 1 << 30
		}
		return err
	})
	w.ok(nil, err)
	w.ok(nil, r.write(ctx, func(c *commit) error { return c.keepDue(id) }))
}

// forkAndWait adds a fork of a's author, and to a versions that wait for their parents.
func (w *careWorld) forkAndWait(a, b *Replica) {
	ctx := context.Background()
	st := w.stores[0].Clone()
	r, err := Open(ctx, st, testOptions(3))
	c := w.add(st, r, err)
	w.ok(a.Set(ctx, "notes/fork", "original"))
	w.ok(c.Set(ctx, "notes/fork", "copy"))
	w.ok((&local{ctx: ctx, r: c}).Missing(nil)) // somebody has it, so it cannot be written again
	w.sync(a, b)
	w.sync(c, b)
	w.sync(a, b)
	w.ok(a.Set(ctx, "notes/late", 1))

	for i := range 3 {
		w.ok(b.Set(ctx, "notes/waits", i))
	}
	middle, err := (&local{ctx: ctx, r: b}).Held()
	w.ok(nil, err)
	w.ok(b.Set(ctx, "notes/waits", "last"))
	feed, err := (&local{ctx: ctx, r: b}).Missing(middle.Clock)
	w.ok(nil, err)
	for {
		p, err := feed.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		w.ok(nil, err)
		w.ok((&local{ctx: ctx, r: a}).Apply(p.Bytes))
	}
}

func TestVerifyFindsNothingWrong(t *testing.T) {
	w := newCareWorld(t)
	for i, r := range w.replicas {
		rep, err := r.Verify(t.Context(), nil)
		if err != nil || len(rep.Damage) > 0 {
			t.Errorf("replica %d: %v, %q", i, err, rep.Damage)
		}
		st, err := r.Status(t.Context())
		if err != nil || rep.Versions != st.Versions || rep.Keys != st.Keys {
			t.Errorf("replica %d: %d versions and %d keys, status says %d and %d, %v", i, rep.Versions, rep.Keys,
				st.Versions, st.Keys, err)
		}
	}
}

// rowAt is one row of a store.
type rowAt struct {
	table      store.Table
	key, value []byte
}

func rowsOf(t testing.TB, st store.Store) []rowAt {
	var rows []rowAt
	err := st.View(context.Background(), func(tx store.Tx) error {
		for _, table := range store.Tables() {
			n := 0
			for row, err := range tx.Scan(table, store.Range{}) {
				if err != nil {
					return err
				}
				rows = append(rows, rowAt{table, bytes.Clone(row.Key), bytes.Clone(row.Value)})
				n++
			}
			if n == 0 {
				t.Errorf("table %s is empty", table)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// findsDamage reports whether Open refuses the store with a named error, or Verify finds damage in it.
func findsDamage(ctx context.Context, st store.Store) (bool, error) {
	r, err := Open(ctx, st, testOptions(9))
	if errors.Is(err, store.ErrCorrupt) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	rep, err := r.Verify(ctx, nil)
	return len(rep.Damage) > 0, err
}

// irrelevant says why a change of a row cannot be seen, where that is so: what another replica told of itself is kept as
// it was told, and nothing else depends on it.
func irrelevant(row rowAt, changed []byte) bool {
	if row.table != store.Peers {
		return false
	}
	_, err := store.DecodePeer(changed)
	return err == nil
}

// TestVerifyFindsEveryFlippedBit flips bits in the value of every row of every table (I14), before versions are packed and
// after.
func TestVerifyFindsEveryFlippedBit(t *testing.T) {
	w := newCareWorld(t)
	t.Run("loose", func(t *testing.T) { flipBits(t, w.stores[0]) })
	packed, err := Open(t.Context(), w.stores[0].Clone(), testOptions(9))
	w.ok(nil, err)
	w.ok(nil, packed.Compact(t.Context(), nil))
	t.Run("packed", func(t *testing.T) { flipBits(t, packed.st.(*memory.Store)) })
}

func flipBits(t *testing.T, st *memory.Store) {
	rows := rowsOf(t, st)
	rnd := rand.New(rand.NewPCG(1, 2))
	flips := 5
	if testing.Short() {
		flips = 1
	}
	type flip struct {
		row rowAt
		at  int
		bit byte
	}
	var all []flip
	for _, row := range rows {
		for i := range min(flips, len(row.value)) {
			at := rnd.IntN(len(row.value))
			switch i {
			case 0:
				at = len(row.value) - 1
			case 1:
				at = 0
			}
			all = append(all, flip{row, at, 1 << rnd.IntN(8)})
		}
	}
	const workers = 4
	for g := range workers {
		t.Run(fmt.Sprint(g), func(t *testing.T) {
			t.Parallel()
			for i := g; i < len(all); i += workers {
				f := all[i]
				changed := bytes.Clone(f.row.value)
				changed[f.at] ^= f.bit
				bad := st.Clone()
				err := bad.Update(t.Context(), func(tx store.Tx) error { return tx.Put(f.row.table, f.row.key, changed) })
				if err != nil {
					t.Fatal(err)
				}
				found, err := findsDamage(t.Context(), bad)
				if err != nil || !found && !irrelevant(f.row, changed) {
					t.Errorf("table %s, row %q: bit %08b of byte %d of %d: not found, %v", f.row.table, f.row.key, f.bit, f.at,
						len(changed), err)
				}
			}
		})
	}
}

// TestVerifyFindsEveryLostRow deletes each row of the tables that follow from others.
func TestVerifyFindsEveryLostRow(t *testing.T) {
	w := newCareWorld(t)
	st := w.stores[0]
	for _, row := range rowsOf(t, st) {
		switch {
		case row.table == store.Seals, row.table == store.Pending, row.table == store.Peers:
			continue // what came with a sync comes again
		case row.table == store.Meta && string(row.key) != metaMember && string(row.key) != metaAuthor:
			continue // notes, remotes, old keys: nobody else knows that there were some
		}
		bad := st.Clone()
		err := bad.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(row.table, row.key) })
		if err != nil {
			t.Fatal(err)
		}
		if found, err := findsDamage(t.Context(), bad); err != nil || !found {
			t.Errorf("table %s, row %q was deleted: not found, %v", row.table, row.key, err)
		}
	}
}

// TestVerifyNamesWhatIsDamaged expects a person to be told where.
func TestVerifyNamesWhatIsDamaged(t *testing.T) {
	w := newCareWorld(t)
	bad := w.stores[0].Clone()
	err := bad.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Get(store.Docs, []byte("notes/a"))
		if err != nil {
			return err
		}
		return tx.Put(store.Docs, []byte("notes/a"), bytes.Replace(row, []byte("merged"), []byte("mergad"), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), bad, testOptions(9))
	if err != nil {
		t.Fatal(err)
	}
	steps, due := uint64(0), uint64(0)
	rep, err := r.Verify(t.Context(), func(done, total uint64) { steps, due = done, total })
	if err != nil || len(rep.Damage) != 1 || !strings.Contains(rep.Damage[0], `"notes/a"`) {
		t.Errorf("%v, %q; want one line that names notes/a", err, rep.Damage)
	}
	if steps != due || steps == 0 {
		t.Errorf("progress ended at %d of %d", steps, due)
	}
}

// TestVerifyFindsKeysThatAreNotThoseOfTheSpace: a database is opened without a look at whether its keys belong together.
func TestVerifyFindsKeysThatAreNotThoseOfTheSpace(t *testing.T) {
	w := newCareWorld(t)
	bad := w.stores[0].Clone()
	w.ok(nil, bad.Update(t.Context(), func(tx store.Tx) error {
		b, err := metaRow(tx, metaMember)
		if err != nil {
			return err
		}
		b = bytes.Clone(b)
		b[len(b)-1] ^= 1 // of the root's seed
		return putMeta(tx, metaMember, b)
	}))
	r, err := Open(t.Context(), bad, testOptions(9))
	w.ok(nil, err)
	rep, err := r.Verify(t.Context(), nil)
	if err != nil || len(rep.Damage) != 1 || !strings.Contains(rep.Damage[0], "the member row") {
		t.Errorf("%q, %v", rep.Damage, err)
	}
}

// TestVerifyGoesOnBehindAValueThatIsNoJSON: the text of a value that nothing else stands for is damage like any other.
func TestVerifyGoesOnBehindAValueThatIsNoJSON(t *testing.T) {
	st := memory.New()
	r, err := Open(t.Context(), st, testOptions(9))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(t.Context(), "notes/1", "text"); err != nil {
		t.Fatal(err)
	}
	err = st.Update(t.Context(), func(tx store.Tx) error {
		row, err := tx.Get(store.Docs, []byte("notes/1"))
		if err != nil {
			return err
		}
		return tx.Put(store.Docs, []byte("notes/1"), bytes.Replace(row, []byte(`"text"`), []byte(`xtext"`), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Verify(t.Context(), nil)
	if err != nil || len(rep.Damage) == 0 || !strings.Contains(rep.Damage[0], `"notes/1"`) {
		t.Errorf("%v, %q; want lines that name notes/1", err, rep.Damage)
	}
}

// shortest is a strategy of the application: the value with the shortest text.
type shortest struct{}

func (shortest) Name() string { return "shortest/1" }

func (shortest) Resolve(c crdt.Siblings) (crdt.Value, error) {
	var best crdt.Value
	for _, s := range c.Values {
		if !s.Deleted && (best == nil || len(s.Value) < len(best)) {
			best = s.Value
		}
	}
	return best, nil
}

// TestVerifyWithAndWithoutAStrategy: rows that were computed by a strategy stay sound where that is not registered, and
// the other way round.
func TestVerifyWithAndWithoutAStrategy(t *testing.T) {
	w := &careWorld{t: t}
	ctx := t.Context()
	with := func(n byte) Options {
		o := testOptions(n)
		o.Strategies = []crdt.Strategy{shortest{}}
		return o
	}
	knows, ignores := memory.New(), memory.New()
	a, err := Open(ctx, knows, with(1))
	w.ok(nil, err)
	w.ok(a.SetSettings(ctx, "n", Settings{Strategy: "shortest"}))
	c, err := Join(ctx, memory.New(), w.invite(a), with(2))
	w.ok(nil, err)
	b, err := Join(ctx, ignores, w.invite(a), testOptions(3))
	w.ok(nil, err)
	w.sync(a, c)
	w.ok(a.Set(ctx, "n/x", "short"))
	w.ok(c.Set(ctx, "n/x", "a longer text"))
	w.ok(c.Set(ctx, "n/y", "alone"))
	w.sync(a, c)
	w.sync(a, b)
	for _, r := range []*Replica{a, b, c} {
		mustVerify(t, r)
	}
	forgot, err := Open(ctx, knows.Clone(), testOptions(4))
	w.ok(nil, err)
	mustVerify(t, forgot)
	learned, err := Open(ctx, ignores.Clone(), with(5))
	w.ok(nil, err)
	mustVerify(t, learned)

	bad := knows.Clone()
	err = bad.Update(ctx, func(tx store.Tx) error {
		row, err := tx.Get(store.Docs, []byte("n/x"))
		if err != nil {
			return err
		}
		doc, err := store.DecodeDoc(row)
		if err != nil {
			return err
		}
		doc.Count++
		return tx.Put(store.Docs, []byte("n/x"), doc.Append(nil))
	})
	w.ok(nil, err)
	for _, o := range []Options{with(6), testOptions(7)} {
		r, err := Open(ctx, bad, o)
		w.ok(nil, err)
		if rep, err := r.Verify(ctx, nil); err != nil || len(rep.Damage) != 1 {
			t.Errorf("a wrong count was not found: %v, %q", err, rep.Damage)
		}
	}
}
