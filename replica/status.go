package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/internal/order"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
)

// Status says how the database is. Counts of keys, namespaces and conflicts leave kdelta's own namespaces out.
type Status struct {
	// Space and Author are zero before the first write or join.
	Space  identity.Space
	Author identity.Author
	// AuthorName is what people call this database's author.
	AuthorName string
	// ReadOnly: the database joined with a read-only invite.
	ReadOnly bool
	// Versions and Dots count what was applied, Authors those who wrote it.
	Versions int
	Dots     uint64
	Authors  int
	// Keys are those with a visible value, Conflicts the open ones.
	Keys, Namespaces, Conflicts int
	// Heads are the versions that no other covers, ascending.
	Heads []Version
	// Pending is what was received and waits, oldest first.
	Pending []PendingItem
	// Forks are the places where copies of one database wrote as the same author.
	Forks []Fork
	// Reissues are what this database wrote again under another author, oldest first.
	Reissues []Reissue
	// Notes are sentences about what happened to this database, oldest first, each behind its time.
	Notes []string
	// StateDigest is equal on two replicas if and only if all their keys are, visible or not.
	StateDigest [32]byte
	// Skewed names the peers whose wall clock was more than 5 minutes off when they were last met.
	Skewed []string
}

// Fork is a place where two or more databases went on as one author: copies of a file, or an old state of it that was
// brought back.
type Fork struct {
	Author identity.Author
	// Name is what people call the author.
	Name string
	// Seq is the last dot that the branches share, 0 where none is.
	Seq uint64
	// Branches are the first versions after it, as AUTHOR@SEQ and the beginning of the id, in the order of the ids.
	Branches []string
}

// String is the fork in words.
func (f Fork) String() string {
	where := "from the start"
	if f.Seq > 0 {
		where = fmt.Sprintf("after %s@%d", f.Name, f.Seq)
	}
	if len(f.Branches) > maxCopies {
		return fmt.Sprintf("%d versions were signed as %s %s, the first of them %s; no copies do that, somebody who has its key means harm; "+
			"all of them are kept, and harm nobody else's", len(f.Branches), f.Name, where, f.Branches[0])
	}
	return fmt.Sprintf("%d databases wrote as %s %s: %s; everything that each wrote is kept",
		len(f.Branches), f.Name, where, strings.Join(f.Branches, " and "))
}

// maxCopies is how many branches at one place are taken for copies of a database.
const maxCopies = 8

// maxSkew is how far wall clocks may be apart before people are told.
const maxSkew = protocol.MaxSkew * time.Millisecond

// Status looks at the database. It reads the rows of all keys.
func (r *Replica) Status(ctx context.Context) (Status, error) {
	var st Status
	err := r.view(ctx, func(s *snap) error {
		m, err := r.snapshot(s.tx)
		if err != nil {
			return err
		}
		st.Space, st.ReadOnly = s.space, !m.member.IsZero() && !m.member.CanWrite()
		if !m.author.key.IsZero() {
			st.Author = m.author.key.Author()
			st.AuthorName = s.callName(st.Author)
		}
		st.Versions, st.Dots = int(s.tip.versions), uint64(s.tip.next)-1
		st.StateDigest = s.tip.digest.bytes()
		heads, err := s.frontier(nil)
		if err != nil {
			return err
		}
		for _, h := range heads {
			st.Heads = append(st.Heads, Version{Stamp: h})
		}
		for _, lines := range s.byAuthor {
			if s.lines[lines[0]].Seq > 0 {
				st.Authors++
			}
		}
		return errors.Join(s.countKeys(&st), s.statusRows(&st))
	})
	if err != nil {
		return Status{}, err
	}
	return st, nil
}

// countKeys counts what can be seen.
func (s *snap) countKeys(st *Status) error {
	namespace := ""
	for row, err := range s.docs("", "") {
		if err != nil {
			return err
		}
		doc, err := store.DecodeDoc(row.Value)
		if err != nil {
			return err
		}
		st.Conflicts += int(doc.Conflicts)
		if !doc.Visible() {
			continue
		}
		st.Keys++
		if ns := namespaceOf(string(row.Key)); st.Namespaces == 0 || ns != namespace {
			st.Namespaces++
			namespace = ns
		}
	}
	return nil
}

