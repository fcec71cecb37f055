//go:build !js

package replica

import (
	"testing"

	"github.com/kdelta/kdelta/store/memory"
)

// TestCloseLeavesPacked: who writes much and closes leaves a history that is packed but for its tail.
func TestCloseLeavesPacked(t *testing.T) {
	st := memory.New()
	r, err := Open(t.Context(), st, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range packBehind + 1000 {
		if _, err := r.Set(t.Context(), "notes/often", i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = Open(t.Context(), st, Options{}); err != nil {
		t.Fatal(err)
	}
	err = r.view(t.Context(), func(s *snap) error {
		if loose := s.tip.next - s.tip.packed; loose > looseDots+1500 {
			t.Errorf("%d of %d dots are loose", loose, s.tip.next)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := r.Verify(t.Context(), nil); err != nil || len(rep.Damage) > 0 {
		t.Errorf("verify: %v, %v", rep.Damage, err)
	}
}
