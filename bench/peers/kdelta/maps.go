package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// space is replicas in memory that share an invite.
type space struct {
	ctx    context.Context
	invite string
}

// options are those of all replicas: what they pack when they are left alone would be counted with what is measured meanwhile.
var options = replica.Options{ManualCompaction: true}

// newSpace is a space with its first replica.
func newSpace() (*space, *replica.Replica, error) {
	first, err := replica.Open(context.Background(), memory.New(), options)
	if err != nil {
		return nil, nil, err
	}
	s, err := spaceOf(first)
	return s, first, err
}

// spaceOf is the space of a replica.
func spaceOf(r *replica.Replica) (*space, error) {
	s := &space{ctx: context.Background()}
	invite, err := r.Invite(s.ctx, replica.InviteOptions{})
	s.invite = invite
	return s, err
}

func (s *space) join() (*replica.Replica, error) {
	return replica.Join(s.ctx, memory.New(), s.invite, options)
}

// sync is one session, and the bytes of both ways. Afterwards the two are equal.
func (s *space) sync(a, b *replica.Replica) (int64, error) {
	rep, other, err := replica.SyncPair(s.ctx, a, b)
	if err == nil && (!rep.Equal || !other.Equal) {
		err = errors.New("two replicas differ after a sync")
	}
	return rep.SentBytes + rep.ReceivedBytes, err
}

func key(i int) string { return fmt.Sprintf("tasks/%07d", i) }

// task is 56 bytes of JSON.
type task struct {
	Title string `json:"title"`
	Done  bool   `json:"done"`
	Prio  int    `json:"prio"`
}

func taskOf(i int) any {
	return task{Title: fmt.Sprintf("task number %010d", i), Done: i%2 == 0, Prio: i % 5}
}

func number(i int) any { return i }

// drawn is the same sequence of keys below n as in maps.js: the numbers of a linear congruential generator.
func drawn(n int, seed uint32) func(int) string {
	x := seed
	return func(int) string {
		x = x*1664525 + 1013904223
		return key(int(uint64(x) * uint64(n) >> 32))
	}
}

// fill sets n keys, each a version of its own.
func (s *space) fill(r *replica.Replica, n int, nextKey func(int) string, value func(int) any) error {
	for i := range n {
		if _, err := r.Set(s.ctx, nextKey(i), value(i)); err != nil {
			return err
		}
	}
	return nil
}

// overwritten is a replica with 100,000 sets over 10,000 keys, distinct is one with as many keys.
func overwritten() (*replica.Replica, error) { return filled(drawn(10_000, 1)) }

func distinct() (*replica.Replica, error) { return filled(key) }

func filled(nextKey func(int) string) (*replica.Replica, error) {
	s, r, err := newSpace()
	if err != nil {
		return nil, err
	}
	return r, s.fill(r, 100_000, nextKey, taskOf)
}

func set(folder string) (result, error) {
	took, r, err := measure(nothing, func(none) (*replica.Replica, error) { return overwritten() })
	if err != nil {
		return result{}, err
	}
	_, err = kept(folder, "overwritten", func() ([]byte, error) { return backupOf(r) })
	return result{cost: took}, err
}

// catchUp is an empty replica that gets everything.
func catchUp(folder string) (result, error) {
	read, err := reader(folder, "overwritten", overwritten)
	if err != nil {
		return result{}, err
	}
	return getAll(read)
}

// getAll is an empty replica that gets everything in one session.
func getAll(read func() (*replica.Replica, error)) (result, error) {
	full, err := read()
	if err != nil {
		return result{}, err
	}
	s, err := spaceOf(full)
	if err != nil {
		return result{}, err
	}
	took, bytes, err := measure(s.join, func(empty *replica.Replica) (int64, error) { return s.sync(full, empty) })
	return result{cost: took, Bytes: float64(bytes)}, err
}

