//go:build !cgo

package sqlite

func drivers() map[string]door { return map[string]door{"modernc": native()} }
