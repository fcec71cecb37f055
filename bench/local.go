package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
	"github.com/kdelta/kdelta/store/sqlite"
)

func rows() []row {
	return slices.Concat(localRows(), remoteRows(), liveRows(), linkRows(), documentRows(), graphRows(), pastRows(), textRows(), keystrokeRows(), wholeRows())
}

func localRows() []row {
	return []row{
		{name: "Set, durable", target: ">= 0.70 of raw", run: func(b *bench) (result, error) {
			return setBesideRaw(b, sqlite.Full, 0.70, 200)
		}},
		{name: "Set, NORMAL", target: ">= 0.50 of raw, 10 k/s", run: func(b *bench) (result, error) {
			return setBesideRaw(b, sqlite.Normal, 0.50, 2000)
		}},
		{name: "Set in transactions of 1,000, durable", target: ">= 100 k/s", run: transactions},
		{name: "Set by 64 goroutines, durable", target: "(group commit)", run: group},
		{name: "Get of a current value", target: ">= 0.70 of raw", run: getBesideRaw},
		{name: "Get, memory store", target: ">= 1 M/s", run: getHot},
	}
}

// task is the value of the measurements: 56 bytes of JSON.
type task struct {
	Title string `json:"title"`
	Done  bool   `json:"done"`
	Prio  int    `json:"prio"`
}

func value(i int) task {
	return task{Title: fmt.Sprintf("task number %010d", i), Done: i%2 == 0, Prio: i % 5}
}

func key(i int) string { return fmt.Sprintf("tasks/%07d", i) }

func (b *bench) sqliteReplica(d sqlite.Option) (*replica.Replica, func(), error) {
	dir, err := b.tempDir()
	if err != nil {
		return nil, nil, err
	}
	st, err := sqlite.Open(filepath.Join(dir, "bench.db"), d)
	if err != nil {
		return nil, nil, err
	}
	r, err := replica.Open(b.ctx, st, replica.Options{})
	if err != nil {
		return nil, nil, err
	}
	return r, func() { _ = r.Close(); _ = st.Close() }, nil
}

