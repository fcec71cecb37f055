package replica

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/canon"
)

// TestOpsOfAPack: each version has its own ops, in their order and by key, also in memory that those of another pack have left, and
// where others have taken their place.
func TestOpsOfAPack(t *testing.T) {
	author := identity.AuthorKeyFromSeed([32]byte{'a'}).Author()
	rapid.Check(t, func(t *rapid.T) {
		var ops packOps
		for round := range 2 {
			keys := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 12), 0, 16), 1, 8).Draw(t, "the keys of each version")
			versions := make([]history.Version, len(keys))
			ops.reserve(len(versions))
			for i := range versions {
				versions[i] = versionOn(t, author, round, keys[i])
				var read []history.Op
				for _, op := range versions[i].Ops() {
					read = append(read, op)
				}
				ops.add(read)
			}
			other := rapid.IntRange(0, len(versions)-1).Draw(t, "the version that becomes another one")
			versions[other] = versionOn(t, author, 2, keys[other])
			ops.reread(other, &versions[other])
			for i := range versions {
				var inOrder []crdt.Op
				for _, op := range versions[i].Ops() {
					inOrder = append(inOrder, op.Op)
				}
				if got := ops.of(i); len(got)+len(inOrder) > 0 && !reflect.DeepEqual(got, inOrder) {
					t.Fatalf("version %d: %v, want %v", i, got, inOrder)
				}
				if got, want := ops.byKey(i), groupOps(nil, &versions[i]); len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Fatalf("version %d by key: %v, want %v", i, got, want)
				}
			}
			ops = ops.emptied()
		}
	})
}

// versionOn is a version with a put on each of some keys.
func versionOn(t *rapid.T, author identity.Author, i int, keys []int) history.Version {
	d := history.Draft{Author: author, Time: 1}
	for n, key := range keys {
		value, err := canon.Int(int64(100*i + n))
		if err != nil {
			t.Fatal(err)
		}
		op, err := crdt.Put(fmt.Sprintf("k/%d", key), value)
		if err != nil {
			t.Fatal(err)
		}
		d.Ops = append(d.Ops, history.Op{Op: op})
	}
	v, err := history.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
