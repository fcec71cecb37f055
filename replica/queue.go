package replica

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/kdelta/kdelta/store"
)

// queue gives the writers of one process their turns. Writers that wait while another one commits go together into
// the next transaction: each makes its own version, and all share one durable commit (group commit). Inside a
// transaction the turn is handed from goroutine to goroutine, so each write runs on the goroutine that asked for it.
type queue struct {
	mu      sync.Mutex
	busy    bool
	waiting []*turn
	// asked is closed once a turn waits, nil where nobody wants to know; see awaited.
	asked chan struct{}
}

// maxGroup bounds how many writes share one transaction, and with it how long the first of them waits.
const maxGroup = 256

// turn is one write on its way through the queue.
type turn struct {
	body func(*commit) error
	// alone is set where the body may fail when it has staged versions, which nobody else's are to be in one transaction with.
	alone bool
	// apart is set for another try behind a transaction that was spoilt: not even what was typed goes along.
	apart bool
	// err is what body returned; commitErr is what became of the transaction.
	err, commitErr error
	panicked       any
	// spoilt is true where the transaction came to nothing that others, or what was typed, were in too: it may have been by one of them.
	spoilt bool
	// The channels are there for turns that have to wait: lead is closed when the turn is to lead the next transaction,
	// start brings the transaction of another leader.
	lead  chan struct{}
	start chan *commit
	ran   chan struct{}
	done  chan struct{}
}

// write runs body inside a transaction and returns when that is durable, or with the error of either. A body that
// fails leaves nothing behind. From inside of an Update it is ErrNested: it would wait for itself.
func (r *Replica) write(ctx context.Context, body func(*commit) error) error {
	return r.take(ctx, &turn{body: body})
}

// writeAlone is write in a transaction of its own: body may fail when it has staged versions, by commit.fail.
func (r *Replica) writeAlone(ctx context.Context, body func(*commit) error) error {
	return r.take(ctx, &turn{body: body, alone: true})
}

// take waits for a turn, and takes it.
func (r *Replica) take(ctx context.Context, t *turn) error {
	if r.updating.here() {
		return ErrNested
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	q := &r.queue
	q.mu.Lock()
	if !q.busy {
		q.busy = true
		q.mu.Unlock()
		r.lead(ctx, t)
		return r.outcome(ctx, t)
	}
	t.lead, t.start = make(chan struct{}), make(chan *commit)
	t.ran, t.done = make(chan struct{}), make(chan struct{})
	q.waiting = append(q.waiting, t)
	q.answer()
	q.mu.Unlock()
	over := ctx.Done()
	for {
		select {
		case <-t.lead:
			r.lead(ctx, t)
			return r.outcome(ctx, t)
		case c := <-t.start:
			t.follow(c)
			<-t.done
			return r.outcome(ctx, t)
		case <-over:
			if q.leave(t) {
				return ctx.Err()
			}
			over = nil // somebody has picked the turn already: it runs soon or, if it is to lead, finds that it may not wait
		}
	}
}

// follow runs the turn inside the leader's transaction. The leader goes on whatever becomes of this goroutine: a body may
// end it.
func (t *turn) follow(c *commit) {
	defer func() { t.ran <- struct{}{} }()
	t.err = runTurn(c, t)
}

// outcome is what a turn came to. One that others may have spoilt is taken again, alone.
func (r *Replica) outcome(ctx context.Context, t *turn) error {
	switch {
	case t.panicked != nil:
		panic(t.panicked)
	case t.err != nil:
		return t.err
	case t.spoilt:
		return r.take(ctx, &turn{body: t.body, alone: true, apart: true})
	}
	return t.commitErr
}

// awaited is closed once somebody waits for his turn.
func (q *queue) awaited() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.asked == nil {
		q.asked = make(chan struct{})
	}
	asked := q.asked
	q.answer()
	return asked
}

// answer tells who asked that somebody waits. q.mu is held.
func (q *queue) answer() {
	if q.asked != nil && len(q.waiting) > 0 {
		close(q.asked)
		q.asked = nil
	}
}

// awaited is closed once somebody waits for this commit, or for the next one.
func (c *commit) awaited() <-chan struct{} {
	if c.group {
		return closed
	}
	return c.r.queue.awaited()
}

// closed is a channel that is.
var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// leave takes a turn that gave up waiting out of the queue; false: it is no longer in it.
func (q *queue) leave(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == t {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// lead runs one transaction: the leader's own write and those that are waiting. Then it wakes the next leader.
// Where the store fails to commit it, it is not certain whether it did: then nobody takes his turn again.
func (r *Replica) lead(ctx context.Context, own *turn) {
	var group []*turn
	ran, typed, whole, err := false, false, false, errPanicked // until the transaction says how it ended
	defer r.queue.pass()
	defer func() {
		if err != nil && ran {
			r.forget()
		}
		own.commitErr, own.spoilt = err, !whole && !own.alone && (typed || len(group) > 0)
		for _, t := range group {
			t.commitErr, t.spoilt = err, !whole
			close(t.done)
		}
	}()
	err = r.st.Update(ctx, func(tx store.Tx) error {
		ran = true
		c, err := r.begin(ctx, tx)
		if err != nil {
			return err
		}
		if !own.apart {
			if err := c.r.documents.land(c); err != nil {
				r.warnInside("what was typed is not committed yet", "error", err)
			}
			typed = c.wrote
		}
		own.err = runTurn(c, own)
		if c.broken == nil && !c.full() && !own.alone {
			group = r.queue.take(maxGroup - 1)
		}
		c.group = len(group) > 0
		for _, t := range group {
			t.start <- c
			<-t.ran
		}
		if err = c.finish(); err != nil {
			r.forget() // while nobody else can write
		}
		whole = err == nil
		return err
	})
	if err == nil {
		r.committed()
	}
}

// runTurn runs one write. A write that fails has staged nothing: bodies stage versions as their last act, and a
// failure in the middle of staging breaks the commit; so does one that never returns from there. In one that is broken no write is
// run. A panic waits until the others are served.
func runTurn(c *commit, t *turn) (err error) {
	if c.broken != nil {
		return nil
	}
	before, returned := c.wrote, false
	c.wrote = false
	defer func() {
		if t.panicked = recover(); t.panicked != nil {
			err = errPanicked
		}
		if !returned && c.wrote {
			_ = c.fail(errPanicked)
		}
		c.wrote = c.wrote || before
	}()
	err = t.body(c)
	returned = true
	return err
}

// errPanicked stands for a body's panic, which goes on in the goroutine that asked for the write.
var errPanicked = errors.New("replica: the write panicked")

// take takes the first n of those who wait, or those before one who wants to be alone.
func (q *queue) take(n int) []*turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.waiting))
	if alone := slices.IndexFunc(q.waiting[:n], func(t *turn) bool { return t.alone }); alone >= 0 {
		n = alone
	}
	group := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// pass hands the lead to the first who waits.
func (q *queue) pass() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.busy = false
		return
	}
	next := q.waiting[0]
	q.waiting = q.waiting[1:]
	close(next.lead)
}
