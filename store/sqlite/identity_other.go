//go:build !unix

package sqlite

import "io/fs"

// fileIdentity is empty: os.FileInfo has no inode here.
func fileIdentity(fs.FileInfo) string { return "" }
