package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// space is replicas in memory that share an invite; the first one made it.
type space struct {
	ctx    context.Context
	invite string
}

// newSpace is a space with its first replica.
func newSpace() (*space, *replica.Replica, error) {
	s := &space{ctx: context.Background()}
	first, err := replica.Open(s.ctx, memory.New(), replica.Options{})
	if err != nil {
		return nil, nil, err
	}
	s.invite, err = first.Invite(s.ctx, replica.InviteOptions{})
	return s, first, err
}

func (s *space) join() (*replica.Replica, error) {
	return replica.Join(s.ctx, memory.New(), s.invite, replica.Options{})
}

// copyOf joins and gets what another replica holds.
func (s *space) copyOf(full *replica.Replica) (*replica.Replica, error) {
	r, err := s.join()
	if err != nil {
		return nil, err
	}
	_, err = s.sync(full, r)
	return r, err
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

// overwritten is a replica with 100,000 sets over 10,000 keys.
func overwritten() (*space, *replica.Replica, error) {
	s, r, err := newSpace()
	if err != nil {
		return nil, nil, err
	}
	err = s.fill(r, 100_000, drawn(10_000, 1), taskOf)
	return s, r, err
}

func set() (result, error) {
	ms, _, _, err := measure(nothing, func(none) (*replica.Replica, error) {
		_, r, err := overwritten()
		return r, err
	})
	return result{Ms: ms}, err
}

// catchUp is an empty replica that gets everything.
func catchUp() (result, error) {
	s, full, err := overwritten()
	if err != nil {
		return result{}, err
	}
	ms, _, bytes, err := measure(s.join, func(empty *replica.Replica) (int64, error) { return s.sync(full, empty) })
	return result{Ms: ms, Bytes: float64(bytes)}, err
}

// reconnect is a new session of two that were equal, after one change.
func reconnect() (result, error) {
	s, full, err := overwritten()
	if err != nil {
		return result{}, err
	}
	other, err := s.copyOf(full)
	if err != nil {
		return result{}, err
	}
	i := 0
	ms, _, bytes, err := measure(func() (none, error) {
		i++
		_, err := full.Set(s.ctx, key(i), i)
		return none{}, err
	}, func(none) (int64, error) { return s.sync(full, other) })
	return result{Ms: ms, Bytes: float64(bytes)}, err
}

// live is one change that goes to another replica through a session that stays, and the word that it is there.
func live() (result, error) {
	s, full, err := newSpace()
	if err != nil {
		return result{}, err
	}
	if err := s.fill(full, 100_000, key, taskOf); err != nil {
		return result{}, err
	}
	other, err := s.copyOf(full)
	if err != nil {
		return result{}, err
	}
	from, to := full.LiveSession(s.ctx), other.LiveSession(s.ctx)
	if _, err := talk(from, to); err != nil {
		return result{}, err
	}
	i := 0
	ms, _, bytes, err := measure(func() (none, error) {
		i++
		_, err := full.Set(s.ctx, key(i), i)
		return none{}, err
	}, func(none) (int64, error) {
		from.Changed()
		return talk(from, to)
	})
	if err != nil {
		return result{}, err
	}
	var got int
	if _, err := other.Get(s.ctx, key(i), &got); err != nil || got != i {
		return result{}, fmt.Errorf("a change did not come: got %d, want %d (%w)", got, i, err)
	}
	return result{Ms: ms, Bytes: float64(bytes)}, nil
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
func concurrent() (result, error) {
	var s *space
	ms, _, bytes, err := measure(func() (pair [2]*replica.Replica, err error) {
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
	return result{Ms: ms, Bytes: float64(bytes)}, err
}

// authors is 1,000 replicas with 20 sets each over 500 keys, which one takes in from one that has them all.
func authors() (result, error) {
	const many = 1000
	s, _, err := newSpace()
	if err != nil {
		return result{}, err
	}
	all := make([]*replica.Replica, many)
	for who := range all {
		if all[who], err = s.join(); err != nil {
			return result{}, err
		}
		if err := s.fill(all[who], 20, drawn(500, uint32(who)), number); err != nil {
			return result{}, err
		}
	}
	// In pairs, so that not all get everything.
	for step := 1; step < many; step *= 2 {
		for i := 0; i+step < many; i += 2 * step {
			if _, err := s.sync(all[i], all[i+step]); err != nil {
				return result{}, err
			}
		}
	}
	full := all[0]
	ms, _, bytes, err := measure(s.join, func(empty *replica.Replica) (int64, error) { return s.sync(full, empty) })
	return result{Ms: ms, Bytes: float64(bytes)}, err
}
