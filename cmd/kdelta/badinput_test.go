package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The catalogue of bad input: each case ends with a named error on standard error, its exit code, nothing on standard
// output, and the database as it was.

// badArguments are refused for what they are, before a file is looked at.
var badArguments = []struct {
	name string
	args []string
	code int
	says string
}{
	{"nothing", nil, 2, `expected one of`},
	{"unknown command", []string{"frobnicate"}, 2, `unexpected argument frobnicate`},
	{"unknown flag", []string{"list", "--frobnicate"}, 2, `unknown flag --frobnicate`},
	{"missing value", []string{"set", "a/b"}, 2, `<value>`},
	{"flag without a value", []string{"get", "a/b", "--at"}, 2, "kdelta: --at is given without a value\n"},
	{"flag without a number", []string{"log", "-n"}, 2, "kdelta: --number is given without a value\n"},
	{"empty key", []string{"get", ""}, 2, `<key> is empty: is a variable not set?`},
	{"key without a slash", []string{"get", "users"}, 2, `kdelta: the key "users" has no '/'`},
	{"empty namespace", []string{"get", "/x"}, 2, `empty namespace`},
	{"empty point", []string{"get", "a/b", "--at", ""}, 2, `--at is empty`},
	{"empty database", []string{"set", "a/b", "1", "--db", ""}, 2, `--db is empty`},
	{"empty namespace to list", []string{"list", ""}, 2, `<namespace> is empty`},
	{"empty namespace to import into", []string{"import", "", "file"}, 2, `<namespace> is empty`},
	{"empty rest", []string{"get", "a/"}, 2, `empty name`},
	{"key of 1 MiB", []string{"set", "a/" + strings.Repeat("k", 1<<20), "1"}, 2, `1024`},
	{"newline in a key", []string{"set", "a/b\nc", "1"}, 2, `control`},
	{"escape in a key", []string{"set", "a/\x1b[31m", "1"}, 2, `control`},
	{"C1 control in a key", []string{"set", "a/\u009b31m", "1"}, 2, `control`},
	{"NUL in a key", []string{"set", "a/b\x00", "1"}, 2, `control`},
	{"invalid UTF-8 in a key", []string{"set", "a/\xff", "1"}, 2, `UTF-8`},
	{"reserved namespace", []string{"set", ".strategy/x", "1"}, 2, `kdelta's own`},
	{"key that looks like a flag", []string{"get", "-x/y"}, 2, `unknown flag -x`},
	{"value that is no JSON", []string{"set", "a/b", "hello"}, 2, `write text as '"hello"'`},
	{"value with an apostrophe", []string{"set", "a/b", "it's"}, 2, `write text as '"it'\''s"'`},
	{"empty value", []string{"set", "a/b", ""}, 2, `invalid JSON`},
	{"value with more behind it", []string{"set", "a/b", "1 2"}, 2, `more text after the value`},
	{"duplicate keys", []string{"set", "a/b", `{"x":1,"x":2}`}, 2, `the same key twice`},
	{"infinite number", []string{"set", "a/b", "1e400"}, 2, `not storable`},
	{"NaN", []string{"set", "a/b", "NaN"}, 2, `invalid JSON`},
	{"integer that loses digits", []string{"set", "a/b", "9007199254740993"}, 2, `not storable`},
	{"lone surrogate", []string{"set", "a/b", `"\ud800"`}, 2, `surrogate`},
	{"deep nesting", []string{"set", "a/b", strings.Repeat("[", 100_000)}, 2, `not storable`},
	{"unknown strategy", []string{"strategy", "a", "best"}, 2, `unknown merge strategy`},
	{"counter step with a point", []string{"add", "a/b", "1.5"}, 2, `no integer`},
	{"counter step that is huge", []string{"add", "a/b", "99999999999999999999"}, 2, `no integer`},
	{"counter step beyond 2^53", []string{"add", "a/b", "9007199254740992"}, 2, `no integer`},
	{"invite that is none", []string{"join", "kdelta1x"}, 2, `invite`},
	{"invite cut short", []string{"join", "kdelta1" + strings.Repeat("a", 200)}, 2, `invite`},
	{"sync with an address in clear", []string{"sync", "ws://example.com"}, 2, `use wss`},
	{"two settlements", []string{"resolve", "a/b", "1", "--take", "x@1"}, 2, `one of the two`},
	{"negative count", []string{"log", "-n", "-1"}, 2, `-n`},
	{"unknown shell", []string{"completion", "tcsh"}, 2, `must be one of`},
}

