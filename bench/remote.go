package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

func remoteRows() []row {
	return []row{
		{name: "apply of 100 k versions into a memory store", target: ">= 0.25 of hashing, 1 M/s", run: applyBesideHashing},
		{name: "apply of 100 k versions into SQLite, durable", target: ">= 150 k/s", run: applyDurably},
		{name: "sync of 100 k versions into a memory store", target: "<= 1 s, 1.6 MB", run: func(b *bench) (result, error) {
			return catchUp(b, false)
		}},
		{name: "sync of 100 k versions from file to file, durable", target: "<= 1 s, 1.6 MB", run: func(b *bench) (result, error) {
			return catchUp(b, true)
		}},
		{name: "two replicas, 10 k concurrent sets each over 5,000 keys, until equal", target: "<= 60 ms, 400 KB", run: concurrentSets},
		{name: "1,000 authors x 20 sets over 500 keys into one replica", target: "<= 100 ms, 500 KB", run: manyAuthors},
		{name: "reconnect after 100 k overwrites of 10 k keys, one change", target: "<= 3 ms, 1.5 KiB", run: reconnect},
	}
}

func joined(ctx context.Context, st store.Store, invite string) (*replica.Replica, error) {
	return replica.Join(ctx, st, invite, replica.Options{})
}

// overwrites makes a replica with so many versions over so many keys.
func overwrites(ctx context.Context, versions, keys int) (*replica.Replica, string, error) {
	r, err := memoryReplica(ctx)
	if err != nil {
		return nil, "", err
	}
	for i := range versions {
		if _, err := r.Set(ctx, key(i*7919%keys), value(i)); err != nil {
			return nil, "", err
		}
	}
	if err := r.Compact(ctx, nil); err != nil { // now rather than while something is measured
		return nil, "", err
	}
	invite, err := r.Invite(ctx, replica.InviteOptions{})
	return r, invite, err
}

const caughtUp = 100_000 // versions of the rows of apply and sync

// receiver makes an empty replica in the space of an invite.
func (b *bench) receiver(onDisk bool, invite string) (*replica.Replica, error) {
	var st store.Store = memory.New()
	if onDisk {
		dir, err := b.tempDir()
		if err != nil {
			return nil, err
		}
		if st, err = sqlite.Open(filepath.Join(dir, "dst.db")); err != nil {
			return nil, err
		}
	}
	return joined(b.ctx, st, invite)
}

// nextReceiver closes the receiver of the round before, nil if there was none, which would pack what it got during this one, and makes
// another.
func (b *bench) nextReceiver(last *replica.Replica, onDisk bool, invite string) (*replica.Replica, error) {
	if last != nil {
		if err := last.Close(); err != nil {
			return nil, err
		}
	}
	return b.receiver(onDisk, invite)
}

// applyBesideHashing is the receiving half of a sync beside the hashes alone that it has to check.
func applyBesideHashing(b *bench) (result, error) {
	ours, limit, err := receive(b, false)
	return result{
		ours: ours, limit: limit, met: float64(limit)/float64(ours) >= 0.25,
		note: "the receiving half of a sync alone; the limit is SHA-256 of the same payloads and headers on one CPU",
	}, err
}

func applyDurably(b *bench) (result, error) {
	ours, _, err := receive(b, true)
	return result{ours: ours, met: ours <= 6667*time.Nanosecond, note: "the receiving half of a sync alone"}, err
}

// receive measures the receiving half of a sync alone, the packs being made before the first of them is handed over, and the
// hashing of what is in them. The two take turns. It returns what a version takes.
func receive(b *bench, onDisk bool) (ours, hashing time.Duration, err error) {
	src, invite, err := overwrites(b.ctx, caughtUp, 2000)
	if err != nil {
		return 0, 0, err
	}
	var applies, hashes []time.Duration
	for range rounds {
		dst, err := b.receiver(onDisk, invite)
		if err != nil {
			return 0, 0, err
		}
		from := newSource(src.Session(b.ctx))
		rep, err := dst.Sync(b.ctx, from)
		applies = append(applies, time.Since(from.began))
		if err == nil && rep.Received != caughtUp {
			err = fmt.Errorf("received %d versions", rep.Received)
		}
		if err = errors.Join(err, dst.Close()); err != nil { // else it would pack during the next round
			return 0, 0, err
		}
		h, err := hashedIn(b.ctx, src, from.packs)
		if err != nil {
			return 0, 0, err
		}
		hashes = append(hashes, h.hash())
	}
	return median(applies) / caughtUp, median(hashes) / caughtUp, nil
}

