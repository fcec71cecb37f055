package main

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/internal/canon"
)

// maxReported is how many rows a complaint names before it only counts.
const maxReported = 20

// A keyPlan says under which key each record of a file is written, decided before anything is written.
type keyPlan struct {
	// keys has one entry a record, in the file's order: its key without the namespace, empty for a skipped one.
	keys    []string
	skipped int
	// sum is the checksum of all records: who reads them again may find others in the file.
	sum checksum
}

// checksum is one of the values of records in their order.
type checksum struct{ maphash.Hash }

func (c *checksum) add(v canon.Value) { _, _ = c.Write(v) } // it never fails

func (p *keyPlan) records() int { return len(p.keys) - p.skipped }

// planner collects the records' own keys and what is wrong with them.
type planner struct {
	cmd    *importCmd
	format string
	// names are the records' own keys, empty where there is none.
	names []string
	// places are where each of them occurs.
	places map[string]places
	// repeated and unusable hold complaints: what is wrong → where.
	repeated []string
	unusable *complaints
	sum      checksum
}

// places are the numbers of the first and the last record that have a key.
type places struct{ first, last uint32 }

// plan reads the whole file and decides all keys, or says what stands in the way. Of the records it keeps the keys alone.
func (c *importCmd) plan(ctx context.Context, a *app, src *source) (*keyPlan, error) {
	p := &planner{
		cmd: c, format: src.format,
		places: map[string]places{}, unusable: &complaints{rows: map[string][]string{}},
	}
	records := src.records()
	for {
		rec, err := records.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		p.add(rec)
	}
	if err := p.complain(a); err != nil {
		return nil, err
	}
	return p.decide(), nil
}

// add notes one record.
func (p *planner) add(rec record) {
	p.sum.add(rec.value)
	name, problem := p.nameOf(rec.value)
	if problem != "" {
		p.unusable.add(problem, rec.where)
	}
	if name != "" {
		at, again := p.places[name]
		if again {
			p.repeated = append(p.repeated, rec.where)
		} else {
			at.first = uint32(len(p.names))
		}
		at.last = uint32(len(p.names))
		p.places[name] = at
	}
	p.names = append(p.names, name)
}

// nameOf is a record's own key, or what is wrong with it; both are empty where records are numbered.
func (p *planner) nameOf(v canon.Value) (name, problem string) {
	field := p.cmd.Key
	switch {
	case p.format == formatExport:
		if !isExported(v) {
			return "", "not a line that export prints"
		}
		full, _ := v.Get("key")
		text, _ := full.AsString()
		_, name, _ = strings.Cut(text, "/")
		return name, ""
	case field == "":
		return "", ""
	case v.Type() != canon.TypeMap:
		return "", "not an object"
	}
	key, there := v.Get(field)
	switch {
	case !there:
		return "", fmt.Sprintf("no field %q", field)
	case key.Type() == canon.TypeNull:
		return "", fmt.Sprintf("the field %q is null", field)
	case key.Type() == canon.TypeInt || key.Type() == canon.TypeFloat:
		return string(key.AppendJSON(nil)), ""
	}
	name, isText := key.AsString()
	switch {
	case !isText:
		return "", fmt.Sprintf("the field %q is neither text nor a number", field)
	case name == "":
		return "", fmt.Sprintf("the field %q is empty", field)
	}
	if err := crdt.CheckKey(p.cmd.NS + "/" + name); err != nil {
		return "", fmt.Sprintf("the field %q cannot be a key: %s", field, keyComplaint(err))
	}
	return name, ""
}

// complain prints what stands in the way of the import and returns it as an error, or nil.
func (p *planner) complain(a *app) error {
	var advice []string
	if p.unusable.count > 0 && p.cmd.OnMissing == "fail" {
		for _, problem := range p.unusable.order {
			a.notef("%s: %s", listed(p.unusable.rows[problem]), printable(problem))
		}
		advice = append(advice, "--on-missing skip or number")
	}
	if len(p.repeated) > 0 && p.cmd.OnDuplicate == "fail" {
		a.notef("%s: a key that an earlier record has", listed(p.repeated))
		advice = append(advice, "--on-duplicate last, skip or suffix")
	}
	if len(advice) == 0 {
		return nil
	}
	if p.format == formatExport {
		return fmt.Errorf("%w: nothing was written; export one namespace at a time (kdelta export NS), or say %s",
			errInput, strings.Join(advice, " and "))
	}
	return fmt.Errorf("%w: nothing was written; choose another field, or say %s", errInput, strings.Join(advice, " and "))
}

// decide gives each record its key, in the place of its own.
func (p *planner) decide() *keyPlan {
	plan := &keyPlan{keys: p.names, sum: p.sum}
	width := max(4, len(strconv.Itoa(len(p.names))))
	taken := map[string]bool{}
	next := map[string]int{}
	free := func(base string) string {
		name := base
		for p.has(name) || taken[name] {
			next[base]++
			name = base + "-" + strconv.Itoa(next[base]+1)
		}
		taken[name] = true
		return name
	}
	for i, name := range p.names {
		if name == "" && p.numbered() {
			plan.keys[i] = free(fmt.Sprintf("%0*d", width, i+1))
			continue
		}
		at := p.places[name]
		first, last := int(at.first) == i, int(at.last) == i
		switch {
		case name == "":
			plan.skipped++
		case p.cmd.OnDuplicate == "last" && !last, p.cmd.OnDuplicate == "skip" && !first:
			plan.keys[i] = ""
			plan.skipped++
		case p.cmd.OnDuplicate == "suffix" && !first:
			plan.keys[i] = free(name)
		}
	}
	return plan
}

// has reports whether a record of the file has the key by itself.
func (p *planner) has(name string) bool {
	_, ok := p.places[name]
	return ok
}

// numbered reports whether records without a key of their own are numbered.
func (p *planner) numbered() bool {
	return p.cmd.Key == "" && p.format != formatExport || p.cmd.OnMissing == "number"
}

// complaints are problems in the order of their first row.
type complaints struct {
	order []string
	rows  map[string][]string
	count int
}

func (c *complaints) add(problem, where string) {
	if _, known := c.rows[problem]; !known {
		c.order = append(c.order, problem)
	}
	c.rows[problem] = append(c.rows[problem], where)
	c.count++
}

// listed names the first rows and counts the rest: "lines 3, 9, 20 and 12 more".
func listed(rows []string) string {
	if len(rows) == 1 {
		return rows[0]
	}
	unit, _, _ := strings.Cut(rows[0], " ")
	var numbers []string
	for _, row := range rows[:min(len(rows), maxReported)] {
		numbers = append(numbers, strings.TrimPrefix(row, unit+" "))
	}
	text := unit + "s " + strings.Join(numbers, ", ")
	if len(rows) > maxReported {
		text += fmt.Sprintf(" and %d more", len(rows)-maxReported)
	}
	return text
}
