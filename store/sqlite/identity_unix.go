//go:build unix

package sqlite

import (
	"io/fs"
	"strconv"
	"syscall"
)

// fileIdentity is "device:inode" in decimal.
func fileIdentity(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	device := uint64(stat.Dev) //nolint:unconvert // its type differs between systems
	return strconv.FormatUint(device, 10) + ":" + strconv.FormatUint(stat.Ino, 10)
}
