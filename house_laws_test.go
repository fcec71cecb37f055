package kdelta_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLawsSee builds small houses with one fault each and asks that the law
// finds it, and that it lets the honest neighbour pass. A law that cannot fail
// would be worse than none.
func TestLawsSee(t *testing.T) {
	const own = `import "` + modulePath + `/`
	for _, c := range []struct {
		law, file, src string
		want           string // part of the one breach; empty: none
	}{
		{"floor", "attic/a.go", "package attic", "attic: package has no floor"},
		{"floor", "cmd/kdelta/internal/a/a.go", "package a", ""},

		{"arrows", "crdt/a.go", "package crdt\n" + own + `history"`, "floor 2 imports history on floor 3"},
		{"arrows", "crdt/clock/a.go", "package clock\n" + own + `crdt"`, "floor 2 imports crdt on floor 2"},
		{"arrows", "store/memory/a.go", "package memory\n" + own + `store/sqlite"`, "floor 4 imports store/sqlite"},
		{"arrows", "replica/a.go", "package replica\n" + own + `attic"`, "attic, which has no floor"},
		{"arrows", "examples/a/a.go", "package main\n" + own + `cmd/kdelta"`, "floor 8 imports cmd/kdelta"},
		{"arrows", "crdt/a.go", "package crdt\n" + own + `crdt/clock"`, ""},
		{"arrows", "cmd/kdelta/a.go", "package main\n" + own + `cmd/kdelta/internal/a"`, ""},
		{"arrows", "crdt/a_test.go", "package crdt\n" + own + `history"`, ""},

		{"wings", "store/sqlite/a.go", "package sqlite\n" + own + `transport"`, "imports transport from below replica"},
		{"wings", "protocol/a.go", "package protocol\n" + own + `store"`, "imports store from below replica"},
		{"wings", "replica/a.go", "package replica\n" + own + `transport"`, ""},
		{"wings", "store/sqlite/a.go", "package sqlite\n" + own + `store"`, ""},

		{"adapters", "replica/a.go", "package replica\n" + own + `store/sqlite"`, "names the adapter store/sqlite"},
		{"adapters", "replica/replicatest/a.go", "package replicatest\n" + own + `store/memory"`, ""},
		{"adapters", "cmd/kdelta/a.go", "package main\n" + own + `store/sqlite"`, ""},

		{"doors", "replica/a.go", "package replica\n" + `import "github.com/alecthomas/kong"`, "whose door is [cmd/kdelta]"},
		{"doors", "crdt/a.go", "package crdt\n" + `import "example.org/x"`, "which has no door"},
		{"doors", "crdt/a.go", "package crdt\n" + `import "pgregory.net/rapid"`, "whose door is []"},
		{"doors", "crdt/crdttest/a.go", "package crdttest\n" + `import "pgregory.net/rapid"`, ""},
		{"doors", "internal/msgpack/a.go", "package msgpack\n" + `import "github.com/hashicorp/go-msgpack/v2/codec"`, ""},
		{"doors", "internal/canon/a_test.go", "package canon\n" + `import "github.com/hashicorp/go-msgpack/v2/codec"`, ""},

		{"pure", "crdt/a.go", "package crdt\n" + `import "net/netip"`, "imports net/netip"},
		{"pure", "history/a.go", "package history\n" + `import "encoding/json"`, "imports encoding/json"},
		{"pure", "protocol/a.go", "package protocol\nfunc f() { go f() }", "a.go:2: starts a goroutine"},
		{"pure", "crdt/clock/a.go", "package clock\nimport wall \"time\"\nvar _ = wall.Now", "uses time.Now"},
		{"pure", "crdt/clock/a.go", "package clock\nimport \"time\"\nvar _ = time.Second", ""},
		{"pure", "replica/a.go", "package replica\nimport \"os\"\nfunc f() { go f() }", ""},

		{"state", "crdt/a.go", "package crdt\nvar n int\nfunc f() { n++ }", "a.go:3: changes the package variable n"},
		{"state", "crdt/a.go", "package crdt\nvar m = map[int]int{}\nfunc f() { m[1] = 2 }", "changes the package variable m"},
		{"state", "crdt/a.go", "package crdt\nvar m = map[int]int{}\nfunc f() { delete(m, 1) }", "changes the package variable m"},
		{"state", "crdt/a.go", "package crdt\nvar s struct{ n int }\nfunc f() *int { return &s.n }", "changes the package variable s"},
		{"state", "crdt/a.go", "package crdt\nimport \"sync\"\nvar p = &sync.Pool{}", "variable of package sync"},
		{"state", "crdt/a.go", "package crdt\nvar n = 1\nfunc f() int { n := n; n++; return n }", ""},
		{"state", "crdt/a.go", "package crdt\nimport \"errors\"\nvar ErrA = errors.New(\"a\")", ""},

		{"testing", "crdt/a.go", "package crdt\n" + `import "testing"`, "imports testing"},
		{"testing", "crdt/crdttest/a.go", "package crdttest\n" + `import "testing"`, ""},

		{"doc", "crdt/a.go", "// Package crdt is here.\npackage crdt", "crdt: has no doc.go"},
		{"doc", "crdt/doc.go", "package crdt", "has no comment"},
		{"doc", "crdt/doc.go", "// Package crdt is here.\npackage crdt", ""},

		{"map", "crdt/doc.go", "// Package crdt is in gone.go.\npackage crdt", "names gone.go, which is not there"},
		{"map", "crdt/doc.go", "// Package crdt is here, in doc.go.\npackage crdt", ""},

		{"size", "crdt/a.go", "package crdt\n" + strings.Repeat("\n", maxFile), "501 lines, the limit is 500"},
		{"size", "crdt/a_test.go", "package crdt\n" + strings.Repeat("\n", maxFile), ""},
		{"size", "crdt/a.go", "package crdt\nfunc f() {\n" + strings.Repeat("\n", maxFunc-1) + "}", "f has 71 lines"},
		{"size", "crdt/a.go", "package crdt\nfunc f() {\n" + strings.Repeat("\n", maxFunc-2) + "}", ""},
		{"size", "crdt/crdttest/a.go", "package crdttest\nfunc f() {\n" + strings.Repeat("\n", maxTestFunc-1) + "}", "f has 121 lines"},
		{"size", "crdt/crdttest/a.go", "package crdttest\nfunc f() {\n" + strings.Repeat("\n", maxTestFunc-2) + "}", ""},

		{"done", "crdt/a.go", "package crdt\n// TO" + "DO(me): more", "a comment says TO" + "DO"},
		{"done", "crdt/a.go", "package crdt\nconst s = `TO" + "DO`", ""},
	} {
		t.Run(c.law+"/"+c.file, func(t *testing.T) {
			h := loadHouse(t, fstest.MapFS{c.file: {Data: []byte(c.src)}})
			got := lawNamed(t, c.law).check(h)
			switch {
			case c.want == "" && len(got) > 0:
				t.Errorf("refused honest code:\n%s\ngot %q", c.src, got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
				t.Errorf("code:\n%s\ngot %q, want one breach with %q", c.src, got, c.want)
			}
		})
	}
}

// TestTwoDoors has a case of its own: it takes two packages to open two doors.
func TestTwoDoors(t *testing.T) {
	const two = `import "example.org/two"`
	doors["example.org/two"] = []string{"history", "cmd/kdelta"}
	t.Cleanup(func() { delete(doors, "example.org/two") })
	h := loadHouse(t, fstest.MapFS{
		"history/a.go":    {Data: []byte("package history\n" + two)},
		"cmd/kdelta/a.go": {Data: []byte("package main\n" + two)},
	})
	got := lawNamed(t, "doors").check(h)
	if len(got) != 1 || !strings.Contains(got[0], "stands in cmd/kdelta already") {
		t.Errorf("got %q, want one breach at the second door", got)
	}
}

// TestMapLacksFile has a case of its own: it takes two files to leave one out.
func TestMapLacksFile(t *testing.T) {
	h := loadHouse(t, fstest.MapFS{
		"crdt/doc.go":  {Data: []byte("// Package crdt is here.\n//\n// # Reading on\n//\n//\ta.go   the first\npackage crdt")},
		"crdt/a.go":    {Data: []byte("package crdt")},
		"crdt/a_js.go": {Data: []byte("package crdt")},
		"crdt/b.go":    {Data: []byte("package crdt")},
	})
	if got := lawNamed(t, "map").check(h); len(got) != 1 || !strings.Contains(got[0], "lacks b.go") {
		t.Errorf("got %q, want one breach about b.go", got)
	}
}

// TestOutsideTheHouse: what the go command does not build is not judged.
func TestOutsideTheHouse(t *testing.T) {
	h := loadHouse(t, fstest.MapFS{
		"tools/go.mod":            {},
		"tools/a.go":              {Data: []byte("package tools")},
		"crdt/testdata/a.go":      {Data: []byte("package broken {")},
		".cache/a.go":             {Data: []byte("package cache")},
		"crdt/clock/doc.go":       {Data: []byte("package clock")},
		"crdt/clock/wall_test.go": {Data: []byte("package clock")},
	})
	if len(h.packages) != 1 || h.packages[0].dir != "crdt/clock" || len(h.packages[0].files) != 2 {
		t.Errorf("got %d packages, want crdt/clock with two files", len(h.packages))
	}
}

func lawNamed(t *testing.T, name string) law {
	t.Helper()
	i := slices.IndexFunc(laws, func(l law) bool { return l.name == name })
	if i < 0 {
		t.Fatalf("no law is called %s", name)
	}
	return laws[i]
}
