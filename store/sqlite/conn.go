package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/store"
)

// door is all that differs between the two drivers.
type door struct {
	driver driver.Driver
	// query is what the driver wants in the query part of the file's URI.
	query string
	// code is SQLite's primary result code in a driver's error, or 0.
	code func(error) int
}

// conn is one connection, for one goroutine at a time, with its prepared statements.
type conn struct {
	raw driver.Conn
	// idle holds prepared statements that nobody is stepping through, in the places of their keys; it is nil once the connection
	// is closed. There is more than one of a kind once a scan ran inside a scan.
	idle [][]driver.StmtQueryContext
	// args, row and head are scratch space of a call.
	args [maxColumns + 1]driver.NamedValue
	row  [maxColumns]driver.Value
	head []byte
}

// statementKey says what a statement does.
type statementKey struct {
	table store.Table
	verb  verb
}

// place is the key's place among all.
func (k statementKey) place() int { return int(k.table)*verbs + int(k.verb) }

// connect opens a connection to the file. mode is SQLite's: ro, rw, rwc, and what else may follow in the URI.
func (d door) connect(path, mode string) (*conn, error) {
	name := fileURI(path) + "?mode=" + mode
	if d.query != "" {
		name += "&" + d.query
	}
	raw, err := d.driver.Open(name)
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw, idle: make([][]driver.StmtQueryContext, len(store.Tables())*verbs)}
	if err := c.exec("PRAGMA busy_timeout = 0"); err != nil { // Store.patiently does the waiting
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// fileURI writes a path as SQLite reads it. Without the scheme SQLite takes no parameters; unescaped ?, # and %
// would end or change the name.
func fileURI(path string) string {
	var b strings.Builder
	b.WriteString("file:")
	for i := range len(path) {
		switch c := path[i]; {
		case c == '\\' && filepath.Separator == '\\':
			b.WriteByte('/')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("/-_.~:", c) >= 0:
			if i == 0 && filepath.Separator == '\\' {
				b.WriteByte('/') // C:/dir becomes /C:/dir
			}
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	return b.String()
}

func (c *conn) close() error {
	var errs []error
	for _, statements := range c.idle {
		for _, st := range statements {
			errs = append(errs, st.(driver.Stmt).Close())
		}
	}
	c.idle = nil
	return errors.Join(append(errs, c.raw.Close())...)
}

// exec runs statements without arguments or results.
func (c *conn) exec(sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

// number runs a query whose answer is one integer.
func (c *conn) number(sql string) (int64, error) {
	rows, err := c.raw.(driver.QueryerContext).QueryContext(context.Background(), sql, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return 0, err
	}
	switch v := row[0].(type) {
	case int64:
		return v, nil
	case string:
		return strconv.ParseInt(v, 10, 64)
	default:
		return 0, fmt.Errorf("%s answered %v, not a number", sql, v)
	}
}

// take returns a prepared statement that nobody uses; give brings it back.
func (c *conn) take(key statementKey) (driver.StmtQueryContext, error) {
	idle := &c.idle[key.place()]
	if last := len(*idle) - 1; last >= 0 {
		st := (*idle)[last]
		*idle = (*idle)[:last]
		return st, nil
	}
	st, err := c.raw.Prepare(key.verb.sql(key.table))
	if err != nil {
		return nil, err
	}
	return st.(driver.StmtQueryContext), nil
}

func (c *conn) give(key statementKey, st driver.StmtQueryContext) {
	if c.idle == nil { // the connection is closed
		_ = st.(driver.Stmt).Close()
		return
	}
	place := key.place()
	c.idle[place] = append(c.idle[place], st)
}

// run runs a statement that writes, with the first n of c.args. It goes through Query: mattn binds and steps in one
// call of C there, in Exec in one call per argument, which measured a quarter of the time of a row.
func (c *conn) run(key statementKey, n int) error {
	st, err := c.take(key)
	if err != nil {
		return err
	}
	defer c.give(key, st)
	rows, err := st.QueryContext(context.Background(), c.arguments(n))
	if err != nil {
		return err
	}
	return rows.Close()
}

// do runs a statement without table or arguments.
func (c *conn) do(v verb) error { return c.run(statementKey{verb: v}, 0) }

// get runs a statement with the first args of c.args that answers with one row of n columns or none, which is io.EOF. The
// row is scratch space.
func (c *conn) get(key statementKey, args, n int) ([]driver.Value, error) {
	st, err := c.take(key)
	if err != nil {
		return nil, err
	}
	defer c.give(key, st)
	rows, err := st.QueryContext(context.Background(), c.arguments(args))
	if err != nil {
		return nil, err
	}
	row := c.row[:n]
	err = rows.Next(row)
	if closing := rows.Close(); err == nil {
		err = closing
	}
	return row, err
}

// arguments numbers the first n of c.args.
func (c *conn) arguments(n int) []driver.NamedValue {
	for i := range n {
		c.args[i].Ordinal = i + 1
	}
	return c.args[:n]
}

// lines runs a query whose answer is rows of one text, until ctx ends.
func (c *conn) lines(ctx context.Context, sql string) ([]string, error) {
	rows, err := c.raw.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var lines []string
	row := make([]driver.Value, 1)
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return lines, nil
		case err != nil:
			return nil, err
		}
		lines = append(lines, fmt.Sprint(row[0]))
	}
}