func TestBadArguments(t *testing.T) {
	for _, test := range badArguments {
		t.Run(test.name, func(t *testing.T) {
			s := newShell(t)
			expectRefusal(t, s.run(test.args...), test.code, test.says)
			if entries, _ := os.ReadDir(filepath.Dir(s.db)); len(entries) > 0 {
				t.Errorf("left %v behind", entries)
			}
		})
	}
}

// expectRefusal checks what all refusals have in common.
func expectRefusal(t *testing.T, out outcome, code int, says string) {
	t.Helper()
	if out.code != code {
		t.Errorf("exit code %d, want %d", out.code, code)
	}
	if !strings.Contains(out.stderr, says) {
		t.Errorf("standard error lacks %q:\n%.600s", says, out.stderr)
	}
	if out.stdout != "" {
		t.Errorf("standard output has %q", out.stdout)
	}
	if code == exitUsage && !strings.Contains(out.stderr, "\nUsage: kdelta ") {
		t.Errorf("standard error lacks the usage line:\n%.600s", out.stderr)
	}
	if len(out.stderr) > 2000 {
		t.Errorf("standard error has %d bytes", len(out.stderr))
	}
	for _, r := range out.stderr {
		if hazardous(r) && r != '\n' {
			t.Errorf("standard error has a raw %U", r)
		}
	}
}

// A command in the middle of a session leaves what is there alone, byte for byte as far as people can see.
func TestRefusedWritesChangeNothing(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/text", `"x"`)
	s.ok("add", "a/n", "9007199254740991")
	before := s.ok("--json", "log") + s.ok("export")
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"adding to a text", []string{"add", "a/text"}, 1, "another kind"},
		{"a set element into a counter", []string{"set-add", "a/n", "1"}, 1, "a/n is a counter, which set-add and set-remove cannot change"},
		{"a counter beyond its range", []string{"add", "a/n"}, 1, "2^53"},
		{"deleting nothing", []string{"delete", "a/none"}, 3, "not found"},
		{"resolving no conflict", []string{"resolve", "a/text", "1"}, 3, "no open conflict"},
		{"a value above the limit", []string{"set", "a/big", `"` + strings.Repeat("x", 1<<20) + `"`}, 1, "kdelta: too large for one version: the payload in bytes: 10"},
		{"a point that names nothing", []string{"get", "a/text", "--at", "nobody@1"}, 3, "nobody"},
		{"a version id that is too short", []string{"get", "a/text", "--at", "abc"}, 3, "abc"},
		{"a version id of 65 digits", []string{"get", "a/text", "--at", strings.Repeat("a", 65)}, 3, ""},
		{"a date that is none", []string{"list", "--at", "2026-13-45"}, 3, "2026-13-45"},
		{"a tag that nobody made", []string{"get", "a/text", "--at", "release-1"}, 3, "release-1"},
		{"a length of time that is none", []string{"get", "a/text", "--at", "5 parsecs ago"}, 2, "write a number and one of"},
		{"a text that can be no point", []string{"log", "--since", "a\nb"}, 2, "a point is an RFC 3339 time"},
		{"an empty point", []string{"resolve", "a/text", "--take", "\x00"}, 2, "not a point"},
		{"a reason for nothing", []string{"why", "a"}, 2, "no NAMESPACE/NAME"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.t = t
			expectRefusal(t, s.run(test.args...), test.code, test.says)
			if after := s.ok("--json", "log") + s.ok("export"); after != before {
				t.Errorf("the database changed:\n%s", after)
			}
		})
	}
}

func TestBadDatabaseFiles(t *testing.T) {
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name string
		make func(*testing.T, string)
		says string
	}{
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a folder"},
		{"a text", write("kdelta " + strings.Repeat("is not this ", 1000)), "not a kdelta database"},
		{"a header alone", write("SQLite format 3\x00"), ""},
		{"a link to /dev/full", func(t *testing.T, path string) {
			if err := os.Symlink("/dev/full", path); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"cut in the middle", cutDatabase, "restore a backup or join again beside it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShell(t)
			test.make(t, s.db)
			for _, args := range [][]string{{"get", "a/b"}, {"set", "a/b", "1"}, {"sync", "x"}} {
				out := s.run(args...)
				if out.code != exitFailed || out.stderr == "" || !strings.Contains(out.stderr, test.says) {
					t.Errorf("kdelta %s: exit code %d, %s", strings.Join(args, " "), out.code, out.stderr)
				}
				if strings.Contains(out.stderr, "goroutine") || out.stdout != "" {
					t.Errorf("kdelta %s printed %s%s", strings.Join(args, " "), out.stdout, out.stderr)
				}
			}
		})
	}
}

