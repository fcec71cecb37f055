package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	killSeed = flag.Uint64("kill-seed", 1, "seed of the instants at which processes are killed")
	killGoal = flag.Int("kills", 200, "how many processes are killed")
)

// killPatience bounds the kill test for each process that it is to kill: it stops at the first that is reached.
const killPatience = 150 * time.Millisecond

// writeUntilKilled is the child: kdelta set, again and again, each acknowledged on standard output once the command
// itself has printed its version.
func writeUntilKilled() {
	db, namespace := os.Args[1], os.Args[2]
	for i := 0; ; i++ {
		key := fmt.Sprintf("%s/%05d", namespace, i)
		if code := run([]string{"--db", db, "set", key, fmt.Sprint(i)}, systemApp()); code != exitDone {
			os.Exit(code)
		}
		fmt.Println("written " + key)
	}
}

// Nothing that was acknowledged is lost, whenever the process dies.
func TestKilledAtAnyInstant(t *testing.T) {
	goal := *killGoal
	if testing.Short() {
		goal = 20
	}
	k := newKillTest(t)
	end := time.Now().Add(time.Duration(goal) * killPatience)
	for round := 0; k.killed < goal && time.Now().Before(end); round++ {
		db := k.files[k.random.IntN(len(k.files))]
		switch round % 7 {
		case 0, 1:
			k.killWriter(db, round)
		case 2:
			k.killImport(db, round)
		case 3:
			k.killSync(db)
		case 4:
			k.killSoon(exec.Command("kdelta", "--db", db, "compact"))
		case 5:
			k.killNode(db)
		default:
			k.killFirstWrite(round)
		}
		if round%40 == 39 {
			k.check()
		}
	}
	k.check()
	k.meet()
	t.Logf("seed %d: %d processes killed, %d ended before; %d acknowledged writes; pace %s", *killSeed, k.killed, k.spared, k.acked(), k.pace)
}

type killTest struct {
	t      *testing.T
	random *rand.Rand
	files  []string
	// written holds the acknowledged keys of each file, imported the namespaces that an import was killed in.
	written  map[string][]string
	imported []string
	// killed and spared count the processes that died and those that were done before.
	killed, spared int
	// pace is about how long one run of the command takes here and now: the instants are spread over it.
	pace time.Duration
}

// newKillTest makes two files of one space.
func newKillTest(t *testing.T) *killTest {
	k := &killTest{t: t, random: rand.New(rand.NewPCG(*killSeed, 0)), written: map[string][]string{}}
	folder := t.TempDir()
	k.files = []string{filepath.Join(folder, "a.db"), filepath.Join(folder, "b.db")}
	a, b := k.shell(0), k.shell(1)
	a.ok("set", "first/write", "1")
	b.ok("join", strings.TrimSpace(a.ok("invite")))
	b.ok("sync", a.db)
	begin := time.Now()
	if err := exec.Command("kdelta", "--db", a.db, "sync", b.db).Run(); err != nil {
		t.Fatal(err)
	}
	k.pace = time.Since(begin)
	return k
}

func (k *killTest) shell(i int) *shell {
	return &shell{t: k.t, db: k.files[i], stdin: strings.NewReader("")}
}

// killWriter kills a process that writes. The instant may be before its first write as well.
func (k *killTest) killWriter(db string, cycle int) {
	cmd := exec.Command("kdelta-writer", db, fmt.Sprintf("w%04d", cycle))
	out, err := cmd.StdoutPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	k.start(cmd)
	defer time.AfterFunc(k.instant(3), func() { _ = cmd.Process.Kill() }).Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if key, ok := strings.CutPrefix(lines.Text(), "written "); ok {
			k.written[db] = append(k.written[db], key)
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
		k.t.Fatalf("the writer ended by itself: %v", err)
	}
	k.killed++
}

// killSync kills a process that syncs one file with the other.
func (k *killTest) killSync(db string) {
	k.killSoon(exec.Command("kdelta", "--db", db, "sync", k.other(db)))
}

