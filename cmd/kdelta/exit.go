package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/crdt/sequence"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
)

// Exit codes, as scripts rely on them.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitNotFound = 3
)

var (
	// errUsage: an argument cannot be what it should be. The command's usage line is printed with it.
	errUsage = errors.New("usage")
	// errInput: what came from a file or from standard input cannot be taken; nothing was written.
	errInput = errors.New("bad input")
	// errNoDatabase: a verb that only reads was pointed at a file that does not exist.
	errNoDatabase = errors.New("no database")
	// errReported: all that there is to say was said already; only the exit code is left to tell.
	errReported = errors.New("failed as reported")
)

// exitCodes is the one place where errors become exit codes. The first that matches counts: an error may be several
// things, as a bad key in a file is bad input. 1 is for the rest. What can be seen to be wrong in the arguments alone is
// usage; what depends on the database is not.
var exitCodes = []struct {
	err  error
	code int
}{
	{errReported, exitFailed},
	{errUsage, exitUsage},
	{errInput, exitFailed},
	{replica.ErrAmbiguous, exitFailed}, // it comes with ErrPoint: there is too much of it, not nothing
	{replica.ErrPointText, exitUsage},  // it comes with ErrPoint too
	{crdt.ErrKey, exitUsage},
	{replica.ErrReserved, exitUsage},
	{replica.ErrRemote, exitUsage},
	{replica.ErrCursor, exitUsage},
	{replica.ErrName, exitUsage},
	{sequence.ErrText, exitUsage},
	{errNoDatabase, exitNotFound},
	{replica.ErrNotFound, exitNotFound},
	{replica.ErrNoConflict, exitNotFound},
	{replica.ErrNoUndo, exitNotFound},
	{replica.ErrPoint, exitNotFound},
}

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if _, ok := errors.AsType[*kong.ParseError](err); ok {
		return exitUsage
	}
	for _, row := range exitCodes {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	return exitFailed
}

// report tells the person why a run failed, with the command's usage line where the mistake is one of usage.
func report(w io.Writer, err error, selected *kong.Node) {
	if errors.Is(err, errReported) {
		return
	}
	text := errorText(err)
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	if errors.Is(err, store.ErrCorrupt) {
		text += "; keep the file as it is, and restore a backup or join again beside it"
	}
	_, _ = fmt.Fprintf(w, "kdelta: %s\n", printable(text))
	if exitCode(err) != exitUsage {
		return
	}
	usage, help := "kdelta <command> [flags]", "kdelta"
	if selected != nil {
		usage, help = "kdelta "+selected.Summary(), selected.FullPath()
	}
	_, _ = fmt.Fprintf(w, "Usage: %s\nRun %q for more.\n", usage, help+" --help")
}

// usagef is an error of usage.
func usagef(format string, args ...any) error {
	return &sayError{kind: errUsage, cause: fmt.Errorf(format, args...)}
}

// sayError gives an error a kind without putting the kind's own text in front of it.
type sayError struct{ kind, cause error }

func (e *sayError) Error() string { return e.cause.Error() }

func (e *sayError) Unwrap() []error { return []error{e.kind, e.cause} }
