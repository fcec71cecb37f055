package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
)

type editCmd struct {
	Key     string  `arg:"" help:"NAMESPACE/KEY."`
	AtPos   *int    `name:"at-pos" placeholder:"N" help:"Edit at this position, in code points from 0 on; the end if it is left out."`
	Delete  int     `placeholder:"N" help:"Take so many code points out."`
	Insert  *string `placeholder:"TEXT" help:"Put this text there."`
	Message string  `short:"m" placeholder:"MSG" help:"Say why, for the log."`
}

func (editCmd) Help() string {
	return `Without a flag that says what to do, the text opens in $VISUAL or $EDITOR, and what was changed there is merged with what ` +
		`others write meanwhile. A key that holds nothing begins as an empty text.`
}

func (c *editCmd) Run(ctx context.Context, a *app) error {
	if err := checkKey(c.Key); err != nil {
		return err
	}
	flags := c.AtPos != nil || c.Delete != 0 || c.Insert != nil
	switch {
	case c.AtPos != nil && *c.AtPos < 0 || c.Delete < 0:
		return usagef("a position and a number of code points to delete are not below 0")
	case flags && c.Delete == 0 && c.Insert == nil:
		return usagef("--at-pos says where; say what with --delete, --insert or both")
	case flags && c.Delete > 0 && c.AtPos == nil:
		return usagef("--delete needs --at-pos: where to delete from")
	}
	return a.write(ctx, func(db *database) error {
		text := db.Text(c.Key)
		shown, seen, err := text.Seen(ctx)
		if err != nil {
			return err
		}
		splices := []sequence.Splice{c.splice(shown)}
		if !flags {
			if splices, err = a.editedIn(ctx, c.Key, shown); err != nil {
				return err
			}
		}
		v, err := text.Merge(ctx, seen, splices, replica.Message(c.Message))
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}

// splice is what the flags say.
func (c *editCmd) splice(text string) sequence.Splice {
	s := sequence.Splice{Removed: c.Delete}
	if c.Insert != nil {
		s.Text = *c.Insert
	}
	if s.Pos = utf8.RuneCountInString(text); c.AtPos != nil {
		s.Pos = *c.AtPos
	}
	return s
}

// errEditor: the editor could not be run, or ended with an error. Nothing was written.
var errEditor = errors.New("the editor failed; nothing was written")

// editedIn has a person edit a text, and returns what was changed.
func (a *app) editedIn(ctx context.Context, key, text string) ([]sequence.Splice, error) {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		return nil, usagef("no editor is set: set EDITOR, or say with --at-pos, --delete and --insert what to do")
	}
	dir, err := os.MkdirTemp("", "kdelta-edit-") // readable by its owner alone
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", path)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/c", editor+` "`+path+`"`)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stderr, a.stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errEditor, printable(editor), err)
	}
	edited, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(edited) {
		return nil, fmt.Errorf("%w: what the editor saved for %s", sequence.ErrText, printable(key))
	}
	if !strings.HasSuffix(text, "\n") {
		edited = bytes.TrimSuffix(edited, []byte("\n")) // most editors end a file with a line
	}
	return changes(text, string(edited)), nil
}

// changes are the splices that take one text to another.
func changes(from, to string) (splices []sequence.Splice) {
	pos := 0
	for _, d := range textDiffs(from, to) {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			pos += utf8.RuneCountInString(d.Text)
		case diffmatchpatch.DiffDelete:
			splices = append(splices, sequence.Splice{Pos: pos, Removed: utf8.RuneCountInString(d.Text)})
		case diffmatchpatch.DiffInsert:
			splices = append(splices, sequence.Splice{Pos: pos, Text: d.Text})
			pos += utf8.RuneCountInString(d.Text)
		}
	}
	return splices
}
