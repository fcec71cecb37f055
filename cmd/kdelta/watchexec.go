package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/kdelta/kdelta/replica"
)

// execPatience is how long the output of what a command of --exec has started is waited for once the command, or the
// watch, has ended.
const execPatience = time.Second

// runWith runs a command of --exec with an event and waits for it. A command that fails is noted, and the watch goes on.
func (a *app) runWith(ctx context.Context, db *database, command string, e replica.Event) error {
	event, err := compactJSON(eventShape(e))
	if err != nil {
		return err
	}
	path, err := filepath.Abs(db.path)
	if err != nil {
		return err
	}
	shell := []string{"sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/c"}
	}
	cmd := exec.CommandContext(ctx, shell[0], shell[1], command)
	cmd.WaitDelay = execPatience
	// A bare io.Writer: a bufio.Writer would take the end of waiting for an error of its own.
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(event, '\n')), struct{ io.Writer }{a.stdout}, a.stderr
	var key, version, author string
	if !e.Reset {
		key, version, author = e.Changes[0].Key, e.Version.String(), e.Version.Author.String()
	}
	cmd.Env = append(os.Environ(), "KDELTA_KEY="+key, "KDELTA_VERSION="+version, "KDELTA_AUTHOR="+author,
		"KDELTA_CURSOR="+string(e.Cursor), "KDELTA_DB="+path)
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) { // it left something running, which nobody waits for
		err = nil
	}
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		a.notef("%s: %s", printable(command), err)
		return a.flush()
	}
	if err != nil {
		return fmt.Errorf("--exec: %w", err)
	}
	return a.flush()
}
