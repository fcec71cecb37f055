package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/crdt/clock"
	"github.com/kdelta/kdelta/identity"
	"github.com/kdelta/kdelta/replica"
)

// printed is what a print function writes into a pipe.
func printed(t *testing.T, print func(*app)) string {
	t.Helper()
	var out bytes.Buffer
	a := &app{stdout: bufio.NewWriter(&out)}
	print(a)
	if err := a.flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func expectLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !strings.Contains("\n"+got, "\n"+line+"\n") {
			t.Errorf("lacks %q:\n%s", line, got)
		}
	}
}

// TestStatusCallsLinksLikePeers: the other end of a link has its name where one is known.
func TestStatusCallsLinksLikePeers(t *testing.T) {
	phone := identity.Author{1}
	node := &nodeJSON{PID: 7, Links: []linkJSON{
		{Peer: authorJSON(phone), State: "synced"},
		{Peer: authorJSON(identity.Author{2}), State: "syncing"},
	}}
	got := printed(t, func(a *app) { a.printNodeStatus(node, []replica.PeerStatus{{Author: phone, Name: "phone"}}) })
	expectLines(t, got, "node      process 7, not listening", "link      phone  synced", "link      "+authorJSON(identity.Author{2})+"  syncing")
}

func TestSyncSaysWhatWentWrong(t *testing.T) {
	rep := replica.SyncReport{
		Sent: 1, SentBytes: 10, Received: 2, ReceivedBytes: 2000, Conflicts: 1, Forks: 1, Pending: 3,
		Refused: []string{"abc@1: no \x1b[31mseal"}, Skew: -time.Hour, Copy: true, Diverged: true, Equal: true,
	}
	expectLines(t, printed(t, func(a *app) { a.printSync("b.db", rep, replica.SyncReport{Refused: []string{"theirs"}}) }),
		"b.db  sent 1 version (10 B), received 2 versions (2.0 kB), same versions, different state",
		"  1 conflict new here: kdelta conflicts",
		"  3 versions wait for what they were written on: kdelta status",
		"  1 fork: two copies of one file had written under one author; both sides are kept",
		`  refused: abc@1: no \u001b[31mseal`,
		"  refused: theirs",
		"  its clock is 1h0m0s behind ours: one of the two is wrong",
		"  it is a copy of this file: it writes under a name of its own from its next write on")
}

// Who wonders about dates in the future is told where they come from.
func TestStatusSaysWhatIsAhead(t *testing.T) {
	now := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	for ahead, said := range map[time.Duration]bool{-time.Hour: false, time.Minute: false, time.Hour: true} {
		heads := []replica.Version{
			{Stamp: clock.Stamp{Time: clock.Next(now.Add(-time.Hour).UnixMilli(), 0)}},
			{Stamp: clock.Stamp{Time: clock.Next(now.Add(ahead).UnixMilli(), 0)}},
		}
		want := ""
		if said {
			want = "clock     what is here is dated up to " + timeHuman(now.Add(ahead)) +
				", later than this machine's clock shows: what is written now is dated after it\n"
		}
		if got := printed(t, func(a *app) { a.printAhead(heads, now) }); got != want {
			t.Errorf("%v ahead: %q, want %q", ahead, got, want)
		}
	}
}

// A node that is away for a day is said to be away once, and that it is back.
func TestLinkNews(t *testing.T) {
	refused := replica.LinkStatus{State: replica.LinkOffline, Cause: errors.New("connection refused")}
	connecting := replica.LinkStatus{State: replica.LinkConnecting}
	l := &nodeLink{target: "ws://a"}
	for i, step := range []struct {
		status replica.LinkStatus
		news   bool
	}{
		{connecting, true},
		{refused, true},
		{connecting, false},
		{refused, false},
		{replica.LinkStatus{State: replica.LinkOffline, Cause: errors.New("no route to host")}, true},
		{connecting, false},
		{replica.LinkStatus{State: replica.LinkSynced}, true},
		{refused, true},
	} {
		if got := l.isNews(l.shape(step.status)); got != step.news {
			t.Errorf("step %d, %s: news %v", i, step.status.State, got)
		}
	}
}

