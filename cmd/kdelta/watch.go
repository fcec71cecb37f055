package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/kdelta/kdelta/replica"
)

type watchCmd struct {
	What   string `arg:"" optional:"" name:"namespace|key" help:"Only changes of this namespace, or of this NAMESPACE/KEY."`
	Exec   string `placeholder:"CMD" help:"Run this command in a shell for each event, one at a time."`
	Since  string `placeholder:"CURSOR" help:"Begin behind this cursor, 0 for the beginning of all. Default: now."`
	Number int    `short:"n" placeholder:"N" help:"End after N events."`
}

func (watchCmd) Help() string {
	return `An event is one version with all that it changed, whoever wrote it: this device, another process that has the file ` +
		`open, another device by a sync. --json prints each with a cursor; --since goes on behind it, in this database file. Where ` +
		`that cannot be, the first event is a reset: forget what was told. Each key follows with what it shows now, each ` +
		`with the version that it is from, then what happens. ` +
		`The command of --exec has the event as --json prints it on its standard input, and KDELTA_KEY (of several keys the ` +
		`first), KDELTA_VERSION, KDELTA_AUTHOR, KDELTA_CURSOR and KDELTA_DB in its environment. An interrupt ends the watch with ` +
		`exit code 0.`
}

func (c *watchCmd) Run(ctx context.Context, a *app) error {
	if c.Number < 0 {
		return usagef("-n %d: write how many events to wait for, 0 for no end", c.Number)
	}
	prefix, err := c.prefix()
	if err != nil {
		return err
	}
	var opts []replica.WatchOption
	if c.Since != "" {
		opts = append(opts, replica.Since(replica.Cursor(c.Since)))
	}
	return a.read(ctx, func(db *database) error {
		err := c.follow(ctx, a, db, db.Watch(ctx, prefix, opts...))
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return nil // how a watch is ended
		}
		return err
	})
}

// prefix is what the watched keys start with.
func (c *watchCmd) prefix() (string, error) {
	if strings.Contains(c.What, "/") {
		return c.What, checkKey(c.What)
	}
	return keysOf(c.What)
}

func (c *watchCmd) follow(ctx context.Context, a *app, db *database, events iter.Seq2[replica.Event, error]) error {
	n := 0
	for e, err := range events {
		if err != nil {
			return err
		}
		if strings.Contains(c.What, "/") {
			e.Changes = slices.DeleteFunc(e.Changes, func(change replica.Change) bool { return change.Key != c.What })
		}
		if len(e.Changes) == 0 && !e.Reset {
			continue
		}
		if err := c.tell(ctx, a, db, e); err != nil {
			return err
		}
		if n++; n == c.Number {
			return nil
		}
	}
	return nil
}

// tell prints an event, or runs the command with it.
func (c *watchCmd) tell(ctx context.Context, a *app, db *database, e replica.Event) error {
	switch {
	case c.Exec != "":
		return a.runWith(ctx, db, c.Exec, e)
	case a.asJSON:
		if err := a.printJSON(eventShape(e)); err != nil {
			return err
		}
	default:
		a.printEvent(ctx, db, e)
	}
	return a.flush()
}

func (a *app) printEvent(ctx context.Context, db *database, e replica.Event) {
	if e.Reset {
		a.printf("%s\n", a.strong("reset: the cursor is of another database, or of what was written again since; every key follows as it is now"))
		return
	}
	name, when := db.versionName(ctx, e.Version), timeHuman(e.Version.Wall())
	for _, change := range e.Changes {
		value := a.bad("deleted")
		if change.Value != nil {
			value = a.oneLine(change.Value, columns(name)+len(when)+columns(change.Key)+6)
		}
		a.printf("%s  %s  %s  %s\n", a.version(name), a.faint(when), a.key(change.Key), value)
	}
}

// eventJSON is one version with what it changed. A reset has a cursor alone.
type eventJSON struct {
	Cursor  string       `json:"cursor"`
	Reset   bool         `json:"reset,omitempty"`
	Version string       `json:"version,omitempty"`
	ID      string       `json:"id,omitempty"`
	Author  string       `json:"author,omitempty"`
	Time    string       `json:"time,omitempty"`
	Remote  bool         `json:"remote"`
	Changes []changeJSON `json:"changes"`
}

// changeJSON is a key and its value after the event.
type changeJSON struct {
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value"`
	Deleted bool            `json:"deleted,omitempty"`
}

func eventShape(e replica.Event) eventJSON {
	shape := eventJSON{Cursor: string(e.Cursor), Reset: e.Reset, Remote: e.Remote, Changes: make([]changeJSON, len(e.Changes))}
	if !e.Reset {
		shape.Version, shape.ID = e.Version.String(), e.Version.ID.String()
		shape.Author, shape.Time = e.Version.Author.String(), timeJSON(e.Version.Wall())
	}
	for i, change := range e.Changes {
		shape.Changes[i] = changeJSON{Key: change.Key, Value: change.Value, Deleted: change.Value == nil}
	}
	return shape
}
