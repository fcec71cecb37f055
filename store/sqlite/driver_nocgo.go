//go:build !cgo

package sqlite

import (
	"errors"

	sqlite3 "modernc.org/sqlite"
)

// native is the driver of builds without cgo.
func native() door {
	return door{
		driver: &sqlite3.Driver{},
		code: func(err error) int {
			var e *sqlite3.Error
			if !errors.As(err, &e) {
				return 0
			}
			return primary(e.Code())
		},
	}
}
