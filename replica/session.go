package replica

import (
	"context"

	"github.com/kdelta/kdelta/protocol"
)

// Session returns one conversation with one peer for those who carry frames themselves, over a link that is no
// transport.Conn or inside a simulation. It is a machine without goroutines that reads and writes this replica during its
// Next and Receive, under ctx; see protocol.Session for how to drive it. Whoever drives it closes it,
// and answers for whoever is at the other end: receipts are kept under the author that the peer's hello names. Sync does all of
// that, and keeps what the report says of the peer besides.
func (r *Replica) Session(ctx context.Context) *protocol.Session {
	return protocol.New(&local{ctx: ctx, r: r, trusts: true})
}

// LiveSession is Session for one that stays if the peer does. Whoever drives it calls Changed behind each commit, of this
// process or another one. Receipts are durable as soon as they came.
func (r *Replica) LiveSession(ctx context.Context) *protocol.Session {
	return protocol.New(&local{ctx: ctx, r: r, trusts: true, stay: true, eager: true})
}
