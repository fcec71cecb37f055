package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
)

type arrayCmd struct {
	Insert  arrayInsertCmd  `cmd:"" help:"Put items into a list, or begin one."`
	Delete  arrayDeleteCmd  `cmd:"" help:"Take items out of a list."`
	Replace arrayReplaceCmd `cmd:"" help:"Give an item another value."`
	Move    arrayMoveCmd    `cmd:"" help:"Put an item elsewhere in its list."`
}

func (arrayCmd) Help() string {
	return `A list is edited item by item, so that what others do to it meanwhile is merged: an item stays the same one where it is ` +
		`moved or given another value. Positions count from 0.`
}

type (
	arrayInsertCmd struct {
		Key     string   `arg:"" help:"NAMESPACE/KEY."`
		Pos     string   `arg:"" help:"Before the item at this position, or \"end\"."`
		Values  []string `arg:"" name:"value" help:"Items: JSON, or - for standard input."`
		Message string   `short:"m" placeholder:"MSG" help:"Say why, for the log."`
	}
	arrayDeleteCmd struct {
		Key     string `arg:"" help:"NAMESPACE/KEY."`
		Pos     int    `arg:"" help:"The position of the first one."`
		N       int    `arg:"" default:"1" help:"How many."`
		Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
	}
	arrayReplaceCmd struct {
		Key     string `arg:"" help:"NAMESPACE/KEY."`
		Pos     int    `arg:"" help:"The position of the item."`
		Value   string `arg:"" help:"JSON, or - for standard input."`
		Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
	}
	arrayMoveCmd struct {
		Key     string `arg:"" help:"NAMESPACE/KEY."`
		From    int    `arg:"" help:"The position of the item."`
		To      int    `arg:"" help:"The position that it is to have."`
		Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
	}
)

func (c *arrayInsertCmd) Run(ctx context.Context, a *app) error {
	pos, err := strconv.Atoi(c.Pos)
	if err != nil && c.Pos != "end" || pos < 0 {
		return usagef(`%q is no position: write a number from 0 on, or "end"`, shorten(c.Pos, 40))
	}
	elements, err := a.parseItems(ctx, c.Values)
	if err != nil {
		return err
	}
	return a.editArray(ctx, c.Key, c.Message, func(length int) sequence.ListEdit {
		if c.Pos == "end" {
			pos = length
		}
		return sequence.ListEdit{Pos: pos, Elements: elements}
	})
}

func (c *arrayDeleteCmd) Run(ctx context.Context, a *app) error {
	if c.Pos < 0 || c.N < 1 {
		return usagef("a position is not below 0, and at least one item is deleted")
	}
	return a.editArray(ctx, c.Key, c.Message, func(int) sequence.ListEdit {
		return sequence.ListEdit{Pos: c.Pos, Removed: c.N}
	})
}

func (c *arrayReplaceCmd) Run(ctx context.Context, a *app) error {
	if c.Pos < 0 {
		return usagef("a position is not below 0")
	}
	elements, err := a.parseItems(ctx, []string{c.Value})
	if err != nil {
		return err
	}
	return a.editArray(ctx, c.Key, c.Message, func(int) sequence.ListEdit {
		return sequence.ListEdit{Kind: sequence.ListReplace, Pos: c.Pos, Elements: elements}
	})
}

func (c *arrayMoveCmd) Run(ctx context.Context, a *app) error {
	if c.From < 0 || c.To < 0 {
		return usagef("a position is not below 0")
	}
	return a.editArray(ctx, c.Key, c.Message, func(int) sequence.ListEdit {
		return sequence.ListEdit{Kind: sequence.ListMove, Pos: c.From, To: c.To}
	})
}

// parseItems is parseValue for the items of a list.
func (a *app) parseItems(ctx context.Context, args []string) ([][]byte, error) {
	values, err := a.parseValues(ctx, args)
	if err != nil {
		return nil, err
	}
	items := make([][]byte, len(values))
	for i, v := range values {
		items[i] = v.(json.RawMessage)
	}
	return items, nil
}

// editArray writes an edit of the list at a key, which may depend on its length, as one version.
func (a *app) editArray(ctx context.Context, key, message string, say func(length int) sequence.ListEdit) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return a.write(ctx, func(db *database) error {
		list := db.Array(key)
		var items []json.RawMessage
		seen, err := list.Seen(ctx, &items)
		if err != nil {
			return err
		}
		v, err := list.Merge(ctx, seen, []sequence.ListEdit{say(len(items))}, replica.Message(message))
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, key, v)
	})
}
