package sqlite

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// maxColumns is the number of columns of the widest table, its key aside.
const maxColumns = 9

// columns lists the columns that hold a table's value, in the order of encode and decode.
func columns(t store.Table) string {
	switch t {
	case store.Docs:
		return "kind, value, author, seq, time, conflicts, rest"
	case store.Conflicts:
		return "path, status, time, entry"
	case store.Peers:
		return "met, skew_ms, behind, sent, received, clock, note"
	default:
		return "v"
	}
}

// derived lists the columns behind those that only the views read.
func derived(t store.Table) string {
	switch t {
	case store.Authors, store.Peers:
		return ", name"
	default:
		return ""
	}
}

func width(columns string) int { return strings.Count(columns, ",") + 1 }

// keyValue is a key as SQLite has it.
func keyValue(t store.Table, key []byte) driver.Value {
	if t.Integer() {
		return int64(binary.BigEndian.Uint64(key))
	}
	return key
}

// encode lays a value out in c.args behind the key and returns how many arguments there are.
func (c *conn) encode(t store.Table, key, value []byte) (int, error) {
	c.args[0].Value = keyValue(t, key)
	n, err := 1, error(nil)
	set := func(v driver.Value) {
		c.args[n].Value = v
		n++
	}
	number := func(v uint64) {
		if v > store.MaxInt {
			err = fmt.Errorf("%w: table %s: the number %d is above 2^63-1", store.ErrRow, t, v)
		}
		set(int64(v))
	}
	switch t {
	case store.Docs:
		row, bad := store.DecodeDoc(value)
		if bad != nil {
			return 0, notARow(t, bad)
		}
		set(row.Kind)
		set(nullable(row.Value))
		number(row.Author)
		number(row.Seq)
		number(row.Time)
		number(row.Conflicts)
		c.head = row.AppendHead(c.head[:0])
		set(value[len(c.head):])
	case store.Conflicts:
		row, bad := store.DecodeConflict(value)
		if bad != nil {
			return 0, notARow(t, bad)
		}
		set(row.Path)
		set(row.Status)
		number(row.Time)
		set(nullable(row.Entry))
	case store.Peers:
		row, bad := store.DecodePeer(value)
		if bad != nil {
			return 0, notARow(t, bad)
		}
		number(row.Met)
		set(row.Skew)
		number(row.Behind)
		number(row.Sent)
		number(row.Received)
		set(blob(row.Clock))
		set(row.Note)
		set(peerName(key))
	case store.Authors:
		row, bad := store.DecodeAuthor(value)
		if bad != nil {
			return 0, notARow(t, bad)
		}
		set(blob(value))
		set(row.Author.String())
	default:
		set(blob(value))
	}
	return n, err
}

func notARow(t store.Table, err error) error {
	return fmt.Errorf("%w: table %s: %v", store.ErrRow, t, err) //nolint:errorlint // not corruption: it was never stored
}

// nullable is a text that may be missing.
func nullable(b []byte) driver.Value {
	if b == nil {
		return nil
	}
	return string(b)
}

// blob keeps an empty value from becoming NULL.
func blob(b []byte) driver.Value {
	if b == nil {
		return []byte{}
	}
	return b
}

// peerName is what people call the peer whose row has this key.
func peerName(key []byte) driver.Value {
	if len(key) != len(identity.Author{}) {
		return nil
	}
	return identity.Author(key).String()
}

// decode appends the value that a row of columns was laid out from. A row that has been changed from outside to
// something that no Put wrote is ErrCorrupt.
func decode(dst []byte, t store.Table, row []driver.Value) ([]byte, error) {
	r := columnReader{row: row}
	switch t {
	case store.Docs:
		doc := store.Doc{
			Kind: r.text(), Value: r.octets(), Author: r.number(), Seq: r.number(), Time: r.number(), Conflicts: r.number(),
		}
		dst = append(doc.AppendHead(dst), r.octets()...)
	case store.Conflicts:
		c := store.Conflict{Path: r.text(), Status: r.text(), Time: r.number(), Entry: r.octets()}
		dst = c.Append(dst)
	case store.Peers:
		p := store.Peer{
			Met: r.number(), Skew: int64(r.number()), Behind: r.number(), Sent: r.number(), Received: r.number(),
			Clock: r.octets(), Note: r.text(),
		}
		dst = p.Append(dst)
	default:
		dst = append(dst, r.octets()...)
	}
	if r.bad {
		return nil, fmt.Errorf("%w: a row of table %s has a column of a wrong type", store.ErrCorrupt, t)
	}
	return dst, nil
}

// columnReader reads the columns of a row one by one.
type columnReader struct {
	row []driver.Value
	bad bool
}

func (r *columnReader) next() driver.Value {
	v := r.row[0]
	r.row = r.row[1:]
	return v
}

func (r *columnReader) number() uint64 {
	v, ok := r.next().(int64)
	r.bad = r.bad || !ok
	return uint64(v)
}

func (r *columnReader) text() string { return string(r.octets()) }

func (r *columnReader) octets() []byte {
	switch v := r.next().(type) {
	case nil:
		return nil
	case []byte:
		return v
	case string:
		return []byte(v)
	default:
		r.bad = true
		return nil
	}
}
