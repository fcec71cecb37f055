package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

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
		To      string `arg:"" help:"The position that it is to have, or \"end\"."`
		Message string `short:"m" placeholder:"MSG" help:"Say why, for the log."`
	}
)

func (c *arrayInsertCmd) Run(ctx context.Context, a *app) error {
	pos, err := parsePosition(c.Pos)
	if err != nil {
		return err
	}
	elements, err := a.parseItems(ctx, c.Values)
	if err != nil {
		return err
	}
	return a.editArray(ctx, c.Key, c.Message, func(length int) (sequence.ListEdit, error) {
		at := pos.in(length)
		return sequence.ListEdit{Pos: at, Elements: elements}, checkSpan(c.Key, "item", length, at, 0)
	})
}

func (c *arrayDeleteCmd) Run(ctx context.Context, a *app) error {
	if c.Pos < 0 || c.N < 1 {
		return usagef("a position is not below 0, and at least one item is deleted")
	}
	return a.editArray(ctx, c.Key, c.Message, func(length int) (sequence.ListEdit, error) {
		return sequence.ListEdit{Pos: c.Pos, Removed: c.N}, checkSpan(c.Key, "item", length, c.Pos, c.N)
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
	return a.editArray(ctx, c.Key, c.Message, func(length int) (sequence.ListEdit, error) {
		return sequence.ListEdit{Kind: sequence.ListReplace, Pos: c.Pos, Elements: elements}, checkSpan(c.Key, "item", length, c.Pos, 1)
	})
}

func (c *arrayMoveCmd) Run(ctx context.Context, a *app) error {
	if c.From < 0 {
		return usagef("a position is not below 0")
	}
	to, err := parsePosition(c.To)
	if err != nil {
		return err
	}
	return a.editArray(ctx, c.Key, c.Message, func(length int) (sequence.ListEdit, error) {
		e := sequence.ListEdit{Kind: sequence.ListMove, Pos: c.From, To: to.in(length - 1)}
		return e, checkSpan(c.Key, "item", length, max(e.Pos, e.To), 1)
	})
}

// position is a place in a list; below 0 it is the end.
type position int

func (p position) in(end int) int {
	if p < 0 {
		return end
	}
	return int(p)
}

func parsePosition(text string) (position, error) {
	text = strings.TrimSpace(text) // a negative number was told from a flag by a space
	if text == "end" {
		return -1, nil
	}
	pos, err := strconv.Atoi(text)
	if err != nil || pos < 0 {
		return 0, usagef(`%q is no position: write a number from 0 on, or "end"`, shorten(text, 40))
	}
	return position(pos), nil
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
func (a *app) editArray(ctx context.Context, key, message string, say func(length int) (sequence.ListEdit, error)) error {
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
		edit, err := say(len(items))
		if err != nil {
			return err
		}
		v, err := list.Merge(ctx, seen, []sequence.ListEdit{edit}, replica.Message(message))
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, key, v)
	})
}
