package sqlite

import (
	"errors"
	"fmt"

	"github.com/kdelta/kdelta/store"
)

// SQLite's primary result codes that mean something to callers; see https://sqlite.org/rescode.html.
const (
	codeBusy     = 5
	codeLocked   = 6
	codeReadOnly = 8
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26

	// codeShmSize: the index of the log could not grow.
	codeShmSize = 10 | 19<<8
)

// primary is the primary one of an extended result code. That there is no room for the index of the log, which reading needs too,
// SQLite calls trouble with the disk; here it is a full one.
func primary(extended int) int {
	if extended == codeShmSize {
		return codeFull
	}
	return extended & 0xff
}

// errOver is what a Tx says that outlived its View or Update.
var errOver = fmt.Errorf("%w: the transaction is over", store.ErrClosed)

// busy reports whether err is about another connection's lock, or its reading.
func (d door) busy(err error) bool {
	code := d.code(err)
	return code == codeBusy || code == codeLocked || errors.Is(err, errLogInUse)
}

// translate turns a driver's error into one of package store's, with the file's path and the driver's text. What is
// an error of package store already stays as it is.
func (d door) translate(path string, err error) error {
	if err == nil {
		return nil
	}
	var sentinel error
	switch d.code(err) {
	case codeBusy, codeLocked:
		sentinel = store.ErrBusy
	case codeReadOnly:
		sentinel = store.ErrReadOnly
	case codeCorrupt, codeNotADB:
		sentinel = store.ErrCorrupt
	case codeFull:
		sentinel = store.ErrFull
	case codeCantOpen:
		return fmt.Errorf("sqlite: %s: %w; check that the file and its folder may be read and written", path, err)
	case 0:
		return err
	default:
		return fmt.Errorf("sqlite: %s: %w", path, err)
	}
	if errors.Is(err, sentinel) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", sentinel, path, err)
}
