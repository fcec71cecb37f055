package history_test

import (
	"errors"
	"slices"
	"testing"

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