// What is damaged is a line each, however often and over however many lines it is said.
func TestDamage(t *testing.T) {
	malformed := "store: corrupt: a.db: database disk image is malformed"
	got := printed(t, func(a *app) {
		a.printDamage([]string{malformed, "store: corrupt: a.db: *** in database main ***\nPage 62: never used", malformed})
	})
	want := "  corrupt: a.db: database disk image is malformed  2 times\n" +
		"  corrupt: a.db: *** in database main ***; Page 62: never used\n"
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestStatusSaysWhatWaitsAndWhatHappened(t *testing.T) {
	st := replica.Status{
		Forks: []replica.Fork{{Name: "laptop", Seq: 3, Branches: []string{"laptop@4 (aa)", "laptop@4 (bb)"}}},
		Notes: []string{"2026-11-24T01:02:03Z this file is a copy"},
	}
	for range maxListed + 2 {
		st.Pending = append(st.Pending, replica.PendingItem{Version: "abc@7", Versions: 2, Reason: "missing parent", Wants: "def@1"})
	}
	peers := []replica.PeerStatus{{Name: "phone", Skew: 10 * time.Minute, Note: "verify both"}}
	got := printed(t, func(a *app) { a.printTroubles(st, peers) })
	expectLines(t, got,
		"waiting   2 versions up to abc@7: missing parent, wants def@1",
		"waiting   and 2 more; kdelta --json status lists them",
		"fork      "+st.Forks[0].String(),
		"note      "+timeHuman(time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC))+"  this file is a copy")
	if !strings.Contains(got, "its clock is 10m0s ahead of ours") || !strings.Contains(got, "verify both") {
		t.Error(got)
	}
	shape := statusShape("x.db", 1, st, peers, nil)
	if len(shape.Pending) != maxListed+2 || shape.Pending[0].Wants != "def@1" || shape.Forks[0] != st.Forks[0].String() || shape.Peers[0].SkewMS != 600_000 {
		t.Errorf("%+v", shape)
	}
}

// openedShell is a shell whose database holds a/b, and that database as a process that runs on has it open.
func openedShell(t *testing.T) (*shell, *database) {
	t.Helper()
	s := newShell(t)
	s.ok("set", "a/b", "1")
	db, err := systemApp().openDatabase(t.Context(), s.db, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.closeAfter(nil); err != nil {
			t.Error(err)
		}
	})
	return s, db
}

func TestConflictsOfEveryStatus(t *testing.T) {
	_, db := openedShell(t)
	at := time.Date(2026, 11, 24, 1, 2, 3, 0, time.UTC)
	version := func(seq uint64) replica.Version {
		return replica.Version{Stamp: clock.Stamp{Time: clock.Next(at.UnixMilli(), 0), Seq: seq}}
	}
	c := replica.Conflict{
		Key: "a/b", Path: "/x", Status: replica.ConflictResolved, Why: "edit revives deleted record", ClosedBy: version(9),
		Chosen: replica.ConflictSide{Version: version(1), Value: []byte("1")},
		Others: []replica.ConflictSide{{Version: version(2), Deleted: true}},
	}
	expectLines(t, printed(t, func(a *app) { a.printConflict(t.Context(), db, c) }),
		"a/b  at /x  resolved",
		"  chosen aaaaaaaa@1  "+timeHuman(at)+"  1",
		"  hidden aaaaaaaa@2  "+timeHuman(at)+"  deleted",
		"  base   nothing",
		"  why    edit revives deleted record",
		"  closed aaaaaaaa@9")
}

