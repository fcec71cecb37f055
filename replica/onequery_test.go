package replica_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/kdelta/kdelta/replica"
)

// TestOneQuery: a second query is not passed over in silence.
func TestOneQuery(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "notes/1", 1))
	log, conflicts := replica.LogQuery{Limit: 1}, replica.ConflictQuery{All: true}
	oneError(t, "log", p.a.Log(t.Context(), "", log, log))
	oneError(t, "log of a key", p.a.Log(t.Context(), "notes/1", log, replica.LogQuery{}))
	oneError(t, "graph", p.a.Graph(t.Context(), "", log, log))
	if _, err := p.a.Why(t.Context(), "notes/1", replica.WhyQuery{}, replica.WhyQuery{}); !errors.Is(err, replica.ErrQueries) {
		t.Errorf("why with two queries: %v, want ErrQueries", err)
	}
	oneError(t, "conflicts", p.a.Conflicts(t.Context(), "", conflicts, conflicts))
}

func oneError[T any](t *testing.T, name string, seq iter.Seq2[T, error]) {
	t.Helper()
	n := 0
	for _, err := range seq {
		if n++; !errors.Is(err, replica.ErrQueries) {
			t.Errorf("%s with two queries yields %v, want ErrQueries", name, err)
		}
	}
	if n != 1 {
		t.Errorf("%s with two queries yields %d times", name, n)
	}
}
