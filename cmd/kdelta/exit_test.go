package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/kdelta/kdelta/crdt"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store"
)

// replicaCodes are the exit codes of everything that package replica exports as an error.
var replicaCodes = map[string]struct {
	err  error
	code int
}{
	"ErrNotFound":        {replica.ErrNotFound, 3},
	"ErrWrongKind":       {replica.ErrWrongKind, 1},
	"ErrReserved":        {replica.ErrReserved, 2},
	"ErrVersionMismatch": {replica.ErrVersionMismatch, 1},
	"ErrNewerFormat":     {replica.ErrNewerFormat, 1},
	"ErrReadOnlyMember":  {replica.ErrReadOnlyMember, 1},
	"ErrNested":          {replica.ErrNested, 1},
	"ErrTooLarge":        {replica.ErrTooLarge, 1},
	"ErrOutOfRange":      {replica.ErrOutOfRange, 1},
	"ErrClosed":          {replica.ErrClosed, 1},
	"ErrUsed":            {replica.ErrUsed, 1},
	"ErrAmbiguous":       {replica.ErrAmbiguous, 1},
	"ErrPoint":           {replica.ErrPoint, 3},
	"ErrPointText":       {replica.ErrPointText, 2},
	"ErrQueries":         {replica.ErrQueries, 1},
	"ErrUnknownStrategy": {replica.ErrUnknownStrategy, 1},
	"ErrNoConflict":      {replica.ErrNoConflict, 3},
	"ErrNotErasable":     {replica.ErrNotErasable, 1},
	"ErrNoUndo":          {replica.ErrNoUndo, 3},
	"ErrNoSpace":         {replica.ErrNoSpace, 1},
	"ErrRemote":          {replica.ErrRemote, 2},
	"ErrCursor":          {replica.ErrCursor, 2},
	"ErrName":            {replica.ErrName, 2},
	"ErrMoved":           {replica.ErrMoved, 1},
	"ErrMismatch":        {replica.ErrMismatch, 1},
	"ErrPresence":        {replica.ErrPresence, 1},
	"ErrSilent":          {replica.ErrSilent, 1},
	"ErrInviteExpired":   {replica.ErrInviteExpired, 1},
	"ErrBackup":          {replica.ErrBackup, 1},
	"ErrBackupNewer":     {replica.ErrBackupNewer, 1},
	"ErrBackupKeys":      {replica.ErrBackupKeys, 1},
}

// TestReportIsOneLine: an error that is several is told as such, without what a line break looks like in a name.
func TestReportIsOneLine(t *testing.T) {
	var out strings.Builder
	report(&out, errors.Join(errors.New("cut"), fmt.Errorf("closed: %w", errors.Join(errors.New("a"), errors.New("b")))), nil)
	if got := out.String(); got != "kdelta: cut; closed: a; b\n" {
		t.Errorf("%q", got)
	}
}

func TestExitCodes(t *testing.T) {
	for _, name := range exportedErrors(t, "../../replica") {
		if _, listed := replicaCodes[name]; !listed {
			t.Errorf("replica.%s has no exit code in this table: decide one, and say it in doc/cli.md", name)
		}
	}
	for name, want := range replicaCodes {
		if got := exitCode(fmt.Errorf("while testing: %w", want.err)); got != want.code {
			t.Errorf("replica.%s: exit code %d, want %d", name, got, want.code)
		}
	}
	for _, c := range []struct {
		name string
		err  error
		code int
	}{
		{"none", nil, 0},
		{"of the command line", &kong.ParseError{}, 2},
		{"reported already", errReported, 1},
		{"a key", crdt.ErrKey, 2},
		{"a key in a file", fmt.Errorf("%w: %w", errInput, crdt.ErrKey), 1},
		{"a strategy to set", usagef("%w: best", replica.ErrUnknownStrategy), 2},
		{"an ambiguous point", errors.Join(replica.ErrAmbiguous, replica.ErrPoint), 1},
		{"a text that is no point", errors.Join(replica.ErrPointText, replica.ErrPoint), 2},
		{"no database", errNoDatabase, 3},
		{"a damaged store", store.ErrCorrupt, 1},
		{"a busy store", store.ErrBusy, 1},
		{"a full disk", store.ErrFull, 1},
		{"a damaged invite", &sayError{kind: errUsage, cause: identity.ErrInviteChecksum}, 2},
		{"another space", protocol.ErrForeignSpace, 1},
		{"a sync that was cut", protocol.ErrCut, 1},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.code)
		}
	}
}

// exportedErrors are the names of the package-level variables of a package that start with Err.
func exportedErrors(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	var names []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(name.Name, "Err") {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	if len(names) < 20 {
		t.Fatalf("only %v were found", names)
	}
	return names
}
