package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/kdelta/kdelta/store"
)

var (
	_ store.Shrinking = (*Store)(nil)
	_ store.Scrubbing = (*Store)(nil)
)

// Shrink implements [store.Shrinking]: the file is written anew without the pages that are free, and the log moved into it.
func (s *Store) Shrink(ctx context.Context) error {
	return s.alone(ctx, func() error {
		patient, cancel := s.patience(ctx)
		defer cancel()
		if err := s.vacuum(patient); err != nil {
			return err
		}
		// Readers may hold the log open: it is then emptied later, as always.
		return s.patiently(patient, func() error { return s.writer.exec("PRAGMA wal_checkpoint(TRUNCATE)") })
	})
}

// Scrub implements [store.Scrubbing]. After it the file has no page that is free or was written before, and the log is empty: a
// VACUUM goes over all pages, and what the log held goes into the file. A reader keeps the log as it is; Scrub waits two seconds
// for it to end.
func (s *Store) Scrub(ctx context.Context) error {
	return s.alone(ctx, func() error {
		patient, cancel := s.patience(ctx)
		defer cancel()
		if err := s.vacuum(patient); err != nil {
			return err
		}
		short, cancel := context.WithTimeoutCause(patient, scrubPatience, errLogInUse)
		defer cancel()
		return s.patiently(short, func() error {
			kept, err := s.writer.number("PRAGMA wal_checkpoint(TRUNCATE)")
			if err == nil && kept != 0 {
				err = errLogInUse
			}
			return err
		})
	})
}

const scrubPatience = 2 * time.Second

// errLogInUse: somebody reads what the log holds, so that it cannot be emptied.
var errLogInUse = errors.New("a reader holds the log")

// vacuum writes the file anew.
func (s *Store) vacuum(ctx context.Context) error {
	return s.patiently(ctx, func() error { return s.writer.exec("VACUUM") })
}
