package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/store/memory"
)

// I22: the events from any cursor on, replayed over what was there at it, give what is there. Each of many readers looks now
// and then; some go on where they are, others begin from the cursor that they came to.
func TestFeedGivesTheState(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 22))
			readers := map[*Replica][]*mirror{}
			w := randomWorld(t, seed, func(w *careWorld) {
				for _, r := range w.replicas {
					if len(readers[r]) < 6 && rnd.IntN(10) == 0 {
						readers[r] = append(readers[r], newMirror(rnd))
					}
					for _, m := range readers[r] {
						if rnd.IntN(4) == 0 {
							m.look(t, r)
						}
					}
				}
			})
			resets := 0
			for _, r := range w.replicas {
				for _, m := range append(readers[r], newMirror(rnd)) {
					for m.look(t, r) {
						if t.Failed() {
							return
						}
					}
					if got, want := m.shown, shownNow(t, r, m.prefix); !maps.Equal(got, want) {
						t.Fatalf("under %q the events give\n%v, what is there is\n%v", m.prefix, got, want)
					}
					resets += m.resets
				}
			}
			t.Log("resets:", resets)
		})
	}
}

// mirror is what somebody knows who hears the events of a database and nothing else.
type mirror struct {
	prefix string
	cursor Cursor
	shown  map[string]string
	resets int
	// most is how many events it takes at once: it may forget the others of a look.
	most int
	// live is set for one that goes on where it is.
	live bool
	at   *watcher
}

func newMirror(rnd *rand.Rand) *mirror {
	return &mirror{
		prefix: []string{"", "n/", "n/1", "other/"}[rnd.IntN(4)], cursor: Beginning, shown: map[string]string{}, most: 1 + rnd.IntN(20),
		live: rnd.IntN(2) == 0,
	}
}

// look takes some events; it returns whether there were any.
func (m *mirror) look(t *testing.T, r *Replica) bool {
	t.Helper()
	if m.at == nil || !m.live {
		var err error
		if m.at, err = r.watchFrom(t.Context(), m.prefix, since(m.cursor)); err != nil {
			t.Fatal(err)
		}
	}
	var events []Event
	for more := true; more && len(events) == 0; {
		var err error
		if events, more, err = m.at.read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if m.live {
		m.most = len(events)
	}
	for _, e := range events[:min(m.most, len(events))] {
		if e.Reset {
			m.shown = map[string]string{}
			m.resets++
		}
		for _, c := range e.Changes {
			delete(m.shown, c.Key)
			if c.Value != nil {
				m.shown[c.Key] = string(c.Value)
			}
		}
		m.cursor = e.Cursor
	}
	if len(events) > 0 && events[0].Reset {
		m.most = max(m.most, 500) // a listing that is not heard to its end begins again
	}
	return len(events) > 0
}

func since(c Cursor) (o watchOptions) {
	Since(c)(&o)
	return o
}

func shownNow(t *testing.T, r *Replica, prefix string) map[string]string {
	t.Helper()
	shown := map[string]string{}
	for row, err := range r.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		shown[row.Key] = string(row.Value)
	}
	return shown
}

