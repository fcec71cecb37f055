package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// twoLives returns a replica that has lived by itself, and one of another space that has some of the same keys.
func twoLives(t *testing.T) (w *careWorld, mine, theirs *Replica) {
	ctx := t.Context()
	w = &careWorld{t: t}
	for i, who := range []string{"tablet", "laptop"} {
		r, err := Open(ctx, memory.New(), testOptions(byte(i+1)))
		w.ok(nil, err)
		w.ok(r.SetName(ctx, who, "Ada"))
		w.ok(r.SetSettings(ctx, "films", Settings{Strategy: "fields"}))
		w.ok(r.Set(ctx, "notes/same", "of the "+who))
		w.ok(r.Set(ctx, "notes/"+who, map[string]any{"by": who}))
		w.ok(r.Set(ctx, "films/1", map[string]any{"title": "Fargo", who: true}))
		w.ok(r.Add(ctx, "stats/seen", int64(3+i)))
		w.ok(r.SetAdd(ctx, "lists/next", []any{who, "both"}))
		w.replicas = append(w.replicas, r)
	}
	return w, w.replicas[0], w.replicas[1]
}

func TestAdoptKeepsBothSides(t *testing.T) {
	w, mine, theirs := twoLives(t)
	ctx := t.Context()
	w.ok(mine.SetSettings(ctx, "mail", Settings{Erasable: true}))
	w.ok(mine.Set(ctx, "mail/1", "dear"))
	w.ok(mine.Set(ctx, "mail/2", "secret"))
	w.ok(mine.Erase(ctx, "mail/2"))
	w.ok(nil, mine.Array("todo/today").Insert(ctx, 0, "milk", map[string]any{"buy": "bread"}))
	w.ok(mine.Array("todo/today").Commit(ctx))
	w.ok(mine.Set(ctx, "notes/gone", 1))
	w.ok(mine.Delete(ctx, "notes/gone"))
	before := visible(t, mine)
	joined, rep, err := mine.Adopt(ctx, w.invite(theirs), memory.New())
	if err != nil || rep.Records != 7 || rep.Versions != 2 {
		t.Fatalf("%+v, %v; want 7 records in 2 versions", rep, err)
	}
	if after := visible(t, mine); !slices.Equal(before, after) {
		t.Errorf("the database that was adopted shows\n%q, before\n%q", after, before)
	}
	w.sync(joined, theirs)
	if got, want := visible(t, joined), visible(t, theirs); !slices.Equal(got, want) {
		t.Errorf("joined shows\n%q, the others\n%q", got, want)
	}
	var n int64
	w.ok(theirs.Get(ctx, "stats/seen", &n))
	var next []string
	w.ok(theirs.Get(ctx, "lists/next", &next))
	if n != 7 || len(next) != 3 {
		t.Errorf("counter %d, set %q; want 7 and three elements", n, next)
	}
	var conflicts []string
	for c, err := range theirs.Conflicts(ctx, "notes/") {
		w.ok(nil, err)
		values := []string{string(c.Chosen.Value), string(c.Others[0].Value)}
		slices.Sort(values)
		conflicts = append(conflicts, fmt.Sprint(c.Key, values))
	}
	if want := []string{`notes/same["of the laptop" "of the tablet"]`}; !slices.Equal(conflicts, want) {
		t.Errorf("conflicts %q, want %q", conflicts, want)
	}
	var film map[string]any
	w.ok(theirs.Get(ctx, "films/1", &film))
	if film["tablet"] != true || film["laptop"] != true {
		t.Errorf("the film has not the fields of both: %v", film)
	}
	st, err := joined.Status(ctx)
	if w.ok(nil, err); st.AuthorName != "tablet" {
		t.Errorf("the device is called %q after the adoption", st.AuthorName)
	}
	if s, err := theirs.Settings(ctx, "mail"); err != nil || !s.Erasable {
		t.Errorf("mail: %+v, %v", s, err)
	}
	detached := false
	for e, err := range joined.Log(ctx, "mail/1") {
		w.ok(nil, err)
		err := joined.view(ctx, func(s *snap) error {
			v, err := s.versionOf(e.Stamp)
			detached = err == nil && len(v.Contents) == 1
			return err
		})
		w.ok(nil, err)
	}
	if !detached {
		t.Error("the value of an erasable namespace stands in the version")
	}
	mustVerify(t, joined)
	mustVerify(t, theirs)
}

func TestAdoptNeedsAnEmptyStoreAndAnotherSpace(t *testing.T) {
	w, mine, theirs := twoLives(t)
	ctx := t.Context()
	used := memory.New()
	r, err := Join(ctx, used, w.invite(theirs), testOptions(5))
	w.ok(nil, err)
	w.ok(r.Set(ctx, "notes/x", 1))
	if _, _, err := mine.Adopt(ctx, w.invite(theirs), used); !errors.Is(err, ErrUsed) {
		t.Errorf("into a used store: %v, want ErrUsed", err)
	}
	if _, _, err := mine.Adopt(ctx, w.invite(mine), memory.New()); !errors.Is(err, ErrUsed) {
		t.Errorf("into its own space: %v, want ErrUsed", err)
	}
	text, err := theirs.Invite(ctx, InviteOptions{ReadOnly: true})
	w.ok(nil, err)
	if _, _, err := mine.Adopt(ctx, text, memory.New()); !errors.Is(err, ErrReadOnlyMember) {
		t.Errorf("with a read-only invite: %v, want ErrReadOnlyMember", err)
	}
}

// TestAdoptOfMuch: what exceeds one version becomes several, in one transaction of the store.
func TestAdoptOfMuch(t *testing.T) {
	w, mine, theirs := twoLives(t)
	ctx := t.Context()
	long := make([]byte, 100<<10)
	for i := range long {
		long[i] = 'x'
	}
	for i := range 30 {
		w.ok(mine.Set(ctx, fmt.Sprint("notes/long-", i), string(long)))
	}
	fresh := &countingStore{Store: memory.New()}
	joined, rep, err := mine.Adopt(ctx, w.invite(theirs), fresh)
	if err != nil || rep.Versions < 4 || rep.Records != 35 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if fresh.updates != 2 {
		t.Errorf("%d transactions; want one to join and one to write", fresh.updates)
	}
	w.sync(joined, theirs)
	var got json.RawMessage
	w.ok(theirs.Get(ctx, "notes/long-29", &got))
	if len(got) != len(long)+2 {
		t.Errorf("%d bytes came", len(got))
	}
}

// countingStore counts transactions that write.
type countingStore struct {
	store.Store
	updates int
}

func (s *countingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.updates++
	return s.Store.Update(ctx, fn)
}
