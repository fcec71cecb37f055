package replica_test

import (
	"testing"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// readsBase is a strategy that shows the value at the point where siblings parted. asked runs before that is read, chosen behind it.
type readsBase struct{ asked, chosen func() }

func (s *readsBase) Name() string { return "base/1" }

func (s *readsBase) NeedsBase() bool {
	s.asked()
	return true
}

func (s *readsBase) Resolve(c crdt.Siblings) (crdt.Value, error) {
	s.chosen()
	if c.Base == nil {
		return canon.Null(), nil
	}
	return c.Base, nil
}

// TestBaseThatWasAText: who reads a text holds what is open and then asks for the graph. A commit that holds the graph, since it
// erases something, reads a text that siblings parted from without waiting for that.
func TestBaseThatWasAText(t *testing.T) {
	nothing := func() {}
	p := newPair(t, &readsBase{nothing, nothing})
	p.strategy("n", "base/1")
	p.do(p.a.SetSettings(t.Context(), "e", replica.Settings{Erasable: true}))
	p.do(p.a.Set(t.Context(), "e/1", "secret"))
	text := p.a.Text("n/1")
	p.ok(text.Insert(t.Context(), 0, "as it was"))
	p.do(text.Commit(t.Context()))
	p.sync()
	for i, r := range []*replica.Replica{p.a, p.b} {
		p.do(r.Update(t.Context(), func(tx *replica.Tx) error {
			if err := tx.Delete("n/1"); err != nil {
				return err
			}
			return tx.Set("n/1", i)
		}))
	}
	p.sync()
	_, err := p.a.Erase(t.Context(), "e/1")
	p.ok(err)
	invite, err := p.a.Invite(t.Context(), replica.InviteOptions{})
	p.ok(err)
	let := nothing
	s := &readsBase{}
	r, err := replica.Join(t.Context(), memory.New(), invite, replica.Options{Wall: p.wall, Strategies: []crdt.Strategy{s}})
	p.ok(err)
	s.asked = func() { let = replica.HoldDocuments(r) }
	s.chosen = func() { let(); s.asked, s.chosen = nothing, nothing }
	_, _, err = replica.SyncPair(t.Context(), p.a, r)
	p.ok(err)
	p.shows(r, "n/1", `"as it was"`)
	verified(t, r)
}
