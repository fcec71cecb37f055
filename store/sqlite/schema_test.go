package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/store"
)

// query returns the rows of a query, the columns of each joined by "|".
func query(t *testing.T, c *conn, from string, columns ...string) []string {
	t.Helper()
	for i, column := range columns {
		columns[i] = "coalesce(" + column + ", 'NULL')"
	}
	lines, err := c.lines(t.Context(), "SELECT "+strings.Join(columns, "||'|'||")+" FROM "+from)
	if err != nil {
		t.Fatalf("query %s: %v", from, err)
	}
	return lines
}

func TestViews(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"))
		author := identity.Author{1, 2, 3}
		const at = 1_764_000_000_007<<16 | 5
		put := func(table store.Table, key string, row interface{ Append([]byte) []byte }) {
			t.Helper()
			putTest(t, s, table, key, row.Append(nil))
		}
		put(store.Authors, string(store.IntKey(3)), &store.Author{Author: author, Seq: 12})
		put(store.Docs, "notes/a/b", &store.Doc{Kind: "register", Value: []byte(`{"t":"ä"}`), Author: 3, Seq: 12, Time: at, Conflicts: 1})
		put(store.Docs, "notes/gone", &store.Doc{Author: 3, Seq: 11, Time: at, State: []byte{1}})
		put(store.Docs, ".author/x", &store.Doc{Kind: "register", Value: []byte(`1`), Author: 3})
		put(store.Conflicts, "notes/a/b\x00\x00\x01", &store.Conflict{Path: "/t", Status: "open", Entry: []byte(`{"x":1}`)})
		put(store.Conflicts, "notes/old\x00\x01\x00", &store.Conflict{Status: "resolved", Time: at, Entry: []byte(`{}`)})
		put(store.Conflicts, ".tag/v1\x00\x01", &store.Conflict{Status: "open"})
		put(store.Peers, string(author[:]), &store.Peer{Met: at >> 16, Skew: -250, Behind: 1, Sent: 2, Received: 3, Note: "slow"})
		put(store.Peers, "x", &store.Peer{})

		c := rawConn(t, d, s.Path())
		tests := []struct {
			view    string
			columns []string
			want    []string
		}{
			{
				"docs",
				[]string{"namespace", "key", "value", "kind", "version", "time", "conflicts"},
				[]string{`notes|a/b|{"t":"ä"}|register|` + author.String() + "@12|2025-11-24T16:00:00.007Z|1"},
			},
			{"docs WHERE value ->> 't' = 'ä'", []string{"key"}, []string{"a/b"}},
			{
				"conflicts ORDER BY key",
				[]string{"namespace", "key", "path", "status", "time", "entry"},
				[]string{`notes|a/b|/t|open|NULL|{"x":1}`, "notes|old||resolved|2025-11-24T16:00:00.007Z|{}"},
			},
			{
				"peers ORDER BY sent DESC",
				[]string{"peer", "met", "skew_ms", "behind", "sent", "received", "note"},
				[]string{author.String() + "|2025-11-24T16:00:00.007Z|-250|1|2|3|slow", "78|NULL|0|0|0|0|"},
			},
		}
		for _, test := range tests {
			if got := query(t, c, test.view, test.columns...); !slices.Equal(got, test.want) {
				t.Errorf("%s:\n got %q\nwant %q", test.view, got, test.want)
			}
		}
	})
}

// TestNotARow puts what cannot be laid out in columns.
func TestNotARow(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"))
		bad := map[store.Table][][]byte{
			store.Docs: {
				nil, []byte("no row"), append((&store.Doc{}).Append(nil), 0),
				(&store.Doc{Time: 1 << 63}).Append(nil), (&store.Doc{Seq: 1 << 63}).Append(nil),
			},
			store.Authors:   {nil, {0x99}},
			store.Conflicts: {nil, (&store.Conflict{Time: 1 << 63}).Append(nil)},
			store.Peers:     {nil, (&store.Peer{Met: 1 << 63}).Append(nil)},
		}
		for table, values := range bad {
			for _, v := range values {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					if err := tx.Put(table, store.IntKey(1), v); !errors.Is(err, store.ErrRow) || errors.Is(err, store.ErrCorrupt) {
						t.Errorf("Put(%s, %x) = %v, want ErrRow alone", table, v, err)
					}
					return tx.Put(store.Meta, []byte("k"), []byte("v")) // the transaction goes on
				})
				if err != nil {
					t.Errorf("Update after ErrRow: %v", err)
				}
			}
		}
	})
}