func catchUp(b *bench, onDisk bool) (result, error) {
	src, invite, err := overwrites(b.ctx, caughtUp, 2000)
	if err != nil {
		return result{}, err
	}
	if onDisk {
		held := src
		if src, err = b.receiver(true, invite); err != nil {
			return result{}, err
		}
		if _, _, err := replica.SyncPair(b.ctx, held, src); err != nil {
			return result{}, err
		}
	}
	var rep replica.SyncReport
	var dst *replica.Replica
	took, err := alone(3, func() (func() error, error) {
		var err error
		dst, err = b.nextReceiver(dst, onDisk, invite)
		return func() error {
			_, got, err := replica.SyncPair(b.ctx, src, dst)
			rep = got
			if err == nil && rep.Received != caughtUp {
				err = fmt.Errorf("received %d versions", rep.Received)
			}
			return err
		}, err
	})
	note := fmt.Sprintf("both sides of the sync, %d bytes", rep.ReceivedBytes)
	return result{ours: took / caughtUp, met: took <= time.Second && rep.ReceivedBytes <= 1_600_000, note: note}, err
}

// drawn is the number of a key below n, another one each time, the same ones in each run.
func drawn(n int, seed uint64) func() int {
	r := rand.New(rand.NewPCG(seed, seed))
	return func() int { return r.IntN(n) }
}

// concurrentSets is two replicas that write the same keys, so that most of these are in conflict.
func concurrentSets(b *bench) (result, error) {
	const n, keys = 10_000, 5000
	var bytes int64
	var last []*replica.Replica
	took, err := alone(3, func() (func() error, error) {
		for _, r := range last { // else they would pack what they got during this round
			if err := r.Close(); err != nil {
				return nil, err
			}
		}
		x, err := memoryReplica(b.ctx)
		if err != nil {
			return nil, err
		}
		invite, err := x.Invite(b.ctx, replica.InviteOptions{})
		if err != nil {
			return nil, err
		}
		y, err := joined(b.ctx, memory.New(), invite)
		if err != nil {
			return nil, err
		}
		last = []*replica.Replica{x, y}
		ofX, ofY := drawn(keys, 1), drawn(keys, 2)
		for i := range n {
			if _, err := x.Set(b.ctx, key(ofX()), i); err != nil {
				return nil, err
			}
			if _, err := y.Set(b.ctx, key(ofY()), i); err != nil {
				return nil, err
			}
		}
		return func() error {
			rep, other, err := replica.SyncPair(b.ctx, x, y)
			bytes = rep.SentBytes + rep.ReceivedBytes
			if err == nil && (!rep.Equal || !other.Equal) {
				err = fmt.Errorf("not equal after a sync")
			}
			return err
		}, nil
	})
	return result{ours: took, met: took <= 60*time.Millisecond && bytes <= 400_000, note: fmt.Sprintf("%d bytes", bytes)}, err
}

// manyAuthors is what 1,000 replicas wrote over the same keys, some forty of them beside each other on each.
func manyAuthors(b *bench) (result, error) {
	const authors, sets, keys = 1000, 20, 500
	first, err := memoryReplica(b.ctx)
	if err != nil {
		return result{}, err
	}
	invite, err := first.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return result{}, err
	}
	all := make([]*replica.Replica, authors)
	for a := range all {
		if all[a], err = joined(b.ctx, memory.New(), invite); err != nil {
			return result{}, err
		}
		next := drawn(keys, uint64(a))
		for i := range sets {
			if _, err := all[a].Set(b.ctx, key(next()), i); err != nil {
				return result{}, err
			}
		}
	}
	for step := 1; step < authors; step *= 2 { // in pairs, so that not all get everything
		for a := 0; a+step < authors; a += 2 * step {
			if _, _, err := replica.SyncPair(b.ctx, all[a], all[a+step]); err != nil {
				return result{}, err
			}
		}
	}
	for _, r := range all[1:] { // nobody has a thousand in one process
		if err := r.Close(); err != nil {
			return result{}, err
		}
	}
	clear(all[1:])
	if err := all[0].Compact(b.ctx, nil); err != nil { // now rather than while it is measured
		return result{}, err
	}
	var bytes int64
	var dst *replica.Replica
	took, err := alone(rounds, func() (func() error, error) {
		var err error
		dst, err = b.nextReceiver(dst, false, invite)
		return func() error {
			_, rep, err := replica.SyncPair(b.ctx, all[0], dst)
			bytes = rep.ReceivedBytes
			return err
		}, err
	})
	return result{ours: took, met: took <= 100*time.Millisecond && bytes <= 500_000, note: fmt.Sprintf("%d bytes", bytes)}, err
}

func reconnect(b *bench) (result, error) {
	src, invite, err := overwrites(b.ctx, 100_000, 10_000)
	if err != nil {
		return result{}, err
	}
	dst, err := joined(b.ctx, memory.New(), invite)
	if err != nil {
		return result{}, err
	}
	if _, _, err := replica.SyncPair(b.ctx, src, dst); err != nil {
		return result{}, err
	}
	var bytes int64
	i := 0
	took, err := alone(rounds, func() (func() error, error) {
		i++
		_, err := src.Set(b.ctx, key(i), i)
		return func() error {
			rep, _, err := replica.SyncPair(b.ctx, src, dst)
			bytes = rep.SentBytes + rep.ReceivedBytes
			return err
		}, err
	})
	return result{ours: took, met: took <= 3*time.Millisecond && bytes <= 1536, note: fmt.Sprintf("%d bytes", bytes)}, err
}
