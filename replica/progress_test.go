package replica_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kdelta/kdelta/replica"
)

// TestSyncProgress: both ways are told of together, never backwards, and come to what the report says.
func TestSyncProgress(t *testing.T) {
	p := newPair(t)
	ctx := t.Context()
	p.sync()
	for i := range 300 {
		p.do(p.a.Update(ctx, func(tx *replica.Tx) error {
			return tx.Set(fmt.Sprintf("a/%d", i), i)
		}))
		if i < 40 {
			p.do(p.b.Update(ctx, func(tx *replica.Tx) error {
				for k := range 5 {
					if err := tx.Set(fmt.Sprintf("b/%d", k), i); err != nil {
						return err
					}
				}
				return nil
			}))
		}
	}
	var heard []replica.SyncProgress
	rep, _, err := replica.SyncPair(ctx, p.a, p.b, replica.OnProgress(func(now replica.SyncProgress) {
		heard = append(heard, now)
		if _, err := p.a.Status(ctx); err != nil { // the replica can be read from there
			t.Error(err)
		}
	}))
	p.ok(err)
	if len(heard) < 3 {
		t.Fatalf("told %d times: %+v", len(heard), heard)
	}
	last := heard[len(heard)-1]
	if last.Done != 300+40*5 || last.Total != last.Done || last.Sent != 300 || last.Received != 40 || last.Sent != rep.Sent || last.Received != rep.Received {
		t.Errorf("at last %+v, the report says %+v", last, rep)
	}
	if last.SentBytes <= 0 || last.SentBytes > rep.SentBytes || last.ReceivedBytes <= 0 || last.ReceivedBytes > rep.ReceivedBytes {
		t.Errorf("at last %+v, the report says %+v", last, rep)
	}
	for i := 1; i < len(heard); i++ {
		a, b := heard[i-1], heard[i]
		if b.Done < a.Done || b.Total < a.Total || b.Total > 0 && b.Total < b.Done || b.Sent < a.Sent || b.Received < a.Received {
			t.Errorf("after %+v came %+v", a, b)
		}
	}
}

// TestSyncProgressOfNothing: two sides that hold the same say so once.
func TestSyncProgressOfNothing(t *testing.T) {
	p := newPair(t)
	p.do(p.a.Set(t.Context(), "a/1", 1))
	p.sync()
	var heard []replica.SyncProgress
	_, _, err := replica.SyncPair(context.Background(), p.a, p.b, replica.OnProgress(func(now replica.SyncProgress) { heard = append(heard, now) }))
	p.ok(err)
	if len(heard) != 1 || heard[0] != (replica.SyncProgress{}) {
		t.Errorf("told %+v, want one report of nothing", heard)
	}
}
