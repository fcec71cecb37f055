package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
	"slices"

	"github.com/kdelta/kdelta/store"
)

// tx is one transaction on one connection.
type tx struct {
	store    *Store
	conn     *conn // nil once it is over
	readOnly bool
	doomed   error // the first failure (Q3)
	rows     int   // that were written
	// scans are the rows that are being stepped through: they must be closed before the transaction can end, also
	// those of an iterator that its owner forgot.
	scans []driver.Rows
}

// State implements [store.Counting]: SQLite tells what other connections have committed, the Store counts the writer's.
func (x *tx) State() (uint64, error) {
	if err := x.usable(); err != nil {
		return 0, err
	}
	if x.readOnly {
		return 0, store.ErrReadOnly
	}
	row, err := x.conn.get(statementKey{verb: verbVersion}, 0, 1)
	if err != nil {
		return 0, x.failed(err)
	}
	if version := row[0]; version != x.store.version {
		x.store.version = version
		x.store.state++
	}
	return x.store.state, nil
}

func (x *tx) finish() {
	for _, rows := range x.scans {
		_ = rows.Close()
	}
	x.scans, x.conn = nil, nil
}

// usable says why the transaction cannot go on, if it cannot.
func (x *tx) usable() error {
	if x.conn == nil {
		return errOver
	}
	return x.doomed
}

// Get implements [store.Tx].
func (x *tx) Get(t store.Table, key []byte) ([]byte, error) {
	if err := x.usable(); err != nil {
		return nil, err
	}
	value, err := x.store.get(x.conn, t, key)
	if err != nil {
		return nil, x.failed(err)
	}
	return value, nil
}

// failed translates an error of a read and dooms the transaction unless the error is an answer (Q3).
func (x *tx) failed(err error) error {
	err = x.store.door.translate(x.store.path, err)
	if x.doomed == nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrKey) && !errors.Is(err, errOver) {
		x.doomed = err
	}
	return err
}

// get reads one row on a connection.
func (s *Store) get(c *conn, t store.Table, key []byte) ([]byte, error) {
	if err := store.CheckKey(t, key); err != nil {
		return nil, err
	}
	c.args[0].Value = keyValue(t, key)
	row, err := c.get(statementKey{t, verbGet}, 1, width(columns(t)))
	switch {
	case errors.Is(err, io.EOF):
		return nil, store.ErrNotFound
	case err != nil:
		return nil, err
	}
	if plain, ok := row[0].([]byte); ok && len(row) == 1 {
		return plain, nil // the driver's own copy
	}
	return decode(nil, t, row)
}

// Put implements [store.Tx].
func (x *tx) Put(t store.Table, key, value []byte) error {
	if err := x.writable(t, key); err != nil {
		return err
	}
	n, err := x.conn.encode(t, key, value)
	if err != nil {
		return err
	}
	return x.write(statementKey{t, verbPut}, n)
}

// Delete implements [store.Tx].
func (x *tx) Delete(t store.Table, key []byte) error {
	if err := x.writable(t, key); err != nil {
		return err
	}
	x.conn.args[0].Value = keyValue(t, key)
	return x.write(statementKey{t, verbDelete}, 1)
}

func (x *tx) writable(t store.Table, key []byte) error {
	if err := x.usable(); err != nil {
		return err
	}
	if x.readOnly {
		return store.ErrReadOnly
	}
	return store.CheckKey(t, key)
}

func (x *tx) write(key statementKey, n int) error {
	x.rows++
	if err := x.conn.run(key, n); err != nil {
		x.doomed = x.store.door.translate(x.store.path, err)
		return x.doomed
	}
	return nil
}

// Scan implements [store.Tx].
func (x *tx) Scan(t store.Table, r store.Range) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		err := x.scan(t, r, func(row store.Row) bool { return yield(row, nil) })
		if err != nil {
			yield(store.Row{}, x.failed(err))
		}
	}
}

func (x *tx) scan(t store.Table, r store.Range, yield func(store.Row) bool) error {
	if err := x.usable(); err != nil {
		return err
	}
	if int(t) >= len(store.Tables()) {
		return store.CheckKey(t, nil)
	}
	bounds, empty := bounds(t, r)
	if empty {
		return nil
	}
	c, key := x.conn, statementKey{t, scanVerb(r, len(bounds) == 2)}
	st, err := c.take(key)
	if err != nil {
		return err
	}
	defer c.give(key, st)
	for i, bound := range bounds {
		c.args[i].Value = bound
	}
	rows, err := st.QueryContext(context.Background(), c.arguments(len(bounds)))
	if err != nil {
		return err
	}
	x.scans = append(x.scans, rows)
	defer func() {
		_ = rows.Close()
		x.scans = slices.DeleteFunc(x.scans, func(other driver.Rows) bool { return other == rows })
	}()
	return x.step(t, r.KeysOnly, rows, yield)
}

// step yields the rows of a scan until there are no more or yield has enough.
func (x *tx) step(t store.Table, keysOnly bool, rows driver.Rows, yield func(store.Row) bool) error {
	columns := make([]driver.Value, len(rows.Columns()))
	var value []byte
	for x.conn != nil {
		switch err := rows.Next(columns); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var row store.Row
		switch k := columns[0].(type) {
		case int64:
			row.Key = store.IntKey(uint64(k))
		case []byte:
			row.Key = k
		default:
			return store.ErrCorrupt
		}
		if !keysOnly {
			var err error
			if value, err = decode(value[:0], t, columns[1:]); err != nil {
				return err
			}
			row.Value = value
		}
		if !yield(row) {
			return nil
		}
	}
	return errOver
}

// bounds are the arguments of a scan: the lower bound, and the upper one if there is one.
func bounds(t store.Table, r store.Range) (args []driver.Value, empty bool) {
	if !t.Integer() {
		args = append(args, blob(r.From))
		if r.To != nil {
			args = append(args, r.To)
		}
		return args, false
	}
	from := store.IntBound(r.From)
	if from > store.MaxInt {
		return nil, true
	}
	args = append(args, int64(from))
	if to := store.IntBound(r.To); r.To != nil && to <= store.MaxInt {
		args = append(args, int64(to))
	}
	return args, false
}
