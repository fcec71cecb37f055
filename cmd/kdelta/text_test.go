package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/kdelta/kdelta/protocol"
	"github.com/kdelta/kdelta/store"
	"github.com/kdelta/kdelta/transport"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain":              "plain",
		"a\x1b[31mred":       `a\u001b[31mred`,
		"line\nbreak\ttab":   `line\nbreak\ttab`,
		"csi\u009b31m":       `csi\u009b31m`,
		"del\x7f":            `del\u007f`,
		"rtl\u202eevil":      `rtl\u202eevil`,
		"bad\xffbyte":        `bad\xffbyte`,
		"👩\u200d👧 ünï 日本":    "👩\u200d👧 ünï 日本",
		"replacement \ufffd": "replacement \ufffd",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

// People are told what is wrong once, and not which package found it.
func TestErrorText(t *testing.T) {
	lost := fmt.Errorf("%w: noise: %w", transport.ErrClosed, io.EOF)
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("no room"), "no room"},
		{fmt.Errorf("b.db: %w", store.ErrCorrupt), "b.db: corrupt"},
		{
			fmt.Errorf("ws://a: %w", errors.Join(protocol.ErrCut, lost, lost)),
			"ws://a: the session was cut before its end; sync again to go on from here; closed: EOF",
		},
		{errors.New("the history: it is no store of ours"), "the history: it is no store of ours"},
	} {
		if got := errorText(c.err); got != c.want {
			t.Errorf("%q is told as %q, want %q", c.err, got, c.want)
		}
	}
}

func TestNothingHazardousReachesTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		for _, r := range printable(s) {
			if hazardous(r) {
				t.Fatalf("%U passed", r)
			}
		}
		if !utf8.ValidString(printable(s)) {
			t.Fatal("not UTF-8")
		}
	})
}

func TestTerminalJSONIsTheSameJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := map[string]string{rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value") + "\u009b\x7f\u202e"}
		plain, err := compactJSON(value)
		if err != nil {
			t.Fatal(err)
		}
		safe := terminalJSON(indentJSON(plain))
		for _, r := range string(safe) {
			if hazardous(r) && r != '\n' {
				t.Fatalf("%U passed", r)
			}
		}
		var back map[string]string
		if err := json.Unmarshal(safe, &back); err != nil {
			t.Fatal(err)
		}
		again, _ := compactJSON(back)
		if string(again) != string(plain) {
			t.Fatalf("%s became %s", plain, again)
		}
	})
}

func TestSizesAndCounts(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1234: "1.2 kB", 999_949: "999.9 kB", 999_950: "1.0 MB", 5_000_000_000: "5.0 GB"} {
		if got := byteSize(n); got != want {
			t.Errorf("byteSize(%d) = %s, want %s", n, got, want)
		}
	}
	if got := count(1, "key") + ", " + count(0, "version") + ", " + count(3, "key"); got != "1 key, 0 versions, 3 keys" {
		t.Error(got)
	}
	if got := shorten("abcdef", 4); got != "abc…" {
		t.Error(got)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "2w": 336 * time.Hour} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("parseSpan(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "0s", "1.5d", "99999999w", "d", strings.Repeat("9", 400) + "h"} {
		if got, err := parseSpan(text); exitCode(err) != exitUsage {
			t.Errorf("parseSpan(%q) = %v, %v", text, got, err)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"notes/1": "notes/1", "laptop@3": "laptop@3", "films/Amélie": "films/Amélie", "a/b=c-d": "a/b=c-d",
		"a/b c": "'a/b c'", "a/it's": `'a/it'\''s'`, "a/$HOME": "'a/$HOME'", "-a/b": "'-a/b'", "~/x": "'~/x'", "": "''", "a/b;c": "'a/b;c'",
	} {
		if got := shellWord(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
