package replica

import (
	"context"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// WaitingWrites is how many writes wait for their turn.
func WaitingWrites(r *Replica) int {
	r.queue.mu.Lock()
	defer r.queue.mu.Unlock()
	return len(r.queue.waiting)
}

// StoredVersions are the versions of a store as they are kept.
func StoredVersions(ctx context.Context, r *Replica) ([]history.Version, error) {
	var versions []history.Version
	err := r.view(ctx, func(s *snap) error {
		for row, err := range s.tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			run, err := decodeRunRow(s.space, history.LV(store.KeyInt(row.Key)), row.Value)
			if err != nil {
				return err
			}
			for i := range run {
				versions = append(versions, run[i].Version)
			}
		}
		return nil
	})
	return versions, err
}

// OpenRows counts the rows of versions that go on in the next one.
func OpenRows(ctx context.Context, r *Replica) (n int, err error) {
	err = r.view(ctx, func(s *snap) error {
		for row, err := range s.tx.Scan(store.Runs, store.Range{}) {
			if err != nil {
				return err
			}
			parts, err := parseRunRow(history.LV(store.KeyInt(row.Key)), row.Value)
			if err != nil {
				return err
			}
			if parts.open {
				n++
			}
		}
		return nil
	})
	return n, err
}

// TellTips makes clocks of a replica tell no more tips than that.
func TellTips(r *Replica, most int) { r.maxTips = most }

// HandedOut is the newest own dot that is marked as handed out.
func HandedOut(ctx context.Context, r *Replica) (seq uint64, err error) {
	err = r.view(ctx, func(s *snap) error {
		seq, err = readHanded(s.tx)
		return err
	})
	return seq, err
}

// HoldDocuments holds the lock of what is open until it is let go.
func HoldDocuments(r *Replica) (let func()) {
	r.documents.mu.Lock()
	return r.documents.mu.Unlock
}

// Apply applies a pack that came to a session.
func Apply(ctx context.Context, r *Replica, pack []byte) (protocol.Applied, error) {
	return (&local{ctx: ctx, r: r}).Apply(pack)
}
