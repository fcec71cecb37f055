package replica_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

// closedWell reports whether the file beside a database says that it was closed in good order.
func (f *fileReplica) closedWell(t *testing.T) bool {
	t.Helper()
	b, err := f.store.ReadSidecar()
	if err != nil {
		t.Fatal(err)
	}
	inst, err := identity.DecodeInstance(b)
	if err != nil {
		t.Fatal(err)
	}
	return inst.Clean
}

// TestClosedWhileOthersWrite: where one of two closes a database that may lose its newest commits in a power cut, it counts as closed
// in good order only until the other one writes.
func TestClosedWhileOthersWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.db")
	a := onFile(t, path, sqlite.Durability(sqlite.Normal))
	wrote(t)(a.Set(t.Context(), "a/1", 1))
	b := onFile(t, path, sqlite.Durability(sqlite.Normal))
	v := wrote(t)(b.Set(t.Context(), "a/1", 2))
	if err := a.Replica.Close(); err != nil {
		t.Fatal(err)
	}
	if !b.closedWell(t) {
		t.Error("it was not closed in good order")
	}
	next := wrote(t)(b.Set(t.Context(), "a/1", 3))
	if b.closedWell(t) {
		t.Error("what was written last counts as closed in good order")
	}
	if next.Author != v.Author {
		t.Errorf("%s goes on as %s", v, next)
	}
	if err := b.Replica.Close(); err != nil {
		t.Fatal(err)
	}
	if !a.closedWell(t) {
		t.Error("the second one did not close it in good order")
	}
}

// TestCloseWhileWriting: writes that come while a replica is closed are done, or refused.
func TestCloseWhileWriting(t *testing.T) {
	f := onFile(t, filepath.Join(t.TempDir(), "closing.db"), sqlite.Durability(sqlite.Normal))
	begun := make(chan struct{}, 100)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 20 {
				_, err := f.Set(t.Context(), fmt.Sprintf("a/%d-%d", w, n), n)
				if err != nil && !errors.Is(err, replica.ErrClosed) {
					t.Error(err)
				}
				begun <- struct{}{}
			}
		})
	}
	<-begun
	if err := f.Replica.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}
