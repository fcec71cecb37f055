package replica

import (
	"context"
	"time"

	"github.com/kdelta/kdelta/protocol"
)

// liveDriver is a driver of a session that stays.
type liveDriver struct {
	*driver
	// beat says that something was committed, leave that the session is to end, save that receipts have waited long enough
	// for others, meet that the peer has had its time to say who it is.
	beat, leave <-chan struct{}
	save, meet  <-chan time.Time
	// rest says that nothing has come or gone for a while; packs is how many had when it was set last.
	rest  <-chan time.Time
	packs int
	// hear is told where the session stands whenever there is nothing to say.
	hear func(protocol.Report)
}

// receiptsRest is how long a receipt in a session that stays waits for others before all are made durable together, unless
// somebody waits for them.
const receiptsRest = time.Second

// restTime is how long after a change both sides compare what they hold, if nothing else has changed.
const restTime = 10 * time.Second

// meetTime is how long the other end of a link that stays may take to say who it is. Whoever never does would keep the place of
// a member.
const meetTime = 15 * time.Second

// drive holds the session until it ends.
func (d *liveDriver) drive(ctx context.Context) error {
	beat, quit := d.local.r.listen()
	defer quit()
	d.beat, d.local.stay, d.idle = beat, true, d.wait
	d.meet = time.After(meetTime)
	d.local.link = &outbox{poke: d.poke}
	defer d.local.r.presences.join(d.local.link)()
	return d.run(ctx)
}

// wait is driver.wait, and heeds the rest.
func (d *liveDriver) wait(ctx context.Context) error {
	d.mu.Lock()
	report, owing := d.session.Report(), d.local.owing
	d.mu.Unlock()
	d.hear(report)
	if owing && d.save == nil {
		rest := receiptsRest
		if d.local.r.pulse.impatient.Load() > 0 {
			rest = 0
		}
		d.save = time.After(rest)
	}
	if packs := report.Sent.Packs + report.Received.Packs; report.Live && packs != d.packs {
		d.rest, d.packs = time.After(restTime), packs
	}
	select {
	case <-d.wake:
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.failed {
			return errSessionOver
		}
		for _, p := range d.local.link.take() {
			d.session.Present(p)
		}
	case _, open := <-d.beat:
		if !open {
			return ErrClosed
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.session.Changed()
		if d.local.r.pulse.impatient.Load() > 0 {
			return d.local.saveReceipts(ctx)
		}
	case <-d.save:
		d.save = nil
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.local.saveReceipts(ctx)
	case <-d.rest:
		d.rest = nil
		d.mu.Lock()
		defer d.mu.Unlock()
		d.session.Rest()
	case <-d.meet:
		if d.meet = nil; !d.met() {
			return ErrSilent
		}
	case <-d.leave:
		d.leave = nil
		d.mu.Lock()
		defer d.mu.Unlock()
		d.session.Changed() // by what was committed before
		d.session.Leave()
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
