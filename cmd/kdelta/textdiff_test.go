package main

import (
	"slices"
	"strings"
	"testing"
)

// TestChangedLines: short lines are shown whole, of long ones what changed; what was put in between is no change of its neighbours.
func TestChangedLines(t *testing.T) {
	words := strings.Repeat("word ", 30)
	for name, c := range map[string]struct{ gone, come, want string }{
		"short":           {"one\ntwo\n", "1\n2\n", "- one|- two|+ 1|+ 2"},
		"empty lines":     {"", "\n\n", "+ |+ "},
		"a long new line": {"", words + "\n", "+ " + words},
		"a word": {
			words + "old " + words + "\n", words + "new " + words + "\n",
			"- … word word word word word old word word word word word …|" +
				"+ … word word word word word new word word word word word …",
		},
		"its beginning and its end": {
			"a" + words + "z\n", "b" + words + "y\n",
			"- aword word word word word word …|+ bword word word word word word …|" +
				"- … word word word word word z|+ … word word word word word y",
		},
		"places that are close": {"one " + words + "two three four\n", "one " + words + "2 three 4\n", "- … word word word word word two three four|+ … word word word word word 2 three 4"},
		"a line before":         {words + "old\n", "a line\n" + words + "new\n", "+ a line|- … word word word word word old|+ … word word word word word new"},
		"a long word":           {strings.Repeat("é", 200) + "\n", strings.Repeat("é", 199) + "e\n", "- …" + strings.Repeat("é", 31) + "|+ …" + strings.Repeat("é", 30) + "e"},
	} {
		got := strings.Join(changedLines(slices.Collect(strings.Lines(c.gone)), slices.Collect(strings.Lines(c.come))), "|")
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
