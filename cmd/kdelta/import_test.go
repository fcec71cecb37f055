package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the keys of a file are, every record is written under a key of its own or counted as skipped.
func TestEveryRecordHasOneKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "a-2", "a-3", "b", "0001", "0002"}), 0, 12).Draw(t, "names")
		cmd := &importCmd{
			NS: "n", Key: "k",
			OnDuplicate: rapid.SampledFrom([]string{"last", "skip", "suffix"}).Draw(t, "duplicate"),
			OnMissing:   rapid.SampledFrom([]string{"skip", "number"}).Draw(t, "missing"),
		}
		p := &planner{cmd: cmd, places: map[string]places{}, unusable: &complaints{rows: map[string][]string{}}}
		for i, name := range names {
			text := `{"k":` + fmt.Sprintf("%q", name) + `}`
			rec, err := newRecord("test", fmt.Sprintf("record %d", i+1), []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			p.add(rec)
		}
		plan := p.decide()
		seen := map[string]bool{}
		written := 0
		for i, key := range plan.keys {
			if key == "" {
				continue
			}
			written++
			if seen[key] {
				t.Fatalf("two records under %q: %q → %q", key, names, plan.keys)
			}
			seen[key] = true
			if cmd.OnDuplicate == "suffix" && names[i] != "" && int(p.places[names[i]].first) == i && key != names[i] {
				t.Fatalf("record %d lost its own key %q to %q", i, names[i], key)
			}
		}
		if written != plan.records() || len(plan.keys) != len(names) {
			t.Fatalf("%d written, %d planned", written, plan.records())
		}
		for name := range p.places {
			if !seen[name] {
				t.Fatalf("nothing is written under %q", name)
			}
		}
	})
}

// What export prints comes back through import, whatever the values are.
func TestExportImportRoundTrip(t *testing.T) {
	values := rapid.MapOfN(rapid.String(), rapid.String(), 1, 5)
	for seed := range 8 {
		var lines strings.Builder
		for i := range 3 {
			value, err := json.Marshal(map[string]any{"map": values.Example(10*seed + i), "n": seed - 4, "l": []any{true, nil, 0.1}})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&lines, `{"key":"a/%d","value":%s}`+"\n", i, value)
		}
		s := newShell(t)
		s.stdin = strings.NewReader(lines.String())
		s.ok("import", "a", "-")
		first := s.ok("export")
		s.db += ".second"
		s.stdin = strings.NewReader(first)
		s.ok("import", "a", "-")
		if second := s.ok("export"); second != first {
			t.Fatalf("%s\nbecame\n%s", first, second)
		}
	}
}

func TestComplaintsNameTheirRows(t *testing.T) {
	s := newShell(t)
	s.stdin = strings.NewReader(strings.Repeat(`{"k":"same"}`+"\n", 24) + "{}\n")
	out := s.run("import", "a", "-", "--key", "k")
	want := "line 25: no field \"k\"\n" +
		"lines 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 and 3 more: a key that an earlier record has\n"
	if out.code != exitFailed || !strings.HasPrefix(out.stderr, want) {
		t.Errorf("exit code %d, %s", out.code, out.stderr)
	}
}

// A version of many edits does not fill a person's screen.
func TestLogOfALargeVersionIsShort(t *testing.T) {
	s := newShell(t)
	s.stdin = strings.NewReader(strings.Repeat(`{"n":1}`+"\n", 50))
	s.ok("import", "a", "-")
	out := s.ok("log")
	if strings.Count(out, "\n") != 1+maxListed+1 || !strings.Contains(out, "and 40 more") {
		t.Error(out)
	}
	if got := strings.Count(s.ok("--json", "log"), `"op":"put"`); got != 50 {
		t.Errorf("%d ops in JSON", got)
	}
}

// Above the limit of one version an import makes several, in one transaction.
func TestLargeImportIsSeveralVersionsAtOnce(t *testing.T) {
	s := newShell(t)
	var lines strings.Builder
	for range 30 {
		lines.WriteString(`{"text":"` + strings.Repeat("x", 100_000) + `"}` + "\n")
	}
	s.stdin = strings.NewReader(lines.String())
	out := s.ok("import", "big", "-")
	if !strings.HasPrefix(out, "30 records in ") || strings.HasPrefix(out, "30 records in 1 version") {
		t.Error(out)
	}
	// One record that can never be written takes all of them back.
	before := s.ok("--json", "log", "-n", "1")
	s.stdin = strings.NewReader(lines.String() + `{"text":"` + strings.Repeat("x", 2_000_000) + `"}` + "\n")
	if out := s.run("import", "big2", "-"); out.code != exitFailed {
		t.Errorf("exit code %d: %s%s", out.code, out.stdout, out.stderr)
	}
	if s.ok("list", "big2") != "" || s.ok("--json", "log", "-n", "1") != before {
		t.Error("a refused import left something behind")
	}
}

// What comes from a pipe is read twice, from a file that has no name: whatever ends the process, nothing stays behind.
func TestSpooledInputHasNoName(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // there an open file keeps its name; it goes when the import ends
	}
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	a := &app{stdin: strings.NewReader("[1,2]")}
	src, err := a.openSource(t.Context(), "-", formatAuto)
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
	for range 2 { // once to plan, once to write
		if rec, err := src.records().next(); err != nil || string(rec.value.AppendJSON(nil)) != "1" {
			t.Errorf("%v, %v", rec, err)
		}
	}
}

// Lines that end with a carriage return alone would be one long header, and all records would be gone.
func TestCarriageReturnsAloneAreNoLines(t *testing.T) {
	s := newShell(t)
	s.stdin = strings.NewReader("a,b\r1,2\r3,4\r")
	expectRefusal(t, s.run("import", "x", "-"), exitFailed, "save it with line feeds")
}

// A text that is no UTF-8 looks like a CSV file with one field and no records.
func TestOtherEncodingsAreRefused(t *testing.T) {
	s := newShell(t)
	s.stdin = strings.NewReader("\xff\xfe[\x00]\x00")
	expectRefusal(t, s.run("import", "x", "-"), exitFailed, "save it as UTF-8")
	s.stdin = strings.NewReader("a\n\xff\n")
	expectRefusal(t, s.run("import", "x", "-"), exitFailed, `line 2: the field "a" is no UTF-8 (it was read as CSV); save it as UTF-8`)
}

// Any text at all is the head of a CSV file: who imports the wrong file is told how it was taken.
func TestACSVFileWithoutRecordsIsPointedOut(t *testing.T) {
	s := newShell(t)
	s.stdin = strings.NewReader("hello\n")
	out := s.run("import", "x", "-")
	if out.code != exitDone || out.stdout != "0 records in 0 versions\n" || !strings.Contains(out.stderr, "read as CSV: one line that names fields, and no record") {
		t.Errorf("%+v", out)
	}
}

// Others can see the versions of a large import one by one, and the report says so.
func TestLargeImportSaysThatItHasSeveralVersions(t *testing.T) {
	s := newShell(t)
	row := `{"x":"` + strings.Repeat("x", 600<<10) + `"}` + "\n"
	s.stdin = strings.NewReader(row + row)
	out := s.run("import", "x", "-")
	if !strings.HasPrefix(out.stdout, "2 records in 2 versions: ") || !strings.Contains(out.stderr, "may see the 2 versions one after another") {
		t.Errorf("%+v", out)
	}
}
