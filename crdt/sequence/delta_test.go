package sequence

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawDelta draws what one author does to a text, a few edits.
func drawDelta(t *rapid.T, text, name string) Delta {
	runes := []rune(text)
	var edits []Edit
	for range rapid.IntRange(0, 4).Draw(t, name) {
		pos := rapid.IntRange(0, len(runes)).Draw(t, "pos")
		removed := rapid.IntRange(0, len(runes)-pos).Draw(t, "removed")
		inserted := rapid.SampledFrom([]string{"", name, name + "é🙂"}).Draw(t, "inserted")
		edits = append(edits, Edit{Pos: pos, Removed: removed, Text: inserted})
		runes = slices.Replace(runes, pos, pos+removed, []rune(inserted)...)
	}
	delta := Compose(edits)
	if got := deltaOf(text, delta); got != string(runes) {
		t.Fatalf("%v composes to %v, which makes %q of %q, want %q", edits, delta, got, text, string(runes))
	}
	return delta
}

// TestAfter: two deltas of one text come to the same, whichever is done first.
func TestAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("aé🙂")), 0, 6, -1).Draw(t, "text")
		a, b := drawDelta(t, text, "A"), drawDelta(t, text, "B")
		first := deltaOf(deltaOf(text, b), a.After(b, true))
		if second := deltaOf(deltaOf(text, a), b.After(a, false)); first != second {
			t.Fatalf("%v and %v: %q, or %q", a, b, first, second)
		}
	})
}

// TestAfterSays where things go.
func TestAfterSays(t *testing.T) {
	at := func(pos, removed int, text string) Delta {
		return Compose([]Edit{{Pos: pos, Removed: removed, Text: text}})
	}
	for name, c := range map[string]struct {
		a, b  Delta
		first bool
		want  string // of "abcdef" after b
	}{
		"behind an insert":         {at(3, 0, "X"), at(0, 0, "12"), false, "12abcXdef"},
		"before one":               {at(0, 0, "X"), at(3, 0, "12"), false, "Xabc12def"},
		"at one place":             {at(3, 0, "X"), at(3, 0, "12"), false, "abc12Xdef"},
		"at one place, first":      {at(3, 0, "X"), at(3, 0, "12"), true, "abcX12def"},
		"into what was taken out":  {at(3, 0, "X"), at(1, 4, ""), false, "aXf"},
		"what was taken out":       {at(2, 2, ""), at(1, 2, ""), false, "aef"},
		"around what was put in":   {at(1, 4, ""), at(3, 0, "12"), false, "a12f"},
		"instead of what was gone": {at(1, 2, "X"), at(0, 6, "12"), false, "X12"},
	} {
		if got := deltaOf(deltaOf("abcdef", c.b), c.a.After(c.b, c.first)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
