package sequence

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawListEdit draws an edit of a list of n elements; each that it puts in is another one.
func drawListEdit(t *rapid.T, n int, name string) (e ListEdit) {
	put := func(k int) {
		for i := range k {
			e.Elements = append(e.Elements, []byte(name+strconv.Itoa(i)))
		}
	}
	e.Kind = rapid.SampledFrom([]ListKind{ListSplice, ListMove, ListReplace}).Draw(t, name)
	if n == 0 {
		e.Kind = ListSplice
	}
	switch e.Kind {
	case ListMove:
		e.Pos, e.To = rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
	case ListReplace:
		e.Pos = rapid.IntRange(0, n-1).Draw(t, "pos")
		put(1)
	default:
		e.Pos = rapid.IntRange(0, n).Draw(t, "pos")
		e.Removed = rapid.IntRange(0, n-e.Pos).Draw(t, "removed")
		put(rapid.IntRange(0, 2).Draw(t, "inserted"))
	}
	return e
}

// TestRebase: an edit and others that its author had not seen come to the same list, whichever are done first. No element is lost
// that nobody took out, and none that somebody took out is there.
func TestRebase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(0, 6).Draw(t, "length")]
		e := drawListEdit(t, len(list), "own")
		theirs := list
		var others []ListEdit
		for i := range rapid.IntRange(0, 4).Draw(t, "others") {
			o := drawListEdit(t, len(theirs), "other "+strconv.Itoa(i)+" ")
			others, theirs = append(others, o), replayList(theirs, []ListEdit{o})
		}
		moved, rest := e.Rebase(others)
		own := replayList(list, []ListEdit{e})
		first, second := replayList(theirs, moved), replayList(own, rest)
		if !slices.Equal(first, second) {
			t.Fatalf("%v and %v: %v, or %v", e, others, first, second)
		}
		for _, element := range list {
			kept := slices.Contains(own, element) && slices.Contains(theirs, element)
			if got := slices.Contains(first, element); got != kept {
				t.Fatalf("%v and %v: %v has %s: %t, want %t", e, others, first, element, got, kept)
			}
		}
		for _, element := range e.Elements {
			if e.Kind == ListSplice && !slices.Contains(first, string(element)) {
				t.Fatalf("%v and %v lose %s: %v", e, others, element, first)
			}
		}
		if all := slices.Sorted(slices.Values(first)); len(slices.Compact(all)) != len(first) {
			t.Fatalf("%v and %v: %v has something twice", e, others, first)
		}
	})
}

// TestRebaseSays what becomes of an edit, and what is left of the others.
func TestRebaseSays(t *testing.T) {
	splice := func(pos, removed int, elements ...string) ListEdit {
		e := ListEdit{Pos: pos, Removed: removed}
		for _, element := range elements {
			e.Elements = append(e.Elements, []byte(element))
		}
		return e
	}
	move := func(from, to int) ListEdit { return ListEdit{Kind: ListMove, Pos: from, To: to} }
	replace := func(pos int, element string) ListEdit {
		return ListEdit{Kind: ListReplace, Pos: pos, Elements: [][]byte{[]byte(element)}}
	}
	for name, c := range map[string]struct {
		own    ListEdit
		others []ListEdit
		want   string // of abcdef
		edits  int    // how many the own one has become
	}{
		"behind an insert":              {splice(3, 1, "X"), []ListEdit{splice(0, 1, "1", "2")}, "12bcXef", 1},
		"at one place":                  {splice(3, 0, "X"), []ListEdit{splice(3, 0, "1")}, "abc1Xdef", 1},
		"around what was put in":        {splice(1, 4, "X"), []ListEdit{splice(3, 0, "1")}, "aX1f", 2},
		"of what is gone":               {splice(1, 2), []ListEdit{splice(0, 4)}, "ef", 0},
		"in the place of what is gone":  {splice(1, 2, "X"), []ListEdit{splice(0, 4)}, "Xef", 1},
		"of what was moved":             {splice(1, 2), []ListEdit{move(2, 5)}, "adef", 2},
		"beside what was moved there":   {splice(3, 1, "X"), []ListEdit{move(0, 2)}, "bcaXef", 1},
		"a move to behind what was put": {move(0, 3), []ListEdit{splice(4, 0, "1")}, "bcd1aef", 1},
		"a move of what is gone":        {move(0, 3), []ListEdit{splice(0, 2)}, "cdef", 0},
		"a move of what is gone, twice": {move(0, 1), []ListEdit{splice(0, 1), splice(4, 1, "1")}, "bcde1", 0},
		"a move of what was moved":      {move(0, 3), []ListEdit{move(0, 5)}, "bcdaef", 1},
		"a move to where it was moved":  {move(0, 3), []ListEdit{move(0, 3)}, "bcdaef", 0},
		"a move of what was replaced":   {move(0, 3), []ListEdit{replace(0, "1")}, "bcd1ef", 1},
		"another value of what moved":   {replace(0, "X"), []ListEdit{move(0, 3)}, "bcdXef", 1},
		"another value":                 {replace(0, "X"), []ListEdit{replace(0, "1")}, "Xbcdef", 1},
		"a value of what is gone":       {replace(1, "X"), []ListEdit{splice(0, 2)}, "cdef", 0},
		"one after the other":           {splice(2, 2), []ListEdit{move(3, 0), splice(1, 1), move(4, 0)}, "fbe", 2},
	} {
		list := []string{"a", "b", "c", "d", "e", "f"}
		moved, rest := c.own.Rebase(c.others)
		got := replayList(replayList(list, c.others), moved)
		told := replayList(replayList(list, []ListEdit{c.own}), rest)
		if strings.Join(got, "") != c.want || !slices.Equal(told, got) || len(moved) != c.edits {
			t.Errorf("%s: %v by %v, and %v by %v; want %s by %d edits", name, got, moved, told, rest, c.want, c.edits)
		}
	}
}
