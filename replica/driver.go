package replica

import (
	"context"
	"errors"
	"sync"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/transport"
)

// driver carries a session's frames: one goroutine receives, the other sends, and a lock makes them take turns at the
// session itself.
type driver struct {
	mu      sync.Mutex
	session *protocol.Session
	local   *local
	conn    transport.Conn
	// link is conn where that binds both ends, else nil.
	link protocol.Link
	// wake tells the sender that the session may have something to say.
	wake chan struct{}
	// failed is true once no more frames can come.
	failed bool
	// idle waits as long as there is nothing to say: wait, or what else there is to heed in a session that stays.
	idle func(context.Context) error
}

func (d *driver) run(ctx context.Context) error {
	receiving, stop := context.WithCancel(ctx)
	defer stop()
	received := make(chan error, 1)
	go func() {
		received <- d.receive(receiving)
		d.poke()
	}()
	sendErr := d.send(ctx)
	if !errors.Is(sendErr, transport.ErrClosed) {
		stop() // whatever the session ended in, there is nothing more to hear
	} // else what had arrived before the link ended may say why it did, and then ends by itself
	recvErr := <-received
	d.mu.Lock()
	defer d.mu.Unlock()
	cut := d.session.Report().Live && !d.session.Done()
	err := d.session.Close()
	if saving := d.local.saveReceipts(context.WithoutCancel(ctx)); err == nil && !errors.Is(saving, ErrClosed) {
		err = saving
	}
	if err == nil && cut {
		err = protocol.ErrCut
	}
	if err != nil {
		return errors.Join(err, cause(sendErr), cause(recvErr))
	}
	return nil
}

// report is what the session did, for people. A hello that somebody else has recorded proves nobody to be here.
func (d *driver) report() SyncReport {
	rep := reportOf(d.session.Report())
	rep.Proven = rep.Proven && d.link.Confirmed() || d.local.trusts
	return rep
}

// met reports whether the peer has said who it is and, over a link that tells, something that nobody can have recorded.
func (d *driver) met() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.session.State() != protocol.Connecting && (d.link == nil || d.link.Confirmed())
}

// cause drops what only says that the other half of the driver has ended.
func cause(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, errSessionOver) {
		return nil
	}
	return err
}

// errSessionOver ends one half of the driver when the other is through.
var errSessionOver = errors.New("replica: the session is over")

func (d *driver) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// send gives out frames until the session is done.
func (d *driver) send(ctx context.Context) error {
	for {
		d.mu.Lock()
		frame, err := d.session.Next()
		done := d.session.Done()
		d.mu.Unlock()
		switch {
		case frame != nil:
			if err := d.conn.Send(ctx, frame); err != nil {
				return err
			}
			continue
		case done:
			return nil
		case err != nil:
			continue // the next frame tells the peer
		}
		if err := d.idle(ctx); err != nil {
			return err
		}
	}
}

// wait returns when the session may have something to say.
func (d *driver) wait(ctx context.Context) error {
	select {
	case <-d.wake:
		if d.over() {
			return errSessionOver
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// over reports whether the receiving half has failed.
func (d *driver) over() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// aheadOfPack is how many frames are received behind a pack before it is heard: an ack and the next pack.
const aheadOfPack = 2

// receive takes frames until the session is done. Something always follows a pack, so while some are applied the next frames are
// awaited, and the next packs are unpacked already: each of two processors has one half of the work.
func (d *driver) receive(ctx context.Context) error {
	came := newBacklog()
	d.local.came = came
	var hearing sync.WaitGroup
	hearing.Go(func() {
		for a := came.first(); a != nil; a = came.first() {
			d.hear(a.frame)
			came.heard()
		}
	})
	defer hearing.Wait()
	defer came.end()
	ahead := 0 // frames that may be received before those that came are heard
	for {
		if ahead == 0 {
			if came.drain(); !d.hears() {
				return nil
			}
		}
		frame, err := d.conn.Receive(ctx)
		pack, isPack := protocol.PackIn(frame)
		unpacks := isPack && ahead > 0
		switch {
		case err != nil:
			came.drain()
			d.fail()
			return err
		case isPack:
			ahead = aheadOfPack
		case ahead > 0 && protocol.IsBye(frame):
			ahead = 0
		case ahead > 0:
			ahead--
		}
		a := &arrival{frame: frame}
		if isPack {
			a.pack = newIncoming(unpacks)
		}
		came.put(a)
		if unpacks {
			came.unpacked(a, d.local.unpackAhead(pack))
		}
	}
}

// fail notes that no more frames come.
func (d *driver) fail() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = true
}

// hears reports whether the session takes another frame.
func (d *driver) hears() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.session.Done() && d.session.Report().Err == nil
}

// hear gives a frame to the session. What is wrong with it the session says itself, and the sender tells the peer.
func (d *driver) hear(frame []byte) {
	defer d.poke()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session.Tick(d.local.r.wall.Now())
	err := d.session.Receive(frame)
	if err == nil && -d.session.Report().Skew > maxSkew.Milliseconds() {
		d.session.Leave() // what is written here has wrong times: it waits for the next session, which corrects them
		d.local.push(false)
	}
}
