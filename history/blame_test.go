package history_test

import (
	"strings"
	"testing"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/internal/canon"
)

func value(json string) canon.Value {
	if json == "" {
		return nil
	}
	return must(canon.FromJSON([]byte(json)))
}

// TestBlame gives each leaf the version since which it has been as it is.
func TestBlame(t *testing.T) {
	cases := map[string]struct {
		newestFirst []string // the version of the first has seq 1, and so on
		want        string
		read        int
	}{
		"no value":           {[]string{}, "", 0},
		"deleted":            {[]string{"", "1"}, "", 1},
		"scalar":             {[]string{"1", "2"}, "@1=1", 2},
		"unchanged to start": {[]string{"1", "1", "1"}, "@3=1", 3},
		"rewritten equal":    {[]string{`{"a":1,"b":2}`, `{"a":1}`, `{"a":3}`, `{}`}, "/a@2=1 /b@1=2", 3},
		"back and forth":     {[]string{`{"a":1}`, `{"a":2}`, `{"a":1}`}, "/a@1=1", 2},
		"deleted between":    {[]string{`{"a":1}`, "", `{"a":1}`}, "/a@1=1", 2},
		"nested, empty":      {[]string{`{"a":{"x":1,"y":{}}}`, `{"a":{"y":{}}}`, `{"a":5}`}, "/a/x@1=1 /a/y@2={}", 3},
		"array is one":       {[]string{`{"a":[1,2]}`, `{"a":[1]}`}, "/a@1=[1,2]", 2},
		"object then leaf":   {[]string{`{"a":1}`, `{"a":{"b":1}}`}, "/a@1=1", 2},
	}
	for name, c := range cases {
		read := 0
		past := func(yield func(clock.Stamp, canon.Value) bool) {
			for i, json := range c.newestFirst {
				read++
				if !yield(clock.Stamp{Seq: uint64(i + 1)}, value(json)) {
					return
				}
			}
		}
		var got []string
		for _, l := range history.Blame(past) {
			got = append(got, l.Pointer+"@"+string(rune('0'+l.Stamp.Seq))+"="+string(l.Value.AppendJSON(nil)))
		}
		if strings.Join(got, " ") != c.want || read != c.read {
			t.Errorf("%s: %v after %d values, want %s after %d", name, got, read, c.want, c.read)
		}
	}
}

// TestCuts is what cuts at clocks and at times hold.
func TestCuts(t *testing.T) {
	at := history.CutAt(history.NewClock(history.Mark{Line: 2, Seq: 5}, history.Mark{Line: 2, Seq: 4}, history.Mark{Line: 1}))
	until := history.CutAtTime(100)
	cases := []struct {
		cut  history.Cut
		line history.Line
		seq  uint64
		time clock.Time
		want bool
	}{
		{at, 2, 5, 1000, true},
		{at, 2, 6, 1, false},
		{at, 1, 1, 1, false},
		{until, 7, 9, 100, true},
		{until, 7, 9, 101, false},
		{history.Cut{}, 0, 1, 1, false},
	}
	for _, c := range cases {
		if got := c.cut.Contains(c.line, c.seq, c.time); got != c.want {
			t.Errorf("%+v contains %d@%d: %v", c.cut, c.line, c.seq, got)
		}
	}
}
