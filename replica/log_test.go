package replica

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/store/memory"
)

// Replicas that hold the same versions yield the same logs, however they came by them: in the total order, the greatest
// first, whole, of each key, and narrowed in any way. One of them is a copy, so that an author is forked.
func TestEqualReplicasYieldEqualLogs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := randomWorld(t, seed)
			late, err := Join(t.Context(), memory.New(), w.invite(w.replicas[0]), testOptions(9))
			w.add(memory.New(), late, err)
			for range 2 {
				for _, r := range w.replicas {
					for _, peer := range []*Replica{w.replicas[0], w.replicas[2]} {
						if r != peer {
							w.sync(r, peer)
						}
					}
				}
			}
			all := logged(t, w.replicas[0], "")
			if len(all) < 50 {
				t.Fatalf("a history of %d versions proves little", len(all))
			}
			keys := map[string]bool{"": true}
			for _, e := range all {
				for _, op := range e.Ops {
					keys[op.Key] = true
				}
			}
			for _, q := range narrowings(all, seed) {
				for key := range keys {
					sameLogs(t, w, all, key, q)
				}
			}
		})
	}
}

// narrowings are queries over a history.
func narrowings(all []LogEntry, seed uint64) []LogQuery {
	rnd := rand.New(rand.NewPCG(seed, 3))
	some := func() Version { return all[rnd.IntN(len(all))].Version }
	queries := []LogQuery{{}, {Limit: 1}, {Limit: 3}, {Until: Frontier{}}}
	for range 5 {
		a, b := some(), some()
		queries = append(
			queries,
			LogQuery{Until: a, Limit: rnd.IntN(9)},
			LogQuery{Since: a, Until: Frontier{b, some()}},
			LogQuery{Since: TimePoint(a.Wall()), Author: b.Author.String(), Limit: rnd.IntN(4)},
			LogQuery{Since: a, Until: TimePoint(b.Wall())},
			LogQuery{Since: a, Until: Now()},
			LogQuery{Since: Frontier{}, Until: b},
		)
	}
	return queries
}

// sameLogs compares a log on all replicas with what the query wants of the whole log, version by version.
func sameLogs(t *testing.T, w *careWorld, all []LogEntry, key string, q LogQuery) {
	t.Helper()
	since, until := heldAt(all, q.Since), heldAt(all, q.Until)
	var want []string
	for _, e := range all {
		if (key == "" || slices.ContainsFunc(e.Ops, func(op LogOp) bool { return op.Key == key })) &&
			!since[e.ID] && (q.Until == nil || until[e.ID]) &&
			(q.Author == "" || e.Author.String() == q.Author) &&
			(q.Limit == 0 || len(want) < q.Limit) {
			want = append(want, e.ID.String())
		}
	}
	first := ""
	for i, r := range w.replicas {
		entries := logged(t, r, key, q)
		var got []string
		for n, e := range entries {
			got = append(got, e.ID.String())
			if n > 0 && !e.Less(entries[n-1].Stamp) {
				t.Fatalf("the log of %q under %+v on replica %d has %s behind %s", key, q, i, e.Version, entries[n-1].Version)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the log of %q under %+v on replica %d is\n%v, want\n%v", key, q, i, got, want)
		}
		text := fmt.Sprintf("%+v", entries)
		if i == 0 {
			first = text
		}
		if text != first {
			t.Fatalf("the log of %q under %+v on replica %d is\n%s\non the first it is\n%s", key, q, i, text, first)
		}
	}
}

// A log without clocks says everything else.
func TestLogWithoutClocks(t *testing.T) {
	t.Parallel()
	w := randomWorld(t, 3)
	for _, key := range []string{"", "n/1"} {
		whole, brief := logged(t, w.replicas[0], key), logged(t, w.replicas[0], key, LogQuery{NoClock: true})
		for i := range whole {
			if len(whole[i].Clock) == 0 || brief[i].Clock != nil {
				t.Fatalf("%s has the clock %v, and without clocks %v", whole[i].Version, whole[i].Clock, brief[i].Clock)
			}
			whole[i].Clock = nil
		}
		if got, want := fmt.Sprintf("%+v", brief), fmt.Sprintf("%+v", whole); got != want || len(whole) == 0 {
			t.Errorf("the log of %q without clocks is\n%s, want\n%s", key, got, want)
		}
	}
}

// heldAt are the versions that a point holds, by the parents and times that a whole log tells.
func heldAt(all []LogEntry, p Point) map[clock.ID]bool {
	held := map[clock.ID]bool{}
	switch p := p.(type) {
	case Version:
		held[p.ID] = true
	case Frontier:
		for _, v := range p {
			held[v.ID] = true
		}
	case TimePoint:
		for _, e := range all {
			held[e.ID] = !e.Wall().After(time.Time(p))
		}
	case present:
		for _, e := range all {
			held[e.ID] = true
		}
	}
	for _, e := range all { // parents come behind their children
		for _, parent := range e.Parents {
			held[parent.ID] = held[parent.ID] || held[e.ID]
		}
	}
	return held
}

func logged(t *testing.T, r *Replica, key string, q ...LogQuery) []LogEntry {
	t.Helper()
	var entries []LogEntry
	for e, err := range r.Log(t.Context(), key, q...) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}
