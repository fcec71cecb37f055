package replica

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/store/memory"
)

// The graph of a log has the entries of the log, and those hidden ones that its lines pass through. Beneath a version stand
// the last ones that it covers, of all or, in the graph of a key, of those on the key.
func TestLogGraph(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := randomWorld(t, seed)
			late, err := Join(t.Context(), memory.New(), w.invite(w.replicas[0]), testOptions(9))
			w.add(memory.New(), late, err)
			for range 2 {
				for _, r := range w.replicas[1:] {
					w.sync(r, w.replicas[0])
				}
			}
			all := logged(t, w.replicas[0], "")
			keys := map[string]bool{"": true}
			for _, e := range all {
				for _, op := range e.Ops {
					keys[op.Key] = true
				}
			}
			past := pastOf(all)
			for i, q := range narrowings(all, seed) {
				for key := range keys {
					checkGraph(t, w.replicas[i%len(w.replicas)], all, past, key, q)
				}
			}
		})
	}
}

// pastOf are the versions that each one of a log covers.
func pastOf(all []LogEntry) map[clock.ID]map[clock.ID]bool {
	past := map[clock.ID]map[clock.ID]bool{}
	for _, e := range slices.Backward(all) {
		past[e.ID] = map[clock.ID]bool{}
		for _, p := range e.Parents {
			past[e.ID][p.ID] = true
			for id := range past[p.ID] {
				past[e.ID][id] = true
			}
		}
	}
	return past
}

func checkGraph(t *testing.T, r *Replica, all []LogEntry, past map[clock.ID]map[clock.ID]bool, key string, q LogQuery) {
	t.Helper()
	want := logged(t, r, key, q)
	var shown []LogEntry
	var graph []GraphEntry
	for e, err := range r.Graph(t.Context(), key, q) {
		if err != nil {
			t.Fatal(err)
		}
		if graph = append(graph, e); !e.Hidden {
			shown = append(shown, e.LogEntry)
		}
	}
	if got, want := fmt.Sprintf("%+v", shown), fmt.Sprintf("%+v", want); got != want {
		t.Fatalf("the graph of %q under %+v shows\n%s\nand the log\n%s", key, q, got, want)
	}
	since := map[string]bool{}
	for id, held := range heldAt(all, q.Since) {
		since[id.String()] = held
	}
	var on []LogEntry
	for _, e := range all {
		if key == "" || slices.ContainsFunc(e.Ops, func(op LogOp) bool { return op.Key == key }) {
			on = append(on, e)
		}
	}
	for i, e := range graph {
		if i > 0 && !e.Less(graph[i-1].Stamp) {
			t.Fatalf("the graph of %q under %+v has %s behind %s", key, q, e.Version, graph[i-1].Version)
		}
		// Lines may end where they come to what was there at Since.
		ended := func(id string) bool { return since[id] }
		got, want := slices.DeleteFunc(idsOf(e.Below), ended), slices.DeleteFunc(beneath(on, past, e.ID), ended)
		if !slices.Equal(got, want) {
			t.Fatalf("the graph of %q under %+v has beneath %s\n%v, want\n%v", key, q, e.Version, got, want)
		}
	}
}

// beneath are the versions among some that one covers, and that no other of them that it covers does.
func beneath(some []LogEntry, past map[clock.ID]map[clock.ID]bool, of clock.ID) []string {
	var below []Version
	for _, e := range some {
		if past[of][e.ID] && !slices.ContainsFunc(some, func(over LogEntry) bool { return past[of][over.ID] && past[over.ID][e.ID] }) {
			below = append(below, e.Version)
		}
	}
	return idsOf(below)
}

func idsOf(versions []Version) []string {
	var ids []string
	for _, v := range versions {
		ids = append(ids, v.ID.String())
	}
	slices.Sort(ids)
	return ids
}

// A key that replicas write all the time, each seldom hearing of the others, has a graph of its own among that of other keys.
func TestLogGraphOfABusyKey(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	w := &careWorld{t: t}
	first, err := Open(t.Context(), memory.New(), testOptions(1))
	a := w.add(memory.New(), first, err)
	for i := range 2 {
		r, err := Join(t.Context(), memory.New(), w.invite(a), testOptions(byte(i+2)))
		w.add(memory.New(), r, err)
	}
	replicas := w.replicas
	for n := range 300 {
		r := replicas[rnd.IntN(len(replicas))]
		switch rnd.IntN(8) {
		case 0:
			if peer := replicas[rnd.IntN(len(replicas))]; peer != r {
				w.sync(r, peer)
			}
		case 1, 2:
			w.ok(r.Set(t.Context(), "other/key", n))
		default:
			w.ok(r.Set(t.Context(), "busy/key", n))
		}
	}
	for range 2 {
		w.sync(replicas[0], replicas[1])
		w.sync(replicas[0], replicas[2])
	}
	all := logged(t, a, "")
	past := pastOf(all)
	for _, r := range replicas {
		checkGraph(t, r, all, past, "busy/key", LogQuery{})
		checkGraph(t, r, all, past, "busy/key", LogQuery{Author: all[0].Author.String()})
		checkGraph(t, r, all, past, "", LogQuery{Author: all[0].Author.String(), Limit: 5})
	}
}
