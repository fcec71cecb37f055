package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/store/sqlite"
)

// An app is what a verb may use of the world.
type app struct {
	stdin  io.Reader
	stdout *bufio.Writer
	stderr io.Writer
	// stdoutTTY and stderrTTY say that a person looks at the stream.
	stdoutTTY, stderrTTY bool
	// plain switches colours off on a terminal too (NO_COLOR).
	plain bool
	// width is how many columns the terminal has, 0 where there is none.
	width int

	now func() time.Time
	// openStore opens the database file at path and creates it where it is missing; readOnly does neither.
	openStore func(path string, readOnly bool) (store.Store, error)

	// dbPath and asJSON are the flags that all verbs share.
	dbPath string
	asJSON bool
}

// systemApp is the app of a process: its own streams, the system's clock, SQLite.
func systemApp() *app {
	a := &app{
		stdin:     os.Stdin,
		stderr:    os.Stderr,
		stdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		stderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		now:       time.Now,
		openStore: openSQLite,
	}
	var out io.Writer = os.Stdout
	if a.stdoutTTY {
		w := colorprofile.NewWriter(os.Stdout, os.Environ())
		a.plain = w.Profile <= colorprofile.ASCII
		if !a.plain {
			out = w
		}
		if columns, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			a.width = columns
		}
	}
	a.stdout = bufio.NewWriterSize(out, 64<<10)
	return a
}

func openSQLite(path string, readOnly bool) (store.Store, error) {
	var opts []sqlite.Option
	if readOnly {
		opts = append(opts, sqlite.ReadOnly())
	}
	st, err := sqlite.Open(path, opts...)
	if err != nil {
		return nil, err // a nil *sqlite.Store must not become a store.Store
	}
	return st, nil
}

// Now makes an app the replica's clock, in milliseconds since 1970.
func (a *app) Now() int64 { return a.now().UnixMilli() }

// styled reports whether standard output is to be coloured.
func (a *app) styled() bool { return a.stdoutTTY && !a.plain }

// printf writes human text to standard output. A failing stream is reported by flush.
func (a *app) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stdout, format, args...)
}

// notef writes one line for the person, not for the program behind the pipe.
func (a *app) notef(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stderr, format+"\n", args...)
}

// printJSON writes v as one line of JSON.
func (a *app) printJSON(v any) error {
	line, err := compactJSON(v)
	if err != nil {
		return err
	}
	if a.stdoutTTY {
		line = terminalJSON(line)
	}
	_, err = a.stdout.Write(append(line, '\n'))
	return err
}

// printValue writes a JSON value alone: indented for a person, on one line for a program.
func (a *app) printValue(value json.RawMessage) error {
	if a.stdoutTTY {
		value = terminalJSON(indentJSON(value))
	}
	_, err := a.stdout.Write(append(append([]byte(nil), value...), '\n'))
	return err
}

// flush sends on what a streaming verb has printed so far, so that a person sees it while the rest is on its way.
func (a *app) flush() error {
	if err := a.stdout.Flush(); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// show is flush where a person looks on: what comes next may be long in coming.
func (a *app) show() error {
	if !a.stdoutTTY {
		return nil
	}
	return a.flush()
}

// untilDone is a reader that ends with its context's error, also while it waits for a person or a pipe. The read that
// it then gives up on goes on behind its back, which is of no harm to a process that is about to end.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p))
	done := make(chan result, 1)
	go func() {
		n, err := u.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case res := <-done:
		return copy(p, own[:res.n]), res.err
	case <-u.ctx.Done():
		return 0, u.ctx.Err()
	}
}

// readBounded reads all of r, or fails above limit bytes without reading on.
func readBounded(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(&untilDone{ctx, r}, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read standard input: %w", err)
	case int64(len(text)) > limit:
		return nil, fmt.Errorf("%w: standard input holds more than %s, which is too much here", errInput, byteSize(limit))
	}
	return text, nil
}