// raw is the driver alone, with a table of values by key as an application without kdelta has it, and one of values by
// ascending numbers, the least that SQLite can be asked for.
func (b *bench) raw(level string) (*sql.DB, error) {
	dir, err := b.tempDir()
	if err != nil {
		return nil, err
	}
	driver, dsn := rawDSN(filepath.Join(dir, "raw.db"), level)
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE TABLE kv (k TEXT PRIMARY KEY, v BLOB NOT NULL);
		CREATE TABLE numbered (k INTEGER PRIMARY KEY, v BLOB NOT NULL)`)
	return db, err
}

// Statements of the limit.
const (
	rawPut    = "INSERT OR REPLACE INTO kv VALUES (?, ?)"
	rawAppend = "INSERT INTO numbered VALUES (?, ?)"
	rawGet    = "SELECT v FROM kv WHERE k = ?"
)

func setBesideRaw(b *bench, level sqlite.Durable, least float64, n int) (result, error) {
	r, done, err := b.sqliteReplica(sqlite.Durability(level))
	if err != nil {
		return result{}, err
	}
	defer done()
	db, err := b.raw(levelName(level))
	if err != nil {
		return result{}, err
	}
	defer db.Close()
	put, err := db.Prepare(rawPut)
	if err != nil {
		return result{}, err
	}
	defer put.Close()
	app, err := db.Prepare(rawAppend)
	if err != nil {
		return result{}, err
	}
	defer app.Close()
	row := bytes.Repeat([]byte("x"), 200)
	i, j, k := 0, 0, 0
	times, err := inTurns(n, func() error {
		i++
		_, err := r.Set(b.ctx, key(i), value(i))
		return err
	}, func() error {
		j++
		_, err := put.Exec(key(j), row)
		return err
	}, func() error {
		k++
		_, err := app.Exec(k, row)
		return err
	})
	if err != nil {
		return result{}, err
	}
	ours, limit := times[0], times[1]
	note := fmt.Sprintf("a row by ascending number takes %s, %.2f", times[2].Round(10*time.Nanosecond), float64(times[2])/float64(ours))
	return result{ours: ours, limit: limit, met: float64(limit)/float64(ours) >= least, note: note}, nil
}

func levelName(level sqlite.Durable) string {
	if level == sqlite.Full {
		return "FULL"
	}
	return "NORMAL"
}

// fill writes n keys, a thousand to a version.
func fill(ctx context.Context, r *replica.Replica, from, n int) error {
	for ; n > 0; n -= 1000 {
		_, err := r.Update(ctx, func(tx *replica.Tx) error {
			for i := from; i < from+min(n, 1000); i++ {
				if err := tx.Set(key(i), value(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		from += 1000
	}
	return nil
}

func transactions(b *bench) (result, error) {
	r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Full))
	if err != nil {
		return result{}, err
	}
	defer done()
	db, err := b.raw("FULL")
	if err != nil {
		return result{}, err
	}
	defer db.Close()
	row := bytes.Repeat([]byte("x"), 200)
	const size, transactions = 1000, 10
	i, j := 0, 0
	times, err := inTurns(transactions, func() error {
		i += size
		return fill(b.ctx, r, i, size)
	}, func() error {
		j += size
		return rawTransaction(db, j, size, row)
	})
	if err != nil {
		return result{}, err
	}
	ours, limit := times[0]/size, times[1]/size
	return result{ours: ours, limit: limit, met: ours <= 10*time.Microsecond}, nil
}

// rawTransaction inserts n rows behind the key from.
func rawTransaction(db *sql.DB, from, n int, row []byte) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.Prepare(rawPut)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range n {
		if _, err := insert.Exec(key(from+i), row); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func group(b *bench) (result, error) {
	r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Full))
	if err != nil {
		return result{}, err
	}
	defer done()
	const writers, each = 64, 50
	start := time.Now()
	var wg sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if _, err := r.Set(b.ctx, key(w*each+i), value(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return result{}, err
	default:
	}
	return result{ours: time.Since(start) / (writers * each), met: true}, nil
}

func getBesideRaw(b *bench) (result, error) {
	const n = 10_000
	r, done, err := b.sqliteReplica(sqlite.Durability(sqlite.Normal))
	if err != nil {
		return result{}, err
	}
	defer done()
	if err := fill(b.ctx, r, 0, n); err != nil {
		return result{}, err
	}
	db, err := b.raw("NORMAL")
	if err != nil {
		return result{}, err
	}
	defer db.Close()
	for i := range n {
		if _, err := db.Exec(rawPut, key(i), bytes.Repeat([]byte("x"), 200)); err != nil {
			return result{}, err
		}
	}
	get, err := db.Prepare(rawGet)
	if err != nil {
		return result{}, err
	}
	defer get.Close()
	i, j := 0, 0
	times, err := inTurns(n, func() error {
		i++
		var v task
		_, err := r.Get(b.ctx, key(i*7919%n), &v)
		return err
	}, func() error {
		j++
		var v []byte
		return get.QueryRow(key(j * 7919 % n)).Scan(&v)
	})
	if err != nil {
		return result{}, err
	}
	ours, limit := times[0], times[1]
	return result{ours: ours, limit: limit, met: float64(limit)/float64(ours) >= 0.7}, nil
}

func getHot(b *bench) (result, error) {
	r, err := memoryReplica(b.ctx)
	if err != nil {
		return result{}, err
	}
	if err := fill(b.ctx, r, 0, 1000); err != nil {
		return result{}, err
	}
	const n = 200_000
	took, err := alone(rounds, func() (func() error, error) {
		return func() error {
			for i := range n {
				if _, err := r.Get(b.ctx, key(i%1000), nil); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
	return result{ours: took / n, met: took/n <= time.Microsecond, note: "the value undecoded"}, err
}

func memoryReplica(ctx context.Context) (*replica.Replica, error) {
	return replica.Open(ctx, memory.New(), replica.Options{})
}