// TestEditedFromOutside changes a column in a way that no Put would.
func TestEditedFromOutside(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		s := openTest(t, d, filepath.Join(t.TempDir(), "data.db"))
		putTest(t, s, store.Docs, "n/k", (&store.Doc{Kind: "register", Value: []byte("1")}).Append(nil))
		mustExec(t, rawConn(t, d, s.Path()), `UPDATE doc SET value = '{"edited":true}', seq = 5`)
		got, err := s.GetOne(t.Context(), store.Docs, []byte("n/k"))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := store.DecodeDoc(got)
		if err != nil || string(doc.Value) != `{"edited":true}` || doc.Seq != 5 {
			t.Errorf("an edited row reads as %+v, %v; want the edit, well formed", doc, err)
		}
	})
}

func TestMigrations(t *testing.T) {
	steps := []string{
		"CREATE TABLE one(x)",
		"CREATE TABLE two(x); INSERT INTO two VALUES(2)",
		"INSERT INTO one VALUES(3)",
	}
	eachDriver(t, func(t *testing.T, d door) {
		migrateTo := func(path string, steps []string, opts options) (*conn, error) {
			s := newStore(d, path, opts)
			c := rawConn(t, d, path)
			return c, s.migrate(t.Context(), c, steps)
		}
		path := filepath.Join(t.TempDir(), "data.db")
		for n := 1; n <= len(steps); n++ { // one release after another
			c, err := migrateTo(path, steps[:n], options{})
			if err != nil {
				t.Fatalf("to %d: %v", n, err)
			}
			if got, err := c.number("PRAGMA user_version"); err != nil || got != int64(n) {
				t.Errorf("user_version = %d, %v; want %d", got, err, n)
			}
		}
		c, err := migrateTo(path, steps, options{})
		if err != nil {
			t.Errorf("a second run of the last release: %v", err)
		}
		if n, err := c.number("SELECT count(*) FROM one"); err != nil || n != 1 {
			t.Errorf("the last step ran %d times, %v", n, err)
		}
		if _, err := migrateTo(path, steps[:2], options{}); !errors.Is(err, store.ErrNewerSchema) {
			t.Errorf("an older release: %v, want ErrNewerSchema", err)
		}
		mustExec(t, c, "BEGIN EXCLUSIVE")
		if err := newStore(d, path, options{}).runMigrations(c, steps[:2]); !errors.Is(err, store.ErrNewerSchema) {
			t.Errorf("an older release that a newer one was faster than: %v, want ErrNewerSchema", err)
		}
		mustExec(t, c, "ROLLBACK")

		fresh := filepath.Join(t.TempDir(), "fresh.db")
		broken := append(slices.Clone(steps[:2]), "INSERT INTO nowhere VALUES(1)")
		if _, err := migrateTo(fresh, steps[:1], options{}); err != nil {
			t.Fatal(err)
		}
		c, err = migrateTo(fresh, broken, options{})
		if err == nil || !strings.Contains(err.Error(), "migration 3") {
			t.Errorf("a broken step: %v, want an error that names it", err)
		}
		for sql, want := range map[string]int64{
			"PRAGMA user_version": 1,
			"SELECT count(*) FROM sqlite_schema WHERE name = 'two'": 0,
		} {
			if got, err := c.number(sql); err != nil || got != want {
				t.Errorf("after a broken step %s = %d, %v; want %d", sql, got, err, want)
			}
		}
		if _, err := migrateTo(fresh, steps, options{readOnly: true}); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("a read-only open of an older schema: %v, want ErrReadOnly", err)
		}
		if _, err := migrateTo(fresh, steps, options{}); err != nil {
			t.Errorf("the mended release: %v", err)
		}
	})
}

// TestPragmas looks at what the connections were told.
func TestPragmas(t *testing.T) {
	eachDriver(t, func(t *testing.T, d door) {
		for durable, synchronous := range map[Durable]int64{Full: 2, Normal: 1} {
			s := openTest(t, d, filepath.Join(t.TempDir(), fmt.Sprint(durable)), Durability(durable))
			for _, test := range []struct {
				c    *conn
				sql  string
				want int64
			}{
				{s.writer, "PRAGMA synchronous", synchronous},
				{s.writer, "PRAGMA application_id", applicationID},
				{s.writer, "PRAGMA user_version", int64(len(migrations()))},
				{s.watcher, "PRAGMA query_only", 1},
				{s.writer, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'", 1},
			} {
				if got, err := test.c.number(test.sql); err != nil || got != test.want {
					t.Errorf("%s = %d, %v; want %d", test.sql, got, err, test.want)
				}
			}
			if s.Durable() != (durable == Full) {
				t.Errorf("Durable() = %v", s.Durable())
			}
		}
	})
}