// cutDatabase makes a database of some pages and takes the second half away.
func cutDatabase(t *testing.T, path string) {
	s := newShell(t)
	s.db = path
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(rows, bytes.Repeat([]byte(`{"text":"`+strings.Repeat("x", 500)+`"}`+"\n"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok("import", "a", rows)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

func TestKeysThatLookAlikeAreDifferentKeys(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/\u00e9", `"one rune"`)
	s.ok("set", "a/e\u0301", `"two runes"`)
	if got := s.ok("get", "a/\u00e9") + s.ok("get", "a/e\u0301"); got != "\"one rune\"\n\"two runes\"\n" {
		t.Error(got)
	}
}

// failing is a stream that was closed.
type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, os.ErrClosed }
func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// endless is a stream that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func TestStandardInput(t *testing.T) {
	s := newShell(t)
	s.stdin = failing{}
	expectRefusal(t, s.run("set", "a/b", "-"), 1, "standard input")
	flood := &endless{}
	s.stdin = flood
	expectRefusal(t, s.run("set", "a/b", "-"), 1, "more than")
	if flood.read > 2*maxStdin {
		t.Errorf("read %d bytes before giving up", flood.read)
	}
	s.stdin = strings.NewReader("")
	expectRefusal(t, s.run("set", "a/b", "-"), 1, "standard input is empty")
	s.stdin = strings.NewReader("not an invite")
	expectRefusal(t, s.run("join", "-"), 2, "invite")
	if entries, _ := os.ReadDir(filepath.Dir(s.db)); len(entries) > 0 {
		t.Errorf("left %v behind", entries)
	}
}

func TestStandardOutputThatFails(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", "1")
	a := systemApp()
	a.stdout.Reset(failing{})
	var stderr bytes.Buffer
	a.stderr = &stderr
	if code := run([]string{"--db", s.db, "get", "a/b"}, a); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(stderr.String(), "no space left on device") {
		t.Error(stderr.String())
	}
}

// A terminal obeys control characters; those in the data are shown, not obeyed.
func TestTerminalEscapesInDataAreNeverRaw(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", `{"evil":"\u001b]0;title\u0007\u009b31m\u202e"}`, "-m", "look \x1b[2J\x1b[1;1H \u009b here")
	s.ok("set", "a/\u202eb", "1")
	s.ok("name", "lap\u202etop")
	s.terminal = true
	for _, args := range [][]string{
		{"get", "a/b"},
		{"get", "-v", "a/b"},
		{"--json", "get", "a/b"},
		{"log"},
		{"--json", "log"},
		{"list", "a"},
		{"export"},
		{"status"},
		{"name"},
		{"why", "a/b"},
	} {
		for _, r := range stripColour(s.ok(args...)) {
			if hazardous(r) && r != '\n' {
				t.Errorf("kdelta %s prints a raw %U", strings.Join(args, " "), r)
			}
		}
	}
}

// stripColour removes the few sequences that the command itself may print.
func stripColour(s string) string {
	for _, code := range []string{"\x1b[m", "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"} {
		s = strings.ReplaceAll(s, code, "")
	}
	return s
}

func TestColoursAreForTerminals(t *testing.T) {
	s := newShell(t)
	s.ok("set", "a/b", `{"x":1}`)
	if out := s.ok("log") + s.ok("get", "-v", "a/b"); strings.Contains(out, "\x1b") {
		t.Errorf("colours in a pipe: %q", out)
	}
	s.terminal = true
	if out := s.ok("log"); !strings.Contains(out, "\x1b[33m") {
		t.Errorf("no colours on a terminal: %q", out)
	}
	if out := s.ok("get", "a/b"); out != "{\n  \"x\": 1\n}\n" {
		t.Errorf("not indented on a terminal: %q", out)
	}
}
