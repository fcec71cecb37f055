package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// lines reads JSON lines: one value a line, empty lines between them allowed.
type lines struct {
	scan *bufio.Scanner
	name string
	line int
}

func newLines(r io.Reader, name string) *lines {
	scan := bufio.NewScanner(r)
	scan.Buffer(make([]byte, 0, 64<<10), maxRecord)
	return &lines{scan: scan, name: name}
}

func (l *lines) next() (record, error) {
	for l.scan.Scan() {
		l.line++
		text := bytes.TrimSpace(l.scan.Bytes())
		if len(text) == 0 {
			continue
		}
		rec, err := newRecord(l.name, fmt.Sprintf("line %d", l.line), text)
		if err != nil {
			err = fmt.Errorf("%w (it was read as JSON lines: one record a line)", err)
		}
		return rec, err
	}
	err := l.scan.Err()
	switch {
	case err == nil:
		return record{}, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		return record{}, fmt.Errorf("%w: %s: line %d is longer than %s", errInput, l.name, l.line+1, byteSize(maxRecord))
	}
	return record{}, fmt.Errorf("%w: %s: %w", errInput, l.name, err)
}

// values reads the elements of a JSON array one by one, or values that stand one after another over any lines.
type values struct {
	dec    *json.Decoder
	guard  *guard
	name   string
	array  bool
	number int
}

func newValues(r io.Reader, name string, array bool) *values {
	g := &guard{r: r}
	return &values{dec: json.NewDecoder(g), guard: g, name: name, array: array}
}

// guard ends the reading when one element grows beyond maxRecord, before it is in memory as a whole.
type guard struct {
	r          io.Reader
	read, mark int64
}

func (g *guard) Read(p []byte) (int, error) {
	if g.read-g.mark > maxRecord {
		return 0, fmt.Errorf("longer than %s", byteSize(maxRecord))
	}
	n, err := g.r.Read(p)
	g.read += int64(n)
	return n, err
}

func (v *values) next() (record, error) {
	if v.array && v.number == 0 {
		if _, err := v.dec.Token(); err != nil { // '[', of which array tells
			return record{}, fmt.Errorf("%w: %s: %w", errInput, v.name, err)
		}
	}
	v.number++
	where := fmt.Sprintf("record %d", v.number)
	if v.array && !v.dec.More() {
		return record{}, v.end(where)
	}
	var text json.RawMessage
	err := v.dec.Decode(&text)
	switch {
	case errors.Is(err, io.EOF) && !v.array:
		return record{}, io.EOF
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF): // the former behind a comma, where no array ends
		err = errors.New("the text ends too early")
	}
	if err != nil {
		return record{}, fmt.Errorf("%w: %s: %s: %w", errInput, v.name, where, err)
	}
	v.guard.mark = v.dec.InputOffset()
	return newRecord(v.name, where, text)
}

// end is io.EOF if the array ends here, before the record at where, and the text with it.
func (v *values) end(where string) error {
	if t, err := v.dec.Token(); err != nil || t != json.Delim(']') {
		return fmt.Errorf("%w: %s: the array ends too early, before %s", errInput, v.name, where)
	}
	if _, err := v.dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s: more text after the array", errInput, v.name)
	}
	return io.EOF
}

func newRecord(name, where string, text []byte) (record, error) {
	v, err := canon.FromJSON(text)
	if err != nil {
		return record{}, fmt.Errorf("%w: %s: %s: %w", errInput, name, where, err)
	}
	return record{where: where, value: v}, nil
}

// isExported reports whether v is a line that export printed: an object of exactly a key and a value.
func isExported(v canon.Value) bool {
	_, hasValue := v.Get("value")
	key, hasKey := v.Get("key")
	if v.Type() != canon.TypeMap || v.Len() != 2 || !hasValue || !hasKey {
		return false
	}
	name, ok := key.AsString()
	return ok && crdt.CheckKey(name) == nil
}
