package store

import (
	"context"
	"errors"
	"iter"
)

// Errors that adapters return, wrapped with what happened and where. Foreign errors (a database driver's, the
// file system's) are translated at the adapter's door.
var (
	// ErrNotFound: no row has that key.
	ErrNotFound = errors.New("store: no such row")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrReadOnly: a write in a View, or a database that may only be read.
	ErrReadOnly = errors.New("store: read-only")
	// ErrBusy: another process held the database until the context ended.
	ErrBusy = errors.New("store: busy: another process is writing to the database")
	// ErrCorrupt: what the database holds is not what was written.
	ErrCorrupt = errors.New("store: corrupt")
	// ErrForeign: the file is not a kdelta database.
	ErrForeign = errors.New("store: not a kdelta database")
	// ErrNewerSchema: a newer kdelta wrote the database; this one would damage it.
	ErrNewerSchema = errors.New("store: the database was written by a newer kdelta; update kdelta to open it")
	// ErrRow: the value is not a row of the table that it was put into: a mistake of the caller.
	ErrRow = errors.New("store: not a row of its table")
	// ErrFull: the disk or the quota is full; nothing was written.
	ErrFull = errors.New("store: no space left; nothing was written")
)

// A Store keeps rows. It is safe for all goroutines.
type Store interface {
	// View runs fn on a snapshot. Any number of Views run at once, beside one Update. The Tx and all that came
	// from it are invalid when fn returns. fn's error is returned as it is.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs fn and commits what it wrote if fn returns nil, or nothing. It waits for its turn until ctx
	// ends (ErrBusy where another process holds the database, else ctx's error). fn runs once. A panic in fn
	// rolls back and goes on. When Update returns nil the rows are durable (S4). The context is about the wait: once
	// fn has begun it is fn that decides. fn must not call Update or Close of the same store.
	Update(ctx context.Context, fn func(Tx) error) error
	// Close waits for running transactions and releases the database. A second Close does nothing.
	Close() error
}

// A Tx is one transaction. It belongs to one goroutine. A key that the table cannot have (see CheckKey) is an error
// that wraps ErrKey.
type Tx interface {
	// Get returns the value of a row, or ErrNotFound. The caller may keep the bytes but not change them.
	Get(t Table, key []byte) ([]byte, error)
	// Put inserts or replaces a row. The store keeps no reference to key or value once Put has returned. An adapter
	// with columns refuses a value that is not a row of its table (see [Author], [Doc], [Conflict], [Peer]) or has a
	// number of 2^63 or more, with ErrRow.
	Put(t Table, key, value []byte) error
	// Delete removes a row; removing what is not there is no error.
	Delete(t Table, key []byte) error
	// Scan yields the rows of r in order. A yielded row is valid until the next one; copy what you keep. The loop
	// may Get, Put and Delete, and may Scan again, but must not write to the table that it scans. An error ends
	// the sequence and is its last element.
	Scan(t Table, r Range) iter.Seq2[Row, error]
}

// A Row is one row of a table.
type Row struct{ Key, Value []byte }

// A Range is a part of a table: From ≤ key < To, a nil bound being open. Reverse yields the largest key first.
type Range struct {
	From, To []byte
	Reverse  bool
	// KeysOnly says that values are not wanted; a Row's Value is then nil.
	KeysOnly bool
}

// Getter is an optional ability: one row from the newest snapshot, without the cost of a transaction.
type Getter interface {
	GetOne(ctx context.Context, t Table, key []byte) ([]byte, error)
}

// Counting is an optional ability of an Update's Tx: the number of the state that the transaction began with. Two Updates of
// one Store have the same number only if nothing was committed between them, by whomever. When an Update has returned nil,
// the next one's is by one greater than its own, unless somebody else came first. So whoever remembers what it committed
// need not read it again.
type Counting interface {
	State() (uint64, error)
}

// Shrinking is an optional ability of stores whose files keep the room of what was deleted: Shrink gives it back. It may
// take as long as copying the database, and waits for its turn like an Update.
type Shrinking interface {
	Shrink(ctx context.Context) error
}

// Scrubbing is an optional ability of stores that leave what was deleted, or replaced, in their files: Scrub sees to it that
// nothing of it is there any more when it returns nil. It may take as long as copying the database, and waits for its turn like an
// Update. ErrBusy says that somebody else who has the database open keeps some of it there: try again later.
type Scrubbing interface {
	Scrub(ctx context.Context) error
}

// Changing is an optional ability of stores that several processes may have open: a number that differs when
// somebody else has committed since it was last asked for; it may differ after a commit of one's own too. Stores
// without it have one owner.
type Changing interface {
	ChangeCounter(ctx context.Context) (uint64, error)
}
