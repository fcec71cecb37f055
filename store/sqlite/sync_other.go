//go:build !linux

package sqlite

import "os"

// syncBytes brings a file to the disk.
func syncBytes(f *os.File) error { return f.Sync() }
