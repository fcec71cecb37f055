package protocol

import (
	"errors"
	"testing"
)

// TestAsking hears what the peer holds, and neither of the two changes.
func TestAsking(t *testing.T) {
	for _, holds := range [][]string{{"a1"}, {"a1", "a2", "b1+a2"}} { // what the asking one holds, and more
		w := newWorld()
		a, b := w.replica("A"), w.replica("B")
		a.add("a1")
		b.add(holds...)
		before := b.held()
		asking, asked := NewAsking(a, nil), New(b)
		for !asking.Done() {
			for _, way := range [][2]*Session{{asking, asked}, {asked, asking}} {
				for {
					frame, err := way[0].Next()
					if err != nil {
						t.Fatal(err)
					}
					if frame == nil || way[1].Done() {
						break
					}
					if err := way[1].Receive(frame); err != nil && !errors.Is(err, ErrPeer) {
						t.Fatal(err)
					}
				}
			}
		}
		if err := asking.Close(); err != nil || asking.State() != Synced || asking.PeerClock().Compare(b.snapshot().Clock) != 0 {
			t.Errorf("%s, %v: it hears %s, the peer holds %s", asking.State(), err, w.tips(asking.PeerClock()), before)
		}
		if err := asked.Close(); !errors.Is(err, ErrPeer) {
			t.Errorf("the peer hears %v", err)
		}
		if a.held() != "a1" || b.held() != before || len(a.receipts)+len(b.receipts) > 0 {
			t.Errorf("A holds %s, B holds %s", a.held(), b.held())
		}
	}
}
