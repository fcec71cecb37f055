package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// syncBytes brings the bytes of a file to the disk, without the time of their change.
func syncBytes(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
