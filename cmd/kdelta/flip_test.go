package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

var flips = flag.Int("flips", 150, "how many bits of a database file are flipped, one at a time")

// TestFlippedBitOfAFile: whatever bit of a database file is flipped, verify says that something is damaged, or everything that can be
// read is as it was: the bit was in room that nothing stands in. No command ends in a panic.
func TestFlippedBitOfAFile(t *testing.T) {
	n := *flips
	if testing.Short() {
		n = 30
	}
	s := newShell(t)
	films := filepath.Join(t.TempDir(), "films.jsonl")
	var records bytes.Buffer
	for i := range 300 {
		fmt.Fprintf(&records, "{\"title\":\"Film %d\",\"year\":%d,\"by\":{\"name\":\"Director %d\"}}\n", i, 1950+i%70, i%40)
	}
	if err := os.WriteFile(films, records.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.ok("namespace", "films", "--strategy", "fields")
	s.ok("import", "films", films)
	for i := range 40 {
		s.ok("set", "films/001", fmt.Sprintf(`{"title":"Film","year":%d}`, i))
	}
	s.ok("add", "stats/films", "300")
	s.ok("compact")
	s.ok("set", "notes/last", `"not packed"`)
	whole, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}
	read := func(s *shell) string {
		return s.run("export").stdout + s.run("--json", "log").stdout + s.run("--json", "conflicts", "--all").stdout
	}
	want := read(s)
	random := rand.New(rand.NewPCG(4, 2))
	found := 0
	for i := range n {
		at, bit := random.IntN(len(whole)), byte(1)<<random.IntN(8)
		bad := &shell{t: t, db: filepath.Join(t.TempDir(), "bad.db")}
		flipped := bytes.Clone(whole)
		flipped[at] ^= bit
		if err := os.WriteFile(bad.db, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if bad.run("verify").code != exitDone {
			found++
			continue
		}
		if got := read(bad); got != want {
			t.Errorf("flip %d, bit %08b of byte %d of %d: verify finds nothing, and something else is read", i, bit, at, len(whole))
		}
		if err := os.Remove(bad.db); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d flips were found in a file of %d bytes; the others changed nothing", found, n, len(whole))
	if found < n/2 {
		t.Errorf("no more than %d of %d flips were found", found, n)
	}
}
