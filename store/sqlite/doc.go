// Package sqlite is a store in one SQLite file, for desktops, phones and servers.
//
// # Model
//
//	app.db            the database: a table per store.Table, three views for people       0600
//	app.db-wal        commits that are not yet in app.db: part of the database while it is there
//	app.db-shm        the index of app.db-wal, rebuilt at need
//	app.db-instance   the sidecar: betrays a copy or a restored backup (see store.Sidecar, slots.go)
//
// One connection writes, a pool of others reads, one more watches for foreign commits. In SQLite's write-ahead log
// readers see the snapshot of their start while the writer appends, so neither waits for the other. Between processes
// SQLite's own file locks give the turns. Never copy app.db alone while it is in use, and never put it on a network
// file system: the log needs shared memory.
//
// Where the folder may not be written to, app.db-shm cannot be made. ReadOnly then reads app.db without it and without
// locks, if there is no log; it notices when somebody writes all the same.
//
// # Two drivers, one door
//
// With cgo the driver is github.com/mattn/go-sqlite3, without it modernc.org/sqlite, which is the same SQLite
// translated to Go. A file knows nothing of the driver that wrote it. Everything but the driver's name, its way of
// writing a file name and its error type is common, and speaks database/sql/driver: what is left out, the pool and
// the argument conversion of database/sql, measured a third of the time of a row.
//
// # Layout
//
//	integer tables   k INTEGER PRIMARY KEY, v BLOB: the rowid itself, new rows at the end
//	other tables     k BLOB PRIMARY KEY, v BLOB, WITHOUT ROWID
//	doc              kind, value (JSON text), author, seq, time, conflicts; the rest of the row as a blob
//	author           the row, and the author's short name
//	conflict, peer   a column per field
//
// Put takes a row apart, Get puts the same bytes together again. People read the views:
//
//	docs       namespace, key, value (JSON), kind, version ("abcdefgh@12"), time (ISO 8601, UTC), conflicts
//	conflicts  namespace, key, path, status, time (when it was closed), entry (JSON)
//	peers      peer, met, skew_ms, behind, sent, received, note
//
//	sqlite3 -readonly app.db "SELECT key, value ->> 'title' FROM docs WHERE namespace = 'notes'"
//
// The entry of a conflict that is open tells what the namespace's strategy shows; that of one that was closed what whoever closed it
// saw, as lww/1 has it, or fields/1 where it is a member of a record. "why" begins with the name of the strategy that it tells of.
//
// They show what is visible now, without kdelta's own namespaces (those that begin with a dot). Reading them from
// outside at any time is fine. Writing from outside is not: the history would not know.
//
// # Invariants
//
//	Q1 What Update acknowledged survives the death of the process. With Full, the default, it survives a power cut
//	   too; with Normal a power cut may take back the newest commits, always from the end, never one in the middle.
//	Q2 A lock held by another process is waited for until the context ends; nobody sees "database is locked".
//	Q3 A failure dooms its transaction: SQLite may have rolled back already, so nothing more may be written.
//	Q4 A file that is not ours, or is newer than this package, is refused before anything in it changes, and with
//	   ReadOnly before anything is made beside it.
//	Q5 The application id is in the file from its first commit on, which also holds the whole schema.
//
// Schema changes are a list ([migrations]): PRAGMA user_version counts how many of it the file has seen, and Open
// runs the missing ones in one exclusive transaction.
package sqlite
