package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kdelta/kdelta/internal/canon"
)

// maxRecord bounds one record of an import file: a version takes 1 MiB of canonical bytes, and its text may be longer.
const maxRecord = 8 << 20

// A record is one row of an import file.
type record struct {
	// where is its place for people: "line 3", "record 3".
	where string
	value canon.Value
}

// recordReader yields the records of a file in order, then io.EOF. Its errors wrap errInput and say where.
type recordReader interface {
	next() (record, error)
}

// A source is an import file that is read twice: once to plan the keys, once to write. It stands still meanwhile:
// what is no regular file was copied first, and what a file grows by later is not seen.
type source struct {
	name   string
	file   *os.File
	size   int64
	format string
	// first is the first byte that is no white space.
	first byte
	// separator is what stands between the cells of a CSV file, columns the types that its columns turned out to have.
	separator rune
	columns   []columnType
	// close ends the use of the file.
	close func()
}

// openSource opens the file at path, or standard input where that is "-".
func (a *app) openSource(ctx context.Context, path, format string) (*source, error) {
	s := &source{name: path, format: format}
	if path == "-" {
		s.name = "standard input"
		if err := s.spool(ctx, a.stdin); err != nil {
			return nil, err
		}
	} else if err := s.open(ctx, path); err != nil {
		return nil, err
	}
	if err := s.detect(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *source) open(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errInput, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		_ = f.Close()
		return fmt.Errorf("%w: %w", errInput, err)
	case info.IsDir():
		_ = f.Close()
		return fmt.Errorf("%w: %s is a folder", errInput, path)
	case !info.Mode().IsRegular():
		defer func() { _ = f.Close() }()
		return s.spool(ctx, f)
	}
	s.file, s.size, s.close = f, info.Size(), func() { _ = f.Close() }
	return nil
}

// spool copies a stream to a temporary file, so that it can be read twice.
func (s *source) spool(ctx context.Context, r io.Reader) error {
	f, err := os.CreateTemp("", "kdelta-import-*")
	if err != nil {
		return err
	}
	// Without a name from the start, where the system allows that: whatever ends this process leaves nothing behind.
	unlinked := os.Remove(f.Name()) == nil
	s.file = f
	s.close = func() {
		_ = f.Close()
		if !unlinked {
			_ = os.Remove(f.Name())
		}
	}
	if s.size, err = io.Copy(f, &untilDone{ctx, r}); err != nil {
		s.close()
		return fmt.Errorf("%w: read %s: %w", errInput, s.name, err)
	}
	return nil
}

// detect finds the format by the first character where none was asked for, and reads ahead what the format needs.
func (s *source) detect() error {
	var err error
	if s.first, err = s.firstByte(); err != nil {
		return err
	}
	if s.format == formatAuto {
		switch s.first {
		case '[':
			s.format = formatJSON
		case '{':
			s.format = s.detectLines()
		default:
			s.format = formatCSV
		}
	}
	if s.format != formatCSV {
		return nil
	}
	if s.separator, err = csvSeparator(s.text()); err != nil {
		return fmt.Errorf("%w: %s: %w", errInput, s.name, err)
	}
	s.columns, err = csvColumns(s.text(), s.name, s.separator)
	return err
}

// firstByte is the first byte that is no white space.
func (s *source) firstByte() (byte, error) {
	r := bufio.NewReader(s.text())
	for {
		c, err := r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("%w: %s is empty", errInput, s.name)
		case err != nil:
			return 0, fmt.Errorf("%w: %s: %w", errInput, s.name, err)
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			return c, nil
		}
	}
}

// detectLines tells lines that export printed, other JSON lines, and an object that is written over several lines by
// what the first line holds.
func (s *source) detectLines() string {
	first, err := newLines(s.text(), s.name).next()
	switch {
	case err != nil:
		return formatJSON
	case isExported(first.value):
		return formatExport
	}
	return formatLines
}

const byteOrderMark = "\ufeff"

// text is the file from its start, without a byte order mark.
func (s *source) text() io.Reader {
	head := make([]byte, len(byteOrderMark))
	start := int64(0)
	if n, _ := s.file.ReadAt(head, 0); string(head[:n]) == byteOrderMark {
		start = int64(n)
	}
	return io.NewSectionReader(s.file, start, s.size-start)
}

// records starts reading the file anew.
func (s *source) records() recordReader {
	switch s.format {
	case formatJSON:
		return newValues(s.text(), s.name, s.first == '[')
	case formatCSV:
		return newCSV(s.text(), s.name, s.separator, s.columns)
	}
	return newLines(s.text(), s.name)
}

// The formats of import files.
const (
	formatAuto   = "auto"
	formatJSON   = "json"
	formatLines  = "jsonl"
	formatCSV    = "csv"
	formatExport = "export"
)
