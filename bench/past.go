package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/sqlite"
)

func pastRows() []row {
	return []row{
		{name: "a key at a past time, hot", target: "<= 20 us", run: func(b *bench) (result, error) { return keyInThePast(b, true) }},
		{name: "a key at a past time, cold", target: "<= 1 ms", run: func(b *bench) (result, error) { return keyInThePast(b, false) }},
		{name: "packing of 200 k versions on disk", target: "<= 40 B a version", run: packedOnDisk},
		{name: "open and get, 1 M versions, whole process", target: "<= 50 ms, 60 MB", large: true, run: func(b *bench) (result, error) {
			return openAndGet(b, 1_000_000, 50*time.Millisecond, 60)
		}},
		{name: "open and get, 10 M versions, whole process", target: "<= 100 ms, 100 MB", large: true, run: func(b *bench) (result, error) {
			return openAndGet(b, 10_000_000, 100*time.Millisecond, 100)
		}},
	}
}

// keyInThePast reads keys with some hundred versions each at a time in the middle of them.
func keyInThePast(b *bench, hot bool) (result, error) {
	const keys, versions = 50, 200
	dir, err := b.tempDir()
	if err != nil {
		return result{}, err
	}
	path := filepath.Join(dir, "past.db")
	st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
	if err != nil {
		return result{}, err
	}
	r, err := replica.Open(b.ctx, st, replica.Options{})
	if err != nil {
		return result{}, err
	}
	var middle time.Time
	for i := range keys * versions {
		v, err := r.Set(b.ctx, key(i%keys), value(i))
		if err != nil {
			return result{}, err
		}
		if i == keys*versions/2 {
			middle = v.Wall()
		}
	}
	get := func(r *replica.Replica, n int) error {
		for i := range n {
			var v task
			if _, err := r.At(replica.TimePoint(middle)).Get(b.ctx, key(i%keys), &v); err != nil {
				return err
			}
		}
		return nil
	}
	n := 2000
	took, err := alone(rounds, func() (func() error, error) {
		if hot {
			return func() error { return get(r, n) }, get(r, keys)
		}
		n = keys
		st, err := sqlite.Open(path)
		if err != nil {
			return nil, err
		}
		cold, err := replica.Open(b.ctx, st, replica.Options{})
		return func() error { return errors.Join(get(cold, n), st.Close()) }, err
	})
	limit := time.Millisecond
	if hot {
		limit = 20 * time.Microsecond
	}
	took /= time.Duration(n)
	return result{ours: took, met: took <= limit}, errors.Join(err, st.Close())
}

// openAndGet runs `kdelta get` on a database of so many versions and looks at the whole process.
func openAndGet(b *bench, versions int, limit time.Duration, megabytes int64) (result, error) {
	dir, err := b.tempDir()
	if err != nil {
		return result{}, err
	}
	path := filepath.Join(dir, "large.db")
	binary, err := b.command()
	if err != nil {
		return result{}, err
	}
	if err := largeDatabase(b, path, versions); err != nil {
		return result{}, err
	}
	took, memory, err := process(binary, "--db", path, "get", key(7))
	info, statErr := os.Stat(path)
	if err := errors.Join(err, statErr); err != nil {
		return result{}, err
	}
	note := fmt.Sprintf("%d MB of memory, %d bytes of file a version", memory, info.Size()/int64(versions))
	return result{ours: took, met: took <= limit && memory <= megabytes, note: note}, nil
}

// command builds kdelta.
func (b *bench) command() (string, error) {
	if b.binary != "" {
		return b.binary, nil
	}
	binary := filepath.Join(b.dir, "kdelta")
	build := exec.Command("go", "build", "-o", binary, "./cmd/kdelta")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", err
	}
	b.binary = binary
	return binary, nil
}

// largeDatabase makes a database of versions of 56-byte values over a hundredth as many keys. They are written in memory, and
// come to the file by syncs.
func largeDatabase(b *bench, path string, versions int) error {
	const batch = 100_000
	src, err := memoryReplica(b.ctx)
	if err != nil {
		return err
	}
	invite, err := src.Invite(b.ctx, replica.InviteOptions{})
	if err != nil {
		return err
	}
	st, err := sqlite.Open(path, sqlite.Durability(sqlite.Normal))
	if err != nil {
		return err
	}
	dst, err := joined(b.ctx, st, invite)
	if err != nil {
		return err
	}
	for i := range versions {
		if _, err := src.Set(b.ctx, key(i%(versions/100)), value(i)); err != nil {
			return err
		}
		if (i+1)%batch > 0 {
			continue
		}
		if _, _, err := replica.SyncPair(b.ctx, src, dst); err != nil {
			return err
		}
		if err := src.Compact(b.ctx, nil); err != nil { // for it to fit into memory
			return err
		}
	}
	return errors.Join(dst.Compact(b.ctx, nil), dst.Close(), st.Close())
}

// writers is how many goroutines fill a large database.
const writers = 64

// eachOf calls fn for the numbers below n, in so many goroutines, each of which ends with its first error.
func eachOf(goroutines, n int, fn func(i int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for w := range goroutines {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += goroutines {
				errs[w] = fn(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// packedOnDisk is what a version takes in a file after all are packed, beside the current state.
func packedOnDisk(b *bench) (result, error) {
	const versions, keys = 200_000, 2_000
	dir, err := b.tempDir()
	if err != nil {
		return result{}, err
	}
	var sizes [2]int64
	var took time.Duration
	for i, n := range []int{keys, versions} {
		path := filepath.Join(dir, fmt.Sprintf("packed-%d.db", i))
		src, invite, err := overwrites(b.ctx, n, keys)
		if err != nil {
			return result{}, err
		}
		st, err := sqlite.Open(path)
		if err != nil {
			return result{}, err
		}
		r, err := joined(b.ctx, st, invite)
		if err != nil {
			return result{}, err
		}
		if _, _, err := replica.SyncPair(b.ctx, src, r); err != nil {
			return result{}, err
		}
		begin := time.Now()
		err = r.Compact(b.ctx, nil)
		took = time.Since(begin) / time.Duration(n)
		if err := errors.Join(err, r.Close(), st.Close()); err != nil {
			return result{}, err
		}
		info, err := os.Stat(path)
		if err != nil {
			return result{}, err
		}
		sizes[i] = info.Size()
	}
	each := float64(sizes[1]-sizes[0]) / (versions - keys)
	return result{
		ours: took, met: each <= 40,
		note: fmt.Sprintf("%.1f bytes a version beside the state of %d keys, which takes %d KB", each, keys, sizes[0]/1000),
	}, nil
}
