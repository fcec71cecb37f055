package sqlite

import "context"

// Shrink implements [store.Shrinking]: the file is written anew without the pages that are free, and the log moved into it.
func (s *Store) Shrink(ctx context.Context) error {
	return s.alone(ctx, func() error {
		patient, cancel := s.patience(ctx)
		defer cancel()
		if err := s.patiently(patient, func() error { return s.writer.exec("VACUUM") }); err != nil {
			return err
		}
		// Readers may hold the log open: it is then emptied later, as always.
		return s.patiently(patient, func() error { return s.writer.exec("PRAGMA wal_checkpoint(TRUNCATE)") })
	})
}
