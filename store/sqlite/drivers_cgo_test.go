//go:build cgo

package sqlite

import (
	"errors"

	modernc "modernc.org/sqlite"
)

// drivers has both in one test binary: what the build without cgo would use comes through the same constructor.
func drivers() map[string]door {
	return map[string]door{
		"mattn": native(),
		"modernc": {
			driver: &modernc.Driver{},
			code: func(err error) int {
				var e *modernc.Error
				if !errors.As(err, &e) {
					return 0
				}
				return primary(e.Code())
			},
		},
	}
}
