package sqlite

import "strconv"

// How many pages of log there are before they are copied into the file. Where a commit is a few rows, its time is that of the
// disk, and a log that still grows takes half as long again to sync as one that is written over: few pages, and that is soon over.
// Where it is many, each page is written again and again, and few pages are copied more often: with half of them, batches of
// scattered documents take a fifth longer.
const (
	fewPages  = 1000
	manyPages = 2000
	manyRows  = 64
)

// pagesFor is how long the log is to get behind a commit of so many rows.
func pagesFor(rows int) int {
	if rows < manyRows {
		return fewPages
	}
	return manyPages
}

// keepLog sets how long the log gets.
func (s *Store) keepLog(pages int) error {
	if s.logPages == pages {
		return nil
	}
	if err := s.writer.exec("PRAGMA wal_autocheckpoint = " + strconv.Itoa(pages)); err != nil {
		return s.door.translate(s.path, err)
	}
	s.logPages = pages
	return nil
}
