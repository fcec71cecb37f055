package identity_test

import (
	"strings"
	"testing"

	"github.com/kdelta/kdelta/identity"
)

// The table of the package documentation, row by row: what agrees gives Same,
// and each case below changes one thing or more.
func TestJudge(t *testing.T) {
	type world struct {
		db, side *identity.Instance
		file     string
		boot     string
		durable  bool
		tip      uint64
	}
	crashed := func(w *world) { w.db.Clean, w.side.Clean = false, false }
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   identity.Verdict
	}{
		{"as it was left", func(*world) {}, identity.Same},
		{"own versions that were not handed out", func(w *world) { w.tip = 100 }, identity.Same},
		{"closed in an earlier boot", func(w *world) { w.boot = "later" }, identity.Same},
		{"closed in an earlier boot, not durable", func(w *world) { w.boot, w.durable = "later", false }, identity.Same},
		{"crash", crashed, identity.Same},
		{"power loss, durable", func(w *world) { crashed(w); w.boot = "later" }, identity.Same},
		{"crash, not durable", func(w *world) { crashed(w); w.durable = false }, identity.Same},
		{"crash while opening", func(w *world) { w.db.Opens++; w.db.Clean = false }, identity.Same},
		{"two crashes while opening", func(w *world) { w.db.Opens += 2; w.db.Clean = false }, identity.Same},
		{"crash while closing", func(w *world) { w.side.Clean = false }, identity.Same},

		{"fresh database", func(w *world) { w.db, w.side = nil, nil }, identity.New},
		{"fresh database beside an old sidecar", func(w *world) { w.db = nil }, identity.New},

		{"no sidecar", func(w *world) { w.side = nil }, identity.Copied},
		{"another nonce", func(w *world) { w.side.Nonce[15]++ }, identity.Copied},
		{"another author", func(w *world) { w.side.Author[31]++ }, identity.Copied},
		{"copied with its sidecar", func(w *world) { w.file = "1:43" }, identity.Copied},
		{"a copy put in place of the file", func(w *world) { w.db.File = "1:43" }, identity.Copied},
		{"a sidecar from elsewhere", func(w *world) { w.side.File = "1:43" }, identity.Copied},
		{"a copy that is behind as well", func(w *world) { w.file, w.db.Opens = "1:43", 1 }, identity.Copied},

		{"set back before its last open", func(w *world) { w.db.Opens-- }, identity.RolledBack},
		{"set back within its last open", func(w *world) { w.db.HandedOut, w.tip = 0, 9 }, identity.RolledBack},
		{"set back to nothing", func(w *world) { w.tip = 0 }, identity.RolledBack},
		{"the database itself knows of more", func(w *world) { w.side.HandedOut, w.tip = 0, 9 }, identity.RolledBack},
		{"set back and unclean", func(w *world) { crashed(w); w.tip, w.durable, w.boot = 9, false, "later" }, identity.RolledBack},

		{"power loss, not durable", func(w *world) { crashed(w); w.boot, w.durable = "later", false }, identity.Unsure},
		{"and the sidecar was closed", func(w *world) { w.db.Clean, w.boot, w.durable = false, "later", false }, identity.Unsure},
		{"and the database was closed", func(w *world) { w.side.Clean, w.boot, w.durable = false, "later", false }, identity.Unsure},
		{"crash, not durable, no boot id", func(w *world) {
			crashed(w)
			w.boot, w.db.Boot, w.side.Boot, w.durable = "", "", "", false
		}, identity.Unsure},
		{"crash, not durable, database of an earlier boot", func(w *world) {
			crashed(w)
			w.db.Boot, w.durable = "earlier", false
		}, identity.Unsure},
		{"crash, not durable, sidecar of an earlier boot", func(w *world) {
			crashed(w)
			w.side.Boot, w.durable = "earlier", false
		}, identity.Unsure},
	} {
		i := identity.Instance{File: "1:42", Opens: 5, Boot: "now", Clean: true, Author: authorKey(1).Author(), HandedOut: 10}
		db, side := i, i
		w := world{&db, &side, "1:42", "now", true, 10}
		c.change(&w)
		got := identity.Judge(w.db, w.side, w.file, w.boot, w.durable, w.tip)
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got.KeepAuthor() != (c.want == identity.Same) {
			t.Errorf("%s: KeepAuthor = %t", c.name, got.KeepAuthor())
		}
	}
}

func TestVerdictsExplainThemselves(t *testing.T) {
	names := map[identity.Verdict]string{
		identity.New: "new", identity.Copied: "copied", identity.RolledBack: "rolled back",
		identity.Unsure: "unsure", identity.Same: "same", 0: "Verdict(0)", 9: "Verdict(9)",
	}
	seen := make(map[string]identity.Verdict)
	for v, name := range names {
		if v.String() != name {
			t.Errorf("String = %q, want %q", v.String(), name)
		}
		text := v.Explain()
		if !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") || len(text) < 30 {
			t.Errorf("%s: %q is no sentence", name, text)
		}
		if twin, ok := seen[text]; ok && v <= identity.Same && twin <= identity.Same && v != 0 && twin != 0 {
			t.Errorf("%s and %s are explained alike", v, twin)
		}
		seen[text] = v
	}
	if identity.Verdict(0).KeepAuthor() {
		t.Error("no verdict keeps the author")
	}
}
