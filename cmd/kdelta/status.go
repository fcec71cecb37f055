package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

type statusCmd struct{}

// statusJSON is how the database is.
type statusJSON struct {
	Path string `json:"path"`
	// Space and Author are empty before the first write or join.
	Space      string        `json:"space"`
	Author     string        `json:"author"`
	ReadOnly   bool          `json:"read_only"`
	Versions   int           `json:"versions"`
	Authors    int           `json:"authors"`
	Keys       int           `json:"keys"`
	Namespaces int           `json:"namespaces"`
	Conflicts  int           `json:"conflicts"`
	Heads      []string      `json:"heads"`
	State      string        `json:"state"`
	Bytes      int64         `json:"bytes"`
	Pending    []pendingJSON `json:"pending"`
	Forks      []string      `json:"forks"`
	Peers      []peerJSON    `json:"peers"`
	// Node is the process that keeps this database in sync now, null where there is none.
	Node     *nodeJSON     `json:"node"`
	Reissues []reissueJSON `json:"reissues"`
	Notes    []string      `json:"notes"`
}

// reissueJSON is what was written again under another author.
type reissueJSON struct {
	Author   string `json:"author"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	As       string `json:"as"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Versions int    `json:"versions"`
	Why      string `json:"why"`
	At       string `json:"at"`
}

// pendingJSON is something that was received and waits.
type pendingJSON struct {
	Version  string `json:"version"`
	Versions int    `json:"versions"`
	Reason   string `json:"reason"`
	Wants    string `json:"wants"`
	Received string `json:"received"`
}

// peerJSON is a replica that was met.
type peerJSON struct {
	Peer string `json:"peer"`
	Name string `json:"name"`
	Met  string `json:"met"`
	// State is that of the link to it: a node that runs tells, else it is offline.
	State string `json:"state"`
	// Behind counts the edits here that it is not known to hold.
	Behind   uint64 `json:"behind"`
	SkewMS   int64  `json:"skew_ms"`
	Sent     uint64 `json:"sent"`
	Received uint64 `json:"received"`
	Note     string `json:"note"`
}

func (c *statusCmd) Run(ctx context.Context, a *app) error {
	return a.read(ctx, func(db *database) error {
		st, err := db.Status(ctx)
		if err != nil {
			return err
		}
		peers, err := db.Peers(ctx)
		if err != nil {
			return err
		}
		node, err := a.nodeOf(db.path)
		if err != nil {
			return err
		}
		bytes := diskBytes(db.path)
		if a.asJSON {
			return a.printJSON(statusShape(db.path, bytes, st, peers, node))
		}
		a.printStatus(ctx, db, bytes, st)
		a.printAhead(st.Heads, a.now())
		a.printNodeStatus(node, peers)
		a.printTroubles(st, peers)
		return nil
	})
}

// diskBytes is what the database takes on the disk, its log included.
func diskBytes(path string) (total int64) {
	for _, name := range []string{path, path + walSuffix} {
		if info, err := os.Stat(name); err == nil {
			total += info.Size()
		}
	}
	return total
}

func statusShape(path string, bytes int64, st replica.Status, peers []replica.PeerStatus, node *nodeJSON) statusJSON {
	shape := statusJSON{
		Path: path, Author: authorJSON(st.Author), ReadOnly: st.ReadOnly, Versions: st.Versions, Authors: st.Authors, Keys: st.Keys,
		Namespaces: st.Namespaces, Conflicts: st.Conflicts, Heads: plainNames(st.Heads),
		State: fmt.Sprintf("%x", st.StateDigest), Bytes: bytes,
		Pending: []pendingJSON{}, Forks: []string{}, Peers: []peerJSON{}, Reissues: []reissueJSON{},
		Notes: append([]string{}, st.Notes...),
	}
	if st.Space != (identity.Space{}) {
		shape.Space = st.Space.String()
	}
	for _, p := range st.Pending {
		shape.Pending = append(shape.Pending, pendingJSON{
			Version: p.Version, Versions: p.Versions, Reason: p.Reason, Wants: p.Wants,
			Received: timeJSON(p.Received),
		})
	}
	for _, f := range st.Forks {
		shape.Forks = append(shape.Forks, f.String())
	}
	for _, r := range st.Reissues {
		shape.Reissues = append(shape.Reissues, reissueJSON{
			Author: r.Author.String(), From: r.From, To: r.To, As: r.As.String(), First: r.First, Last: r.Last,
			Versions: r.Versions, Why: r.Why, At: timeJSON(r.At),
		})
	}
	for i := range peers {
		shape.Peers = append(shape.Peers, peerShape(&peers[i], node))
	}
	shape.Node = node
	return shape
}

