package replica_test

import (
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestReconnectOfManyAuthors: two who held the same tell each other what has changed since, and not all that they hold; who
// was set back is told all again.
func TestReconnectOfManyAuthors(t *testing.T) {
	const authors = 60
	replicas, stores := newSpace(t, authors)
	hub, other := replicas[0], replicas[1]
	for _, r := range replicas[1:] {
		syncPair(t, hub, r)
		wrote(t)(r.Set(t.Context(), "a/1", 1))
		syncPair(t, hub, r)
	}
	wrote(t)(hub.Set(t.Context(), "a/2", 2))
	syncPair(t, hub, other)
	before := stores[1].(*memory.Store).Clone()
	cost := func() int64 {
		wrote(t)(hub.Set(t.Context(), "a/2", 3))
		rep, _ := syncPair(t, hub, other)
		if !rep.Equal || rep.Sent != 1 {
			t.Fatalf("%+v", rep)
		}
		return rep.SentBytes + rep.ReceivedBytes
	}
	bytes := cost()
	t.Logf("one change among %d authors: %d bytes", authors, bytes)
	if bytes > 1536 {
		t.Errorf("one change among %d authors: %d bytes", authors, bytes)
	}
	cost()
	wrote(t)(hub.Set(t.Context(), "a/2", 4))
	back, err := replica.Open(t.Context(), before, replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rep, _ := syncPair(t, hub, back); !rep.Equal || rep.SentBytes < authors*54 {
		t.Errorf("with who was set back: %+v", rep)
	}
	sameState(t, hub, back)
}
