package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

// Rows about reading all of a database with a long past, each as a process of the command. They share one database.
func wholeRows() []row {
	whole := func(limit time.Duration, megabytes int64, args ...string) func(*bench) (result, error) {
		return func(b *bench) (result, error) {
			past, err := b.longPast()
			if err != nil {
				return result{}, err
			}
			for i, arg := range args {
				if arg == "MIDDLE" {
					args[i] = past.middle
				}
			}
			took, memory, err := process(past.binary, append([]string{"--db", past.path}, args...)...)
			return result{ours: took, met: took <= limit && memory <= megabytes, note: fmt.Sprintf("%d MB of memory", memory)}, err
		}
	}
	return []row{
		{name: "conflicts among 1 M versions", target: "<= 2 s, 64 MB", large: true, run: whole(2*time.Second, 64, "conflicts")},
		{name: "list --at among 1 M versions", target: "<= 1 s, 64 MB", large: true, run: whole(time.Second, 64, "list", "tasks", "--at", "MIDDLE")},
		{
			name: "log --until among 1 M versions", target: "<= 50 ms, 64 MB", large: true,
			run: whole(50*time.Millisecond, 64, "log", "--until", "MIDDLE", "-n", "10"),
		},
		{name: "log of a key among 1 M versions", target: "<= 50 ms, 64 MB", large: true, run: whole(50*time.Millisecond, 64, "log", key(7))},
		{
			name: "log --json of a key among 1 M versions", target: "<= 50 ms, 64 MB", large: true,
			run: whole(50*time.Millisecond, 64, "--json", "log", key(7)),
		},
	}
}

// longPast is a database with a million versions of two authors over ten thousand keys, packed.
type longPast struct {
	binary, path string
	// middle is a time before which half of the versions were written.
	middle string
}

func (b *bench) longPast() (*longPast, error) {
	if b.past != nil {
		return b.past, nil
	}
	dir, err := b.tempDir()
	if err != nil {
		return nil, err
	}
	past := &longPast{path: filepath.Join(dir, "past.db")}
	if past.binary, err = b.command(); err != nil {
		return nil, err
	}
	if past.middle, err = writeLongPast(b, past.path, 1_000_000, 10_000); err != nil {
		return nil, err
	}
	b.past = past
	return past, nil
}

// writeLongPast has both authors write each key after half of the versions, so that all these conflicts are closed by what
// is written after them, and a tenth of the keys at the end.
func writeLongPast(b *bench, path string, versions, keys int) (middle string, err error) {
	st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
	if err != nil {
		return "", err
	}
	r, err := replica.Open(b.ctx, st, replica.Options{})
	if err != nil {
		return "", err
	}
	if _, err := r.Set(b.ctx, key(0), value(0)); err != nil {
		return "", err
	}
	invite, err := r.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return "", err
	}
	other, err := joined(b.ctx, memory.New(), invite)
	if err != nil {
		return "", err
	}
	write := func(r *replica.Replica, from, n int) error {
		return eachOf(writers, n, func(i int) error {
			_, err := r.Set(b.ctx, key(i*7919%keys), value(from+i))
			return err
		})
	}
	part := func(n int) error {
		_, _, err := replica.SyncPair(b.ctx, r, other)
		return errors.Join(err, write(r, 1, n), write(other, 2, n))
	}
	err = errors.Join(write(r, 0, versions/2), part(keys))
	middle = time.Now().UTC().Format(time.RFC3339Nano)
	if err == nil {
		_, _, err = replica.SyncPair(b.ctx, r, other)
	}
	err = errors.Join(err, write(r, 3, versions/2-3*keys), part(keys/10))
	if err == nil {
		_, _, err = replica.SyncPair(b.ctx, r, other)
	}
	return middle, errors.Join(err, r.Compact(b.ctx, nil), r.Close(), other.Close(), st.Close())
}
