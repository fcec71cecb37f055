package history_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/history"
)

func pendingRow(reason history.Reason, who int, wants byte, size int) *history.Pending {
	return &history.Pending{
		Reason: reason, Author: author(who), Seq: 7, Received: 1_764_000_000_000, Run: make([]byte, size),
		Wants: history.Ref{Author: author(who), Seq: 6, ID: history.ID{wants}}, Seal: []byte("seal"), Certificate: []byte("certificate"),
	}
}

func TestPendingRow(t *testing.T) {
	p := pendingRow(history.ReasonNoSeal, 1, 2, 3)
	b := p.Append(nil)
	got, err := history.DecodePending(b)
	if err != nil || got.Reason != p.Reason || got.Wants != p.Wants || got.Seq != p.Seq || got.Received != p.Received ||
		got.Author != p.Author || !slices.Equal(got.Run, p.Run) ||
		string(got.Seal) != "seal" || string(got.Certificate) != "certificate" {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range b {
		if _, err := history.DecodePending(b[:i]); !errors.Is(err, history.ErrPending) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
	b[1] = 99
	if _, err := history.DecodePending(b); !errors.Is(err, history.ErrPending) {
		t.Errorf("a reason that is none: %v", err)
	}
}

// TestPendingSet compares the set with a list of rows.
func TestPendingSet(t *testing.T) {
	type row struct {
		ordinal uint64
		pending *history.Pending
	}
	rapid.Check(t, func(t *rapid.T) {
		limits := history.PendingLimits{Rows: 8, Bytes: 100}
		set := history.NewPendingSet(limits)
		var rows []row
		bytes := func() (n int64) {
			for _, r := range rows {
				n += int64(len(r.pending.Run))
			}
			return n
		}
		for ordinal := uint64(5); ordinal < 60; ordinal++ {
			if len(rows) > 0 && rapid.Bool().Draw(t, "remove") {
				i := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
				set.Remove(rows[i].ordinal)
				set.Remove(rows[i].ordinal)
				rows = slices.Delete(rows, i, i+1)
			}
			reason := history.Reason(rapid.IntRange(1, 2).Draw(t, "reason"))
			p := pendingRow(reason, rapid.IntRange(0, 1).Draw(t, "who"), rapid.ByteRange(0, 2).Draw(t, "wants"), rapid.SampledFrom([]int{1, 10, 50, 101}).Draw(t, "size"))
			rows = append(rows, row{ordinal, p})
			var want []uint64
			for len(rows) > limits.Rows || bytes() > limits.Bytes {
				want = append(want, rows[0].ordinal)
				rows = rows[1:]
			}
			if got := set.Add(ordinal, p); !slices.Equal(got, want) {
				t.Fatalf("evicted %v, want %v", got, want)
			}
			if set.Len() != len(rows) || set.Bytes() != bytes() {
				t.Fatalf("%d rows of %d bytes, want %d of %d", set.Len(), set.Bytes(), len(rows), bytes())
			}
			for wants := range byte(3) {
				for who := range 2 {
					var byID, onAuthor []uint64
					for _, r := range rows {
						if r.pending.Reason == history.ReasonMissingParent && r.pending.Wants.ID == (history.ID{wants}) {
							byID = append(byID, r.ordinal)
						}
						if r.pending.Reason == history.ReasonNoCertificate && r.pending.Wants.Author == author(who) {
							onAuthor = append(onAuthor, r.ordinal)
						}
					}
					if got := set.WaitingFor(history.ID{wants}); !slices.Equal(got, byID) {
						t.Fatalf("waiting for %d: %v, want %v", wants, got, byID)
					}
					if got := set.WaitingOn(author(who), history.ReasonNoCertificate); !slices.Equal(got, onAuthor) {
						t.Fatalf("waiting on %d: %v, want %v", who, got, onAuthor)
					}
				}
			}
		}
	})
}
