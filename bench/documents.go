package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
	"github.com/kdelta/kdelta/transport"
)

func documentRows() []row {
	return []row{
		{name: "10 k documents put one by one, NORMAL", target: ">= 10 k/s", run: putDocuments},
		{name: "10 k documents replicated over an encrypted ws into a file, durable", target: ">= 100 k/s", run: replicateDocuments},
		{name: "16 MiB of values that do not compress over an encrypted ws", target: ">= 0.6 of the link", run: throughput},
	}
}

const documents = 10_000

func put(ctx context.Context, r *replica.Replica) error {
	for i := range documents {
		if _, err := r.Set(ctx, key(i), value(i)); err != nil {
			return err
		}
	}
	return nil
}

func putDocuments(b *bench) (result, error) {
	took, err := alone(3, func() (func() error, error) {
		r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Normal))
		return func() error {
			defer done()
			return put(b.ctx, r)
		}, err
	})
	return result{ours: took / documents, met: took <= documents*100*time.Microsecond}, err
}

func replicateDocuments(b *bench) (result, error) {
	src, err := memoryReplica(b.ctx)
	if err == nil {
		err = put(b.ctx, src)
	}
	if err == nil {
		err = src.Compact(b.ctx, nil)
	}
	if err != nil {
		return result{}, err
	}
	invite, err := src.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return result{}, err
	}
	took, bytes, err := b.overWS(src, invite, true, documents)
	return result{ours: took / documents, met: took <= documents*10*time.Microsecond, note: fmt.Sprintf("%d bytes", bytes)}, err
}

// throughput is how fast packs cross a link, beside frames of random bytes that nobody looks at.
func throughput(b *bench) (result, error) {
	const values, size = 256, 64 << 10
	src, err := memoryReplica(b.ctx)
	if err != nil {
		return result{}, err
	}
	random, v := rand.NewChaCha8([32]byte{1}), make([]byte, size)
	for i := range values {
		_, _ = random.Read(v) // it never fails
		if _, err := src.Set(b.ctx, key(i), v); err != nil {
			return result{}, err
		}
	}
	invite, err := src.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return result{}, err
	}
	took, bytes, err := b.overWS(src, invite, false, values)
	if err != nil {
		return result{}, err
	}
	limit, err := alone(rounds, func() (func() error, error) {
		frame := make([]byte, 512<<10) // about a pack
		_, _ = random.Read(frame)
		return func() error {
			frames := int(bytes) / len(frame)
			return new(wire).connect(b.ctx, src, func(end transport.Conn) error {
				return errors.Join(cross(b.ctx, end, frame, frames), end.Close())
			}, func(end transport.Conn) error {
				return errors.Join(take(b.ctx, end, frames), end.Close())
			})
		}, nil
	})
	mb := float64(bytes) / 1e6
	return result{
		ours: took, limit: limit, met: float64(limit)/float64(took) >= 0.6,
		note: fmt.Sprintf("%.0f MB/s, the link itself %.0f; memory to memory, each value hashed", mb/took.Seconds(), mb/limit.Seconds()),
	}, err
}

// cross sends frames over a link behind an empty one, with which both ends begin, and waits until they are there.
func cross(ctx context.Context, end transport.Conn, frame []byte, frames int) error {
	if err := end.Send(ctx, nil); err != nil {
		return err
	}
	if _, err := end.Receive(ctx); err != nil {
		return err
	}
	for range frames {
		if err := end.Send(ctx, frame); err != nil {
			return err
		}
	}
	_, err := end.Receive(ctx)
	return err
}

// take is the other end of cross.
func take(ctx context.Context, end transport.Conn, frames int) error {
	if _, err := end.Receive(ctx); err != nil {
		return err
	}
	if err := end.Send(ctx, nil); err != nil {
		return err
	}
	for range frames {
		if _, err := end.Receive(ctx); err != nil {
			return err
		}
	}
	return end.Send(ctx, nil)
}
