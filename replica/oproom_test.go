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

// TestOpsKeepTheirPlaceInARoom reads versions into a room that may be too small for their keys, twice: no version's ops may
// come to lie where those of another one are.
func TestOpsKeepTheirPlaceInARoom(t *testing.T) {
	author := identity.AuthorKeyFromSeed([32]byte{'a'}).Author()
	rapid.Check(t, func(t *rapid.T) {
		var room opRoom
		for range 2 {
			keys := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 12), 0, 16), 1, 8).Draw(t, "the keys of each version")
			versions, read := make([]history.Version, len(keys)), make([][]keyOps, len(keys))
			for i := range versions {
				versions[i] = versionOn(t, author, i, keys[i])
			}
			room.reserve(len(versions))
			for i := range versions {
				var ops []history.Op
				for _, op := range versions[i].Ops() {
					ops = append(ops, op)
				}
				read[i] = room.group(ops)
			}
			for i := range versions {
				if want := groupOps(nil, &versions[i]); len(want)+len(read[i]) > 0 && !reflect.DeepEqual(read[i], want) {
					t.Fatalf("version %d: %v, want %v", i, read[i], want)
				}
			}
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
