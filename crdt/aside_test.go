package crdt

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// alone is the past of a version that saw nothing, and says so.
type alone struct{ nothing }

func (alone) Chain() bool { return true }

// TestManyAside: a patch of many members beside many values, whichever came first, remembers what it stands aside of once, not once
// for each member.
func TestManyAside(t *testing.T) {
	const values, members = 1_000, 300
	var edits []Edit
	for i := range members {
		edits = append(edits, Edit{Path: []string{fmt.Sprint("m", i)}, Value: canon.AppendInt(nil, int64(i))})
	}
	patch, err := Patch("a/b", edits)
	if err != nil {
		t.Fatal(err)
	}
	put, err := Put("a/b", canon.AppendMap(nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	apply := func(s *State, op Op, n int) {
		t.Helper()
		at := clock.Stamp{Time: clock.Time(n), Seq: 1, ID: clock.ID{byte(n), byte(n >> 8)}}
		if _, err := s.Apply([]Op{op}, at, alone{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, first := range []int{0, values / 2, values} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := &State{}
		for i := range values {
			if i == first {
				apply(s, patch, values+1)
			}
			apply(s, put, i+1)
		}
		if first == values {
			apply(s, patch, values+1)
		}
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<28 {
			t.Errorf("behind %d of %d values: %d bytes", first, values, allocated)
		}
		for i := range s.fields {
			if n := len(s.fields[i].entries[0].aside); n != values {
				t.Fatalf("%s stands aside of %d, want %d", s.fields[i].path, n, values)
			}
		}
	}
}
