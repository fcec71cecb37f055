package replica_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/replica"
	"github.com/kdelta/kdelta/store/memory"
)

// noNames are texts that nobody can be called: they would not fit into a line, or into a point.
var noNames = map[string]string{
	"too long":       strings.Repeat("ü", replica.MaxName/2+1),
	"two lines":      "lap\ntop",
	"an escape":      "\x1b[31mlaptop",
	"no UTF-8":       "lap\xfftop",
	"a space":        " ",
	"space in front": " laptop",
	"space behind":   "laptop\u00a0",
	"a range":        "lap..top",
	"a key":          "lap/top",
}

func TestNamesThatAreNone(t *testing.T) {
	p := newPair(t)
	p.do(p.a.SetName(t.Context(), strings.Repeat("ü", replica.MaxName/2), "Ada Lovelace"))
	before := statusOf(t, p.a)
	for what, name := range noNames {
		for _, names := range [][2]string{{name, "Ada"}, {"laptop", name}} {
			if _, err := p.a.SetName(t.Context(), names[0], names[1]); !errors.Is(err, replica.ErrName) {
				t.Errorf("%s: SetName(%q) returned %v, want ErrName", what, names, err)
			}
		}
	}
	if after := statusOf(t, p.a); after.Versions != before.Versions || after.AuthorName != before.AuthorName {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// TestNamesThatAMemberInvents: what stands in a record as a name and can be none is not shown.
func TestNamesThatAMemberInvents(t *testing.T) {
	r, err := replica.Open(t.Context(), memory.New(), replica.Options{Wall: standing(pairStart)})
	if err != nil {
		t.Fatal(err)
	}
	wrote(t)(r.Set(t.Context(), "a/1", 1))
	h := newHostile(t, r)
	who := h.key.Author()
	h.pushGood(h.put(".author/"+who.Full(), `{"device":"lap\ntop","person":"Ada"}`, nil))
	h.handTo(r)
	if device, person := r.Name(t.Context(), who); device != "" || person != "Ada" {
		t.Errorf("it is called %q of %q", device, person)
	}
	if name := r.AuthorName(t.Context(), who); name != who.String() {
		t.Errorf("it is called %q, want %s", name, who)
	}
}
