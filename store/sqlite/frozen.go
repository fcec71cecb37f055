package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/kdelta/kdelta/store"
)

// frozen is what a file was that is read without locks. To read a database with a write-ahead log SQLite makes files
// beside it; where it may not, or has no room, it reads only what it is told nobody will change. That is so as long as there
// is no log: whoever writes begins one.
type frozen struct {
	size    int64
	written time.Time
}

// freeze lets the file be read without locks if that is why it could not be opened and if nobody has it open for
// writing. Otherwise it returns the error, with what to do.
func (s *Store) freeze(cause error) error {
	code := s.door.code(cause)
	if !s.options.readOnly || code != codeReadOnly && code != codeCantOpen && code != codeFull {
		return cause
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return cause
	}
	switch log, err := s.hasLog(); {
	case err != nil || log && code == codeFull:
		return cause
	case log:
		return fmt.Errorf("%w: the newest commits of %s are in %s-wal, and to read that %s-shm must be there or be made: "+
			"open the database once as a user who may write to its folder, or copy it, with its -wal, to a folder of yours",
			store.ErrReadOnly, s.path, s.path, s.path)
	}
	s.frozen = &frozen{size: info.Size(), written: info.ModTime()}
	return nil
}

// hasLog reports whether there are commits that are not in the file itself.
func (s *Store) hasLog() (bool, error) {
	log, err := os.Stat(s.path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && log.Size() > 0, err
}

// unchanged is an error where a file that is read without locks has been written to.
func (s *Store) unchanged() error {
	if s.frozen == nil {
		return nil
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	log, err := s.hasLog()
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	if log || info.Size() != s.frozen.size || !info.ModTime().Equal(s.frozen.written) {
		return fmt.Errorf("%w: somebody has written to %s since it was opened, and this process cannot look on beside him; "+
			"open it again", store.ErrBusy, s.path)
	}
	return nil
}
