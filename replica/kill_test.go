package replica_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kdelta/kdelta/replica"
)

var killSeed = flag.Uint64("kill-seed", 1, "seed of the instants at which processes are killed")

// childWork writes to PATH until it is killed, by the draws of SEED, and prints the id of each version that was
// acknowledged.
func childWork(args []string) error {
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	f, err := openFile(args[0])
	if err != nil {
		return err
	}
	draw := rand.New(rand.NewPCG(seed, 1))
	fmt.Println("ready")
	for {
		v, err := drawnWrite(context.Background(), f.Replica, draw)
		if err != nil {
			return err
		}
		if !v.IsZero() {
			fmt.Println("acked", v.ID)
		}
	}
}

// drawnWrite makes one write of any kind.
func drawnWrite(ctx context.Context, r *replica.Replica, draw *rand.Rand) (replica.Version, error) {
	n := draw.IntN(20)
	switch draw.IntN(6) {
	case 0:
		return r.Add(ctx, fmt.Sprint("counters/", n), int64(draw.IntN(100)))
	case 1:
		return r.SetAdd(ctx, fmt.Sprint("sets/", n), []any{draw.IntN(9), "x"})
	case 2:
		v, err := r.Delete(ctx, fmt.Sprint("notes/", n))
		if errors.Is(err, replica.ErrNotFound) {
			err = nil
		}
		return v, err
	case 3:
		return r.Update(ctx, func(tx *replica.Tx) error {
			return errors.Join(
				tx.Set(fmt.Sprint("notes/", n), map[string]any{"pair": draw.IntN(1000)}),
				tx.Add("counters/updates", 1),
			)
		})
	default:
		return r.Set(ctx, fmt.Sprint("notes/", n), strings.Repeat("text ", draw.IntN(200)))
	}
}

// childSync syncs the files A and B until it is killed, with writes on both between: A B SEED.
func childSync(args []string) error {
	ctx := context.Background()
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	var pair [2]*fileReplica
	for i := range pair {
		if pair[i], err = openFile(args[i]); err != nil {
			return err
		}
	}
	draw := rand.New(rand.NewPCG(seed, 2))
	fmt.Println("ready")
	for {
		if _, _, err := replica.SyncPair(ctx, pair[0].Replica, pair[1].Replica); err != nil {
			return err
		}
		for range 1 + draw.IntN(4) {
			v, err := drawnWrite(ctx, pair[draw.IntN(2)].Replica, draw)
			if err != nil {
				return err
			}
			if !v.IsZero() {
				fmt.Println("acked", v.ID)
			}
		}
	}
}

// killRun is two files of one space and what was acknowledged in them.
type killRun struct {
	t     *testing.T
	draw  *rand.Rand
	paths [2]string
	acked map[string]bool
}

// Whenever a process dies that writes or syncs: what it acknowledged is there, and both files go on.
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	kills, patience := 200, 35*time.Second
	if testing.Short() {
		kills = 20
	}
	folder := t.TempDir()
	k := &killRun{
		t: t, draw: rand.New(rand.NewPCG(*killSeed, 0)), acked: map[string]bool{},
		paths: [2]string{filepath.Join(folder, "a.db"), filepath.Join(folder, "b.db")},
	}
	a := onFile(t, k.paths[0])
	wrote(t)(a.Set(t.Context(), "notes/first", 1))
	b := joinedFile(t, k.paths[1], a.Replica)
	syncPair(t, a.Replica, b.Replica)
	closeFile(t, a)
	closeFile(t, b)
	end := time.Now().Add(patience)
	done := 0
	for ; done < kills && time.Now().Before(end); done++ {
		newest := k.kill(done)
		k.reopen(newest, done%25 == 24)
		if t.Failed() {
			t.Fatalf("after kill %d of seed %d", done, *killSeed)
		}
	}
	k.reopen(nil, true)
	t.Logf("seed %d: %d kills, %d acknowledged writes", *killSeed, done, len(k.acked))
	if len(k.acked) < done/2 {
		t.Errorf("%d acknowledged writes in %d kills, of which a third waited for one and a third for two", len(k.acked), done)
	}
}

// kill runs a child and kills it; it returns the ids of the versions that were acknowledged until then.
func (k *killRun) kill(cycle int) []string {
	k.t.Helper()
	seed := strconv.FormatUint(k.draw.Uint64(), 10)
	after := time.Duration(1000+k.draw.IntN(29_000)) * time.Microsecond
	behind := k.draw.IntN(3) // as many acknowledged writes, however slow the machine is
	work, args := "work", []string{k.paths[k.draw.IntN(2)], seed}
	if cycle%2 == 1 {
		work, args = "sync", []string{k.paths[0], k.paths[1], seed}
	}
	cmd, lines := startChild(k.t, work, args...)
	newest := k.ackedBy(lines, behind, func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		k.t.Fatalf("the child ended by itself: %v", err)
	}
	return newest
}

// ackedBy reads what a child prints; begun is called when it works and has acknowledged some writes.
func (k *killRun) ackedBy(lines *bufio.Scanner, writes int, begun func()) (ids []string) {
	for lines.Scan() {
		// The last line may be torn.
		id, ok := strings.CutPrefix(lines.Text(), "acked ")
		if ok = ok && len(id) == 64; ok {
			k.acked[id] = true
			ids = append(ids, id)
		}
		if (ok || lines.Text() == "ready") && len(ids) == writes {
			begun()
		}
	}
	return ids
}

// reopen opens both files and syncs them: all that was acknowledged is in both, and they show the same. A look at
// everything takes longer than one at the newest versions.
func (k *killRun) reopen(newest []string, everything bool) {
	t := k.t
	t.Helper()
	a, b := onFile(t, k.paths[0]), onFile(t, k.paths[1])
	defer closeFile(t, b)
	defer closeFile(t, a)
	here := [2]map[string]bool{k.newest(a.Replica), k.newest(b.Replica)}
	for _, id := range newest {
		if !here[0][id] && !here[1][id] {
			t.Errorf("version %s was acknowledged and is lost", id)
		}
	}
	syncPair(t, a.Replica, b.Replica)
	sa, err := a.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sb, err := b.Status(t.Context())
	if err != nil || sa.StateDigest != sb.StateDigest || sa.Versions != sb.Versions {
		t.Errorf("after a sync the states are %x and %x, %v", sa.StateDigest, sb.StateDigest, err)
	}
	if len(sa.Forks)+len(sa.Pending)+len(sb.Forks)+len(sb.Pending) > 0 {
		t.Errorf("forks %v %v, pending %v %v", sa.Forks, sb.Forks, sa.Pending, sb.Pending)
	}
	if !everything {
		return
	}
	sameState(t, a.Replica, b.Replica)
	for _, r := range []*replica.Replica{a.Replica, b.Replica} {
		all := historyOf(t, r)
		for id := range k.acked {
			if _, ok := all[id]; !ok {
				t.Errorf("version %s was acknowledged and is lost", id)
			}
		}
		showsTheLog(t, r)
	}
}

// newest are the ids of the newest versions of a file, more than a child can write.
func (k *killRun) newest(r *replica.Replica) map[string]bool {
	ids := map[string]bool{}
	for e, err := range r.Log(k.t.Context(), "", replica.LogQuery{Limit: 500}) {
		if err != nil {
			k.t.Fatal(err)
		}
		ids[e.ID.String()] = true
	}
	return ids
}
