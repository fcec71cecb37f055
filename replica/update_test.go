package replica_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestUpdateIsolation: increments by reading and writing back lose none, and every reader inside and outside of an Update
// sees two keys that are always written together agree.
func TestUpdateIsolation(t *testing.T) {
	const writers, each = 8, 50
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var group, readers sync.WaitGroup
	done := make(chan struct{})
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				checkAgree(t, r)
			}
		}
	})
	for range writers {
		group.Go(func() {
			for range each {
				if _, err := r.Update(t.Context(), increment); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	close(done)
	readers.Wait()
	var n int
	if _, err := r.Get(t.Context(), "n/a", &n); err != nil || n != writers*each {
		t.Errorf("%d writers of %d increments made %d, %v", writers, each, n, err)
	}
}

// increment adds one to two keys that must agree.
func increment(tx *replica.Tx) error {
	var a, b int
	for key, n := range map[string]*int{"n/a": &a, "n/b": &b} {
		if _, err := tx.Get(key, n); err != nil && !errors.Is(err, replica.ErrNotFound) {
			return err
		}
	}
	if a != b {
		return fmt.Errorf("inside an Update the keys are %d and %d", a, b)
	}
	return errors.Join(tx.Set("n/a", a+1), tx.Set("n/b", b+1))
}

// checkAgree lists both keys in one snapshot.
func checkAgree(t *testing.T, r *replica.Replica) {
	var values []string
	for row, err := range r.List(t.Context(), "n/") {
		if err != nil {
			t.Error(err)
		}
		values = append(values, string(row.Value))
	}
	if len(values) == 2 && values[0] != values[1] || len(values) == 1 {
		t.Errorf("a snapshot shows %q", values)
	}
}

// TestUpdateSnapshot: inside fn the database is as it was when fn began, with fn's own writes, whoever else wants to write.
func TestUpdateSnapshot(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.Set(ctx, "n/a", 1))
	other := make(chan error, 1)
	v := p.do(p.a.Update(ctx, func(tx *replica.Tx) error {
		go func() {
			_, err := p.a.Set(ctx, "n/a", "other")
			other <- err
		}()
		for range 3 {
			var n any
			if _, err := tx.Get("n/a", &n); err != nil || n != int64(1) && n != float64(1) {
				return fmt.Errorf("n/a is %v (%T), %w", n, n, err)
			}
		}
		err := errors.Join(tx.Set("n/b", 2), tx.Delete("n/a"), tx.Add("n/c", 3), tx.SetAdd("n/d", "x"))
		if _, gone := tx.Get("n/a", nil); !errors.Is(gone, replica.ErrNotFound) {
			return fmt.Errorf("its own delete is not seen: %w", gone)
		}
		var listed []string
		for row, err := range tx.List("n/") {
			listed = append(listed, fmt.Sprint(row.Key, " ", string(row.Value), err))
		}
		if got, want := fmt.Sprint(listed), `[n/b 2<nil> n/c 3<nil> n/d ["x"]<nil>]`; got != want {
			return fmt.Errorf("List: %s, want %s", got, want)
		}
		return err
	}))
	p.ok(<-other)
	p.shows(p.a, "n/a", `"other"`)
	entries := 0
	for e, err := range p.a.Log(ctx, "n/b") {
		p.ok(err)
		if entries++; e.Stamp != v.Stamp {
			t.Errorf("n/b was written by %s, want %s", e.Version, v)
		}
	}
	if entries != 1 {
		t.Errorf("n/b has %d versions", entries)
	}
}

func TestUpdateAllOrNothing(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	stop := errors.New("stop")
	var leaked *replica.Tx
	for name, c := range map[string]struct {
		fn   func(tx *replica.Tx) error
		want error
	}{
		"an error":  {func(tx *replica.Tx) error { return errors.Join(tx.Set("n/a", 1), stop) }, stop},
		"wrong key": {func(tx *replica.Tx) error { return errors.Join(tx.Set("n/a", 1), tx.Set("n", 1)) }, crdt.ErrKey},
		"reserved":  {func(tx *replica.Tx) error { return errors.Join(tx.Set("n/a", 1), tx.Set(".tag/a", 1)) }, replica.ErrReserved},
		"wrong kind": {
			func(tx *replica.Tx) error { return errors.Join(tx.Set("n/a", 1), tx.Add("n/a", 1)) }, replica.ErrWrongKind,
		},
		"nested Set": {func(tx *replica.Tx) error {
			return errors.Join(tx.Set("n/a", 1), errOf(p.a.Set(ctx, "n/b", 1)))
		}, replica.ErrNested},
		"nested Update": {func(tx *replica.Tx) error {
			leaked = tx
			return errors.Join(tx.Set("n/a", 1), errOf(p.a.Update(ctx, func(*replica.Tx) error { return nil })))
		}, replica.ErrNested},
		"nested Undo": {func(*replica.Tx) error { return errOf(p.a.Undo(ctx)) }, replica.ErrNested},
		"nested Import": {func(*replica.Tx) error {
			return errOf(p.a.Import(ctx, numbered(1, 1)))
		}, replica.ErrNested},
	} {
		if _, err := p.a.Update(ctx, c.fn); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if n := versionsIn(t, p.a); n != 0 {
		t.Errorf("%d versions were written", n)
	}
	if v, err := p.a.Update(ctx, func(*replica.Tx) error { return nil }); err != nil || !v.IsZero() {
		t.Errorf("an Update that wrote nothing: %s, %v", v, err)
	}
	if err := leaked.Set("n/a", 1); err == nil {
		t.Error("a Tx was used after its Update")
	}
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic was lost")
			}
		}()
		_, _ = p.a.Update(ctx, func(*replica.Tx) error { panic("boom") })
	}()
	p.do(p.a.Set(ctx, "n/a", 1)) // the replica goes on after all that
}

