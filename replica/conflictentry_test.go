package replica

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/store"
)

// TestConflictEntries: the text of an entry is that of a canonical value, with all that the conflict says in it.
func TestConflictEntries(t *testing.T) {
	value, err := canon.String("a \"quoted\"\nväl<ue>\u2028")
	if err != nil {
		t.Fatal(err)
	}
	sides := []crdt.Side{
		{Stamp: clock.Stamp{Time: 1 << 20, Seq: 1, ID: clock.ID{1}}, Value: value, Kind: crdt.KindRegister, Merged: true},
		{Stamp: clock.Stamp{Time: 1 << 40, Seq: 7, ID: clock.ID{2}}, Deleted: true, Kind: crdt.KindRecord},
		{Stamp: clock.Stamp{Seq: 1<<63 - 1, ID: clock.ID{3}}, Value: canon.Null()},
	}
	stamps := []clock.Stamp{sides[2].Stamp, sides[0].Stamp, sides[1].Stamp}
	standing := slices.Insert(slices.Clone(stamps), 1, clock.Stamp{Time: 1, Seq: 2, ID: clock.ID{4}})
	for _, e := range []conflictEntry{
		openEntry("n/a\"\\ö", &crdt.Conflict{Path: "/p~1\t", Why: "lww/1: later time", Chosen: sides[0], Others: sides[1:], Sides: stamps}, standing),
		openEntry("n/none", &crdt.Conflict{Chosen: sides[2], Sides: stamps[:1]}, standing),
		{key: "n/closed", why: "so", chosen: &sides[1], others: sides[:1], sides: stamps, more: 3, closed: &sides[2].Stamp},
	} {
		got := e.appendJSON(nil)
		v, err := canon.FromJSON(got)
		if err != nil || string(v.AppendJSON(nil)) != string(got) {
			t.Errorf("%s is not the text of a canonical value: %v", got, err)
		}
		row := store.Conflict{Status: string(ConflictOpen), Entry: got}
		if e.closed != nil {
			row.Status = string(ConflictResolved)
		}
		c, read, err := (&conflictReader{s: &snap{}, key: e.key, standing: standing}).read(e.key, &row)
		if err != nil || len(c.Others) != len(e.others) || !slices.Equal(read, e.sides) || text(v, "key") != e.key || text(v, "path") != e.path {
			t.Errorf("%s has not all of %+v: %v", got, e, err)
		}
		for i, side := range append(c.Others, c.Chosen) {
			want := append(slices.Clone(e.others), *e.chosen)[i]
			if side.Version.Stamp != want.Stamp || side.Kind != want.Kind || side.Deleted != want.Deleted || side.Merged != want.Merged {
				t.Errorf("%+v, want %+v", side, want)
			}
		}
		by := ""
		if e.closed != nil {
			by = e.closed.Name()
		}
		if text(v, "closed_by") != by || c.ClosedBy.IsZero() != (e.closed == nil) || e.closed != nil && c.ClosedBy.Stamp != *e.closed {
			t.Errorf("%s: closed by %s", got, c.ClosedBy)
		}
	}
}

// TestSidesThatAreNotThere: an open conflict whose sides its key's state does not have is damaged.
func TestSidesThatAreNotThere(t *testing.T) {
	stamp := clock.Stamp{Seq: 1, ID: clock.ID{1}}
	side := crdt.Side{Stamp: stamp, Value: canon.Null()}
	entry := openEntry("n/a", &crdt.Conflict{Chosen: side, Sides: []clock.Stamp{stamp}}, []clock.Stamp{stamp})
	row := store.Conflict{Status: string(ConflictOpen), Entry: entry.appendJSON(nil)}
	if _, _, err := (&conflictReader{s: &snap{}, key: "n/a"}).read("n/a", &row); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v, want %v", err, store.ErrCorrupt)
	}
}

// TestTimesOfEntries: they are RFC 3339 with milliseconds.
func TestTimesOfEntries(t *testing.T) {
	for _, ms := range []int64{0, 1, 999, 1000, 1764412800010, 4102444800000, 1<<48 - 1} {
		at := time.UnixMilli(ms).UTC()
		if got, want := string(appendTime([]byte("x"), at)), "x"+at.Format("2006-01-02T15:04:05.000Z07:00"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestEntriesOfManySides: of more sides than there is room for the newest are told, and how many the others are, open and closed alike.
func TestEntriesOfManySides(t *testing.T) {
	large, err := canon.String(strings.Repeat("x", 600<<10))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		lost        int
		value       canon.Value
		told, sides int
	}{
		{"as many as there is room for", maxSides, canon.Null(), maxSides, maxSides + 1},
		{"one more", maxSides + 1, canon.Null(), maxSides, maxSides + 1},
		{"a large one", 1, large, 1, 2},
		{"two large ones", 2, large, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := make([]crdt.Side, c.lost+1)
			stamps := make([]clock.Stamp, len(all))
			for i := range all {
				stamps[i] = clock.Stamp{Time: clock.Time(i), Seq: uint64(i + 1), ID: clock.ID{byte(i), byte(i >> 8)}}
				all[i] = crdt.Side{Stamp: stamps[i], Value: c.value, Kind: crdt.KindRegister}
			}
			conflict := crdt.Conflict{Chosen: all[c.lost], Others: all[:c.lost], Sides: stamps}
			open := store.Conflict{Status: string(ConflictOpen), Entry: openEntry("n/a", &conflict, stamps).appendJSON(nil)}
			closed := closedRow("n/a", &crdt.Closed{Conflict: conflict, By: clock.Stamp{Seq: 1}})
			for _, row := range []store.Conflict{open, closed} {
				got, sides, err := (&conflictReader{s: &snap{}, key: "n/a", standing: stamps}).read("n/a", &row)
				if err != nil {
					t.Fatal(err)
				}
				newest := stamps[c.lost-1]
				if len(got.Others) != c.told || got.More != c.lost-c.told || got.Others[c.told-1].Version.Stamp != newest {
					t.Errorf("%d are told and %d more, want %d of %d", len(got.Others), got.More, c.told, c.lost)
				}
				if got.Chosen.Version.Stamp != stamps[c.lost] || !slices.Equal(sides, stamps[len(stamps)-c.sides:]) {
					t.Errorf("%s is chosen of %d sides", got.Chosen.Version, len(sides))
				}
			}
		})
	}
}
