//go:build cgo

package sqlite

import (
	"errors"

	sqlite3 "github.com/mattn/go-sqlite3"
)

// native is the driver of builds with cgo. Each connection is used by one goroutine at a time, so SQLite's own mutex
// around it is switched off. While it opens, the driver would wait 5 s for locks, which is this package's affair, and
// set synchronous to NORMAL, too weak for the making of a file.
func native() door {
	return door{
		driver: &sqlite3.SQLiteDriver{},
		query:  "_mutex=no&_busy_timeout=0&_synchronous=FULL",
		code: func(err error) int {
			var e sqlite3.Error
			if !errors.As(err, &e) {
				return 0
			}
			return primary(int(e.ExtendedCode))
		},
	}
}
