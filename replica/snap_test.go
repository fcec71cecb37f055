package replica

import (
	"strings"
	"testing"

	"github.com/kdelta/kdelta/history"
)

// TestRowsOfASnapshot: a snapshot has the versions that it had when it began, whatever was committed and read since. Where the database
// stands may have been a row of its own, in whose place versions are by now.
func TestRowsOfASnapshot(t *testing.T) {
	r := newWatched(t)
	ctx := t.Context()
	if _, err := r.Set(ctx, "n/1", strings.Repeat("x", 2*maxTipRow)); err != nil {
		t.Fatal(err)
	}
	versions := func(s *snap) (lvs []history.LV) {
		for row, err := range s.rows(0, true) {
			if err != nil {
				t.Fatal(err)
			}
			for i := range row {
				lvs = append(lvs, row[i].lv)
			}
		}
		return lvs
	}
	err := r.view(ctx, func(old *snap) error {
		if _, err := r.Set(ctx, "n/1", 1); err != nil {
			return err
		}
		err := r.view(ctx, func(s *snap) error {
			if all := versions(s); len(all) != 2 {
				t.Errorf("there are the versions %v, want 2", all)
			}
			return nil
		})
		if all := versions(old); len(all) != 1 {
			t.Errorf("a snapshot of one version has %v", all)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