// newWatched is a replica over a store of its own.
func newWatched(t *testing.T) *Replica {
	t.Helper()
	r, err := Open(t.Context(), memory.New(), testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// heard is what a Watch tells until there have been n events.
func heard(t *testing.T, r *Replica, n int, prefix string, opts ...WatchOption) []Event {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var events []Event
	for e, err := range r.Watch(ctx, prefix, opts...) {
		if err != nil {
			t.Fatal(err)
		}
		if events = append(events, e); len(events) == n {
			break
		}
	}
	return events
}

// A Watch goes on from each cursor with the events that came behind it, many more than one look takes.
func TestWatchSince(t *testing.T) {
	t.Parallel()
	r := newWatched(t)
	const n = 3*maxWatchLook + 7
	for i := range n {
		if _, err := r.Set(t.Context(), fmt.Sprintf("n/%04d", i), i); err != nil {
			t.Fatal(err)
		}
	}
	all := heard(t, r, n, "n/", Since(Beginning))
	for i, e := range all {
		if want := fmt.Sprintf("n/%04d", i); len(e.Changes) != 1 || e.Changes[0].Key != want || e.Reset || e.Remote {
			t.Fatalf("event %d is %+v, want one of %s", i, e, want)
		}
	}
	for _, i := range []int{0, 1, maxWatchLook - 1, maxWatchLook, n - 2} {
		if got := heard(t, r, 1, "n/", Since(all[i].Cursor))[0]; got.Version.ID != all[i+1].Version.ID {
			t.Errorf("behind event %d comes %s, want %s", i, got.Version, all[i+1].Version)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// An event has all keys of its version, and a look with large values ends early.
func TestWatchOfLargeTransactions(t *testing.T) {
	t.Parallel()
	r := newWatched(t)
	events := r.Watch(t.Context(), "n/")
	for range 4 {
		if _, err := r.Update(t.Context(), func(tx *Tx) error {
			var failed error
			for k := range 300 {
				failed = errors.Join(failed, tx.Set(fmt.Sprintf("n/%d", k), strings.Repeat("x", 2000)))
			}
			return errors.Join(failed, tx.Set("other/1", 1))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if n++; len(e.Changes) != 300 {
			t.Errorf("an event of %d keys, want 300", len(e.Changes))
		}
	}
	if n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

// A cursor that means nothing here begins with all that there is; one that is none is refused.
func TestWatchFromElsewhere(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, other := newWatched(t), newWatched(t)
	for i := range 2*maxWatchLook + 3 {
		if _, err := r.Set(ctx, fmt.Sprintf("n/%04d", i), i); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"n/1", "m/1", "n/1"} {
		if _, err := other.Set(ctx, key, 1); err != nil {
			t.Fatal(err)
		}
	}
	theirs := heard(t, other, 3, "", Since(Beginning))[2].Cursor
	events := heard(t, r, 2*maxWatchLook+4, "n/", Since(theirs))
	if !events[0].Reset || events[0].Cursor != theirs || events[1].Reset || events[1].Cursor != theirs {
		t.Errorf("it begins with %+v", events[:2])
	}
	last := events[len(events)-1]
	if last.Changes[0].Key != fmt.Sprintf("n/%04d", 2*maxWatchLook+2) || last.Cursor == theirs || last.Version.Seq == 0 {
		t.Errorf("it ends with %+v", last)
	}
	if _, err := r.Set(ctx, "n/new", 1); err != nil {
		t.Fatal(err)
	}
	if next := heard(t, r, 1, "", Since(last.Cursor))[0]; next.Reset || next.Changes[0].Key != "n/new" {
		t.Errorf("behind it comes %+v", next)
	}
	for _, text := range []Cursor{"", "1", "x-y", "2-00-1", "2-" + Cursor(strings.Repeat("0", 32)) + "-zzzzzzzz", "-1-2-3", last.Cursor + "-"} {
		if _, err := r.watchFrom(ctx, "", since(text)); !errors.Is(err, ErrCursor) {
			t.Errorf("%q: %v, want ErrCursor", text, err)
		}
	}
}

// A change of strategy tells of the keys that show something else by it.
func TestWatchOfAStrategy(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := &careWorld{t: t}
	st := memory.New()
	r, err := Open(ctx, st, testOptions(1))
	a := w.add(st, r, err)
	r, err = Join(ctx, memory.New(), w.invite(a), testOptions(2))
	b := w.add(st, r, err)
	w.ok(a.Set(ctx, "n/1", 5))
	w.ok(b.Set(ctx, "n/1", 3))
	w.ok(a.Set(ctx, "n/2", 2))
	w.sync(a, b)
	events := a.Watch(ctx, "n/")
	w.ok(a.SetSettings(ctx, "n", Settings{Strategy: "max"}))
	w.ok(a.SetSettings(ctx, "n", Settings{Strategy: "min"}))
	w.ok(nil, a.Close())
	var told []string
	for e, err := range events {
		w.ok(nil, err)
		told = append(told, fmt.Sprint(e.Changes[0].Key, " ", string(e.Changes[0].Value), " ", len(e.Changes)))
	}
	if want := []string{"n/1 3 1", "n/1 3 1"}; !slices.Equal(told, want) {
		t.Errorf("%v, want %v", told, want)
	}
}

// A closed replica has nothing to watch, and an ended context ends a Watch.
func TestWatchEnds(t *testing.T) {
	t.Parallel()
	r := newWatched(t)
	ctx, stop := context.WithCancel(t.Context())
	events := r.Watch(ctx, "")
	stop()
	for _, err := range events {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Watch(t.Context(), "") {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("on a closed replica: %v", err)
		}
	}
}
