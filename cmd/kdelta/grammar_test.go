package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/kdelta/kdelta/crdt"
)

func testParser(t *testing.T) *kong.Kong {
	t.Helper()
	a := systemApp()
	parser, err := newParser(&grammar{}, a)
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// kong finds out only when a command runs that it cannot.
func TestEveryCommandCanRunAndHasHelp(t *testing.T) {
	for _, leaf := range testParser(t).Model.Leaves(false) {
		if _, ok := leaf.Target.Addr().Type().MethodByName("Run"); !ok {
			t.Errorf("%s has no Run", leaf.FullPath())
		}
		if leaf.Help == "" {
			t.Errorf("%s has no help", leaf.FullPath())
		}
		for _, arg := range leaf.Positional {
			if arg.Help == "" {
				t.Errorf("%s: <%s> has no help", leaf.FullPath(), arg.Name)
			}
		}
		for _, flag := range leaf.Flags {
			if flag.Help == "" {
				t.Errorf("%s: --%s has no help", leaf.FullPath(), flag.Name)
			}
		}
	}
}

// What a shell offers for a strategy are those that there are.
func TestStrategiesAreCompleted(t *testing.T) {
	registry, err := crdt.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	want := registry.Names()
	offered := 0
	offer := func(v *kong.Value) {
		if !v.Tag.Has("complete") {
			return
		}
		offered++
		got := names(enumOf(v), func(word string) string {
			if s, known := registry.Lookup(word); known {
				return s.Name()
			}
			return word
		})
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s offers %q, want %q", v.Name, got, want)
		}
	}
	for _, leaf := range testParser(t).Model.Leaves(false) {
		for _, arg := range leaf.Positional {
			offer(arg)
		}
		for _, flag := range leaf.Flags {
			offer(flag.Value)
		}
	}
	if offered != 2 {
		t.Errorf("%d places offer strategies", offered)
	}
}

// The help of every command, and of the whole, is a golden file: what people read changes on purpose only.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	var all strings.Builder
	paths := []string{""}
	for _, leaf := range testParser(t).Model.Leaves(true) {
		paths = append(paths, strings.TrimPrefix(leaf.FullPath(), "kdelta "))
	}
	for _, path := range paths {
		out := newShell(t).run(append(strings.Fields(path), "--help")...)
		if out.code != exitDone || out.stderr != "" {
			t.Errorf("%s --help: exit code %d, %s", path, out.code, out.stderr)
		}
		all.WriteString("$ kdelta " + strings.TrimSpace(path+" --help") + "\n" + out.stdout + "\n")
	}
	golden(t, "testdata/help.txt", all.String())
}

func TestNegativeNumbersAreNoFlags(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{[]string{"add", "a/b", "-3"}, []string{"add", "a/b", " -3"}},
		{[]string{"set", "a/b", "-1.5e-3", "--json"}, []string{"set", "a/b", " -1.5e-3", "--json"}},
		{[]string{"log", "-n", "3"}, []string{"log", "-n", "3"}},
		{[]string{"get", "-v", "a/b"}, []string{"get", "-v", "a/b"}},
		{[]string{"set", "--", "-1/a", "-1"}, []string{"set", "--", "-1/a", "-1"}},
		{[]string{"log", "-n", "-1"}, []string{"log", "-n-1"}},
		{[]string{"set", "a/b", "1", "--message", "-1"}, []string{"set", "a/b", "1", "--message=-1"}},
		{[]string{"add", "a/b", "--json", "-1"}, []string{"add", "a/b", "--json", " -1"}},
	} {
		if got := keepNegativeNumbers(test.args, valueFlags(testParser(t))); !slices.Equal(got, test.want) {
			t.Errorf("%q became %q, want %q", test.args, got, test.want)
		}
	}
}

func TestExitCodesAreDistinctErrors(t *testing.T) {
	for i, row := range exitCodes {
		for _, other := range exitCodes[i+1:] {
			if errors.Is(row.err, other.err) {
				t.Errorf("%v stands in the table twice", row.err)
			}
		}
	}
}
