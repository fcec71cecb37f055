package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// longLine is from how many columns on a line that was changed is not shown whole: only what changed in it, with beside columns on
// either side.
const longLine, beside = 100, 30

// printTextDiff prints how a text was changed: hunks of lines, as unified diffs have them.
func (a *app) printTextDiff(from, to string) {
	var gone, come []string // the lines that stood at one place, and stand there now
	flush := func() {
		for _, line := range changedLines(gone, come) {
			if line[0] == '-' {
				a.printf("%s\n", a.bad(line))
			} else {
				a.printf("%s\n", a.good(line))
			}
		}
		gone, come = nil, nil
	}
	hunks := string(diff.Diff("", ended(from), "", ended(to)))
	for n, line := range strings.Split(strings.TrimSuffix(hunks, "\n"), "\n") {
		switch {
		case n < 3: // the names of two files
		case line[0] == '-':
			gone = append(gone, line[1:]+"\n")
		case line[0] == '+':
			come = append(come, line[1:]+"\n")
		case line[0] == '@':
			flush()
			a.printf("%s\n", a.faint(line))
		default:
			flush()
			a.printf("%s\n", strings.TrimRight("  "+shorten(printable(line[1:]), longLine), " "))
		}
	}
	flush()
}

// ended is a text with an end for its last line, so that all lines have one. An empty text has no line.
func ended(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text + "\n")
}

// changedLines are the lines to print where some are gone and others have come: all of them, or what differs where they are long.
func changedLines(gone, come []string) (lines []string) {
	all := []excerpt{{strings.Join(gone, ""), strings.Join(come, "")}}
	if len(gone) > 0 && len(come) > 0 && longest(gone, come) >= longLine {
		all = excerpts(all[0].from, all[0].to)
	}
	for _, e := range all {
		for _, side := range []struct{ sign, text string }{{"- ", e.from}, {"+ ", e.to}} {
			for line := range strings.Lines(side.text) {
				lines = append(lines, side.sign+strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return lines
}

func longest(texts ...[]string) (n int) {
	for _, lines := range texts {
		for _, line := range lines {
			n = max(n, columns(strings.TrimSuffix(line, "\n")))
		}
	}
	return n
}

// excerpt is a place where two texts differ, with a few words around it.
type excerpt struct{ from, to string }

// excerpts are the places where two texts differ. Places that are close to each other are one.
func excerpts(from, to string) (all []excerpt) {
	var place excerpt
	open, before := false, ""
	for _, d := range textDiffs(from, to) {
		if d.Type != diffmatchpatch.DiffEqual {
			if !open {
				place, open = excerpt{before, before}, true
			}
			if d.Type == diffmatchpatch.DiffDelete {
				place.from += d.Text
			} else {
				place.to += d.Text
			}
			continue
		}
		before = ending(d.Text)
		if !open {
			continue
		}
		if after := beginning(d.Text); after == d.Text { // so short that what comes next is beside this place
			place.from, place.to = place.from+after, place.to+after
			continue
		} else if !wholeLines(place.from) || !wholeLines(place.to) {
			place.from, place.to = place.from+after, place.to+after
		}
		all, open = append(all, place), false
	}
	if open {
		all = append(all, place)
	}
	return all
}

func wholeLines(text string) bool { return text == "" || strings.HasSuffix(text, "\n") }

// beginning is the first words of a text, up to the end of their line.
func beginning(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if utf8.RuneCountInString(line) > beside {
		line = string([]rune(line)[:beside])
		if i := strings.LastIndexFunc(line, unicode.IsSpace); i > len(line)/2 {
			line = line[:i+1]
		}
		return line + "…"
	}
	if more {
		return line + "\n"
	}
	return line
}

// ending is the last words of a text, from the beginning of their line.
func ending(text string) string {
	line := text[strings.LastIndexByte(text, '\n')+1:]
	if runes := []rune(line); len(runes) > beside {
		line = string(runes[len(runes)-beside:])
		if i := strings.IndexFunc(line, unicode.IsSpace); i >= 0 && i < len(line)/2 {
			line = line[i:]
		}
		line = "…" + line
	}
	return line
}

// textDiffs are few and whole differences, as a person would make them.
func textDiffs(from, to string) []diffmatchpatch.Diff {
	differ := diffmatchpatch.New()
	return differ.DiffCleanupSemantic(differ.DiffMain(from, to, true))
}
