package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/kdelta/kdelta/replica"
)

type importCmd struct {
	NS          string `arg:"" name:"namespace" help:"Where the records go."`
	File        string `arg:"" help:"The file, or - for standard input."`
	Key         string `placeholder:"FIELD" help:"The field whose text or number becomes the key; without it records are numbered."`
	Format      string `enum:"auto,json,jsonl,csv,export" default:"auto" help:"json (an array, or objects over any lines), jsonl, csv, export (what export prints), or auto by the content."`
	OnDuplicate string `enum:"fail,last,skip,suffix" default:"fail" help:"When a key comes again: fail, last (the last one counts), skip (the first one counts) or suffix (KEY-2)."`
	OnMissing   string `enum:"fail,skip,number" default:"fail" help:"When a record has no usable key: fail, skip it, or number it."`
}

// Help is what --help adds.
func (importCmd) Help() string {
	return `All records are written at once or none is. Numbered keys are filled up with zeros, so that their order is ` +
		`that of the file. In CSV the first line names the fields, between commas, tabs or semicolons; a column that holds numbers alone is read as numbers. ` +
		`A file of lines that are all {"key":…,"value":…} with a NAMESPACE/KEY is taken for an export: its keys are ` +
		`kept, in this namespace; --format jsonl takes such lines as they are.`
}

// importJSON is the report of an import.
type importJSON struct {
	Namespace string `json:"namespace"`
	Records   int    `json:"records"`
	Versions  int    `json:"versions"`
	Version   string `json:"version"`
	Skipped   int    `json:"skipped"`
}

func (c *importCmd) Run(ctx context.Context, a *app) error {
	if err := checkNamespace(c.NS); err != nil {
		return err
	}
	src, err := a.openSource(ctx, c.File, c.Format)
	if err != nil {
		return err
	}
	defer src.close()
	if src.format == formatExport && c.Key != "" {
		src.format = formatLines // the person says that these are records
	}
	plan, err := c.plan(ctx, a, src)
	if err != nil {
		return err
	}
	if src.format == formatCSV && len(plan.keys) == 0 {
		a.notef("note: %s was read as CSV: one line that names fields, and no record", src.name)
	}
	if plan.records() == 0 {
		return c.print(a, nil, replica.ImportReport{}, plan)
	}
	return a.write(ctx, func(db *database) error {
		bar := a.progress("import", plan.records())
		rep, err := db.Import(ctx, c.feed(src, plan, bar))
		bar.end()
		if err != nil {
			return err
		}
		return c.print(a, func() string { return db.versionName(ctx, rep.Last) }, rep, plan)
	})
}

// feed yields the planned records. What goes wrong on the way reaches the database as a value that cannot be written,
// which takes the whole transaction back.
func (c *importCmd) feed(src *source, plan *keyPlan, bar *progress) func(func(string, any) bool) {
	return func(yield func(string, any) bool) {
		records := src.records()
		var sum checksum
		sum.SetSeed(plan.sum.Seed())
		for _, key := range plan.keys {
			rec, err := records.next()
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = fmt.Errorf("%w: %s became shorter while it was read", errInput, src.name)
				}
				yield(c.NS+"/x", unwritable{err})
				return
			}
			sum.add(rec.value)
			if key == "" {
				continue
			}
			value := rec.value
			if src.format == formatExport && isExported(value) {
				value, _ = value.Get("value")
			}
			if !yield(c.NS+"/"+key, json.RawMessage(value.AppendJSON(nil))) {
				return
			}
			bar.step(1)
		}
		if sum.Sum64() != plan.sum.Sum64() { // their keys were those of other records
			yield(c.NS+"/x", unwritable{fmt.Errorf("%w: %s changed while it was read", errInput, src.name)})
		}
	}
}

// unwritable is a value whose encoding fails with a reason.
type unwritable struct{ reason error }

func (u unwritable) MarshalJSON() ([]byte, error) { return nil, u.reason }

func (c *importCmd) print(a *app, last func() string, rep replica.ImportReport, plan *keyPlan) error {
	if a.asJSON {
		shape := importJSON{Namespace: c.NS, Records: rep.Records, Versions: rep.Versions, Skipped: plan.skipped}
		if rep.Records > 0 {
			shape.Version = rep.Last.String()
		}
		return a.printJSON(shape)
	}
	line := count(rep.Records, "record") + " in " + count(rep.Versions, "version")
	if rep.Records > 0 {
		line += ": " + a.version(last())
	}
	if plan.skipped > 0 {
		line += ", " + a.bad(count(plan.skipped, "record")+" skipped")
	}
	a.printf("%s\n", line)
	if rep.Versions > 1 {
		a.notef("note: more than one version can hold (1 MiB); other devices may see the %d versions one after another", rep.Versions)
	}
	return nil
}
