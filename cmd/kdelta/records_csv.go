package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/kdelta/kdelta/internal/canon"
)

// columnType is what all cells of a CSV column can be read as. A cell alone cannot tell: one postcode looks like a
// number, the next has a zero in front.
type columnType int

const (
	columnEmpty columnType = iota
	columnBool
	columnNumber
	columnText
)

// cellType is the narrowest type of one cell.
func cellType(cell string) columnType {
	switch cell {
	case "":
		return columnEmpty
	case "true", "false":
		return columnBool
	}
	if v, err := canon.FromJSON([]byte(cell)); err == nil {
		if t := v.Type(); t == canon.TypeInt || t == canon.TypeFloat {
			return columnNumber
		}
	}
	return columnText
}

// widen is the type of a column that holds both.
func widen(a, b columnType) columnType {
	switch {
	case a == columnEmpty || a == b:
		return b
	case b == columnEmpty:
		return a
	}
	return columnText
}

// cellValue is a cell as a value of its column: nothing is null in a column of numbers or booleans, and an empty text
// in a column of texts.
func cellValue(cell string, column columnType) (canon.Value, error) {
	if column == columnText {
		return canon.String(cell)
	}
	if cell == "" {
		return canon.Null(), nil
	}
	return canon.FromJSON([]byte(cell))
}

// csvSeparator is what stands between the cells of a CSV file, by its first line: a comma, or where that has none a tab or a semicolon,
// as spreadsheets write them in countries in which the comma is in numbers. What is quoted does not count.
func csvSeparator(r io.Reader) (rune, error) {
	found, inQuotes := map[byte]bool{}, false
	for line := bufio.NewReader(r); ; {
		c, err := line.ReadByte()
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if err != nil || c == '\n' && !inQuotes {
			break
		}
		inQuotes = inQuotes != (c == '"')
		found[c] = found[c] || !inQuotes
	}
	for _, separator := range ",\t;" {
		if found[byte(separator)] {
			return separator, nil
		}
	}
	return ',', nil
}

// csvReader reads a CSV file (RFC 4180) whose first line names the fields.
type csvReader struct {
	csv     *csv.Reader
	guard   *guard
	name    string
	columns []columnType
	fields  []string
}

func newCSV(r io.Reader, name string, separator rune, columns []columnType) *csvReader {
	g := &guard{r: r}
	reader := csv.NewReader(g)
	reader.Comma = separator
	reader.ReuseRecord = true
	return &csvReader{csv: reader, guard: g, name: name, columns: columns}
}

// read is the next line's cells. The guard ends it when a quote that never closes would fill the memory.
func (c *csvReader) read() ([]string, error) {
	cells, err := c.csv.Read()
	c.guard.mark = c.csv.InputOffset()
	if errors.Is(err, csv.ErrFieldCount) {
		line, _ := c.csv.FieldPos(0)
		err = fmt.Errorf("line %d has %s, the first line names %s", line, count(len(cells), "cell"), count(len(c.fields), "field"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %s: %w (it was read as CSV)", errInput, c.name, err)
	}
	return cells, err
}

// csvColumns reads the whole file for the types of its columns.
func csvColumns(r io.Reader, name string, separator rune) ([]columnType, error) {
	c := newCSV(r, name, separator, nil)
	if err := c.header(); err != nil {
		return nil, err
	}
	columns := make([]columnType, len(c.fields))
	for {
		cells, err := c.read()
		if errors.Is(err, io.EOF) {
			return columns, nil
		}
		if err != nil {
			return nil, err
		}
		for i, cell := range cells {
			columns[i] = widen(columns[i], cellType(cell))
		}
	}
}

// header reads the first line.
func (c *csvReader) header() error {
	cells, err := c.read()
	if err != nil {
		return err
	}
	c.fields = append([]string(nil), cells...)
	seen := map[string]bool{}
	for _, field := range c.fields {
		if !utf8.ValidString(field) {
			return fmt.Errorf("%w: %s: line 1 is no UTF-8 (it was read as CSV); save it as UTF-8", errInput, c.name)
		}
		if strings.Contains(field, "\r") {
			return fmt.Errorf("%w: %s: its lines end with a carriage return alone; save it with line feeds", errInput, c.name)
		}
		if seen[field] {
			return fmt.Errorf("%w: %s: line 1 names the field %q twice", errInput, c.name, field)
		}
		seen[field] = true
	}
	return nil
}

func (c *csvReader) next() (record, error) {
	if c.fields == nil {
		if err := c.header(); err != nil {
			return record{}, err
		}
	}
	cells, err := c.read()
	if err != nil {
		return record{}, err
	}
	line, _ := c.csv.FieldPos(0)
	where := fmt.Sprintf("line %d", line)
	entries := make([]canon.Entry, len(cells))
	for i, cell := range cells {
		if !utf8.ValidString(cell) {
			return record{}, fmt.Errorf("%w: %s: %s: the field %q is no UTF-8 (it was read as CSV); save it as UTF-8", errInput, c.name, where, c.fields[i])
		}
		v, err := cellValue(cell, c.columns[i])
		if err != nil {
			return record{}, fmt.Errorf("%w: %s: %s: %q: %w", errInput, c.name, where, c.fields[i], err)
		}
		entries[i] = canon.Entry{Key: c.fields[i], Value: v}
	}
	v, err := canon.NewMap(entries)
	if err != nil {
		return record{}, fmt.Errorf("%w: %s: %s: %w", errInput, c.name, where, err)
	}
	return record{where: where, value: v}, nil
}
