//go:build cgo

package sqlite

import (
	"database/sql"
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

func rawOpen(b *testing.B, synchronous string) *sql.DB {
	b.Helper()
	name := fileURI(filepath.Join(b.TempDir(), "raw.db")) +
		"?_journal_mode=WAL&_txlock=immediate&_cache_size=-32768&_synchronous=" + synchronous
	db, err := sql.Open("sqlite3", name)
	check(b, err)
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { check(b, db.Close()) })
	_, err = db.Exec("CREATE TABLE row(k INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT; " +
		"CREATE TABLE doc(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID")
	check(b, err)
	return db
}

func rawPrepare(b *testing.B, db *sql.DB, query string) *sql.Stmt {
	b.Helper()
	st, err := db.Prepare(query)
	check(b, err)
	b.Cleanup(func() { check(b, st.Close()) })
	return st
}

func rawCommits(b *testing.B, synchronous string) {
	db := rawOpen(b, synchronous)
	insert := rawPrepare(b, db, "INSERT INTO row VALUES(?, ?)") //nolint:sqlclosecheck // Cleanup does
	n := int64(0)
	for b.Loop() {
		n++
		_, err := insert.Exec(n, benchRun)
		check(b, err)
	}
}

// rawThreeRows commits what benchCommits commits: three rows in three tables.
func rawThreeRows(b *testing.B, synchronous string) {
	db := rawOpen(b, synchronous)
	_, err := db.Exec("CREATE TABLE meta(k BLOB PRIMARY KEY, v BLOB NOT NULL) STRICT, WITHOUT ROWID")
	check(b, err)
	row := rawPrepare(b, db, "INSERT INTO row VALUES(?, ?)")
	doc := rawPrepare(b, db, "INSERT INTO doc VALUES(?, ?)")
	tip := rawPrepare(b, db, "INSERT OR REPLACE INTO meta VALUES(?, ?)")
	n := uint64(0)
	for b.Loop() {
		n++
		tx, err := db.Begin()
		check(b, err)
		_, err = tx.Stmt(row).Exec(int64(n), benchRun) //nolint:sqlclosecheck // Commit does
		check(b, err)
		_, err = tx.Stmt(doc).Exec(benchKey(n), benchDoc(n)) //nolint:sqlclosecheck // Commit does
		check(b, err)
		_, err = tx.Stmt(tip).Exec([]byte("tip"), binary.BigEndian.AppendUint64(nil, n)) //nolint:sqlclosecheck // Commit does
		check(b, err)
		check(b, tx.Commit())
	}
}

func BenchmarkCommitFullRawThreeRows(b *testing.B)   { rawThreeRows(b, "FULL") }
func BenchmarkCommitNormalRawThreeRows(b *testing.B) { rawThreeRows(b, "NORMAL") }

func BenchmarkCommitFullRaw(b *testing.B)   { rawCommits(b, "FULL") }
func BenchmarkCommitNormalRaw(b *testing.B) { rawCommits(b, "NORMAL") }

// rawFill writes n documents and rows in one transaction, beginning behind start.
func rawFill(b *testing.B, db *sql.DB, start, n uint64) {
	b.Helper()
	tx, err := db.Begin()
	check(b, err)
	doc, err := tx.Prepare("INSERT INTO doc VALUES(?, ?)")
	check(b, err)
	defer func() { check(b, doc.Close()) }()
	row, err := tx.Prepare("INSERT INTO row VALUES(?, ?)")
	check(b, err)
	defer func() { check(b, row.Close()) }()
	for i := start; i < start+n; i++ {
		_, err := doc.Exec(benchKey(i), benchDoc(i))
		check(b, err)
		_, err = row.Exec(int64(i), benchRun)
		check(b, err)
	}
	check(b, tx.Commit())
}

func BenchmarkBatchRaw(b *testing.B) {
	db := rawOpen(b, "FULL")
	n := uint64(0)
	for b.Loop() {
		rawFill(b, db, n, benchBatch)
		n += benchBatch
	}
	b.ReportMetric(benchBatch*float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

func BenchmarkGetDocRaw(b *testing.B) {
	db := rawOpen(b, "FULL")
	rawFill(b, db, 0, 10_000)
	get := rawPrepare(b, db, "SELECT v FROM doc WHERE k = ?") //nolint:sqlclosecheck // Cleanup does
	var v []byte
	for b.Loop() {
		check(b, get.QueryRow(benchKey(rand.Uint64N(10_000))).Scan(&v))
	}
}
