//go:build !unix

package sqlite

import "errors"

func dropPrivileges() error { return errors.ErrUnsupported }
