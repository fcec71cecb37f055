package replica

import (
	"path/filepath"
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store/sqlite"
)

// besideGraph notes whether somebody holds the graph while the sidecar is written.
type besideGraph struct {
	*sqlite.Store
	r     *Replica
	wrote int
	held  bool
}

func (s *besideGraph) WriteSidecar(b []byte) error {
	if s.r != nil {
		s.wrote++
		if free := s.r.graph.mu.TryLock(); free {
			s.r.graph.mu.Unlock()
		} else {
			s.held = true
		}
	}
	return s.Store.WriteSidecar(b)
}

// TestLeaveAuthorBesideReaders: a database that takes a new author in the midst of a pack waits for its sidecar, and nobody who asks the
// graph waits for that: readers that wait may be all that the store allows, and whoever writes the sidecar be waiting to read.
func TestLeaveAuthorBesideReaders(t *testing.T) {
	ctx := t.Context()
	file, err := sqlite.Open(filepath.Join(t.TempDir(), "kdelta.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	st := &besideGraph{Store: file}
	r, err := Open(ctx, st, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(ctx, "n/1", 1); err != nil {
		t.Fatal(err)
	}
	mine := handOutOf(t, r)
	var key identity.AuthorKey
	var space identity.Space
	err = r.view(ctx, func(s *snap) error {
		row, err := s.author()
		key, space = row.key, s.space
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(ctx, "n/1", 2); err != nil {
		t.Fatal(err)
	}
	op, err := crdt.Delete("n/1")
	if err != nil {
		t.Fatal(err)
	}
	first := &mine.versions[0]
	copied, err := history.New(history.Draft{ // what a copy wrote behind the first version
		Space: space, Author: key.Author(), Prev: first.Ref(), Time: first.Time + 1, Ops: []history.Op{{Op: op}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mine.versions = append(mine.versions, copied)
	mine.seals = append(mine.seals, key.Seal(space, copied.Seq, copied.ID))
	st.r = r
	if applied := take(t, r, mine.pack(1, 2)); applied.Versions != 1 {
		t.Fatalf("%+v", applied)
	}
	if all, err := r.Reissues(ctx); err != nil || len(all) != 1 || st.wrote == 0 {
		t.Fatalf("written again: %v, %v; the sidecar was written %d times", all, err, st.wrote)
	}
	if st.held {
		t.Error("the graph was held while the sidecar was written")
	}
	mustVerify(t, r)
}