// killNode kills a node while another process syncs with it over a websocket, which may fail then.
func (k *killTest) killNode(db string) {
	node := exec.Command("kdelta", "--db", db, "start", "--listen", "127.0.0.1:0")
	k.start(node)
	var told nodeJSON
	for end := time.Now().Add(scriptPatience); told.PID != node.Process.Pid || told.Listening == ""; time.Sleep(time.Millisecond) {
		if text, err := os.ReadFile(db + nodeSuffix); err == nil {
			_ = json.Unmarshal(text, &told) // it may be another node's, or half of it
		}
		if time.Now().After(end) {
			k.t.Fatal("the node never listened")
		}
	}
	client := exec.Command("kdelta", "--db", k.other(db), "sync", told.Listening)
	k.start(client)
	defer time.AfterFunc(k.instant(2), func() { _ = node.Process.Kill() }).Stop()
	_ = client.Wait()
	if err := node.Wait(); node.ProcessState.Exited() {
		k.t.Fatalf("the node ended by itself: %v", err)
	}
	k.killed++
}

func (k *killTest) other(db string) string {
	if db == k.files[0] {
		return k.files[1]
	}
	return k.files[0]
}

// importRows is how many records a killed import has.
const importRows = 300

// killImport kills a process that imports: all of its records are there afterwards or none.
func (k *killTest) killImport(db string, cycle int) {
	namespace := fmt.Sprintf("i%04d", cycle)
	cmd := exec.Command("kdelta", "--db", db, "import", namespace, "-")
	cmd.Stdin = strings.NewReader(strings.Repeat(`{"some":"record"}`+"\n", importRows))
	k.imported = append(k.imported, namespace)
	k.killSoon(cmd)
}

// killFirstWrite kills the process that makes a database. The next one makes it, or goes on with it.
func (k *killTest) killFirstWrite(cycle int) {
	s := &shell{t: k.t, db: filepath.Join(filepath.Dir(k.files[0]), fmt.Sprintf("n%04d.db", cycle)), stdin: strings.NewReader("")}
	k.killSoon(exec.Command("kdelta", "--db", s.db, "set", "a/first", "1"))
	s.ok("set", "a/second", "2")
	if list := s.ok("list", "a"); list != "a/second\n" && list != "a/first\na/second\n" {
		k.t.Fatal(list)
	}
	if out := s.ok("verify"); !strings.Contains(out, "nothing is damaged") {
		k.t.Fatal(out)
	}
}

// killSoon runs a command that ends by itself unless it is killed before.
func (k *killTest) killSoon(cmd *exec.Cmd) {
	k.start(cmd)
	defer time.AfterFunc(k.instant(2), func() { _ = cmd.Process.Kill() }).Stop()
	switch err := cmd.Wait(); {
	case err == nil:
		k.spared++
	case cmd.ProcessState.Exited():
		k.t.Fatalf("%v failed: %v", cmd.Args[3:], err)
	default:
		k.killed++
	}
}

func (k *killTest) start(cmd *exec.Cmd) {
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
}

// instant is a random one within so many paces from now.
func (k *killTest) instant(paces int64) time.Duration {
	return time.Duration(k.random.Int64N(paces * int64(k.pace)))
}

// check verifies both files and looks for everything that was acknowledged in them.
func (k *killTest) check() {
	for i, file := range k.files {
		s := k.shell(i)
		if out := s.ok("verify"); !strings.Contains(out, "nothing is damaged") {
			k.t.Fatal(out)
		}
		exported := k.expect(s, k.written[file])
		for _, namespace := range k.imported {
			if n := strings.Count(exported, `{"key":"`+namespace+"/"); n != 0 && n != importRows {
				k.t.Fatalf("%d of %d records of a killed import are there (seed %d)", n, importRows, *killSeed)
			}
		}
	}
}

// expect looks for keys in what a file holds, and returns that.
func (k *killTest) expect(s *shell, keys []string) (exported string) {
	exported = s.ok("export")
	for _, key := range keys {
		if !strings.Contains(exported, `{"key":"`+key+`",`) {
			k.t.Fatalf("%s was acknowledged and is lost (seed %d)", key, *killSeed)
		}
	}
	return exported
}

// meet syncs the two once more: both hold everything, equal to the byte.
func (k *killTest) meet() {
	a, b := k.shell(0), k.shell(1)
	if out := a.ok("sync", b.db); !strings.Contains(out, "in sync") {
		k.t.Fatal(out)
	}
	for _, keys := range k.written {
		k.expect(a, keys)
		k.expect(b, keys)
	}
	if a.ok("export") != b.ok("export") {
		k.t.Fatal("the two differ after a sync")
	}
}

func (k *killTest) acked() int {
	n := 0
	for _, keys := range k.written {
		n += len(keys)
	}
	return n
}
