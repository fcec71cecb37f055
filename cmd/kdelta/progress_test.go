package main

import (
	"bytes"
	"strings"
	"testing"
)

// On a terminal a progress is a bar that goes where it is told; elsewhere it is nothing.
func TestProgress(t *testing.T) {
	a := &app{stderr: &bytes.Buffer{}, stderrTTY: true}
	p := a.progress("sync", 0)
	p.at(0, 500)
	p.at(40, 500)
	if got := p.bar.Current(); got != 40 {
		t.Errorf("the bar stands at %d, want 40", got)
	}
	p.at(500, 500)
	if p.bar.Completed() {
		t.Error("the bar is gone before its end was told")
	}
	p.end()

	var out bytes.Buffer
	quiet := (&app{stderr: &out}).progress("sync", 0)
	quiet.at(1, 2)
	quiet.end()
	if quiet.bar != nil || out.Len() > 0 {
		t.Errorf("without a terminal it shows %q", out.String())
	}
}

// A sync in front of a person says on standard output what it says elsewhere.
func TestSyncInFrontOfAPerson(t *testing.T) {
	s, other := newShell(t), newShell(t)
	s.terminal = true
	s.ok("set", "a/1", "1")
	invite := strings.TrimSpace(s.ok("invite"))
	other.ok("join", invite)
	if out := s.ok("sync", other.db); !strings.Contains(out, "sent 1 version") {
		t.Errorf("sync prints %q", out)
	}
	if got := other.ok("get", "a/1"); got != "1\n" {
		t.Errorf("the other side shows %q", got)
	}
}