// TestReadInsideUpdate: the replica itself may be read from inside of fn, and shows what there was before.
func TestReadInsideUpdate(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "n/a", 1))
	p.do(p.a.Update(t.Context(), func(tx *replica.Tx) error {
		err := tx.Set("n/a", 2)
		p.shows(p.a, "n/a", `1`)
		return err
	}))
	p.shows(p.a, "n/a", `2`)
}

func TestIfVersion(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	only := replica.IfVersion
	v1 := p.do(p.a.Set(ctx, "n/a", 1, only(replica.Version{}))) // only if there is nothing
	if err := errOf(p.a.Set(ctx, "n/a", 2, only(replica.Version{}))); !errors.Is(err, replica.ErrVersionMismatch) {
		t.Errorf("there is something: %v", err)
	}
	read, err := p.a.Get(ctx, "n/a", nil)
	p.ok(err)
	v2 := p.do(p.a.Set(ctx, "n/a", 2, only(read)))
	for name, err := range map[string]error{
		"set":    errOf(p.a.Set(ctx, "n/a", 3, only(v1))),
		"delete": errOf(p.a.Delete(ctx, "n/a", only(v1))),
		"in tx":  errOf(p.a.Update(ctx, func(tx *replica.Tx) error { return tx.Set("n/a", 3, only(v1)) })),
		"gone":   errOf(p.a.Set(ctx, "n/b", 3, only(v1))),
	} {
		if !errors.Is(err, replica.ErrVersionMismatch) {
			t.Errorf("%s: %v, want ErrVersionMismatch", name, err)
		}
	}
	p.shows(p.a, "n/a", `2`)
	p.do(p.a.Delete(ctx, "n/a", only(v2)))
	p.do(p.a.Set(ctx, "n/a", 4, only(replica.Version{})))
}

// TestFrom: a Set in a fields namespace writes what differs from what was read, not what others changed meanwhile.
func TestFrom(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.strategy("n", "fields")
	p.do(p.a.Set(ctx, "n/a", object{"x": 1, "y": 1, "z": 1}))
	var mine map[string]any
	read, err := p.a.Get(ctx, "n/a", &mine)
	p.ok(err)
	p.do(p.a.Set(ctx, "n/a", object{"x": 2, "y": 1, "z": 1})) // somebody else, in between
	mine["y"] = 3
	delete(mine, "z")
	p.do(p.a.Set(ctx, "n/a", mine, replica.From(read)))
	p.shows(p.a, "n/a", `{"x":2,"y":3}`)
	if v := p.do(p.a.Set(ctx, "n/a", mine, replica.From(p.do(p.a.Get(ctx, "n/a", &mine))))); !v.IsZero() {
		t.Errorf("writing back what was read made %s", v)
	}
}

// TestFromAcrossSync: the same where the other change came from elsewhere, and for a version that Set returned.
func TestFromAcrossSync(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.strategy("n", "fields")
	wrote := p.do(p.a.Set(ctx, "n/a", object{"x": 1, "y": 1}))
	p.sync()
	p.do(p.b.Set(ctx, "n/a", object{"x": 2, "y": 1}))
	p.sync()
	p.do(p.a.Set(ctx, "n/a", object{"x": 1, "y": 3}, replica.From(wrote)))
	p.settled("n/a", `{"x":2,"y":3}`)
}

// TestUpdateWaits: a write that waits for an Update ends with its context, and writes nothing.
func TestUpdateWaits(t *testing.T) {
	p := newPair(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.do(p.a.Update(t.Context(), func(tx *replica.Tx) error {
		waits := make(chan error)
		go func() { waits <- errOf(p.a.Set(ctx, "n/b", 1)) }()
		cancel()
		if err := <-waits; !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the waiting write: %w", err)
		}
		return tx.Set("n/a", 1)
	}))
	p.shows(p.a, "n/b", ``)
}

// What is not in a set is not removed from it: there is no version, or one of what was there alone.
func TestSetRemoveOfWhatIsNotThere(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.do(p.a.SetAdd(ctx, "sets/1", []any{"x", "y"}))
	for key, elements := range map[string][]any{"sets/1": {"z", 1}, "sets/none": {"x"}} {
		if v := p.do(p.a.SetRemove(ctx, key, elements)); !v.IsZero() {
			t.Errorf("%s: removing %v made %s", key, elements, v)
		}
	}
	v := p.do(p.a.SetRemove(ctx, "sets/1", []any{"z", "x"}))
	for entry, err := range p.a.Log(ctx, "sets/1", replica.LogQuery{Limit: 1}) {
		if err != nil || entry.ID != v.ID || string(entry.Ops[0].Value) != `["x"]` {
			t.Errorf("the log says %s, %v", entry.Ops[0].Value, err)
		}
	}
	p.do(p.a.Update(ctx, func(tx *replica.Tx) error {
		return errors.Join(tx.SetAdd("sets/1", "w"), tx.SetRemove("sets/1", "w", "v"))
	}))
	p.settled("sets/1", `["y"]`)
}