// A process that runs on takes up what authors are called since.
func TestNamesOfARunningProcess(t *testing.T) {
	s, db := openedShell(t)
	v, err := db.Get(t.Context(), "a/b", new(int))
	if err != nil {
		t.Fatal(err)
	}
	if got := db.author(t.Context(), v.Author); got != v.Author.String() {
		t.Errorf("nobody gave it a name, and it is called %s", got)
	}
	s.ok("name", "laptop")
	db.named = db.named.Add(-2 * namesKept)
	if got := db.author(t.Context(), v.Author); got != "laptop" {
		t.Errorf("it is called %s", got)
	}
}

// On a terminal lanes have colours, and a drawing takes half of the width: of what is beyond only the version is shown.
func TestGraphOnATerminal(t *testing.T) {
	vertices := graphOf("h: a, g: a b, f: c, e: d, d")
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, "● \n│ ● \n├─┤ \n│ │ ● \n│ │ │ ● \n│ │ │ ● \n"},
		{80, "● \n│ ● \n├─┤ \n│ │ ● \n│ │ │ ● \n│ │ │ ● \n"},
		{12, "● \n│ ● \n├─┤ \n│ │ ● \n│ │ …● \n│ │ …● \n"},
	} {
		a := &app{width: c.width, stdoutTTY: c.width > 0}
		var plain, painted strings.Builder
		for _, row := range drawAll(vertices) {
			text, width := newGraph(a, nil).paint(row.cells)
			painted.WriteString(text)
			if text = colourCodes.ReplaceAllString(text, ""); columns(text) != width {
				t.Errorf("%q takes %d columns, not %d", text, columns(text), width)
			}
			plain.WriteString(text + "\n")
		}
		if plain.String() != c.want {
			t.Errorf("%d columns:\n%s\nwant\n%s", c.width, plain.String(), c.want)
		}
		if coloured := strings.Contains(painted.String(), "\x1b[31m●"); coloured != (c.width > 0) {
			t.Errorf("%d columns: %q", c.width, painted.String())
		}
	}
}

var colourCodes = regexp.MustCompile("\x1b\\[[0-9]*m")

// Progress bars neither hang a command nor get into its output.
func TestProgressBars(t *testing.T) {
	s := newShell(t)
	s.terminal = true
	s.stdin = strings.NewReader(strings.Repeat(`{"n":1}`+"\n", 1000))
	s.ok("import", "a", "-")
	invite := strings.TrimSpace(s.ok("invite"))
	backup := filepath.Join(t.TempDir(), "x.bak")
	for _, args := range [][]string{{"verify"}, {"backup", backup}} {
		if out := s.run(args...); out.code != exitDone || strings.Contains(out.stdout, "%") {
			t.Errorf("kdelta %s: %+v", strings.Join(args, " "), out)
		}
	}
	other := newShell(t)
	other.terminal = true
	other.ok("join", invite)
	other.ok("sync", s.db)
	restored := newShell(t)
	restored.terminal = true
	restored.ok("restore", backup)
	if restored.ok("list", "a") != s.ok("list", "a") {
		t.Error("the restored database lists other keys")
	}
}

// A file that changes between planning and writing takes the import back.
func TestImportOfAFileThatChanges(t *testing.T) {
	for later, want := range map[string]string{"[1,2]  ": "became shorter", "[1,3,2]": "changed"} {
		t.Run(want, func(t *testing.T) {
			s := newShell(t)
			s.ok("set", "a/b", "1")
			path := filepath.Join(t.TempDir(), "rows.json")
			write := func(text string) {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("[1,2,3]")
			a := systemApp()
			src, err := a.openSource(t.Context(), path, formatAuto)
			if err != nil {
				t.Fatal(err)
			}
			defer src.close()
			cmd := &importCmd{NS: "rows"}
			plan, err := cmd.plan(t.Context(), a, src)
			if err != nil {
				t.Fatal(err)
			}
			write(later)
			db, err := a.openDatabase(t.Context(), s.db, false)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.Import(t.Context(), cmd.feed(src, plan, &progress{}))
			if err = db.closeAfter(err); !errors.Is(err, errInput) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			if got := s.ok("list", "rows"); got != "" {
				t.Errorf("left %q", got)
			}
		})
	}
}
