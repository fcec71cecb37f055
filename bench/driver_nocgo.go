//go:build !cgo

package main

// rawDSN names the database of the limit: the driver that store/sqlite uses in this build, with the same settings.
func rawDSN(path, synchronous string) (driver, dsn string) {
	return "sqlite", "file:" + path + "?_pragma=journal_mode(WAL)&_pragma=synchronous(" + synchronous + ")&_txlock=immediate"
}
