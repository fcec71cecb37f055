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
		var v replica.Version
		merge := func(splices ...sequence.Splice) (err error) {
			v, err = text.Merge(ctx, seen, splices, replica.Message(c.Message))
			return err
		}
		if flags {
			splice := c.splice(shown)
			if err := checkSpan(c.Key, "code point", utf8.RuneCountInString(shown), splice.Pos, splice.Removed); err != nil {
				return err
			}
			err = merge(splice)
		} else {
			err = a.editIn(ctx, c.Key, shown, merge)
		}
		if err != nil {
			return err
		}
		return a.printWritten(ctx, db, c.Key, v)
	})
}

// checkSpan refuses n elements of a text or a list, from a position on, of which some are not there.
func checkSpan(key, element string, length, pos, n int) error {
	if pos <= length && n <= length-pos {
		return nil
	}
	says := fmt.Sprintf("the last is at %d", length-1)
	if n == 0 {
		says = fmt.Sprintf("new ones can be put at 0 to %d", length)
	} else if length == 0 {
		says = "there is nothing to be changed"
	}
	return fmt.Errorf("%w: %s has %s: %s", sequence.ErrPosition, printable(key), count(length, element), says)
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

// editIn has a person edit a text, and gives write what was changed. Where that cannot be written, or the editor fails, what the
// person has saved stays in its file.
func (a *app) editIn(ctx context.Context, key, text string, write func(...sequence.Splice) error) error {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" {
		return usagef("no editor is set: set EDITOR, or say with --at-pos, --delete and --insert what to do")
	}
	dir, err := os.MkdirTemp("", "kdelta-edit-") // readable by its owner alone
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "text.txt")
	err = a.runEditor(ctx, editor, path, text)
	if err == nil {
		err = mergeFile(key, text, path, write)
	}
	if saved, gone := os.ReadFile(path); err != nil && gone == nil && string(saved) != text {
		a.notef("what was edited is kept in %s", path)
		return err
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// runEditor has an editor change a text in a file.
func (a *app) runEditor(ctx context.Context, editor, path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", editor+` "$1"`, "sh", path)
	if runtime.GOOS == "windows" {
		cmd = exec.CommandContext(ctx, "cmd", "/c", editor+` "`+path+`"`)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stderr, a.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s: %w", errEditor, printable(editor), err)
	}
	return nil
}

// mergeFile gives write what is other in a file than in the text that it began with.
func mergeFile(key, text, path string, write func(...sequence.Splice) error) error {
	edited, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", errEditor, err)
	}
	if !utf8.Valid(edited) {
		return fmt.Errorf("what the editor saved for %s is no valid UTF-8", printable(key))
	}
	if !strings.HasSuffix(text, "\n") {
		edited = bytes.TrimSuffix(edited, []byte("\n")) // most editors end a file with a line
	}
	return write(changes(text, string(edited))...)
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
