package replica_test

import (
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// TestVersionEqual: versions of one write are Equal wherever they come from, where == tells them apart.
func TestVersionEqual(t *testing.T) {
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{})
	if err != nil {
		t.Fatal(err)
	}
	written, err := r.Set(t.Context(), "notes/a", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Set(t.Context(), "notes/b", 1); err != nil {
		t.Fatal(err)
	}
	var read replica.Version
	for row, err := range r.List(t.Context(), "notes/a") {
		if err != nil {
			t.Fatal(err)
		}
		read = row.Version
	}
	if written == read || !written.Equal(read) || !read.Equal(written) {
		t.Errorf("%v as it was written and as it was listed: == says %t, Equal %t", written, written == read, written.Equal(read))
	}
	other, err := r.Set(t.Context(), "notes/a", 1)
	if err != nil {
		t.Fatal(err)
	}
	if other.Equal(written) || other.Equal(replica.Version{}) || !(replica.Version{}).Equal(replica.Version{}) {
		t.Errorf("%v is taken for %v, or for no version", other, written)
	}
}