// printNodeStatus tells what a running node knows of its links, whose other ends are called as the peers are.
func (a *app) printNodeStatus(node *nodeJSON, peers []replica.PeerStatus) {
	if node == nil {
		return
	}
	where := "not listening"
	if node.Listening != "" {
		where = a.key(node.Listening)
	}
	a.fact("node", fmt.Sprintf("process %d, %s", node.PID, where))
	for _, l := range node.Links {
		name := l.Peer
		for i := range peers {
			if authorJSON(peers[i].Author) == l.Peer {
				name = peers[i].Name
			}
		}
		a.fact("link", linkText(l, name))
	}
}

func (a *app) fact(name, text string) { a.printf("%s %s\n", a.faint(padded(name, name, 9)), text) }

func (a *app) printStatus(ctx context.Context, db *database, bytes int64, st replica.Status) {
	a.fact("file", printable(db.path)+"  "+a.faint(byteSize(bytes)))
	if st.Space == (identity.Space{}) {
		a.fact("space", "none yet: the first write makes one, join takes part in another's")
		return
	}
	a.fact("space", a.key(st.Space.String()[:8]))
	switch {
	case st.ReadOnly:
		a.fact("author", "none: this database joined to read only")
	case st.Author == (identity.Author{}):
		a.fact("author", "none yet: the first write makes one")
	case st.AuthorName != st.Author.String():
		a.fact("author", a.version(st.Author.String())+"  "+a.key(st.AuthorName))
	default:
		a.fact("author", a.version(st.Author.String()))
	}
	a.fact("holds", strings.Join([]string{
		count(st.Versions, "version"), count(st.Keys, "key"), count(st.Namespaces, "namespace"),
	}, ", "))
	a.fact("heads", printable(orNone(db.versionNames(ctx, st.Heads))))
	a.fact("state", a.faint(fmt.Sprintf("%.8x", st.StateDigest)))
	conflicts := "none"
	if st.Conflicts > 0 {
		conflicts = a.bad(count(st.Conflicts, "open conflict")) + ": kdelta conflicts"
	}
	a.fact("conflicts", conflicts)
}

// printAhead tells that what is here is dated later than a clock shows: that one is slow, or another one was fast.
func (a *app) printAhead(heads []replica.Version, now time.Time) {
	newest := now
	for _, v := range heads {
		if v.Wall().After(newest) {
			newest = v.Wall()
		}
	}
	if newest.Sub(now) >= skewWorthSaying {
		a.fact("clock", a.bad("what is here is dated up to "+timeHuman(newest)+", later than this machine's clock shows")+
			": what is written now is dated after it")
	}
}

// maxListed is how many of one thing status prints before it only counts.
const maxListed = 10

// printTroubles tells what happened, what waits and why, and which clocks disagree.
func (a *app) printTroubles(st replica.Status, peers []replica.PeerStatus) {
	for i, p := range st.Pending {
		if i == maxListed {
			a.fact("waiting", fmt.Sprintf("and %d more; kdelta --json status lists them", len(st.Pending)-i))
			break
		}
		a.fact("waiting", fmt.Sprintf("%s up to %s: %s, wants %s", count(p.Versions, "version"), a.version(p.Version),
			printable(p.Reason), a.version(p.Wants)))
	}
	for _, f := range st.Forks {
		a.fact("fork", a.bad(f.String()))
	}
	for _, p := range peers {
		text := a.key(p.Name) + "  met " + timeHuman(p.Met)
		if p.Skew.Abs() >= skewWorthSaying {
			text += "  " + a.bad(skewText(p.Skew))
		}
		if p.Note != "" {
			text += "  " + a.bad(p.Note)
		}
		a.fact("peer", text)
	}
	for _, note := range st.Notes {
		when, what, _ := strings.Cut(note, " ")
		if t, err := time.Parse(time.RFC3339, when); err == nil {
			note = timeHuman(t) + "  " + what
		}
		a.fact("note", printable(note))
	}
}
