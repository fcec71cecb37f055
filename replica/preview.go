package replica

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/transport"
)

// Preview is what a sync would do.
type Preview struct {
	// Send are the versions that this side would send, SendBytes what their packs would take.
	Send      int
	SendBytes int64
	// Receive counts what would come the other way, in dots: a version owns one for each of its ops. Over a link it is less by
	// what the peer has handed out to nobody yet, and it is an estimate where authors are forked.
	Receive uint64
}

// asker is the side of a session that only asks. It changes nothing here.
type asker struct{ *local }

// Facts implements protocol.Local.
func (a asker) Facts() (protocol.Facts, error) { return a.facts() }

// Meet implements protocol.Local.
func (a asker) Meet(peer protocol.Peer, _ int64) (*protocol.Held, error) {
	held := new(protocol.Held)
	err := a.r.view(a.ctx, func(s *snap) (err error) {
		held.Common, err = s.common(peer.Author)
		return err
	})
	return held, err
}

// parting is for how long whoever asked waits for the other end to leave. A process that is gone before it takes with it what the
// other end has not read yet: that this was all.
const parting = time.Second

// Preview asks the replica at the other end of conn what it holds, and tells what Sync would do. Nothing changes here, and no
// version is sent. It does not close conn, but waits for up to a second for the other end to do so.
func (r *Replica) Preview(ctx context.Context, conn transport.Conn) (Preview, error) {
	d, _ := r.newDriver(ctx, conn, nil)
	link, _ := conn.(protocol.Link)
	d.session = protocol.NewAsking(asker{d.local}, link)
	if err := d.run(ctx); err != nil {
		return Preview{}, err
	}
	waiting, cancel := context.WithTimeout(ctx, parting)
	defer cancel()
	for err := error(nil); err == nil; {
		_, err = conn.Receive(waiting)
	}
	return r.previewOf(ctx, d.session.PeerClock())
}

// PreviewPair tells what SyncPair would do, as each of the two would see it. Nothing changes in either.
func PreviewPair(ctx context.Context, a, b *Replica) (pa, pb Preview, err error) {
	var held [2]protocol.Facts
	for i, r := range []*Replica{a, b} {
		l := &local{ctx: ctx, r: r}
		if held[i], err = l.facts(); err != nil {
			return pa, pb, err
		}
	}
	if held[0].Space != held[1].Space {
		return pa, pb, protocol.ErrForeignSpace
	}
	pa, err = a.previewOf(ctx, held[1].Held.Clock)
	if err == nil {
		pb, err = b.previewOf(ctx, held[0].Held.Clock)
	}
	return pa, pb, err
}

// previewOf makes the packs for whoever holds have, and keeps none.
func (r *Replica) previewOf(ctx context.Context, have clock.Vector) (p Preview, err error) {
	err = r.view(ctx, func(s *snap) error {
		p.Receive = dotsBeyond(have, s.heldNow().Clock)
		f := &feed{l: &local{ctx: ctx, r: r}, have: have}
		defer f.Close() //nolint:errcheck // it never fails
		f.l.seen.clock = have
		known, err := s.clockOf(have, s.granted(have)...)
		if err != nil {
			return err
		}
		if f.keys, err = s.ownKeys(); err != nil {
			return err
		}
		err = s.graph(func(g *history.Graph) error { f.ranges = below(g.Missing(known), s.tip.next); return nil })
		for err == nil && len(f.ranges) > 0 {
			var pack protocol.Pack
			pack, err = f.pack(s)
			p.Send += pack.Versions
			p.SendBytes += int64(len(pack.Bytes))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	})
	return p, err
}
