package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"github.com/kdelta/kdelta/store"
)

// applicationID marks the file as ours ("kdlt"), in SQLite's header field for that purpose.
const applicationID = 0x6b646c74

// migrations are the steps from an empty file to the present schema. Released ones never change; a new schema is a
// new step at the end.
func migrations() []string { return []string{schema1, schema2, schema3} }

// schema1 is the schema of the first release; doc.go describes it.
const schema1 = `
CREATE TABLE meta(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE author(k INTEGER PRIMARY KEY, v BLOB NOT NULL, name TEXT NOT NULL) STRICT;
CREATE TABLE seal(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE run(k INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT;
CREATE TABLE span(k INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT;
CREATE TABLE checkpoint(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE doc(
	k BLOB PRIMARY KEY, kind TEXT NOT NULL, value TEXT, author INTEGER NOT NULL, seq INTEGER NOT NULL,
	time INTEGER NOT NULL, conflicts INTEGER NOT NULL, rest BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE conflict(
	k BLOB PRIMARY KEY, path TEXT NOT NULL, status TEXT NOT NULL, time INTEGER NOT NULL, entry TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE pending(k INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT;
CREATE TABLE peer(
	k BLOB PRIMARY KEY, met INTEGER NOT NULL, skew_ms INTEGER NOT NULL, behind INTEGER NOT NULL, sent INTEGER NOT NULL,
	received INTEGER NOT NULL, clock BLOB NOT NULL, note TEXT NOT NULL, name TEXT
) STRICT, WITHOUT ROWID;

-- A key of doc is NAMESPACE/KEY; one of conflict is that, a zero byte and an identity. A hybrid time is 48 bits of
-- milliseconds above 16 bits of counter.
CREATE VIEW docs(namespace, key, value, kind, version, time, conflicts) AS
SELECT
	CAST(substr(d.k, 1, instr(d.k, x'2f') - 1) AS TEXT),
	CAST(substr(d.k, instr(d.k, x'2f') + 1) AS TEXT),
	d.value, d.kind, a.name || '@' || d.seq,
	strftime('%Y-%m-%dT%H:%M:%S', (d.time >> 16) / 1000, 'unixepoch') || printf('.%03dZ', (d.time >> 16) % 1000),
	d.conflicts
FROM doc d LEFT JOIN author a ON a.k = d.author
WHERE d.value IS NOT NULL AND substr(d.k, 1, 1) <> x'2e';

CREATE VIEW conflicts(namespace, key, path, status, time, entry) AS
SELECT
	CAST(substr(k, 1, instr(k, x'2f') - 1) AS TEXT),
	CAST(substr(k, instr(k, x'2f') + 1, instr(k, x'00') - instr(k, x'2f') - 1) AS TEXT),
	path, status,
	CASE WHEN time > 0 THEN
		strftime('%Y-%m-%dT%H:%M:%S', (time >> 16) / 1000, 'unixepoch') || printf('.%03dZ', (time >> 16) % 1000)
	END,
	entry
FROM conflict
WHERE substr(k, 1, 1) <> x'2e';

CREATE VIEW peers(peer, met, skew_ms, behind, sent, received, note) AS
SELECT
	coalesce(name, lower(hex(k))),
	CASE WHEN met > 0 THEN
		strftime('%Y-%m-%dT%H:%M:%S', met / 1000, 'unixepoch') || printf('.%03dZ', met % 1000)
	END,
	skew_ms, behind, sent, received, note
FROM peer;
`

// schema2 adds what was erased, and what proves it.
const schema2 = `
CREATE TABLE erasure(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;
`

// schema3 keeps texts, which the view of what is visible lists without a value.
const schema3 = `
CREATE TABLE sequence(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID;

DROP VIEW docs;

-- A text or a list has no value here: it is made of what the other tables have.
CREATE VIEW docs(namespace, key, value, kind, version, time, conflicts) AS
SELECT
	CAST(substr(d.k, 1, instr(d.k, x'2f') - 1) AS TEXT),
	CAST(substr(d.k, instr(d.k, x'2f') + 1) AS TEXT),
	d.value, d.kind, a.name || '@' || d.seq,
	strftime('%Y-%m-%dT%H:%M:%S', (d.time >> 16) / 1000, 'unixepoch') || printf('.%03dZ', (d.time >> 16) % 1000),
	d.conflicts
FROM doc d LEFT JOIN author a ON a.k = d.author
WHERE d.kind <> '' AND substr(d.k, 1, 1) <> x'2e';
`

// inspect says what the file is: its number of migrations, or why it is not ours to touch (Q4). An empty file has 0.
func (s *Store) inspect(c *conn) (version int64, err error) {
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	if version, err = c.number("PRAGMA user_version"); err != nil {
		return 0, err
	}
	if id == applicationID {
		return version, nil
	}
	objects, err := c.number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	if id != 0 || version != 0 || objects != 0 {
		return 0, fmt.Errorf("%w: %s is an SQLite database of another program", store.ErrForeign, s.path)
	}
	return 0, nil
}

// migrate brings the file to the last of the steps, all or nothing, and does not write if it is there already.
func (s *Store) migrate(ctx context.Context, c *conn, steps []string) error {
	current := int64(len(steps))
	return s.patiently(ctx, func() error {
		version, err := s.inspect(c)
		switch {
		case err != nil || version == current:
			return err
		case version > current:
			return s.notNewer(version, steps)
		case s.options.readOnly:
			return fmt.Errorf("%w: %s has schema %d and must become %d; open it once for writing",
				store.ErrReadOnly, s.path, version, current)
		}
		if err := c.exec("BEGIN EXCLUSIVE"); err != nil {
			return err
		}
		if err := s.runMigrations(c, steps); err != nil {
			_ = c.exec("ROLLBACK") // after some errors SQLite has done it already
			return err
		}
		return nil
	})
}

// notNewer refuses a file that has more steps behind it than these.
func (s *Store) notNewer(version int64, steps []string) error {
	if version > int64(len(steps)) {
		return fmt.Errorf("%w: %s has schema %d, this is %d", store.ErrNewerSchema, s.path, version, len(steps))
	}
	return nil
}

// runMigrations runs the missing steps inside a transaction and commits it.
func (s *Store) runMigrations(c *conn, steps []string) error {
	version, err := s.inspect(c) // another process may have been faster, of another release too
	if err == nil {
		err = s.notNewer(version, steps)
	}
	if err != nil {
		return err
	}
	for ; version < int64(len(steps)); version++ {
		if err := c.exec(steps[version]); err != nil {
			return fmt.Errorf("migration %d: %w", version+1, err)
		}
		if err := c.exec("PRAGMA user_version = " + strconv.FormatInt(version+1, 10)); err != nil {
			return err
		}
	}
	if err := c.exec("PRAGMA application_id = " + strconv.Itoa(applicationID)); err != nil {
		return err
	}
	return c.exec("COMMIT")
}
