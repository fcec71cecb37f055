package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// WaitSynced returns when n other replicas are known to hold a version durably: each has said so itself, in a sync with this
// database, whichever process ran it. It makes nobody sync. A replica that has never written has no name to be counted by; one
// that only keeps what others write gets one by SetName, and one that joined to read only is never counted. A version that was
// written again counts as the one that stands for it. ErrPoint if the version is not here, ctx's error if that ends first.
func (r *Replica) WaitSynced(ctx context.Context, v Version, n int) error {
	beat, quit := r.listen()
	defer quit()
	r.pulse.impatient.Add(1)
	defer r.pulse.impatient.Add(-1)
	r.pulse.beat() // receipts that wait for others wait no longer
	for {
		holders := 0
		err := r.view(ctx, func(s *snap) (err error) {
			holders, err = s.holders(v)
			return err
		})
		if err != nil || holders >= n {
			return err
		}
		select {
		case _, open := <-beat:
			if !open {
				return ErrClosed
			}
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// holders counts the other replicas whose receipts cover a version.
func (s *snap) holders(v Version) (n int, err error) {
	at, err := s.versionAt(v.Author, v.Seq, v.ID.Prefix())
	if err == nil && at == nil {
		at, err = s.insteadOf(v.Author, v.Seq, v.ID.Prefix())
	}
	if err != nil {
		return 0, err
	}
	if at == nil {
		return 0, fmt.Errorf("%w: version %s is not here", ErrPoint, v)
	}
	peers, err := s.receipts()
	if err != nil {
		return 0, err
	}
	var line history.Line
	var seq uint64
	err = s.graph(func(g *history.Graph) error {
		line, seq = g.At(at.lv)
		return nil
	})
	for i := range peers {
		if peers[i].holds.Covers(line, seq) {
			n++
		}
	}
	return n, err
}

// peerReceipt is what another replica has said that it holds.
type peerReceipt struct {
	author identity.Author
	holds  history.Clock
}

// receipts are those of all other replicas that were met.
func (s *snap) receipts() ([]peerReceipt, error) {
	keys, err := s.ownKeys()
	if err != nil {
		return nil, err
	}
	var all []peerReceipt
	for row, err := range s.tx.Scan(store.Peers, store.Range{}) {
		if err != nil {
			return nil, err
		}
		if len(row.Key) != len(identity.Author{}) {
			continue
		}
		author := identity.Author(row.Key)
		if slices.ContainsFunc(keys, func(k identity.AuthorKey) bool { return k.Author() == author }) {
			continue // what this database was before
		}
		p, err := store.DecodePeer(row.Value)
		if err != nil {
			return nil, err
		}
		holds, err := s.receipt(&p)
		if err != nil {
			return nil, err
		}
		all = append(all, peerReceipt{author, holds})
	}
	return all, nil
}

// receipt is what a peer has said that it holds, as far as it is here.
func (s *snap) receipt(p *store.Peer) (history.Clock, error) {
	held, err := heldBy(p)
	if err != nil {
		return history.Clock{}, err
	}
	return s.clockOf(held)
}
