package replica

import (
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/internal/canon"
)

// TestConflictEntries: the text of an entry is that of a canonical value, with all that the conflict says in it.
func TestConflictEntries(t *testing.T) {
	value, err := canon.String("a \"quoted\"\nväl<ue>\u2028")
	if err != nil {
		t.Fatal(err)
	}
	sides := []crdt.Side{
		{Stamp: clock.Stamp{Time: 1 << 20, Seq: 1, ID: clock.ID{1}}, Value: value, Kind: crdt.KindRegister},
		{Stamp: clock.Stamp{Time: 1 << 40, Seq: 7, ID: clock.ID{2}}, Deleted: true, Kind: crdt.KindRecord},
		{Stamp: clock.Stamp{Seq: 1<<63 - 1, ID: clock.ID{3}}, Value: canon.Null()},
	}
	stamps := []clock.Stamp{sides[0].Stamp, sides[1].Stamp}
	for _, e := range []*conflictEntry{
		openEntry("n/a\"\\ö", &crdt.Conflict{Path: "/p~1\t", Why: "lww/1: later time", Chosen: sides[0], Lost: sides[1:], Sides: stamps}),
		openEntry("n/none", &crdt.Conflict{Chosen: sides[2]}),
		{key: "n/closed", why: "so", chosen: &sides[1], lost: sides[:1], sides: stamps, closed: &sides[2].Stamp},
	} {
		got, err := e.json()
		if err != nil {
			t.Fatal(err)
		}
		v, err := canon.FromJSON(got)
		if err != nil || string(v.AppendJSON(nil)) != string(got) {
			t.Errorf("%s is not the text of a canonical value: %v", got, err)
		}
		lost, _ := v.Get("lost")
		n := 0
		for side := range lost.Elements() {
			if s := readSide(side); s.Version != e.lost[n].Stamp.Name() || s.Deleted != e.lost[n].Deleted {
				t.Errorf("%+v, want %+v", s, e.lost[n])
			}
			n++
		}
		packed, _ := v.Get("sides")
		b, _ := packed.AsBytes()
		if unpacked, err := unpackStamps(b); err != nil || n != len(e.lost) || len(unpacked) != len(e.sides) || text(v, "key") != e.key {
			t.Errorf("%s has not all of %+v: %v", got, e, err)
		}
		if by, closed := v.Get("by"); closed != (e.closed != nil) || closed && text(v, "closed_by") != e.closed.Name() {
			t.Errorf("%s: closed by %s", got, by)
		}
	}
}
