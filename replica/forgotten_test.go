package replica_test

import (
	"context"
	"testing"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
)

// overtaken is a store of which another process gets the turn as soon as a commit has come to nothing.
type overtaken struct {
	*memory.Store
	by func()
}

func (s *overtaken) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := s.Store.Update(ctx, fn)
	if by := s.by; err != nil && by != nil {
		s.by = nil
		by()
	}
	return err
}

// TestReadBehindACommitThatFails: the version graph is not that of the versions of a commit that failed once another process has
// written others in their place.
func TestReadBehindACommitThatFails(t *testing.T) {
	disk := memory.New()
	st := &overtaken{Store: disk}
	r, err := replica.Open(t.Context(), st, replica.Options{Wall: standing(pairStart)})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	first := h.version(nil, 0)
	h.pushGood(first)
	h.handTo(r)
	damageRow(t, disk, "h/1", ofNoVersion)
	if r, err = replica.Open(t.Context(), st, replica.Options{Wall: standing(pairStart)}); err != nil {
		t.Fatal(err)
	}

	asked := false
	st.by = func() {
		other, err := replica.Open(t.Context(), disk, replica.Options{Wall: standing(pairStart)})
		if err != nil {
			t.Fatal(err)
		}
		v := wrote(t)(other.Set(t.Context(), "a/1", 2))
		var got int
		_, err = r.At(v).Get(t.Context(), "a/1", &got)
		if asked = true; err != nil || got != 2 {
			t.Errorf("%d, %v", got, err)
		}
	}
	h.key = identity.AuthorKeyFromSeed([32]byte{'o'})
	sound := h.put("b/1", "1", nil)
	h.pushGood(sound, h.put("h/1", "1", &sound))
	if _, err := replica.Apply(t.Context(), r, h.packs[0].Bytes); err == nil || !asked {
		t.Errorf("the pack is applied: %v", err)
	}
}
