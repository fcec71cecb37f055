package main

import (
	"context"

	"github.com/kdelta/kdelta/replica"
)

type peersCmd struct{}

func (c *peersCmd) Run(ctx context.Context, a *app) error {
	return a.read(ctx, func(db *database) error {
		peers, err := db.Peers(ctx)
		if err != nil {
			return err
		}
		node, err := a.nodeOf(db.path)
		if err != nil {
			return err
		}
		for i := range peers {
			p := peerShape(&peers[i], node)
			if a.asJSON {
				if err := a.printJSON(p); err != nil {
					return err
				}
				continue
			}
			a.printPeer(&peers[i], p.State)
		}
		return nil
	})
}

// peerShape is a peer as JSON has it; what a running node knows of its link comes from there.
func peerShape(p *replica.PeerStatus, node *nodeJSON) peerJSON {
	shape := peerJSON{
		Peer: p.Author.String(), Name: p.Name, Met: timeJSON(p.Met), State: string(replica.LinkOffline), Behind: p.Behind,
		SkewMS: p.Skew.Milliseconds(), Sent: p.Sent, Received: p.Received, Note: p.Note,
	}
	if node != nil {
		for _, l := range node.Links {
			if l.Peer == shape.Peer && shape.State != string(replica.LinkSynced) {
				shape.State = l.State
			}
		}
	}
	return shape
}

// printPeer is one peer in a line: who, how it is linked, what it lacks, when it was met.
func (a *app) printPeer(p *replica.PeerStatus, state string) {
	lacks := a.good("holds all")
	if p.Behind > 0 {
		lacks = a.bad("not known to hold " + count(int(p.Behind), "edit"))
	}
	a.printf("%s  %s  %s  met %s", a.key(p.Name), a.strong(state), lacks, timeHuman(p.Met))
	if p.Skew.Abs() >= skewWorthSaying {
		a.printf("  %s", a.bad(skewText(p.Skew)))
	}
	if p.Note != "" {
		a.printf("  %s", a.bad(p.Note))
	}
	a.printf("\n")
}
