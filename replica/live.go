package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/transport"
)

// LinkState is where a live sync stands, in one word.
type LinkState string

// The states of a live sync.
const (
	// LinkOffline: there is no link. The cause says why the last one ended or none could be made.
	LinkOffline LinkState = "offline"
	// LinkConnecting: a link is being made, or the peer has not said who it is.
	LinkConnecting LinkState = "connecting"
	// LinkSyncing: one side is known to lack what the other has.
	LinkSyncing LinkState = "syncing"
	// LinkSynced: both held the same once, and send each other what is new; LinkStatus.Unacked tells what is under way.
	LinkSynced LinkState = "synced"
	// LinkDenied: the two do not belong together, as the cause says. A person has to settle that.
	LinkDenied LinkState = "denied"
	// LinkBroken: the session ended early, by the cause.
	LinkBroken LinkState = "broken"
)

// ErrSilent is the cause of a live sync that ended because the other end of its link did not say within 15 seconds who it is.
var ErrSilent = errors.New("the other end of the link does not say who it is; see that a replica of this version answers there")

// LinkStatus says how a live sync is.
type LinkStatus struct {
	State LinkState
	// Cause is why the link is not there, nil where it is or was ended politely.
	Cause error
	// Report is that of the session that runs, or of the last one. Unacked is how many packs are under way.
	Report  SyncReport
	Unacked int
}

// Live is a sync that goes on: what is written on either side is on the other one a moment later. Its methods are safe for
// all goroutines.
type Live struct {
	r    *Replica
	opts []SyncOption
	hear func(LinkStatus)
	stop chan struct{} // closed by Stop
	done chan struct{} // closed when nothing is left of it
	once sync.Once
	kill context.CancelFunc

	mu     sync.Mutex
	status LinkStatus
}

// OnLinkStatus has hear called whenever the state of a live sync changes. hear must not wait for the live sync.
func OnLinkStatus(hear func(LinkStatus)) SyncOption {
	return func(o *syncOptions) { o.linkStatus = hear }
}

// SyncLive is Sync for a link over which both sides stay: what is committed here by this process or another one that has the
// database open is pushed to the peer, and the other way round, until one of the two leaves, the link breaks, or ctx ends. If
// the peer does not stay it ends when both hold the same. It closes conn.
func (r *Replica) SyncLive(ctx context.Context, conn transport.Conn, opts ...SyncOption) *Live {
	l, ctx := r.newLive(ctx, opts)
	go func() {
		defer l.end()
		l.session(ctx, conn)
	}()
	return l
}

// KeepLive is SyncLive over links that dial makes: another one whenever a link ends or cannot be made, after a pause that doubles
// from try to try, until Stop or the end of ctx. The context that dial is given bounds the making of the link, not its life.
func (r *Replica) KeepLive(ctx context.Context, dial func(context.Context) (transport.Conn, error), opts ...SyncOption) *Live {
	l, ctx := r.newLive(ctx, opts)
	go func() {
		defer l.end()
		pause := firstPause
		for l.wanted(ctx) {
			l.set(LinkStatus{State: LinkConnecting})
			conn, err := l.dial(ctx, dial)
			switch {
			case err != nil:
				l.set(LinkStatus{State: LinkOffline, Cause: err})
			case l.session(ctx, conn):
				pause = firstPause
			case l.Status().State != LinkBroken: // the peer does not stay, or does not want us
				pause = lastPause
			}
			l.rest(ctx, pause)
			pause = min(2*pause, lastPause)
		}
	}()
	return l
}

// dial makes a link, unless Stop or the end of the replica comes first.
func (l *Live) dial(ctx context.Context, dial func(context.Context) (transport.Conn, error)) (transport.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.stop:
			cancel()
		case <-l.r.pulse.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return dial(ctx)
}

// The pauses between two links. A peer that does not stay is met again after about lastPause.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// drainTime bounds how long a session that leaves waits for the peer.
const drainTime = 5 * time.Second

func (r *Replica) newLive(ctx context.Context, opts []SyncOption) (*Live, context.Context) {
	var o syncOptions
	for _, opt := range opts {
		opt(&o)
	}
	l := &Live{r: r, opts: opts, hear: o.linkStatus, stop: make(chan struct{}), done: make(chan struct{})}
	l.status.State = LinkConnecting
	ctx, l.kill = context.WithCancel(ctx)
	return l, ctx
}

func (l *Live) end() {
	l.kill()
	close(l.done)
}

// wanted reports whether another link is to be made.
func (l *Live) wanted(ctx context.Context) bool {
	select {
	case <-l.stop:
		return false
	default:
		return ctx.Err() == nil && !l.r.isClosed()
	}
}

// rest waits for about a pause: between half of it and all, so that those who lost the same peer do not come back at once.
func (l *Live) rest(ctx context.Context, pause time.Duration) {
	var b [8]byte
	if err := l.r.readFull(b[:]); err == nil {
		pause -= time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(pause/2))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.stop:
	case <-l.r.pulse.gone:
	case <-ctx.Done():
	}
}

// session holds one session over a link and reports whether both stayed.
func (l *Live) session(ctx context.Context, conn transport.Conn) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // who leaves does not wait for ever
		select {
		case <-l.stop:
			timer := time.NewTimer(drainTime)
			defer timer.Stop()
			select {
			case <-timer.C:
				cancel()
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}()
	d, m := l.r.newDriver(ctx, conn, l.opts)
	live := &liveDriver{driver: d, leave: l.stop, hear: func(p protocol.Report) { l.set(linkStatus(p)) }}
	err := live.drive(ctx)
	if m != nil && err == nil {
		m.through()
	}
	err = errors.Join(err, conn.Close())
	p := d.session.Report()
	rep := d.report()
	err = errors.Join(err, l.r.remember(context.WithoutCancel(ctx), rep))
	status := LinkStatus{State: LinkOffline, Cause: err, Report: rep, Unacked: p.Unacked}
	switch {
	case p.State == protocol.Denied:
		status.State = LinkDenied
	case errors.Is(err, protocol.ErrAsked):
		status.Cause = nil // it went as it meant to
	case err != nil:
		status.State = LinkBroken
	}
	l.set(status)
	return p.Live && rep.Skew >= -maxSkew // who is that much ahead has left by itself
}

// linkStatus is the status while a session runs.
func linkStatus(p protocol.Report) LinkStatus {
	status := LinkStatus{State: LinkSyncing, Report: reportOf(p), Unacked: p.Unacked}
	switch p.State {
	case protocol.Connecting:
		status.State = LinkConnecting
	case protocol.Synced:
		status.State = LinkSynced
	}
	return status
}

func (l *Live) set(status LinkStatus) {
	l.mu.Lock()
	same := l.status.State == status.State && l.status.Report.Peer == status.Report.Peer &&
		l.status.Report.Diverged == status.Report.Diverged
	l.status = status
	l.mu.Unlock()
	if l.hear != nil && !same {
		l.hear(status)
	}
}

// Status says how it stands now.
func (l *Live) Status() LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Done is closed when nothing more will come: after Stop, when the replica is closed, and for SyncLive when the link has ended.
func (l *Live) Done() <-chan struct{} { return l.done }

// Stop ends it politely: what was committed before is sent, and acked, if the peer takes it within 5 seconds. It returns what
// the last session ended in.
func (l *Live) Stop() error {
	l.once.Do(func() { close(l.stop) })
	<-l.done
	return l.Status().Cause
}