// statusRows adds what waits, the forks, the notes, and the peers with a wrong clock.
func (s *snap) statusRows(st *Status) error {
	var err error
	if st.Pending, err = s.pendingItems(); err != nil {
		return err
	}
	if st.Forks, err = s.forks(); err != nil {
		return err
	}
	if st.Reissues, err = s.reissues(); err != nil {
		return err
	}
	notes, err := metaRow(s.tx, metaNotes)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(notes)) {
		if at := strings.TrimSuffix(line, "\n"); len(at) > len(time.RFC3339) {
			st.Notes = append(st.Notes, at)
		}
	}
	peers, err := s.peers()
	if err != nil {
		return err
	}
	for _, p := range peers {
		if p.Skew.Abs() > maxSkew {
			st.Skewed = append(st.Skewed, p.Name)
		}
	}
	return nil
}

// forks finds the branches of each forked author.
func (s *snap) forks() ([]Fork, error) {
	type place struct {
		parent history.Line
		seq    uint64
	}
	var forks []Fork
	for author, lines := range s.byAuthor {
		if len(lines) < 2 {
			continue
		}
		branches := map[place][]history.ID{}
		for _, line := range lines[1:] {
			row := s.lines[line]
			at := place{history.Line(row.Parent), row.ForkSeq}
			branches[at] = append(branches[at], row.Fork)
		}
		name := s.callName(author)
		for at, ids := range branches {
			if s.lines[at.parent].Seq > at.seq {
				id, err := s.idAfter(at.parent, at.seq)
				if err != nil {
					return nil, err
				}
				ids = append(ids, id)
			}
			order.Sort(ids, history.ID.Compare)
			f := Fork{Author: author, Name: name, Seq: at.seq}
			for _, id := range ids {
				f.Branches = append(f.Branches, fmt.Sprintf("%s@%d (%.8s)", name, at.seq+1, id))
			}
			forks = append(forks, f)
		}
	}
	order.Sort(forks, func(a, b Fork) int {
		if c := a.Author.Compare(b.Author); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), strings.Compare(a.Branches[0], b.Branches[0]))
	})
	return forks, nil
}

// idAfter is the id of the version that follows a dot of a line.
func (s *snap) idAfter(line history.Line, seq uint64) (id history.ID, err error) {
	err = s.graph(func(g *history.Graph) error {
		lv, ok := g.Find(line, seq+1)
		if !ok {
			return fmt.Errorf("%w: dot %d of line %d is missing", store.ErrCorrupt, seq+1, line)
		}
		var err error
		id, _, err = s.ID(lv)
		return err
	})
	return id, err
}

// PeerStatus is what is known of a replica that this one has met.
type PeerStatus struct {
	Author identity.Author
	// Name is what people call it.
	Name string
	// Met is when the two last spoke, by this machine's clock.
	Met time.Time
	// Skew is how far the peer's wall clock was ahead of ours then; negative: behind.
	Skew time.Duration
	// Behind counts the dots here that it has not said it holds durably (see WaitSynced).
	Behind uint64
	// Sent and Received count versions, over all sessions.
	Sent, Received uint64
	// Note is the last trouble with it, empty if there was none.
	Note string
}

// Peers lists the replicas that this one has met, by author.
func (r *Replica) Peers(ctx context.Context) ([]PeerStatus, error) {
	var peers []PeerStatus
	err := r.view(ctx, func(s *snap) error {
		var err error
		peers, err = s.peers()
		return err
	})
	return peers, err
}

func (s *snap) peers() ([]PeerStatus, error) {
	var peers []PeerStatus
	for row, err := range s.tx.Scan(store.Peers, store.Range{}) {
		if err != nil {
			return nil, err
		}
		p, err := store.DecodePeer(row.Value)
		if err != nil {
			return nil, err
		}
		if len(row.Key) != len(identity.Author{}) {
			return nil, fmt.Errorf("%w: a peer whose key is no author", store.ErrCorrupt)
		}
		a := identity.Author(row.Key)
		known, err := s.receipt(&p)
		if err != nil {
			return nil, err
		}
		behind, err := s.dotsBeyond(known)
		if err != nil {
			return nil, err
		}
		peers = append(peers, PeerStatus{
			Author: a, Name: s.callName(a), Met: time.UnixMilli(int64(p.Met)).UTC(),
			Skew: time.Duration(p.Skew) * time.Millisecond, Behind: behind, Sent: p.Sent, Received: p.Received, Note: p.Note,
		})
	}
	return peers, nil
}
