package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/transport"
	"github.com/kdelta/kdelta/transport/noise"
	"github.com/kdelta/kdelta/transport/ws"
)

func linkRows() []row {
	return []row{
		{name: "sync of 100 k versions over an encrypted ws into a file, durable", target: "<= 1 s, 1.6 MB", run: catchUpOverWS},
		{name: "in sync already: a session over an encrypted ws", target: "<= 800 B", run: inSync},
		{name: "one change among 100 k keys: a new session over an encrypted ws", target: "<= 3 ms, 1.5 KiB", run: oneChangeAnew},
		{name: "one change among 100 k keys: live over an encrypted ws", target: "<= 1 ms, 250 B", run: oneChangeLive},
	}
}

// wire counts the bytes of what goes over links, ciphers included.
type wire struct{ bytes atomic.Int64 }

// counted is one end of a link.
type counted struct {
	transport.Conn
	wire *wire
}

// Send implements transport.Conn.
func (c counted) Send(ctx context.Context, frame []byte) error {
	c.wire.bytes.Add(int64(len(frame)))
	return c.Conn.Send(ctx, frame)
}

// connect links two replicas over a websocket that is encrypted under their space's key, hands each its end, and returns when
// both are through.
func (w *wire) connect(ctx context.Context, a *replica.Replica, near, far func(transport.Conn) error) error {
	room, secret, err := a.Room(ctx)
	if err != nil {
		return err
	}
	listener, err := ws.Listen("127.0.0.1:0", ws.ListenOptions{})
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() {
		link, err := listener.Accept(ctx)
		var end *noise.Conn
		if err == nil {
			end, err = noise.Respond(ctx, counted{link, w}, func(noise.Room) (noise.Key, bool) { return noise.Key(secret), true })
		}
		if err == nil {
			err = far(end)
		}
		answered <- err
	}()
	link, err := new(ws.Dialer).Dial(ctx, listener.Addr())
	var end *noise.Conn
	if err == nil {
		end, err = noise.Initiate(counted{link, w}, noise.Room(room), noise.Key(secret))
	}
	if err != nil {
		return err
	}
	return errors.Join(near(end), <-answered, listener.Close())
}

// sync holds one session between two replicas, and returns what b saw of it.
func (w *wire) sync(ctx context.Context, a, b *replica.Replica) (rep replica.SyncReport, err error) {
	once := func(r *replica.Replica, rep *replica.SyncReport) func(transport.Conn) error {
		return func(end transport.Conn) (err error) {
			*rep, err = r.Sync(ctx, end)
			return errors.Join(err, end.Close())
		}
	}
	err = w.connect(ctx, a, once(a, new(replica.SyncReport)), once(b, &rep))
	return rep, err
}

func catchUpOverWS(b *bench) (result, error) {
	src, invite, err := overwrites(b.ctx, caughtUp, 2000)
	if err != nil {
		return result{}, err
	}
	took, bytes, err := b.overWS(src, invite, true, caughtUp)
	return result{
		ours: took / caughtUp, met: took <= time.Second && bytes <= 1_600_000,
		note: fmt.Sprintf("all in all, %d bytes", bytes),
	}, err
}

// overWS is what a replica takes to get all that another one holds over an encrypted websocket, and how many bytes that is.
func (b *bench) overWS(src *replica.Replica, invite string, onDisk bool, versions int) (took time.Duration, bytes int64, err error) {
	var dst *replica.Replica
	took, err = alone(rounds, func() (func() error, error) {
		var err error
		dst, err = b.nextReceiver(dst, onDisk, invite)
		w := &wire{}
		return func() error {
			rep, err := w.sync(b.ctx, src, dst)
			bytes = w.bytes.Load()
			if err == nil && rep.Received != versions {
				err = fmt.Errorf("received %d versions", rep.Received)
			}
			return err
		}, err
	})
	return took, bytes, err
}

// hundredK are two replicas in memory that hold the same 100,000 keys.
func hundredK(b *bench) (x, y *replica.Replica, err error) {
	x, invite, err := overwrites(b.ctx, 100_000, 100_000)
	if err != nil {
		return nil, nil, err
	}
	if y, err = joined(b.ctx, memory.New(), invite); err != nil {
		return nil, nil, err
	}
	if _, err := y.Set(b.ctx, "other/first", 1); err != nil { // so that both have an author to prove
		return nil, nil, err
	}
	_, _, err = replica.SyncPair(b.ctx, x, y)
	return x, y, err
}

func inSync(b *bench) (result, error) {
	x, y, err := hundredK(b)
	if err != nil {
		return result{}, err
	}
	var bytes int64
	took, err := alone(rounds, func() (func() error, error) {
		w := &wire{}
		return func() error {
			rep, err := w.sync(b.ctx, x, y)
			bytes = w.bytes.Load()
			if err == nil && (!rep.Equal || rep.Received+rep.Sent > 0) {
				err = fmt.Errorf("not in sync: %+v", rep)
			}
			return err
		}, nil
	})
	return result{ours: took, met: bytes <= 800, note: fmt.Sprintf("%d bytes, handshake and proofs included", bytes)}, err
}

func oneChangeAnew(b *bench) (result, error) {
	x, y, err := hundredK(b)
	if err != nil {
		return result{}, err
	}
	var bytes int64
	i := 0
	took, err := alone(rounds, func() (func() error, error) {
		i++
		_, err := x.Set(b.ctx, key(i), i)
		w := &wire{}
		return func() error {
			rep, err := w.sync(b.ctx, x, y)
			bytes = w.bytes.Load()
			if err == nil && rep.Received != 1 {
				err = fmt.Errorf("received %d versions", rep.Received)
			}
			return err
		}, err
	})
	return result{
		ours: took, met: took <= 3*time.Millisecond && bytes <= 1536,
		note: fmt.Sprintf("%d bytes, handshake and proofs included", bytes),
	}, err
}

func oneChangeLive(b *bench) (result, error) {
	x, y, err := hundredK(b)
	if err != nil {
		return result{}, err
	}
	p := &livePair{a: x, b: y}
	w := &wire{}
	if err := p.link(b.ctx, w); err != nil {
		return result{}, err
	}
	const changes = 200
	before, ciphers := p.la.Status().Report, w.bytes.Load()
	took, err := p.writeSeen(b.ctx, changes, func(i int) any { return i })
	if err != nil {
		return result{}, err
	}
	ciphers = (w.bytes.Load() - ciphers) / changes
	after := p.la.Status().Report
	each := (after.SentBytes + after.ReceivedBytes - before.SentBytes - before.ReceivedBytes) / changes
	return result{
		ours: median(took), met: median(took) <= time.Millisecond && each <= 250,
		note: fmt.Sprintf("%d bytes, receipts included; %d with ciphers", each, ciphers),
	}, p.stop()
}
