package replica

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
)

// Erasure is a version that erased something, and how far that has come.
type Erasure struct {
	Version Version
	// Keys are those whose values it destroyed, ascending; Values counts these.
	Keys   []string
	Values int
	// Applied is false while only the proof is here: the values are gone, and the version itself comes with a later sync.
	Applied bool
	// Scrubbed is false while the files of this database may still hold bytes of what was erased: see Erased.Owed.
	Scrubbed bool
	// Confirmed are the replicas that have said that they hold the version durably, and so have destroyed what it names;
	// Unconfirmed the others that this one has met. In no order of importance.
	Confirmed, Unconfirmed []identity.Author
}

// Erasures yields what was erased, the oldest first.
func (r *Replica) Erasures(ctx context.Context) iter.Seq2[Erasure, error] {
	return func(yield func(Erasure, error) bool) {
		var all []Erasure
		err := r.view(ctx, func(s *snap) (err error) {
			all, err = s.erasures()
			return err
		})
		if err != nil {
			yield(Erasure{}, err)
			return
		}
		for i := range all {
			if !yield(all[i], nil) {
				return
			}
		}
	}
}

func (s *snap) erasures() ([]Erasure, error) {
	if s.tip.erased == 0 {
		return nil, nil
	}
	since, last, err := owedScrub(s.tx)
	if err != nil {
		return nil, err
	}
	peers, err := s.receipts()
	if err != nil {
		return nil, err
	}
	var all []Erasure
	for p, err := range s.proofs() {
		if err != nil {
			return nil, err
		}
		e := Erasure{Version: Version{Stamp: p.Stamp()}, Scrubbed: p.known < since || p.known > last}
		for key := range p.Targets() {
			e.Values++
			e.Keys = append(e.Keys, key)
		}
		order.Sort(e.Keys, strings.Compare)
		e.Keys = slices.Compact(e.Keys)
		if err := s.confirm(&e, peers); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	order.Sort(all, func(a, b Erasure) int { return a.Version.Compare(b.Version.Stamp) })
	return all, nil
}

// confirm says of an erasure who has confirmed it.
func (s *snap) confirm(e *Erasure, peers []peerReceipt) error {
	of := e.Version
	at, err := s.versionAt(of.Author, of.Seq, of.ID.Prefix())
	if err != nil {
		return err
	}
	var line history.Line
	var seq uint64
	if e.Applied = at != nil; e.Applied {
		err = s.graph(func(g *history.Graph) error {
			line, seq = g.At(at.lv)
			return nil
		})
	}
	for i := range peers {
		p := &peers[i]
		if e.Applied && p.holds.Covers(line, seq) {
			e.Confirmed = append(e.Confirmed, p.author)
		} else {
			e.Unconfirmed = append(e.Unconfirmed, p.author)
		}
	}
	return err
}
