//go:build cgo

package main

// rawDSN names the database of the limit: the driver that store/sqlite uses in this build, with the same settings.
func rawDSN(path, synchronous string) (driver, dsn string) {
	return "sqlite3", "file:" + path + "?_journal_mode=WAL&_synchronous=" + synchronous + "&_txlock=immediate&_stmt_cache_size=64"
}