// reconnect is a new session of two that were equal, after one change.
func reconnect(folder string) (result, error) {
	full, other, err := pairOf(folder, "overwritten", overwritten)
	if err != nil {
		return result{}, err
	}
	s := &space{ctx: context.Background()}
	i := 0
	took, bytes, err := measure(func() (none, error) {
		i++
		_, err := full.Set(s.ctx, key(i), i)
		return none{}, err
	}, func(none) (int64, error) { return s.sync(full, other) })
	return result{cost: took, Bytes: float64(bytes)}, err
}

// pairOf is two replicas that hold the same; the second one knows what the first one writes as.
func pairOf(folder, name string, make func() (*replica.Replica, error)) (a, b *replica.Replica, err error) {
	read, err := reader(folder, name, make)
	if err != nil {
		return nil, nil, err
	}
	if a, err = read(); err != nil {
		return nil, nil, err
	}
	if b, err = read(); err != nil {
		return nil, nil, err
	}
	s := &space{ctx: context.Background()}
	if err = s.fill(a, 1, key, number); err == nil {
		_, err = s.sync(a, b)
	}
	return a, b, err
}

// live is one change that goes to another replica through a session that stays, and the word that it is there.
func live(folder string) (result, error) {
	full, other, err := pairOf(folder, "distinct", distinct)
	if err != nil {
		return result{}, err
	}
	ctx := context.Background()
	from, to := full.LiveSession(ctx), other.LiveSession(ctx)
	if _, err := talk(from, to); err != nil {
		return result{}, err
	}
	i := 0
	took, bytes, err := measure(func() (none, error) {
		i++
		_, err := full.Set(ctx, key(i), i)
		return none{}, err
	}, func(none) (int64, error) {
		from.Changed()
		return talk(from, to)
	})
	if err != nil {
		return result{}, err
	}
	var got int
	if _, err := other.Get(ctx, key(i), &got); err != nil || got != i {
		return result{}, fmt.Errorf("a change did not come: got %d, want %d (%w)", got, i, err)
	}
	return result{cost: took, Bytes: float64(bytes)}, nil
}

// talk carries frames both ways until nobody has anything to say, and returns their bytes.
func talk(a, b *protocol.Session) (bytes int64, err error) {
	for silent := 0; silent < 2; a, b = b, a {
		frame, err := a.Next()
		if err != nil {
			return bytes, err
		}
		silent++
		if frame != nil {
			silent = 0
			bytes += int64(len(frame))
			if err := b.Receive(frame); err != nil {
				return bytes, err
			}
		}
	}
	return bytes, nil
}

// concurrent is two replicas with 10,000 sets each over the same 5,000 keys, until they are equal.
func concurrent(string) (result, error) {
	var s *space
	took, bytes, err := measure(func() (pair [2]*replica.Replica, err error) {
		if s, pair[0], err = newSpace(); err != nil {
			return pair, err
		}
		if pair[1], err = s.join(); err != nil {
			return pair, err
		}
		for who, r := range pair {
			if err := s.fill(r, 10_000, drawn(5000, uint32(who)), number); err != nil {
				return pair, err
			}
		}
		return pair, nil
	}, func(pair [2]*replica.Replica) (int64, error) { return s.sync(pair[0], pair[1]) })
	return result{cost: took, Bytes: float64(bytes)}, err
}

// authors is 1,000 replicas with 20 sets each over 500 keys, which one takes in from one that has them all.
func authors(folder string) (result, error) {
	read, err := reader(folder, "authors", manyAuthors)
	if err != nil {
		return result{}, err
	}
	return getAll(read)
}

// manyAuthors is a replica that has got what 1,000 wrote.
func manyAuthors() (*replica.Replica, error) {
	const many = 1000
	s, _, err := newSpace()
	if err != nil {
		return nil, err
	}
	all := make([]*replica.Replica, many)
	for who := range all {
		if all[who], err = s.join(); err != nil {
			return nil, err
		}
		if err := s.fill(all[who], 20, drawn(500, uint32(who)), number); err != nil {
			return nil, err
		}
	}
	// In pairs, so that not all get everything.
	for step := 1; step < many; step *= 2 {
		for i := 0; i+step < many; i += 2 * step {
			if _, err := s.sync(all[i], all[i+step]); err != nil {
				return nil, err
			}
		}
	}
	return all[0], nil
}
