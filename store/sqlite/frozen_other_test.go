//go:build !unix

package sqlite

import "errors"

func hinder(string) error { return errors.ErrUnsupported }
