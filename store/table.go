package store

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Table names one of the store's tables. The numbers are part of what adapters may persist: only ever add.
type Table uint8

// The tables; doc.go says what each holds.
const (
	Meta Table = iota
	Authors
	Seals
	Runs
	Spans
	Checkpoints
	Docs
	Conflicts
	Pending
	Peers
	Erasures
	Sequences
	tables
)

var tableNames = [tables]string{
	"meta", "author", "seal", "run", "span", "checkpoint", "doc", "conflict", "pending", "peer", "erasure", "sequence",
}

// Tables lists all tables.
func Tables() []Table {
	all := make([]Table, tables)
	for i := range all {
		all[i] = Table(i)
	}
	return all
}

// String is the table's name, lower case and singular, fit to be an SQL name.
func (t Table) String() string {
	if t >= tables {
		return "unknown"
	}
	return tableNames[t]
}

// Integer reports whether the table's keys are integers (see IntKey); other keys are 1 to MaxKey bytes of any kind.
func (t Table) Integer() bool {
	switch t {
	case Authors, Runs, Spans, Pending:
		return true
	}
	return false
}

// MaxKey is the longest key in bytes: a key of 1 KiB, a separator and a 32-byte identity fit.
const MaxKey = 1100

// MaxInt is the largest number that an integer table can hold a row for.
const MaxInt = 1<<63 - 1

// ErrKey is about a key that the table cannot have, or a table that does not exist: a mistake of the caller.
var ErrKey = errors.New("store: invalid key")

// CheckKey returns nil if key may name a row of t, else an error that wraps ErrKey. Adapters call it in Get, GetOne,
// Put and Delete; the bounds of a Range may be any bytes.
func CheckKey(t Table, key []byte) error {
	switch {
	case t >= tables:
		return fmt.Errorf("%w: there is no table %d", ErrKey, uint8(t))
	case t.Integer() && (len(key) != 8 || key[0] > 0x7f):
		return fmt.Errorf("%w: %x for table %s, which takes what IntKey makes of 0 to MaxInt", ErrKey, key[:min(len(key), 16)], t)
	case !t.Integer() && (len(key) == 0 || len(key) > MaxKey):
		return fmt.Errorf("%w: %d bytes for table %s, which takes 1 to %d", ErrKey, len(key), t, MaxKey)
	}
	return nil
}

// IntBound turns the bound of a Range over an integer table into a number: the smallest n whose IntKey is not below
// bound, or MaxInt+1 where all keys are below it. With it From ≤ key < To is the same range in numbers.
func IntBound(bound []byte) uint64 {
	var padded [8]byte
	copy(padded[:], bound)
	n := binary.BigEndian.Uint64(padded[:])
	if len(bound) > 8 && n <= MaxInt {
		n++ // the key of n is a proper prefix of bound, and so below it
	}
	return min(n, MaxInt+1)
}

// IntKey is the key of row n in an integer table. n is below 2^63.
func IntKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// KeyInt is the number that IntKey was given.
func KeyInt(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// After is the smallest key above key: the From of a scan that starts behind it.
func After(key []byte) []byte { return append(append(make([]byte, 0, len(key)+1), key...), 0) }

// PrefixEnd is the smallest key above all keys that start with prefix, or nil where there is none.
func PrefixEnd(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			end := append([]byte(nil), prefix[:i+1]...)
			end[i]++
			return end
		}
	}
	return nil
}
